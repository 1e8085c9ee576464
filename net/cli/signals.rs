//! Being asked to end: Ctrl-C, and the signal that a system sends to whatever is to stop.

use std::io;
use std::process::exit;
use std::thread;

use tokio::runtime::Builder;

/// The exit code of a process that was asked a second time, as shells have it of one that Ctrl-C has ended.
const IMPATIENT: i32 = 130;

/// Does this when the process is asked to end. Asked again, it ends at once.
pub(super) fn on_request_to_end(act: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let runtime = Builder::new_current_thread().enable_io().build()?;
    let mut requests = {
        let _context = runtime.enter();
        Requests::new()?
    };
    let wait = move || {
        runtime.block_on(requests.next());
        act();
        runtime.block_on(requests.next());
        exit(IMPATIENT);
    };
    let thread = thread::Builder::new().name("tenter-signals".into());
    thread.spawn(wait).map(drop)
}

#[cfg(unix)]
struct Requests {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Requests {
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) {
        use std::future::poll_fn;
        use std::task::Poll;
        poll_fn(|context| {
            let asked = self.interrupt.poll_recv(context).is_ready()
                || self.terminate.poll_recv(context).is_ready();
            if asked {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
        .await;
    }
}

#[cfg(not(unix))]
struct Requests;

#[cfg(not(unix))]
impl Requests {
    fn new() -> io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            // Nobody can ask: for ever.
            std::future::pending::<()>().await;
        }
    }
}

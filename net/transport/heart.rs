//! Showing that this side is alive, and noticing that the other one is not.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use tokio::time::sleep_until;

use super::clock::nanos;
use super::handler::Handler;
use super::hub::{Core, Links};
use super::link::Shared;
use super::lost::Lost;

/// A thread of its own that sends heartbeats, whatever keeps the others busy. Dropping it ends the thread.
#[derive(Debug)]
pub(super) struct Heart(#[expect(dead_code, reason = "the thread ends with it")] Sender<()>);

impl Heart {
    pub(super) fn start(name: &str, links: Arc<Links>, every: Duration) -> io::Result<Self> {
        let (alive, ended) = channel();
        let thread = thread::Builder::new().name(format!("{name}-heart"));
        thread.spawn(move || beat(&links, every, &ended))?;
        Ok(Self(alive))
    }
}

fn beat(links: &Links, every: Duration, ended: &Receiver<()>) {
    while ended.recv_timeout(every) == Err(RecvTimeoutError::Timeout) {
        links.all().iter().for_each(|shared| shared.beat());
    }
}

/// Looks, on the hub's thread, for connections that have been silent for too long. When it comes late itself, nobody was
/// there to hear anything meanwhile, and the clock is put back by as much.
pub(super) async fn watch<H: Handler>(core: Arc<Core<H>>) {
    let period = core.settings.tick();
    loop {
        let due = Instant::now() + period;
        sleep_until(due.into()).await;
        let now = Instant::now();
        core.clock.stalled(now.saturating_duration_since(due));
        let clock_ns = core.clock.now_ns();
        for shared in core.links.all() {
            check(&shared, clock_ns, core.settings.silence);
        }
        core.handler.lock().tick(now);
    }
}

fn check(shared: &Shared, now_ns: u64, limit: Duration) {
    let wrote = shared.wrote();
    if wrote && shared.paused.load(Ordering::Relaxed) {
        shared.heard_ns.store(now_ns, Ordering::Relaxed);
    }
    let heard = shared.heard_ns.load(Ordering::Relaxed);
    if now_ns.saturating_sub(heard) > nanos(limit) {
        shared.finish(Lost::silent(limit));
    }
}

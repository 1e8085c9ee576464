//! The thread that serves all connections of one party.

use std::io;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Weak};
use std::thread::{self, JoinHandle};

use parking_lot::{Mutex, MutexGuard};
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::{Notify, Semaphore};
use tokio::time::timeout;

use super::address::{Address, Reach};
use super::clock::Clock;
use super::handler::Handler;
use super::heart::{Heart, watch};
use super::link::{LinkId, Shared};
use super::lost::{ConnectError, ENDING};
use super::open;
use super::settings::Settings;
use crate::net::wire::Hello;

/// The connections of one party, and the thread that serves them.
///
/// Dropping it closes them all, and waits for that for as long as [`Settings::linger`]; the handler then hears nothing more.
#[derive(Debug)]
pub struct Hub<H: Handler> {
    core: Arc<Core<H>>,
    thread: Option<JoinHandle<()>>,
    _heart: Heart,
}

/// What all of a hub's tasks share.
pub(super) struct Core<H: Handler> {
    pub(super) handler: Mutex<H>,
    pub(super) settings: Settings,
    pub(super) clock: Clock,
    pub(super) links: Arc<Links>,
    pub(super) greeting: Arc<Semaphore>,
    runtime: Handle,
    next: AtomicU64,
    stop: Notify,
}

impl<H: Handler> std::fmt::Debug for Core<H> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Core")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

/// The connections that are open.
#[derive(Debug, Default)]
pub(super) struct Links {
    open: Mutex<Vec<Arc<Shared>>>,
    none: Notify,
}

impl Links {
    /// As they are now.
    pub(super) fn all(&self) -> Vec<Arc<Shared>> {
        self.open.lock().clone()
    }

    fn remove(&self, id: LinkId) {
        let mut open = self.open.lock();
        open.retain(|shared| shared.id != id);
        if open.is_empty() {
            self.none.notify_one();
        }
    }

    async fn gone(&self) {
        while !self.open.lock().is_empty() {
            self.none.notified().await;
        }
    }
}

impl<H: Handler> Core<H> {
    pub(super) fn next_id(&self) -> LinkId {
        LinkId(self.next.fetch_add(1, Ordering::Relaxed))
    }

    pub(super) fn add(&self, shared: &Arc<Shared>) {
        self.links.open.lock().push(shared.clone());
    }

    pub(super) fn remove(&self, shared: &Shared) {
        self.links.remove(shared.id);
    }

    /// Until the hub is to end, and its connections have.
    async fn serve(self: Arc<Self>) {
        tokio::spawn(watch(self.clone()));
        self.stop.notified().await;
        for shared in self.links.all() {
            shared.close(ENDING);
        }
        // Who has not gone by then is cut off.
        let _ = timeout(self.settings.linger, self.links.gone()).await;
    }
}

impl<H: Handler> Hub<H> {
    /// Starts the thread, under this name, and the one of its heart.
    ///
    /// # Errors
    /// If the system has no thread to give, or nothing to wait for many sockets with.
    pub fn start(name: &str, settings: Settings, handler: H) -> io::Result<Self> {
        let runtime = Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .build()?;
        let links = Arc::new(Links::default());
        let heart = Heart::start(name, links.clone(), settings.heartbeat)?;
        let core = Arc::new(Core {
            handler: Mutex::new(handler),
            greeting: Arc::new(Semaphore::new(settings.greeting_limit)),
            settings,
            clock: Clock::start(),
            links,
            runtime: runtime.handle().clone(),
            next: AtomicU64::new(0),
            stop: Notify::new(),
        });
        let serving = core.clone();
        let thread = thread::Builder::new().name(name.into());
        let thread = thread.spawn(move || serve(runtime, serving))?;
        Ok(Self {
            core,
            thread: Some(thread),
            _heart: heart,
        })
    }

    /// Accepts connections at `at` until the hub ends, and gives the address with its port.
    ///
    /// # Errors
    /// If that is not this machine's alone and nobody said `insecure`, or cannot be had.
    pub fn listen(
        &self,
        at: &Address,
        reach: Reach,
        hello: Hello,
    ) -> Result<SocketAddr, ConnectError> {
        let cannot =
            |error: io::Error| ConnectError::Unreachable(format!("cannot listen on {at}: {error}"));
        let addrs: Vec<SocketAddr> = at
            .host_and_port()
            .to_socket_addrs()
            .map_err(cannot)?
            .collect();
        if let Some(addr) = addrs.iter().find(|addr| !reach.allows(addr.ip())) {
            return Err(ConnectError::NotLoopback(Reach::refusal(
                "listen on",
                *addr,
            )));
        }
        let listener = TcpListener::bind(&*addrs).map_err(cannot)?;
        listener.set_nonblocking(true).map_err(cannot)?;
        let addr = listener.local_addr().map_err(cannot)?;
        let _context = self.core.runtime.enter();
        let listener = tokio::net::TcpListener::from_std(listener).map_err(cannot)?;
        tokio::spawn(open::accept(self.core.clone(), listener, hello));
        Ok(addr)
    }

    /// Connects, and waits for the other side's hello. The handler knows of the connection before this returns. Never to be
    /// called by a handler, which would wait for itself: see [`dialer`](Self::dialer).
    ///
    /// # Errors
    /// Why there is no connection.
    pub fn connect(
        &self,
        to: &Address,
        reach: Reach,
        hello: Hello,
    ) -> Result<LinkId, ConnectError> {
        let (tell, told) = channel();
        self.dialer().connect(to, reach, hello, move |outcome| {
            // Nobody waits for it any more.
            let _ = tell.send(outcome);
        });
        told.recv().unwrap_or(Err(ConnectError::Ended))
    }

    /// Connects for a handler.
    pub fn dialer(&self) -> Dialer<H> {
        Dialer(Arc::downgrade(&self.core))
    }

    /// The handler, which hears of nothing while it is held. Never to be asked for by the handler itself.
    pub fn handler(&self) -> MutexGuard<'_, H> {
        self.core.handler.lock()
    }
}

impl<H: Handler> Drop for Hub<H> {
    fn drop(&mut self) {
        self.core.stop.notify_one();
        let thread = self.thread.take();
        if let Some(thread) = thread.filter(|it| it.thread().id() != thread::current().id()) {
            // A panic there has been printed, and ends here.
            let _ = thread.join();
        }
    }
}

/// Connects without waiting. Cheap to clone; does not keep the hub.
#[derive(Debug)]
pub struct Dialer<H: Handler>(Weak<Core<H>>);

impl<H: Handler> Clone for Dialer<H> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<H: Handler> Dialer<H> {
    /// Connects, and calls `done` on the hub's thread, after the handler has been told of the connection. If the hub ends
    /// before, `done` is dropped.
    pub fn connect(
        &self,
        to: &Address,
        reach: Reach,
        hello: Hello,
        done: impl FnOnce(Result<LinkId, ConnectError>) + Send + 'static,
    ) {
        let Some(core) = self.0.upgrade() else {
            return done(Err(ConnectError::Ended));
        };
        let to = to.clone();
        let runtime = core.runtime.clone();
        runtime.spawn(async move { done(open::connect(core, to, reach, hello).await) });
    }
}

/// What the hub's thread does.
fn serve<H: Handler>(runtime: Runtime, core: Arc<Core<H>>) {
    runtime.block_on(core.serve());
    // A name that is still being resolved is not waited for.
    runtime.shutdown_background();
}

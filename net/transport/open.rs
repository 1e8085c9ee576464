//! Connections until both sides have said hello.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::io::Interest;
use tokio::net::{TcpListener, TcpStream, lookup_host};
use tokio::task::yield_now;
use tokio::time::{sleep, timeout};

use super::address::{Address, Reach};
use super::greet::{NotGreeted, read_hello, refuse, write_out};
use super::handler::Handler;
use super::hub::Core;
use super::link::{Flushed, Link, LinkId, Shared};
use super::lost::ConnectError;
use super::receive::Receiver;
use crate::net::wire::{Hello, Limits, NoHello, Packer, Unpacker};

/// How long to let the system recover that has no more sockets to give.
const RECOVER: Duration = Duration::from_millis(50);

/// Accepts connections for ever. As many as may say hello at once are let in at once; the system keeps the others waiting.
pub(super) async fn accept<H: Handler>(core: Arc<Core<H>>, listener: TcpListener, hello: Hello) {
    let hello = Arc::new(hello);
    loop {
        let greeting = core.greeting.clone().acquire_owned().await;
        let Ok((stream, peer)) = listener.accept().await else {
            sleep(RECOVER).await;
            continue;
        };
        let (core, hello) = (core.clone(), hello.clone());
        tokio::spawn(async move {
            welcome(core, stream, peer, &hello).await;
            drop(greeting);
        });
    }
}

/// Lets one in, or says why not.
async fn welcome<H: Handler>(core: Arc<Core<H>>, stream: TcpStream, peer: SocketAddr, own: &Hello) {
    let limit = core.settings.handshake;
    let linger = core.settings.linger;
    let mut unpacker = Unpacker::new(Limits::HANDSHAKE);
    let hello = match timeout(limit, read_hello(&stream, &mut unpacker)).await {
        Ok(Ok(hello)) => hello,
        Ok(Err(NotGreeted::NoHello(NoHello::Refuse(reason)))) => {
            return refuse(stream, &reason, linger).await;
        }
        Ok(Err(NotGreeted::NoHello(NoHello::Refused(_)) | NotGreeted::Broken(_))) => return,
        Err(_) => {
            let reason = format!("no hello came within {limit:?}");
            return refuse(stream, &reason, linger).await;
        }
    };
    let admitted = core.handler.lock().admit(&hello);
    let packed = admitted.and_then(|()| pack(&core, own));
    match packed {
        Err(reason) => refuse(stream, &reason, linger).await,
        Ok(mut packer) => {
            let said = timeout(limit, write_out(&stream, &mut packer)).await;
            if matches!(said, Ok(Ok(()))) {
                let ready = Ready {
                    stream,
                    peer,
                    unpacker,
                    packer,
                    hello,
                    accepted: true,
                };
                // A socket that cannot be shared is out of order; dropping it ends the connection.
                let _ = ready.open(&core);
            }
        }
    }
}

/// Connects, and says hello first.
pub(super) async fn connect<H: Handler>(
    core: Arc<Core<H>>,
    to: Address,
    reach: Reach,
    own: Hello,
) -> Result<LinkId, ConnectError> {
    let limit = core.settings.handshake;
    let outcome = timeout(limit, introduce(&core, &to, reach, &own)).await;
    let ready = outcome.unwrap_or_else(|_| {
        let text = format!("{to} did not answer within {limit:?}: is a tenter listening there?");
        Err(ConnectError::TimedOut(text))
    })?;
    let admitted = core.handler.lock().admit(&ready.hello);
    if let Err(reason) = admitted {
        refuse(ready.stream, &reason, core.settings.linger).await;
        return Err(ConnectError::Unwanted(reason));
    }
    let broken =
        |error| ConnectError::Unreachable(format!("the connection to {to} broke: {error}"));
    ready.open(&core).map_err(broken)
}

async fn introduce<H: Handler>(
    core: &Core<H>,
    to: &Address,
    reach: Reach,
    own: &Hello,
) -> Result<Ready, ConnectError> {
    let mut packer = pack(core, own).map_err(ConnectError::Unwanted)?;
    let (stream, peer) = reach_out(to, reach).await?;
    // If this fails, the other side may have said why.
    let said = write_out(&stream, &mut packer).await;
    let mut unpacker = Unpacker::new(Limits::HANDSHAKE);
    match read_hello(&stream, &mut unpacker).await {
        Ok(hello) => Ok(Ready {
            stream,
            peer,
            unpacker,
            packer,
            hello,
            accepted: false,
        }),
        Err(NotGreeted::NoHello(NoHello::Refused(reason))) => Err(ConnectError::Refused(reason)),
        Err(NotGreeted::NoHello(NoHello::Refuse(reason))) => {
            refuse(stream, &reason, core.settings.linger).await;
            Err(ConnectError::Unwanted(reason))
        }
        Err(NotGreeted::Broken(text)) => {
            let text = said
                .err()
                .map_or(text, |error| format!("the connection broke: {error}"));
            Err(ConnectError::Unreachable(format!("{to}: {text}")))
        }
    }
}

/// Resolves the address, checks it, and tries what it stands for in turn.
async fn reach_out(to: &Address, reach: Reach) -> Result<(TcpStream, SocketAddr), ConnectError> {
    let unreachable =
        |error: io::Error| ConnectError::Unreachable(format!("cannot connect to {to}: {error}"));
    let addrs = lookup_host(to.host_and_port()).await.map_err(unreachable)?;
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name stands for no address");
    for addr in addrs {
        if !reach.allows(addr.ip()) {
            return Err(ConnectError::NotLoopback(Reach::refusal(
                "connect to",
                addr,
            )));
        }
        match TcpStream::connect(addr).await {
            Ok(stream) => return Ok((stream, addr)),
            Err(error) => last = error,
        }
    }
    Err(unreachable(last))
}

/// This side's hello, with the limits of this hub.
fn pack<H: Handler>(core: &Core<H>, own: &Hello) -> Result<Packer, String> {
    let mut hello = own.clone();
    hello.frame_limit = core.settings.frame_limit;
    let mut packer = Packer::new(Limits::HANDSHAKE);
    hello
        .write(&mut packer)
        .map_err(|error| format!("this side's hello is too large: {error}"))?;
    Ok(packer)
}

/// A connection of which both sides have said hello.
struct Ready {
    stream: TcpStream,
    peer: SocketAddr,
    unpacker: Unpacker,
    packer: Packer,
    hello: Hello,
    accepted: bool,
}

impl Ready {
    /// Tells the handler, and begins to receive and to send.
    fn open<H: Handler>(mut self, core: &Arc<Core<H>>) -> io::Result<LinkId> {
        self.stream.set_nodelay(true)?;
        self.packer
            .set_limits(Limits::of_frame(self.hello.frame_limit));
        self.unpacker
            .set_limits(Limits::of_frame(core.settings.frame_limit));
        let stream = self.stream.into_std()?;
        let socket = stream.try_clone()?;
        let stream = Arc::new(TcpStream::from_std(stream)?);
        let id = core.next_id();
        let shared = Shared::new(
            id,
            self.peer,
            socket,
            self.packer,
            core.settings.queue_limit,
        );
        shared
            .heard_ns
            .store(core.clock.now_ns(), Ordering::Relaxed);
        let shared = Arc::new(shared);
        let receiver = Receiver {
            core: core.clone(),
            shared: shared.clone(),
            stream: stream.clone(),
            unpacker: self.unpacker,
            sender: self.hello.party.role(),
            throttled: self.accepted,
        };
        core.add(&shared);
        core.handler.lock().opened(Link(shared.clone()), self.hello);
        tokio::spawn(send(shared, stream));
        tokio::spawn(receiver.run());
        Ok(id)
    }
}

/// Writes what is queued whenever there is something, until the connection ends.
async fn send(shared: Arc<Shared>, stream: Arc<TcpStream>) {
    while shared.end.get().is_none() {
        let flushed = stream.try_io(Interest::WRITABLE, || match shared.flush(true) {
            Flushed::Blocked => Err(io::ErrorKind::WouldBlock.into()),
            flushed => Ok(flushed),
        });
        match flushed {
            Ok(Flushed::More) => yield_now().await,
            Ok(_) => shared.wake.notified().await,
            // An error here is the end, which whoever reads finds too.
            Err(_) if stream.writable().await.is_err() => return,
            Err(_) => {}
        }
    }
}

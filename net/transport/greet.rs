//! Hellos over a socket, before there is a link.

use std::io;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::timeout;

use super::pipe::Pipe;
use crate::net::wire::{Greeting, Hello, Kind, NoHello, Packer, Unpacker, WireError, write_reason};

/// What is read of a connection that ends, so that its other side receives why, is at most this.
const LAST_BYTES: usize = 4 * 1024 * 1024;

/// Why there is no hello.
#[derive(Debug)]
pub(super) enum NotGreeted {
    /// The other side said or sent this.
    NoHello(NoHello),
    /// It hung up, or the connection broke.
    Broken(String),
}

/// Reads until the other side has said hello. It may go on reading a little more, which stays in `unpacker`.
pub(super) async fn read_hello(
    stream: &TcpStream,
    unpacker: &mut Unpacker,
) -> Result<Hello, NotGreeted> {
    let mut greeting = Greeting::default();
    loop {
        while let Some(frame) = unpacker.next_frame().map_err(no_frame)? {
            if let Some(hello) = greeting.frame(&frame).map_err(NotGreeted::NoHello)? {
                return Ok(hello);
            }
        }
        stream.readable().await.map_err(broken)?;
        match unpacker.fill(|mut to| stream.try_read_buf(&mut to)) {
            Ok((0, _)) => {
                return Err(NotGreeted::Broken(
                    "the other side hung up without a word".into(),
                ));
            }
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(broken(error)),
        }
    }
}

fn no_frame(error: WireError) -> NotGreeted {
    let reason = format!("this is a tenter, and the other side does not speak like one: {error}");
    NotGreeted::NoHello(NoHello::Refuse(reason))
}

fn broken(error: io::Error) -> NotGreeted {
    NotGreeted::Broken(format!("the connection broke: {error}"))
}

/// Writes all that is packed.
pub(super) async fn write_out(stream: &TcpStream, packer: &mut Packer) -> io::Result<()> {
    let mut pipe = Pipe::default();
    pipe.refill(packer);
    while !pipe.is_empty() {
        stream.writable().await?;
        match pipe.write(|slices| stream.try_write_vectored(slices)) {
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => return Err(error),
            Ok(_) | Err(_) => {}
        }
    }
    Ok(())
}

/// Says why the other side is not let in, and lets it read that.
pub(super) async fn refuse(stream: TcpStream, reason: &str, linger: Duration) {
    let mut packer = Packer::default();
    write_reason(Kind::Refuse, reason, &mut packer);
    let told = async {
        write_out(&stream, &mut packer).await?;
        drain(&stream).await
    };
    // Whoever does not even listen to why is gone all the same.
    let _ = timeout(linger, told).await;
}

/// Reads, and forgets, what the other side still sends until it hangs up. To hang up before it does could take back what was
/// sent to it and not read yet.
pub(super) async fn drain(stream: &TcpStream) -> io::Result<()> {
    let mut buffer = vec![0; 16 * 1024];
    let mut left = LAST_BYTES;
    while left > 0 {
        stream.readable().await?;
        match stream.try_read(&mut buffer) {
            Ok(0) => break,
            Ok(n) => left = left.saturating_sub(n),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

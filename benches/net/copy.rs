//! The baseline of a large result: the same bytes from one process to another's memory, over TCP, and nothing around them.

use std::env;
use std::hint::black_box;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

/// What is copied.
pub(crate) const BYTES: usize = 64 << 20;
const PIECE: usize = 1 << 20;
/// In the environment of a copy of this program that is to have the bytes: where to connect to.
const ASKED: &str = "TENTER_BENCH_COPY";

/// A process that has the bytes; dropping it ends that.
pub(crate) struct Source {
    stream: TcpStream,
    process: Child,
}

impl Source {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
        let addr = listener.local_addr().expect("it is bound");
        let this = env::current_exe().expect("this program has a path");
        let mut command = Command::new(this);
        command.env(ASKED, addr.to_string()).stdin(Stdio::null());
        let process = command.spawn().expect("this program can be started");
        let stream = listener.accept().expect("the copy connects").0;
        Self { stream, process }
    }

    /// Asks for the bytes, and reads them into memory of their own.
    pub(crate) fn copy(&mut self) {
        self.stream.write_all(&[1]).expect("the source goes on");
        let mut bytes = Vec::with_capacity(BYTES);
        let mut whole = (&mut self.stream).take(BYTES as u64);
        whole.read_to_end(&mut bytes).expect("the source goes on");
        assert_eq!(black_box(bytes).len(), BYTES);
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        // It ends when it can read no more.
        let _ = self.stream.shutdown(std::net::Shutdown::Both);
        self.process.wait().expect("it was started here");
    }
}

/// Gives the bytes out as often as asked, if this is such a copy, and does not return then.
pub(crate) fn source_if_asked() {
    let Ok(addr) = env::var(ASKED) else { return };
    let mut stream = TcpStream::connect(addr).expect("whoever asks listens");
    stream.set_nodelay(true).expect("a socket has this option");
    let bytes = vec![3; BYTES];
    while let Ok(1) = stream.read(&mut [0]) {
        if bytes
            .chunks(PIECE)
            .any(|piece| stream.write_all(piece).is_err())
        {
            break;
        }
    }
    std::process::exit(0);
}

//! Passes connections on to a scheduler, and counts the bytes that pass.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread;

/// A place to connect to instead. Its threads end with the connections, and the last with the program.
pub(crate) struct Proxy {
    pub(crate) addr: SocketAddr,
    bytes: Arc<AtomicU64>,
}

impl Proxy {
    pub(crate) fn to(scheduler: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
        let addr = listener.local_addr().expect("it is bound");
        let bytes = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&bytes);
        thread::spawn(move || {
            for near in listener.incoming() {
                let near = near.expect("a connection can be accepted");
                let far = TcpStream::connect(scheduler).expect("the scheduler listens");
                for (from, to) in [(&near, &far), (&far, &near)] {
                    let clone = |end: &TcpStream| end.try_clone().expect("a socket can be shared");
                    let (from, to, count) = (clone(from), clone(to), Arc::clone(&count));
                    thread::spawn(move || pass(from, to, &count));
                }
            }
        });
        Self { addr, bytes }
    }

    /// How many have passed, in both directions.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Relaxed)
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream, count: &AtomicU64) {
    to.set_nodelay(true).expect("a socket has this option");
    let mut buffer = vec![0; 64 << 10];
    while let Ok(n @ 1..) = from.read(&mut buffer) {
        count.fetch_add(n as u64, Relaxed);
        if to.write_all(&buffer[..n]).is_err() {
            return;
        }
    }
    // The other side may be gone first.
    let _ = to.shutdown(std::net::Shutdown::Write);
}

//! What do connections cost, beside a plain blocking loop that sends and receives the same frames?
//!
//! `echo`: 200,000 messages of 24 bytes go to another hub and come back, 256 in flight; `relay`: the same over a third hub in
//! the middle, as a scheduler stands between a client and a worker; `lone`: one message there and back at a time;
//! `transfer`: payloads of 1 MiB one way. Every thread, of all parties, shares this machine's cores.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a benchmark of sockets opens some, starts threads and reads the clock"
)]

use std::hint::black_box;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tenter::net::transport::{Address, Handler, Hub, Link, LinkId, Lost, Reach, Settings};
use tenter::net::wire::{Cursor, Hello, Message, Party, Role, WireError, Writer};

const WINDOW: usize = 256;
const CHUNK: usize = 1024 * 1024;

/// 24 bytes, all of them in line.
#[derive(Clone)]
struct Small([u8; 24]);

impl Message for Small {
    fn encode(&self, to: &mut Writer) {
        to.raw(&self.0);
    }

    fn decode(from: &mut Cursor<'_>) -> Result<Self, WireError> {
        from.array("a message").map(Self)
    }
}

/// A payload.
struct Large(Bytes);

impl Message for Large {
    fn encode(&self, to: &mut Writer) {
        to.payload(&self.0);
    }

    fn decode(from: &mut Cursor<'_>) -> Result<Self, WireError> {
        from.payload().map(Self)
    }
}

/// What one party does with a batch.
type OnBatch<M> = Box<dyn FnMut(&[Link], LinkId, &mut Vec<M>) + Send>;

struct Bench<M> {
    links: Vec<Link>,
    on_batch: OnBatch<M>,
    opened: Sender<Link>,
}

impl<M: Message> Handler for Bench<M> {
    type In = M;

    fn decode(_: Role, from: &mut Cursor<'_>) -> Result<M, WireError> {
        M::decode(from)
    }

    fn admit(&mut self, _: &Hello) -> Result<(), String> {
        Ok(())
    }

    fn opened(&mut self, link: Link, _: Hello) {
        self.links.push(link.clone());
        // Nobody may be waiting for it.
        let _ = self.opened.send(link);
    }

    fn batch(&mut self, from: LinkId, messages: &mut Vec<M>) {
        (self.on_batch)(&self.links, from, messages);
    }

    fn lost(&mut self, _: LinkId, _: Lost) {}
}

struct Side<M: Message> {
    hub: Hub<Bench<M>>,
    opened: std::sync::mpsc::Receiver<Link>,
}

impl<M: Message> Side<M> {
    fn new(on_batch: impl FnMut(&[Link], LinkId, &mut Vec<M>) + Send + 'static) -> Self {
        let (tell, opened) = channel();
        let party = Bench {
            links: Vec::new(),
            on_batch: Box::new(on_batch),
            opened: tell,
        };
        let hub = Hub::start("bench", Settings::default(), party).expect("threads can be started");
        Self { hub, opened }
    }

    fn listen(&self) -> SocketAddr {
        let hello = Hello::new(Party::Peer);
        let bound = self
            .hub
            .listen(&Address::loopback(), Reach::Loopback, hello);
        bound.expect("loopback has a free port")
    }

    fn connect(&self, to: SocketAddr) -> Link {
        let hello = Hello::new(Party::Peer);
        let connected = self.hub.connect(&to.into(), Reach::Loopback, hello);
        connected.expect("the other side listens");
        self.opened.recv().expect("the handler was told")
    }
}

fn echo() -> Side<Small> {
    Side::new(|links, _, messages| links[0].send(&*messages).expect("they fit"))
}

/// Passes what comes from one of its two connections on to the other.
fn relay() -> Side<Small> {
    Side::new(|links, from, messages| {
        let to = links.iter().find(|link| link.id() != from);
        to.expect("both are there")
            .send(&*messages)
            .expect("they fit");
    })
}

/// Sends so many messages to where they are echoed, so many in flight, and gives the time.
fn flood(to: SocketAddr, total: usize, window: usize) -> Duration {
    let (tell, came) = channel();
    let client = Side::<Small>::new(move |_, _, messages| {
        // The last ones may come when nobody counts any more.
        let _ = tell.send(messages.len());
    });
    let link = client.connect(to);
    let batch = vec![Small([1; 24]); window];
    let start = Instant::now();
    let (mut sent, mut back) = (0, 0);
    while back < total {
        let room = (window - (sent - back)).min(total - sent);
        link.send_now(&batch[..room]).expect("they fit");
        sent += room;
        back += came.recv().expect("the echo goes on");
    }
    start.elapsed()
}

/// Where `flood` is answered directly, and where over a third party. Those must live on.
fn flooded(total: usize, window: usize, relayed: bool) -> Duration {
    let far = echo();
    if !relayed {
        return flood(far.listen(), total, window);
    }
    let middle = relay();
    middle.connect(far.listen());
    flood(middle.listen(), total, window)
}

fn transfer(total: usize) -> Duration {
    let (tell, came) = channel();
    let far = Side::<Large>::new(move |_, _, messages| {
        let bytes: usize = messages.iter().map(|large| black_box(&large.0).len()).sum();
        // As above.
        let _ = tell.send(bytes);
    });
    let near = Side::<Large>::new(|_, _, _| {});
    let link = near.connect(far.listen());
    let chunk = Large(vec![3; CHUNK].into());
    let start = Instant::now();
    for _ in 0..total {
        link.wait_for_room();
        link.send([&chunk]).expect("it fits");
    }
    let mut left = total * CHUNK;
    while left > 0 {
        left -= came.recv().expect("the transfer goes on");
    }
    start.elapsed()
}

/// A connection of plain sockets whose other end, on a thread, does this with it.
fn plain(there: impl FnOnce(TcpStream) + Send + 'static) -> TcpStream {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
    let addr = listener.local_addr().expect("it is bound");
    thread::spawn(move || there(listener.accept().expect("somebody connects").0));
    let near = TcpStream::connect(addr).expect("the other side listens");
    near.set_nodelay(true).expect("a socket has this option");
    near
}

/// Writes back what it reads until there is no more.
fn plain_echo(mut from: TcpStream) {
    from.set_nodelay(true).expect("a socket has this option");
    let mut buffer = vec![0; 96 * 1024];
    while let Ok(n @ 1..) = from.read(&mut buffer) {
        if from.write_all(&buffer[..n]).is_err() {
            return;
        }
    }
}

/// Passes on what it reads to an echo, and back, on a thread a direction.
fn plain_relay(near: TcpStream) {
    let far = plain(plain_echo);
    let clone = |stream: &TcpStream| stream.try_clone().expect("a socket can be shared");
    let (near_too, far_too) = (clone(&near), clone(&far));
    thread::spawn(move || copy(far_too, near_too));
    near.set_nodelay(true).expect("a socket has this option");
    copy(near, far);
}

fn copy(mut from: TcpStream, mut to: TcpStream) {
    let mut buffer = vec![0; 96 * 1024];
    while let Ok(n @ 1..) = from.read(&mut buffer) {
        if to.write_all(&buffer[..n]).is_err() {
            return;
        }
    }
}

/// The same bytes as frames of one message (header and 24), in the same window, without anything around them.
fn plain_flood(total: usize, window: usize, relayed: bool) -> Duration {
    const FRAME: usize = 40;
    let mut near = plain(if relayed { plain_relay } else { plain_echo });
    let batch = vec![1; FRAME * window];
    let mut buffer = vec![0; 96 * 1024];
    let start = Instant::now();
    let (mut sent, mut back) = (0, 0);
    while back < total * FRAME {
        let room = (window * FRAME - (sent - back)).min(total * FRAME - sent);
        near.write_all(&batch[..room]).expect("the echo goes on");
        sent += room;
        back += near.read(&mut buffer).expect("the echo goes on");
    }
    start.elapsed()
}

fn plain_transfer(total: usize) -> Duration {
    let (tell, came) = channel();
    let mut near = plain(move |mut from| {
        let mut chunk = vec![0; CHUNK];
        for _ in 0..total {
            from.read_exact(&mut chunk).expect("the transfer goes on");
            black_box(&chunk);
        }
        tell.send(()).expect("somebody waits");
    });
    let chunk = vec![3; CHUNK];
    let start = Instant::now();
    for _ in 0..total {
        near.write_all(&chunk).expect("the transfer goes on");
    }
    came.recv().expect("all was read");
    start.elapsed()
}

/// The median of so many rounds of each, taken in turns.
fn compare(
    rounds: usize,
    mut ours: impl FnMut() -> Duration,
    mut plain: impl FnMut() -> Duration,
) -> [f64; 2] {
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..rounds {
        times[0].push(ours());
        times[1].push(plain());
    }
    times.map(|mut times| {
        times.sort();
        times[rounds / 2].as_secs_f64()
    })
}

fn main() {
    let test = std::env::args().any(|arg| arg == "--test");
    let (rounds, total, lone, chunks) = if test {
        (1, 5_000, 50, 8)
    } else {
        (9, 200_000, 5_000, 512)
    };
    for (name, relayed) in [("echo", false), ("relay", true)] {
        let [ours, plain] = compare(
            rounds,
            || flooded(total, WINDOW, relayed),
            || plain_flood(total, WINDOW, relayed),
        );
        let rate = |time: f64| total as f64 / time;
        println!(
            "{name}: {:.0} messages/s, plain sockets {:.0}, ratio {:.2}",
            rate(ours),
            rate(plain),
            plain / ours
        );
        let [ours, plain] = compare(
            rounds,
            || flooded(lone, 1, relayed),
            || plain_flood(lone, 1, relayed),
        );
        let each = |time: f64| time / lone as f64 * 1e6;
        println!(
            "lone {name}: {:.1} us there and back, plain sockets {:.1}, ratio {:.2}",
            each(ours),
            each(plain),
            ours / plain
        );
    }
    let [ours, plain] = compare(rounds, || transfer(chunks), || plain_transfer(chunks));
    let rate = |time: f64| (chunks * CHUNK) as f64 / time / 1e9;
    println!(
        "transfer: {:.2} GB/s, plain {:.2}, ratio {:.2}",
        rate(ours),
        rate(plain),
        plain / ours
    );
}

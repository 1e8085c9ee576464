//! Whoever connects to the scheduler's port and is no tenter, or an odd one.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};

use fastrand::Rng;
use tenter::net::message::{ClientHello, Define, FromClient, FunctionInfo, KindOfTask};
use tenter::net::wire::{Header, Hello, Kind, Packer, Party, Piece};

use crate::support::{Noted, PATIENCE, seed, value};
use crate::work::{as_number, process};

/// What a stranger sends, and what of the reason it is given must be in it.
struct Stranger {
    what: &'static str,
    bytes: Vec<u8>,
    told: &'static str,
}

fn strangers() -> Vec<Stranger> {
    let stranger = |what, bytes, told| Stranger { what, bytes, told };
    let hello = || packed(|packer| hello().write(packer).expect("it fits"));
    let huge = Header::plain(Kind::Messages, 1, u32::MAX).to_bytes();
    let mut old = hello();
    old[16 + 8] = 0;
    let mut nonsense = hello();
    nonsense.extend(Header::plain(Kind::Messages, 1, 4).to_bytes());
    nonsense.extend([250; 4]);
    let mut odd = hello();
    odd.extend(odd_words());
    vec![
        stranger(
            "a browser",
            b"GET / HTTP/1.1\r\n\r\n".to_vec(),
            "this is a tenter",
        ),
        stranger("four gigabytes at once", huge.to_vec(), "4294967295"),
        stranger(
            "four gigabytes later",
            [hello(), huge.to_vec()].concat(),
            "4294967295",
        ),
        stranger("an old version", old, "protocol version 0 meets version"),
        stranger("an unknown message", nonsense, "cannot be read"),
        stranger("a number that stands for nothing", odd, "was not defined"),
    ]
}

fn hello() -> Hello {
    Hello::new(Party::Client(ClientHello {
        name: "stranger".into(),
        ..ClientHello::default()
    }))
}

fn packed(write: impl FnOnce(&mut Packer)) -> Vec<u8> {
    let mut packer = Packer::default();
    write(&mut packer);
    let mut bytes = Vec::new();
    let mut pieces = std::collections::VecDeque::<Piece>::new();
    packer.take(&mut pieces, &mut Vec::new());
    for piece in &pieces {
        bytes.extend_from_slice(piece.as_ref());
    }
    bytes
}

/// Defines a kind of a function that nobody has defined.
fn odd_words() -> Vec<u8> {
    let function = FromClient::Define(Define::Function(FunctionInfo {
        name: "f".into(),
        signature: 1,
    }));
    let kind = KindOfTask {
        function: 9,
        ..KindOfTask::default()
    };
    let kind = FromClient::Define(Define::Kind(Box::new(kind)));
    packed(|packer| {
        for words in [function, kind] {
            packer.push(&words).expect("it fits");
        }
    })
}

pub(crate) fn are_told_why_and_disturb_nobody() {
    let noted = Noted::start(1);
    let client = noted.cluster.client().expect("the scheduler listens");
    let worker = noted.cluster.pids()[0];
    for stranger in strangers() {
        let told = noted.answer(&stranger.bytes);
        let lossy = String::from_utf8_lossy(&told);
        assert!(
            lossy.contains(stranger.told),
            "{}: {lossy:?}",
            stranger.what
        );
        assert_eq!(value(&client.submit(as_number::call(3))), 3);
    }
    // Who is silent may not be there to be told: the scheduler notes it.
    let mut half = packed(|packer| hello().write(packer).expect("it fits"));
    half.extend(Header::plain(Kind::Messages, 1, 100).to_bytes());
    noted.answer(&[half, vec![0; 10]].concat());
    noted.note_with(&["client stranger", "is lost", "nothing was heard"]);
    let mut rng = Rng::with_seed(seed());
    for _ in 0..50 {
        let length = rng.usize(1..2000);
        let bytes: Vec<u8> = std::iter::repeat_with(|| rng.u8(..)).take(length).collect();
        let stream = noted.send(&bytes);
        // Of what may be the beginning of a hello, the rest would be waited for.
        let _ = stream.shutdown(Shutdown::Write);
        rest_of(stream);
    }
    assert_eq!(value(&client.submit(process::call())), worker);
}

impl Noted {
    /// All that the scheduler says to somebody who sends this, until it hangs up.
    fn answer(&self, bytes: &[u8]) -> Vec<u8> {
        rest_of(self.send(bytes))
    }

    fn send(&self, bytes: &[u8]) -> TcpStream {
        let addr = self.cluster.address().trim_start_matches("tcp://");
        let mut stream = TcpStream::connect(addr).expect("the scheduler listens");
        let limited = stream.set_read_timeout(Some(PATIENCE));
        limited.expect("a socket has this option");
        // It may hang up before it has read all.
        let _ = stream.write_all(bytes);
        stream
    }
}

fn rest_of(mut stream: TcpStream) -> Vec<u8> {
    let mut said = Vec::new();
    // It may end by a reset, since there are bytes that nobody reads.
    let _ = stream.read_to_end(&mut said);
    said
}

//! Several clients and who coordinates for them, in this process: asks and answers go as bytes, in order.

use std::collections::HashMap;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::{JoinHandle, spawn};

use bytes::Bytes;
use tenter::driver::{Answers, Ask, Coordinates, SentItem, share_through};
use tenter::net::coordinate::{Coordinator, ask_body, told_of};
use tenter::net::message::PeerId;
use tenter::net::scheduler::Stimulus;
use tenter::{Anywhere, Client, WaitError};

/// Who coordinates, and its thread.
pub(crate) struct House {
    to: Sender<Word>,
    serves: Option<JoinHandle<()>>,
    peers: u32,
}

enum Word {
    Joins(u32, Answers),
    Asks(u32, u64, Bytes),
    /// The connection is cut.
    Goes(u32),
    Ends,
}

struct Way(u32, Mutex<Sender<Word>>);

impl Coordinates for Way {
    fn ask(&self, request: u64, ask: Ask, item: Option<SentItem>) -> Result<(), String> {
        let body = ask_body(&ask, item.as_ref());
        // Who is gone is not heard any more.
        let _ = self
            .1
            .lock()
            .unwrap()
            .send(Word::Asks(self.0, request, body));
        Ok(())
    }

    fn may_wait(&self) -> bool {
        true
    }
}

impl House {
    pub(crate) fn new() -> Self {
        let (to, words) = channel();
        let serves = spawn(move || {
            let mut coordinator = Coordinator::new().unwrap();
            let mut peers = HashMap::new();
            for word in words {
                let mut out = Vec::new();
                match word {
                    Word::Joins(peer, answers) => drop(peers.insert(peer, answers)),
                    Word::Asks(peer, request, body) if peers.contains_key(&peer) => coordinator
                        .ask(PeerId(peer), request, &body, Vec::new(), &mut out)
                        .unwrap(),
                    Word::Asks(..) => {}
                    Word::Goes(peer) => {
                        let gone = peers.remove(&peer);
                        coordinator.peer_gone(PeerId(peer), &mut out);
                        let why = WaitError::Disconnected("it was cut".to_owned());
                        gone.into_iter().for_each(|answers| answers.end(&why));
                    }
                    Word::Ends => break,
                }
                out.into_iter().for_each(|said| tell(&peers, said));
            }
        });
        Self {
            to,
            serves: Some(serves),
            peers: 0,
        }
    }

    /// A client with so many threads, and its number.
    pub(crate) fn client(&mut self, threads: usize) -> (u32, Client<Anywhere>) {
        self.peers += 1;
        let builder = Client::builder().threads(threads);
        let client = builder.connect("inproc").unwrap();
        let way = Way(self.peers, Mutex::new(self.to.clone()));
        let answers = share_through(&client, Arc::new(way));
        self.say(Word::Joins(self.peers, answers));
        (self.peers, client)
    }

    pub(crate) fn cut(&self, peer: u32) {
        self.say(Word::Goes(peer));
    }

    fn say(&self, word: Word) {
        self.to.send(word).unwrap();
    }
}

fn tell(peers: &HashMap<u32, Answers>, said: Stimulus) {
    let Stimulus::Answer {
        to, request, body, ..
    } = said
    else {
        panic!("there are no handles here: {said:?}");
    };
    if let Some(answers) = peers.get(&to.0) {
        let (told, items) = told_of(&body, Vec::new()).unwrap();
        answers.told(request, told, items);
    }
}

impl Drop for House {
    fn drop(&mut self) {
        self.say(Word::Ends);
        let served = self.serves.take().map(JoinHandle::join);
        assert!(served.is_none_or(|served| served.is_ok()) || std::thread::panicking());
    }
}

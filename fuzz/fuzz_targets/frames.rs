//! Any bytes, in any pieces, as a connection receives them: hellos first, then frames of messages.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tenter::net::message::{FromClient, FromWorker, ToClient, ToWorker};
use tenter::net::wire::{Greeting, Limits, Message, Unpacker};

fuzz_target!(|pieces: Vec<&[u8]>| {
    let mut unpacker = Unpacker::new(Limits::default());
    let mut greeting = Greeting::default();
    for piece in pieces {
        unpacker.feed(piece);
        loop {
            match unpacker.next_frame() {
                Err(_) => return,
                Ok(None) => break,
                Ok(Some(frame)) => {
                    let _ = greeting.frame(&frame);
                    let _ = frame.decode(&mut Vec::new(), FromClient::decode);
                    let _ = frame.decode(&mut Vec::new(), ToClient::decode);
                    let _ = frame.decode(&mut Vec::new(), FromWorker::decode);
                    let _ = frame.decode(&mut Vec::new(), ToWorker::decode);
                }
            }
        }
    }
});

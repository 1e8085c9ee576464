//! Every message through its encoding: what is received is what its bytes say, not what was sent.

use std::collections::VecDeque;
use std::fmt::Debug;

use tenter::net::wire::{Greeting, Hello, Limits, Message, Packer, Party, Piece, Unpacker};

/// One direction of all links: the encoding has no memory from frame to frame.
pub(crate) struct Wire {
    packer: Packer,
    unpacker: Unpacker,
}

impl Wire {
    pub(crate) fn new() -> Self {
        Self {
            packer: Packer::default(),
            unpacker: Unpacker::new(Limits::default()),
        }
    }

    /// What arrives of a message.
    pub(crate) fn carry<M: Message + Debug + PartialEq>(&mut self, message: &M) -> M {
        self.packer.push(message).expect("no message is too large");
        self.pass();
        let frame = self.unpacker.next_frame().expect("a frame");
        let mut received = Vec::new();
        let frame = frame.expect("a whole frame");
        frame
            .decode(&mut received, M::decode)
            .expect("its own bytes");
        assert!(self.unpacker.is_between_frames());
        assert_eq!(received.len(), 1);
        let arrived = received.remove(0);
        assert_eq!(arrived, *message);
        arrived
    }

    /// Who the other end is, as it arrives.
    pub(crate) fn greet(&mut self, party: Party) -> Party {
        let hello = Hello::new(party);
        hello.write(&mut self.packer).expect("a small hello");
        self.pass();
        let mut greeting = Greeting::default();
        while let Some(frame) = self.unpacker.next_frame().expect("frames") {
            if let Some(arrived) = greeting.frame(&frame).expect("its own bytes") {
                assert_eq!(arrived, hello);
                return arrived.party;
            }
        }
        panic!("{hello:?} did not arrive whole");
    }

    fn pass(&mut self) {
        let mut pieces = VecDeque::<Piece>::new();
        self.packer.take(&mut pieces, &mut Vec::new());
        pieces
            .iter()
            .for_each(|piece| self.unpacker.feed(piece.as_ref()));
    }
}

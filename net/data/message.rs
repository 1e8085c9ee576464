//! What two peers say to each other. Both ends speak alike.

use bytes::Bytes;

use super::calls::Call;
use crate::net::message::{Failure, Run, TaskId};
use crate::net::wire::{choice, messages, record};

/// From one end of a connection that carries data to the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PeerMessage {
    /// Asks for a piece of this data.
    Get {
        /// The asking side's number for the transfer, which the answer repeats.
        request: u64,
        /// Which.
        data: Run,
        /// Where the piece begins.
        from: u64,
        /// How long it is; more than there is, or than [`PIECE`](super::PIECE), is cut off.
        len: u32,
    },
    /// The answer to `Get`.
    Piece {
        /// As it was asked.
        request: u64,
        /// The size of the whole.
        total: u64,
        /// Which numbers the whole is an array of, as [`Array::code`](crate::driver::Array::code) says; 0 is none.
        array: u8,
        /// The piece.
        content: Bytes,
    },
    /// The other answer to `Get`: there is no such data here.
    Absent {
        /// As it was asked.
        request: u64,
    },
    /// Here is data for you to keep: fetch it from me. Answered by `Taken` or `Declined`.
    Offer {
        /// The offering side's number.
        request: u64,
        /// What it is to be called.
        data: Run,
        /// Its size.
        bytes: u64,
    },
    /// The offered data is on the shelf.
    Taken {
        /// As it was offered.
        request: u64,
    },
    /// The offered data is not taken.
    Declined {
        /// As it was offered.
        request: u64,
        /// Why, in one line.
        reason: String,
    },
    /// Calls an actor that lives there. Answered by one of the next five.
    Call {
        /// The calling side's number, which the answer repeats.
        request: u64,
        /// What.
        call: Call,
    },
    /// What the call gave. If it mentions handles, they are kept until there are `Thanks`.
    Answer {
        /// As it was called.
        request: u64,
        /// The encoded result.
        content: Bytes,
        /// The handles in it.
        mentions: Vec<TaskId>,
    },
    /// The call gave a result of this size, which is to be fetched, and is kept until there are `Thanks`.
    Gives {
        /// As it was called.
        request: u64,
        /// The size of the result.
        bytes: u64,
        /// The handles in it.
        mentions: Vec<TaskId>,
    },
    /// The call has failed.
    Failed {
        /// As it was called.
        request: u64,
        /// Why; if it has failed by itself, of no task.
        failure: Failure,
    },
    /// There is no such actor here any more.
    NoActor {
        /// As it was called.
        request: u64,
    },
    /// The call was not taken.
    Refused {
        /// As it was called.
        request: u64,
        /// Why, in one line.
        reason: String,
    },
    /// A call is not to be run, if it has not begun; if it has, its token is to be set. It is answered all the same.
    TakeBack {
        /// As it was called.
        request: u64,
    },
    /// A result is here, and so are wants of the handles in it.
    Thanks {
        /// As it was called.
        request: u64,
    },
}

messages!(PeerMessage);

record!(Call {
    actor,
    method,
    signature,
    args,
    inputs,
    mentions
});

choice!(PeerMessage, "message of a peer", {
    0 => Get { request, data, from, len },
    1 => Piece { request, total, array, content },
    2 => Absent { request },
    3 => Offer { request, data, bytes },
    4 => Taken { request },
    5 => Declined { request, reason },
    6 => Call { request, call },
    7 => Answer { request, content, mentions },
    8 => Gives { request, bytes, mentions },
    9 => Failed { request, failure },
    10 => NoActor { request },
    11 => Refused { request, reason },
    12 => TakeBack { request },
    13 => Thanks { request },
});

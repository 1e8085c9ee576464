//! What two peers say to each other. Both ends speak alike.

use bytes::Bytes;

use crate::net::message::Run;
use crate::net::wire::{choice, messages};

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
}

messages!(PeerMessage);

choice!(PeerMessage, "message of a peer", {
    0 => Get { request, data, from, len },
    1 => Piece { request, total, array, content },
    2 => Absent { request },
    3 => Offer { request, data, bytes },
    4 => Taken { request },
    5 => Declined { request, reason },
});

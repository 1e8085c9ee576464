//! What stands on the wire, and nothing about who reads or writes it: no I/O, no clock.
//!
//! | file | what is in it |
//! | --- | --- |
//! | `cursor.rs`, `writer.rs` | values from bytes that nobody vouches for, and back |
//! | `codec.rs` | how a message is written: its fields in order |
//! | `messages.rs` | the messages of [`message`](super::message), each by a number |
//! | `frame.rs` | the header of a frame, and its limits |
//! | `pack.rs`, `unpack.rs` | messages into frames, and back |
//! | `place.rs` | where a payload goes that is not received into memory of its own |
//! | `hello.rs`, `greeting.rs` | who is at the other end, and how it says so |
//!
//! # The wire, version 1
//!
//! A connection is one TCP stream with *frames* in both directions. All numbers of fixed width are little endian.
//!
//! ```text
//! header, 16 bytes
//!    0  u32  len     bytes after the header
//!    4  u8   kind    1 hello · 2 functions · 3 refuse · 4 messages · 5 heartbeat · 6 close
//!    5  u8   flags   0; anything else is refused. Bit 0 is kept for an encrypted frame
//!    6  u16  count   messages in the body; 0 in other kinds
//!    8  u32  body    bytes of the body
//!   12  u16  tails   payloads out of line; 0 in other kinds
//!   14  u16          0
//! body               `body` bytes: the messages, one after the other; in other kinds all there is
//! table              `tails` times u32: the length of each payload out of line, none of them 0
//! payloads           one after the other, nothing behind them
//! ```
//!
//! **Limits** hold before anything is allocated: 64 KiB a frame until both sides have said hello, then what the receiver has
//! said in its hello (64 MiB by default), of which a quarter may be body. A frame that breaks them ends the connection, with
//! a reason. Larger things are sent in pieces by whoever sends them.
//!
//! **Values** in a body: numbers are *varints* (seven bits a byte, lowest first, the top bit says that more follow, no byte
//! more than needed), signed ones folded so that small ones are short; a yes or no is a byte 1 or 0; a text is its length
//! and UTF-8; a list is its length and its elements; an optional value is a yes or no and the value; an enum is one byte for
//! the variant and its fields; a record is its fields. A *payload*, opaque bytes, is its length plus 1 and the bytes, or 0 if
//! it is the next of the payloads out of line. Large ones (4 KiB and more) stand there so that neither side copies them.
//! `messages.rs` lists the numbers of the variants.
//!
//! **Handshake.** Whoever connects sends *hello*: magic `tenter\r\n`, u32 protocol version, a byte for the encryption it
//! offers (0, none), crate version, frame limit, role (0 scheduler, 1 client, 2 worker, 3 peer); of a client its name and
//! lineage limit; of a worker its name, host, address for peers, slots, resources and memory limit; then the number of
//! functions. These follow, each a name and a u64 hash of its signature, in frames of kind *functions*. The other side answers in
//! the same way, or with *refuse* and a line of text. Nothing else is sent before. No hello within ten seconds ends the
//! connection, and so does one with another protocol version: header, magic, version number and refusals are the same in
//! all versions.
//!
//! **Afterwards** either side sends messages when it has some, and a *heartbeat* (an empty frame) when it has sent nothing for
//! a while (a second by default). Any byte proves life; silence for five seconds by default is the connection's end, as is
//! the end of the stream. *Close* and a line of text say that the end is meant: its sender sends nothing after it, and its
//! receiver ends the connection.

mod codec;
mod cursor;
mod error;
mod frame;
mod greeting;
mod hello;
mod messages;
mod pack;
mod place;
mod unpack;
mod writer;

pub use codec::{Field, Message};
pub use cursor::Cursor;
pub use error::WireError;
pub use frame::{HEADER, Header, Kind, Limits};
pub use greeting::{Greeting, NoHello, PROTOCOL, read_reason, write_reason};
pub use hello::{Hello, Party, Role};
pub use pack::{Packer, Piece};
pub(in crate::net) use place::copy;
pub use place::{Place, Read};
pub use unpack::{Frame, Unpacker};
pub(in crate::net) use writer::payload_of;
pub use writer::{OUT_OF_LINE, Writer};

pub(in crate::net) use codec::{choice, messages, record};

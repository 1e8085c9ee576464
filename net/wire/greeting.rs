//! Hellos, refusals and goodbyes as frames.
//!
//! Whoever connects says hello and waits; whoever was connected to answers with a hello of its own, or refuses and says why.
//! The one that connected may refuse that in turn. Frames are small until then, so a long list of functions comes in several.

use super::Field;
use super::cursor::Cursor;
use super::error::WireError;
use super::frame::{Kind, Limits};
use super::hello::{Hello, Party, at_most, check_functions, is_compatible};
use super::pack::Packer;
use super::unpack::Frame;
use super::writer::Writer;
use crate::net::message::FunctionInfo;

/// The first bytes of every hello, of every version: so that a stranger is told from an old or a new tenter.
const MAGIC: [u8; 8] = *b"tenter\r\n";

/// The version of the wire.
pub const PROTOCOL: u32 = 1;

/// The longest reason for a refusal or an end, in bytes.
const MAX_REASON: usize = 4096;

/// How many bytes of functions go into one frame. With the longest name on top it is within [`Limits::HANDSHAKE`].
const FUNCTIONS_A_FRAME: usize = 32 * 1024;

impl Hello {
    /// Adds it as frames, none above [`Limits::HANDSHAKE`].
    ///
    /// # Errors
    /// If it is more than the other side would take: too many functions, or too long a name.
    pub fn write(&self, to: &mut Packer) -> Result<(), WireError> {
        self.check()?;
        let functions = self.party.functions();
        let mut body = Writer::default();
        body.raw(&MAGIC);
        body.raw(&PROTOCOL.to_le_bytes());
        // No encryption. A version that has some offers it here, and one without refuses.
        body.u8(0);
        self.version.put(&mut body);
        self.frame_limit.put(&mut body);
        self.party.put(&mut body);
        body.varint(functions.len() as u64);
        let limit = Limits::HANDSHAKE.frame as usize;
        at_most(
            body.bytes().len(),
            limit,
            "a hello in bytes, functions aside,",
        )?;
        to.frame(Kind::Hello, body.bytes());
        write_functions(functions, to);
        Ok(())
    }
}

fn write_functions(functions: &[FunctionInfo], to: &mut Packer) {
    let mut body = Writer::default();
    for function in functions {
        function.put(&mut body);
        if body.bytes().len() >= FUNCTIONS_A_FRAME {
            to.frame(Kind::Functions, std::mem::take(&mut body).bytes());
        }
    }
    if !body.bytes().is_empty() {
        to.frame(Kind::Functions, body.bytes());
    }
}

/// Why there is no hello.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoHello {
    /// The other side refused, and said this.
    Refused(String),
    /// What it sent is to be refused, for this reason.
    Refuse(String),
}

impl From<WireError> for NoHello {
    fn from(error: WireError) -> Self {
        Self::Refuse(format!("the hello cannot be read: {error}"))
    }
}

/// A hello being received.
#[derive(Debug, Default)]
pub struct Greeting {
    hello: Option<Hello>,
    /// How many functions are still to come.
    lacking: u32,
}

impl Greeting {
    /// Takes one more frame; gives the hello once it is complete.
    ///
    /// # Errors
    /// If there will be none. The reason is one line.
    pub fn frame(&mut self, frame: &Frame) -> Result<Option<Hello>, NoHello> {
        match (frame.kind, &mut self.hello) {
            (Kind::Refuse | Kind::Close, _) => {
                return Err(NoHello::Refused(read_reason(frame)));
            }
            (Kind::Hello, None) => {
                let (hello, lacking) = read_hello(&frame.body)?;
                self.hello = Some(hello);
                self.lacking = lacking;
            }
            (Kind::Functions, Some(hello)) => {
                self.lacking -= read_functions(&frame.body, &mut hello.party, self.lacking)?;
            }
            (kind, _) => {
                let reason = format!("a hello was expected, not a frame of kind {kind:?}");
                return Err(NoHello::Refuse(reason));
            }
        }
        self.complete()
    }

    fn complete(&mut self) -> Result<Option<Hello>, NoHello> {
        if self.lacking > 0 {
            return Ok(None);
        }
        let hello = self.hello.take();
        hello.as_ref().map_or(Ok(()), Hello::check)?;
        Ok(hello)
    }
}

/// Reads all but the functions, and how many of those follow.
fn read_hello(body: &[u8]) -> Result<(Hello, u32), NoHello> {
    let mut from = Cursor::new(body);
    read_preamble(&mut from)?;
    let version = String::get(&mut from)?;
    if !is_compatible(&version) {
        return Err(NoHello::Refuse(format!(
            "tenter {} meets tenter {}: start the same version on both sides",
            version.escape_debug(),
            env!("CARGO_PKG_VERSION")
        )));
    }
    let hello = Hello {
        version,
        frame_limit: Field::get(&mut from)?,
        party: Party::get(&mut from)?,
    };
    let functions = from.varint_u32("the number of functions")?;
    from.finish("a hello")?;
    check_functions(functions)?;
    if functions > 0 && !matches!(hello.party, Party::Worker(_)) {
        return Err(NoHello::Refuse("only a worker has functions".into()));
    }
    Ok((hello, functions))
}

/// Reads what is the same in every version.
fn read_preamble(from: &mut Cursor<'_>) -> Result<(), NoHello> {
    let what = "a hello";
    if from.array(what)? != MAGIC {
        let reason = "this is a tenter, and the other side is not";
        return Err(NoHello::Refuse(reason.into()));
    }
    let protocol = u32::from_le_bytes(from.array(what)?);
    if protocol != PROTOCOL {
        return Err(NoHello::Refuse(format!(
            "protocol version {protocol} meets version {PROTOCOL}: start the same version of tenter on both sides"
        )));
    }
    if from.u8(what)? != 0 {
        let reason = "the other side asks for encryption, which this version does not have";
        return Err(NoHello::Refuse(reason.into()));
    }
    Ok(())
}

/// Reads functions, of which `lacking` are to come, and gives how many there were.
fn read_functions(body: &[u8], party: &mut Party, lacking: u32) -> Result<u32, WireError> {
    let mut from = Cursor::new(body);
    let mut number = 0;
    while from.remaining() > 0 {
        if number == lacking {
            return Err(WireError::Malformed {
                what: "more functions than were announced",
            });
        }
        party.add(FunctionInfo::get(&mut from)?);
        number += 1;
    }
    Ok(number)
}

/// Adds a frame that says why: of kind [`Kind::Refuse`] or [`Kind::Close`].
pub fn write_reason(kind: Kind, reason: &str, to: &mut Packer) {
    let end = reason.floor_char_boundary(MAX_REASON);
    to.frame(kind, &reason.as_bytes()[..end]);
}

/// The reason in such a frame, as one line that can be printed, whatever the other side sent.
pub fn read_reason(frame: &Frame) -> String {
    let bytes = &frame.body[..frame.body.len().min(MAX_REASON)];
    let text = String::from_utf8_lossy(bytes);
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

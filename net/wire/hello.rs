//! Who is at the other end.

use std::fmt;

use super::cursor::Cursor;
use super::error::WireError;
use super::frame::Limits;
use super::writer::Writer;
use super::{Field, choice};
use crate::net::message::{ClientHello, FunctionInfo, WorkerHello};

/// The longest name of anything in a hello, and the longest address, in bytes.
const MAX_NAME: usize = 1024;

/// How many functions, and how many resources, a worker may have.
const MAX_FUNCTIONS: usize = 16 * 1024;

/// What one end is to the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Decides what runs where.
    Scheduler,
    /// Wants tasks run.
    Client,
    /// Runs tasks.
    Worker,
    /// Gives data out, fetches it or brings it.
    Peer,
}

choice!(Role, "role", { 0 => Scheduler, 1 => Client, 2 => Worker, 3 => Peer });

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Scheduler => "scheduler",
            Self::Client => "client",
            Self::Worker => "worker",
            Self::Peer => "peer",
        })
    }
}

/// What one end is, with what the other must know of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Party {
    /// A scheduler.
    Scheduler,
    /// A client.
    Client(ClientHello),
    /// A worker.
    Worker(WorkerHello),
    /// Either end of a connection that carries data only.
    Peer,
}

impl Party {
    /// What it is.
    pub fn role(&self) -> Role {
        match self {
            Self::Scheduler => Role::Scheduler,
            Self::Client(_) => Role::Client,
            Self::Worker(_) => Role::Worker,
            Self::Peer => Role::Peer,
        }
    }

    /// The functions it has.
    pub(super) fn functions(&self) -> &[FunctionInfo] {
        match self {
            Self::Worker(worker) => &worker.functions,
            Self::Scheduler | Self::Client(_) | Self::Peer => &[],
        }
    }

    /// Adds a function, to a worker.
    pub(super) fn add(&mut self, function: FunctionInfo) {
        if let Self::Worker(worker) = self {
            worker.functions.push(function);
        }
    }

    /// Writes all but the functions.
    pub(super) fn put(&self, to: &mut Writer) {
        self.role().put(to);
        match self {
            Self::Scheduler | Self::Peer => {}
            Self::Client(client) => {
                client.name.put(to);
                client.lineage_limit.put(to);
            }
            Self::Worker(worker) => {
                worker.name.put(to);
                worker.host.put(to);
                worker.address.put(to);
                worker.slots.put(to);
                worker.resources.put(to);
                worker.memory_limit.put(to);
            }
        }
    }

    pub(super) fn get(from: &mut Cursor<'_>) -> Result<Self, WireError> {
        Ok(match Role::get(from)? {
            Role::Scheduler => Self::Scheduler,
            Role::Peer => Self::Peer,
            Role::Client => Self::Client(ClientHello {
                name: Field::get(from)?,
                lineage_limit: Field::get(from)?,
            }),
            Role::Worker => Self::Worker(WorkerHello {
                name: Field::get(from)?,
                host: Field::get(from)?,
                address: Field::get(from)?,
                slots: Field::get(from)?,
                resources: Field::get(from)?,
                functions: Vec::new(),
                memory_limit: Field::get(from)?,
            }),
        })
    }

    fn names(&self) -> Vec<&String> {
        match self {
            Self::Scheduler | Self::Peer => Vec::new(),
            Self::Client(client) => vec![&client.name],
            Self::Worker(worker) => {
                let functions = worker.functions.iter().map(|function| &function.name);
                let resources = worker.resources.iter().map(|(name, _)| name);
                let own = [&worker.name, &worker.host, &worker.address];
                functions.chain(resources).chain(own).collect()
            }
        }
    }
}

/// Who one end is, and what it takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hello {
    /// The version of this crate it was built with.
    pub version: String,
    /// The largest frame it takes, in bytes.
    pub frame_limit: u32,
    /// What it is.
    pub party: Party,
}

impl Hello {
    /// Of this version and the default limits.
    pub fn new(party: Party) -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION").into(),
            frame_limit: Limits::default().frame,
            party,
        }
    }

    /// Whether anything in it is larger than the other side accepts.
    pub(super) fn check(&self) -> Result<(), WireError> {
        at_most(
            self.party.functions().len(),
            MAX_FUNCTIONS,
            "the number of functions",
        )?;
        if let Party::Worker(worker) = &self.party {
            at_most(
                worker.resources.len(),
                MAX_FUNCTIONS,
                "the number of resources",
            )?;
        }
        let mut names = self.party.names().into_iter().chain([&self.version]);
        names.try_for_each(|name| at_most(name.len(), MAX_NAME, "a name in bytes"))
    }
}

/// Whether so many functions may follow.
pub(super) fn check_functions(number: u32) -> Result<(), WireError> {
    at_most(number as usize, MAX_FUNCTIONS, "the number of functions")
}

/// Whether two versions of this crate mean the same by what they send: before 1.0 the second number must agree too.
pub(super) fn is_compatible(version: &str) -> bool {
    significant(version) == significant(env!("CARGO_PKG_VERSION"))
}

fn significant(version: &str) -> (Option<&str>, Option<&str>) {
    let mut numbers = version.split('.');
    let major = numbers.next();
    (major, numbers.next().filter(|_| major == Some("0")))
}

pub(super) fn at_most(found: usize, limit: usize, what: &'static str) -> Result<(), WireError> {
    if found <= limit {
        return Ok(());
    }
    Err(WireError::TooLong {
        what,
        found: found as u64,
        limit: limit as u64,
    })
}

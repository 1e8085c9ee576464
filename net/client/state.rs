//! What is open at the scheduler.

use bytes::Bytes;

use super::ask::Questions;
use super::kinds::Kinds;
use crate::driver::{Gone, Landing};
use crate::net::message::{Condition, Ticket};
use crate::net::pages::Pages;

/// What is open at the scheduler.
#[derive(Debug, Default)]
pub(super) struct State {
    newest: u64,
    /// By their tickets: tasks that are not settled here, and values that were put elsewhere.
    pub(super) open: Pages<Open>,
    pub(super) kinds: Kinds,
    /// To be said with whatever is said next.
    pub(super) released: Vec<Ticket>,
    pub(super) questions: Questions,
    pub(super) condition: Option<Condition>,
    /// Why nothing more is open.
    pub(super) ended: Option<Gone>,
}

/// A ticket of which something is still to be heard.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) landing: Landing,
    pub(super) what: What,
}

/// What a ticket stands for.
#[derive(Debug)]
pub(super) enum What {
    /// A task whose result comes here, if anybody wants it.
    Task(Progress),
    /// A value of this process, kept until a worker has it.
    Copy(Bytes),
    /// The same when nobody here wants it any more: what was sent away with its handle may, so it is let go only then.
    Parting(Bytes),
}

/// How far the result of a task is on its way here.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// It is finished, and its result is held elsewhere.
    pub(super) held: bool,
    /// It was asked where that is.
    pub(super) asked: bool,
    /// It is being fetched from there.
    pub(super) fetching: bool,
}

impl State {
    /// The next ticket.
    ///
    /// # Errors
    /// If nothing can be open any more.
    pub(super) fn next(&mut self) -> Result<u64, Gone> {
        if let Some(gone) = &self.ended {
            return Err(gone.clone());
        }
        self.newest += 1;
        Ok(self.newest)
    }

    /// How far the result of a task is that is not settled here.
    pub(super) fn progress(&mut self, ticket: u64) -> Option<(&Landing, &mut Progress)> {
        match self.open.get_mut(ticket)? {
            Open {
                landing,
                what: What::Task(progress),
            } => Some((landing, progress)),
            Open {
                what: What::Copy(_) | What::Parting(_),
                ..
            } => None,
        }
    }
}

impl State {
    /// A worker has the copy of a value of this process, or it is in the scheduler's hands. Gives whom to tell.
    pub(super) fn is_there(&mut self, ticket: u64) -> Option<Landing> {
        let open = self.open.get_mut(ticket)?;
        match &mut open.what {
            What::Copy(kept) => {
                *kept = Bytes::new();
                Some(open.landing.clone())
            }
            What::Parting(_) => {
                self.released.push(Ticket(ticket));
                self.open.remove(ticket).map(|open| open.landing)
            }
            What::Task(_) => None,
        }
    }

    /// Nobody here wants it any more. If it is a value that no worker has yet, it stays until one does.
    pub(super) fn let_go(&mut self, ticket: u64) -> LetGo {
        match self.open.get_mut(ticket).map(|open| &mut open.what) {
            Some(What::Copy(kept)) if !kept.is_empty() => {
                let kept = std::mem::take(kept);
                if let Some(open) = self.open.get_mut(ticket) {
                    open.what = What::Parting(kept);
                }
                LetGo::Later
            }
            _ => LetGo::Now(self.open.remove(ticket)),
        }
    }
}

/// When a ticket is let go that nobody here wants any more.
pub(super) enum LetGo {
    /// Now, and this was known of it.
    Now(Option<Open>),
    /// Once its value has arrived.
    Later,
}

impl Open {
    pub(super) fn task(landing: Landing) -> Self {
        Self {
            landing,
            what: What::Task(Progress::default()),
        }
    }
}

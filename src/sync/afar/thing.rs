//! A thing with a name that somebody elsewhere has.

use std::sync::Arc;
use std::time::Instant;

use super::{Answer, Ask, Link, Parcel, Refusal, Told};
use crate::error::{NameError, WaitError};

/// A thing that has been opened.
#[derive(Clone, Debug)]
pub(in crate::sync) struct FarThing {
    pub(in crate::sync) link: Link,
    /// What it is called there.
    pub(in crate::sync) number: u64,
    pub(in crate::sync) name: Arc<str>,
    what: Arc<str>,
}

/// What is asked for by a name, for the texts of errors.
#[derive(Clone, Copy, Debug)]
pub(in crate::sync) struct Names<'a> {
    pub(in crate::sync) kind: &'static str,
    pub(in crate::sync) name: &'a str,
    /// The type of what it holds.
    pub(in crate::sync) holds: &'static str,
    /// What is counted, and how many are asked for.
    pub(in crate::sync) number: (&'static str, usize),
}

impl<'a> Names<'a> {
    pub(in crate::sync) fn new(kind: &'static str, name: &'a str) -> Self {
        Self {
            kind,
            name,
            holds: kind,
            number: ("", 0),
        }
    }

    pub(in crate::sync) fn holding<T>(kind: &'static str, name: &'a str) -> Self {
        Self {
            holds: std::any::type_name::<T>(),
            ..Self::new(kind, name)
        }
    }

    /// # Errors
    /// `Zero`.
    pub(in crate::sync) fn check_number(&self) -> Result<(), NameError> {
        match self.number {
            (what, 0) => Err(NameError::Zero {
                name: self.name.to_owned(),
                what,
            }),
            _ => Ok(()),
        }
    }

    fn what(&self) -> Arc<str> {
        format!("{} `{}`", self.kind, self.name).into()
    }

    /// Asks for something by this name.
    ///
    /// # Errors
    /// Why it cannot be had.
    pub(in crate::sync) fn ask(
        &self,
        link: &Link,
        ask: Ask,
        item: Option<Parcel>,
    ) -> Result<Answer, NameError> {
        match link.wait(&self.what(), None, ask, item) {
            Ok(Answer {
                told: Told::Refused(refusal),
                ..
            }) => Err(self.error(refusal)),
            Ok(answer) => Ok(answer),
            Err(error) => Err(self.not_asked(error)),
        }
    }

    pub(in crate::sync) fn not_asked(&self, error: WaitError) -> NameError {
        let name = self.name.to_owned();
        match error {
            WaitError::Closed => NameError::Closed,
            error => NameError::NotAsked { name, error },
        }
    }

    fn error(&self, refusal: Refusal) -> NameError {
        let name = self.name.to_owned();
        let (what, asked) = self.number;
        let number = |has| usize::try_from(has).unwrap_or(usize::MAX);
        match refusal {
            Refusal::Closed => NameError::Closed,
            Refusal::OtherType { holds } => NameError::OtherType {
                name,
                holds: holds.into(),
                asked: self.holds,
            },
            Refusal::OtherCapacity { has } => NameError::OtherCapacity {
                name,
                has: number(has),
                asked,
            },
            Refusal::OtherNumber { has } => NameError::OtherNumber {
                name,
                what,
                has: number(has),
                asked,
            },
            Refusal::Taken => NameError::Taken { name },
            Refusal::Unknown => NameError::Unknown { name },
        }
    }
}

impl FarThing {
    /// Opens it.
    ///
    /// # Errors
    /// Why it cannot be had.
    pub(in crate::sync) fn open(
        link: Link,
        names: &Names<'_>,
        ask: Ask,
    ) -> Result<Self, NameError> {
        match names.ask(&link, ask, None)?.told {
            Told::Opened { thing } => Ok(Self {
                number: thing,
                name: names.name.into(),
                what: names.what(),
                link,
            }),
            other => Err(names.not_asked(other.into_error())),
        }
    }

    /// One that is closed from the start.
    pub(in crate::sync) fn closed(link: Link, names: &Names<'_>) -> Self {
        Self {
            number: 0,
            name: names.name.into(),
            what: names.what(),
            link,
        }
    }

    /// Asks, and waits for the answer.
    ///
    /// # Errors
    /// Why there is none.
    pub(in crate::sync) fn wait(
        &self,
        deadline: Option<Instant>,
        ask: Ask,
        item: Option<Parcel>,
    ) -> Result<Answer, WaitError> {
        self.link.wait(&self.what, deadline, ask, item)
    }

    /// Asks for what is known at once; nothing, if nobody answers.
    pub(in crate::sync) fn look(&self, ask: Ask) -> Option<Told> {
        Some(self.wait(None, ask, None).ok()?.told)
    }

    /// As `look`, for a number.
    pub(in crate::sync) fn count(&self, ask: Ask) -> usize {
        match self.look(ask) {
            Some(Told::Number(number)) => usize::try_from(number).unwrap_or(usize::MAX),
            _ => 0,
        }
    }

    pub(in crate::sync) fn delete(&self) {
        self.look(Ask::Delete { thing: self.number });
    }
}

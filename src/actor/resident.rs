//! What an actor's calls run on: its state, and how to make another.

use crate::error::{Blame, ErrorKind, TaskError};
use crate::pool::run::guarded;

/// Makes a state.
pub(super) type Maker<S> = Box<dyn Fn() -> S + Send>;

/// The state, or why there is none. Boxed, since it goes from hand to hand with the turn.
pub(super) struct Resident<S> {
    state: Result<Box<S>, Absence>,
    maker: Option<Maker<S>>,
}

/// Why there is no state.
pub(super) struct Absence {
    /// What a call or a constructor failed with; none if no constructor has run.
    panic: Option<TaskError>,
    next: &'static str,
}

impl Absence {
    /// What a call fails with that finds no state.
    pub(super) fn refusal(&self, blame: Blame) -> TaskError {
        let why = match &self.panic {
            Some(panic) => format!("the actor is poisoned: {panic}"),
            None => "the actor's state was not made: that was cancelled".to_owned(),
        };
        let source = self.panic.clone().map(|panic| Box::new(panic) as _);
        let text = format!("{why}; {}", self.next);
        TaskError::new(ErrorKind::Poisoned, blame, text, source)
    }
}

impl<S> Resident<S> {
    pub(super) fn given(state: S) -> Self {
        Self {
            state: Ok(Box::new(state)),
            maker: None,
        }
    }

    /// Has no state yet.
    pub(super) fn to_be_made(maker: Maker<S>) -> Self {
        let mut resident = Self {
            state: Err(Absence {
                panic: None,
                next: "",
            }),
            maker: Some(maker),
        };
        resident.empty(None);
        resident
    }

    pub(super) fn state(&mut self) -> Result<&mut S, &Absence> {
        match &mut self.state {
            Ok(state) => Ok(state),
            Err(absence) => Err(absence),
        }
    }

    /// A call has panicked: the state is not to be relied on.
    pub(super) fn poison(&mut self, panic: TaskError) {
        self.empty(Some(panic));
    }

    /// Drops the state and makes another, which is the caller's to [`house`](Self::house). Runs user code unguarded.
    pub(super) fn remake(&mut self) -> Option<Box<S>> {
        self.empty(None);
        self.maker.as_ref().map(|make| Box::new(make()))
    }

    pub(super) fn house(&mut self, made: Option<Box<S>>) {
        if let Some(state) = made {
            self.state = Ok(state);
        }
    }

    fn empty(&mut self, panic: Option<TaskError>) {
        let next = match self.maker {
            Some(_) => "`restart()` gives it a new state",
            None => "start another one",
        };
        let old = std::mem::replace(&mut self.state, Err(Absence { panic, next }));
        let _ = guarded(|| drop(old));
    }

    /// Drops state and constructor, which is user code.
    pub(super) fn dismiss(self) {
        let Self { state, maker } = self;
        let _ = guarded(|| drop(state));
        let _ = guarded(|| drop(maker));
    }
}

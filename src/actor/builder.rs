//! Starting an actor.

use std::panic::Location;

use super::Actor;
use super::mailbox::Mailbox;
use super::resident::Resident;
use crate::client::Client;
use crate::pool::local;

impl Client {
    /// Starts an actor with this state; see [`Actor`].
    ///
    /// The state need not be `Sync`. On a closed client the calls fail with `Closed`.
    ///
    /// ```
    /// # let client = tenter::Client::new()?;
    /// let names = client.actor(Vec::<String>::new());
    /// names.call(|names| names.push("ada".into())).detach();
    /// assert_eq!(*names.call(|names| names.len()).result()?, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn actor<S: Send + 'static>(&self, state: S) -> Actor<S> {
        ActorBuilder::new(self, std::any::type_name::<S>()).build(state)
    }

    /// Starts an actor with a state that `make` makes, on one of the pool's threads and before the first call; an actor
    /// that can be [restarted](Actor::restart).
    ///
    /// If `make` panics, the actor is poisoned from the start.
    #[track_caller]
    pub fn actor_from<S, F>(&self, make: F) -> Actor<S>
    where
        F: Fn() -> S + Send + 'static,
        S: Send + 'static,
    {
        ActorBuilder::new(self, std::any::type_name::<S>()).build_from(make)
    }

    /// An actor to be configured. Errors and `explain` call it, and its calls, by this name.
    pub fn actor_builder(&self, name: &str) -> ActorBuilder<'_> {
        ActorBuilder::new(self, name)
    }
}

/// An actor to be started; made by [`Client::actor_builder`].
///
/// ```
/// # let client = tenter::Client::new()?;
/// let store = client.actor_builder("store").mailbox(64).build(Vec::<u64>::new());
/// assert_eq!((store.name().as_str(), store.capacity()), ("store", 64));
/// # Ok::<(), tenter::StartError>(())
/// ```
#[derive(Debug)]
#[must_use = "a builder starts nothing until `build`"]
pub struct ActorBuilder<'c> {
    client: &'c Client,
    name: u32,
    capacity: usize,
}

impl<'c> ActorBuilder<'c> {
    fn new(client: &'c Client, name: &str) -> Self {
        Self {
            client,
            name: local::with(client.engine(), |local| local.name_number(name)),
            capacity: 0,
        }
    }

    /// How many calls may wait, beside the one in progress; 0, the default, is no bound. Past it [`Actor::call`] waits
    /// and [`Actor::try_call`] says [`Full`](crate::Full). The making of a state is a call too.
    pub fn mailbox(mut self, calls: usize) -> Self {
        self.capacity = calls;
        self
    }

    /// Starts the actor with this state.
    pub fn build<S: Send + 'static>(self, state: S) -> Actor<S> {
        self.start((Resident::given(state), false))
    }

    /// Starts the actor with a constructor; see [`Client::actor_from`].
    #[track_caller]
    pub fn build_from<S, F>(self, make: F) -> Actor<S>
    where
        F: Fn() -> S + Send + 'static,
        S: Send + 'static,
    {
        let actor = self.start((Resident::to_be_made(Box::new(make)), true));
        actor.remake(Location::caller()).detach();
        actor
    }

    fn start<S: Send + 'static>(self, (resident, restartable): (Resident<S>, bool)) -> Actor<S> {
        let engine = self.client.engine();
        let mailbox = Mailbox::new(engine, self.name, self.capacity, (resident, restartable));
        Actor::of(mailbox)
    }
}

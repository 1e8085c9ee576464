//! What the scheduler says, on the thread of that connection.

use std::sync::Arc;
use std::time::Instant;

use super::end::Ended;
use super::house::House;
use super::inputs;
use super::kind::Kind;
use super::run::Guest;
use crate::Client;
use crate::driver::{self, AnyHandle, Function, Parcel};
use crate::net::client::Session;
use crate::net::message::{Assign, FromWorker, Run, RunKind, ToWorker};
use crate::net::transport::{Handler, Link, LinkId, Lost};
use crate::net::wire::{Cursor, Hello, Message, Role, WireError};

/// The worker's side of its connection to the scheduler.
pub(super) struct Desk {
    house: Arc<House>,
    client: Client,
    session: Arc<Session>,
    functions: Vec<Function>,
    kinds: Vec<Arc<Kind>>,
    /// It was told to go.
    has_left: bool,
}

impl Desk {
    pub(super) fn new(house: Arc<House>, client: Client, session: Arc<Session>) -> Self {
        Self {
            house,
            client,
            session,
            functions: driver::functions(),
            kinds: Vec::new(),
            has_left: false,
        }
    }

    /// Does what the scheduler says.
    ///
    /// # Errors
    /// What no scheduler may say.
    fn hear(&mut self, words: ToWorker, arrived: Instant) -> Result<(), String> {
        match words {
            ToWorker::Kind(kind) => self.learn(*kind)?,
            ToWorker::Assign(assign) => self.take_in(assign, arrived)?,
            ToWorker::Return { runs } => self.give_back(runs),
            ToWorker::Cancel { run } => self.cancel(run),
            ToWorker::Drop { data } => self.house.store.drop_data(&data),
            ToWorker::Copy(input) => inputs::copy(&self.house, &self.client, input),
            ToWorker::Leave => self.go(),
            ToWorker::Client(words) => self.session.hear(words),
        }
        Ok(())
    }

    fn learn(&mut self, kind: RunKind) -> Result<(), String> {
        let function = self.functions.get(kind.function as usize);
        let function = *function.ok_or("a kind of runs of a function that is not here")?;
        self.kinds.push(Arc::new(Kind::new(function, kind)));
        Ok(())
    }

    /// A run becomes a task of this process.
    fn take_in(&mut self, assign: Assign, arrived: Instant) -> Result<(), String> {
        let Assign {
            run,
            tries,
            kind,
            args,
            inputs,
            mentions,
        } = assign;
        let kind = self.kinds.get(kind as usize);
        let kind = kind.ok_or("a run of a kind that was not defined")?.clone();
        let guest = Guest::new(run, kind.clone(), self.house.clone(), arrived);
        let guest = Arc::new(guest);
        self.house.enter(run, guest.clone());
        let inputs: Vec<AnyHandle> = inputs
            .into_iter()
            .map(|input| inputs::input(&self.house, &self.client, run, input))
            .collect::<Result<_, _>>()?;
        let args = Parcel {
            bytes: args.into(),
            handles: inputs::handles(&self.client, &mentions).into(),
        };
        let (client, terms) = (&self.client, kind.terms(tries));
        let attendant = guest.clone();
        match driver::host(client, kind.function, args, inputs, &terms, attendant) {
            Ok(task) => guest.keep(task),
            Err(error) => guest.refused(&error),
        }
        Ok(())
    }

    fn give_back(&self, asked: Vec<Run>) {
        let (mut runs, mut kept) = (Vec::new(), Vec::new());
        for run in asked {
            match self.house.find(run) {
                Some(guest) if guest.take_off() => runs.push(run),
                Some(guest) if guest.is_running() => kept.push(run),
                // Its end is on its way.
                Some(_) | None => {}
            }
        }
        self.house
            .speech
            .say_soon(&FromWorker::Returned { runs, kept });
    }

    fn cancel(&self, run: Run) {
        let Some(guest) = self.house.find(run) else {
            return;
        };
        if guest.take_off() {
            self.house.speech.say_soon(&FromWorker::Cancelled { run });
        } else {
            guest.cancel();
        }
    }

    fn go(&mut self) {
        self.has_left = true;
        self.house.speech.close("the worker has left");
    }
}

impl Handler for Desk {
    type In = ToWorker;

    fn decode(_: Role, from: &mut Cursor<'_>) -> Result<ToWorker, WireError> {
        ToWorker::decode(from)
    }

    fn admit(&mut self, hello: &Hello) -> Result<(), String> {
        match hello.party.role() {
            Role::Scheduler => Ok(()),
            other => Err(format!(
                "a worker connects to a scheduler, and this is a {other}: check the address"
            )),
        }
    }

    fn opened(&mut self, link: Link, _: Hello) {
        self.house.speech.open(link);
    }

    fn batch(&mut self, _: LinkId, messages: &mut Vec<ToWorker>) {
        let arrived = Instant::now();
        for words in messages.drain(..) {
            if let Err(reason) = self.hear(words, arrived) {
                return self.house.speech.close(&reason);
            }
        }
    }

    fn lost(&mut self, _: LinkId, why: Lost) {
        let reason = why.to_string();
        self.session.lost(&reason);
        self.house.end.come(match self.has_left {
            true => Ended::Left,
            false => Ended::Lost(reason),
        });
    }

    fn tick(&mut self, _: Instant) {
        self.house.announce();
        self.session.tick();
    }
}

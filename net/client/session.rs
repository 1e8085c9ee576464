//! What one process has open at one scheduler.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::sync::{Arc, OnceLock, Weak};

use bytes::Bytes;
use parking_lot::{Mutex, MutexGuard};

use super::outlet::Outlet;
use super::state::{LetGo, Open, State, What};
use crate::driver::{
    ActorCall, ActorPlace, Answers, Backend, Coordinates, Gone, Landing, Order, OrderKey, RemoteId,
    WhenAnswered, WhenNamed, WorkerId, WorkerInfo,
};
use crate::net::data::Peers;
use crate::net::message::{
    FromClient, INLINE_LIMIT, Input, PeerId, Scattered, Submit, TaskId, TaskKey, Ticket,
};
use crate::net::wire::payload_of;
use crate::{ErrorKind, WaitError};

/// Released tickets that are said at once, if nothing else is said before.
const RELEASES: usize = 256;

/// How a session gets to its connections for data.
type StartPeers = Box<dyn Fn() -> io::Result<Arc<Peers>> + Send + Sync>;

/// What one process has open at one scheduler. The backend of that process's engine.
///
/// Whoever owns the connection hands over what the scheduler says ([`hear`](Self::hear)), that time goes by
/// ([`tick`](Self::tick)), and in the end that it has ended ([`lost`](Self::lost)).
pub struct Session {
    pub(super) outlet: Arc<dyn Outlet>,
    pub(super) itself: Weak<Self>,
    identity: u64,
    start_peers: StartPeers,
    peers: Mutex<Option<Arc<Peers>>>,
    /// Where answers of who coordinates are told.
    answers: OnceLock<Answers>,
    state: Mutex<State>,
}

impl Session {
    /// A session that speaks through this outlet. Connections for data are made when they are needed first.
    pub fn new(
        outlet: Arc<dyn Outlet>,
        peers: impl Fn() -> io::Result<Arc<Peers>> + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new_cyclic(|itself| Self {
            outlet,
            itself: itself.clone(),
            // Random, as the seed of each hash map is.
            identity: RandomState::new().hash_one(std::process::id()),
            start_peers: Box::new(peers),
            peers: Mutex::default(),
            answers: OnceLock::new(),
            state: Mutex::default(),
        })
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    /// The connections for data.
    pub(super) fn peers(&self) -> io::Result<Arc<Peers>> {
        let peers = &mut *self.peers.lock();
        if let Some(peers) = peers {
            return Ok(peers.clone());
        }
        let started = (self.start_peers)()?;
        Ok(peers.insert(started).clone())
    }

    /// Says something that is never too large.
    pub(super) fn say(&self, words: FromClient) {
        let said = self.outlet.send(words);
        debug_assert!(said.is_ok(), "it is small: {said:?}");
    }

    /// Says something at once, if anybody hears it.
    fn say_now(&self, words: FromClient) -> Result<(), Gone> {
        if let Some(gone) = &self.state().ended {
            return Err(gone.clone());
        }
        self.say(words);
        self.outlet.flush();
        Ok(())
    }

    fn say_released(&self, state: &mut State) {
        if !state.released.is_empty() {
            let tickets = std::mem::take(&mut state.released);
            self.say(FromClient::Release { tickets });
        }
    }

    /// Time goes by: what has waited for company leaves alone.
    pub fn tick(&self) {
        let state = &mut *self.state();
        self.say_released(state);
    }

    /// The connection has ended, and so does what is open: with an error that says this.
    pub fn lost(&self, reason: &str) {
        let text = format!(
            "the connection to the cluster has ended: {reason}: what was not finished is lost to this process; connect a new client and submit it again"
        );
        let gone = Gone {
            kind: ErrorKind::Disconnected,
            text: text.into(),
        };
        self.end(gone.clone(), |landing| landing.give_up(&gone));
        if let Some(answers) = self.answers.get() {
            let text = format!("the connection to the cluster has ended: {reason}");
            answers.end(&WaitError::Disconnected(text));
        }
    }

    pub(super) fn answers(&self) -> Option<&Answers> {
        self.answers.get()
    }

    /// Why it has ended, if it has.
    pub(super) fn gone(&self) -> Option<Gone> {
        self.state().ended.clone()
    }

    /// Ends everything that is open, and what is to come.
    fn end(&self, gone: Gone, each: impl Fn(&Landing)) {
        let (open, questions) = {
            let state = &mut *self.state();
            state.ended.get_or_insert(gone);
            state.released.clear();
            let open = std::mem::take(&mut state.open);
            (open, std::mem::take(&mut state.questions))
        };
        // Whoever waits for an answer sees that none will come.
        drop(questions);
        let peers = self.peers.lock().take();
        drop(peers);
        // In the order in which they were submitted: what fails through another names it. All at once, since what one's end
        // brings about may ask for another.
        let open: Vec<Open> = open.into_ordered().collect();
        open.iter().for_each(|open| each(&open.landing));
    }

    /// The next ticket, once what makes it one is said. What is known of it is entered by the caller, who still has that if
    /// there is none: it is not to be dropped under the lock.
    fn next_ticket(
        &self,
        state: &mut State,
        words: impl FnOnce(Ticket) -> FromClient,
    ) -> Result<u64, Gone> {
        let ticket = state.next()?;
        if state.released.len() >= RELEASES {
            self.say_released(state);
        }
        if let Err(error) = self.outlet.send(words(Ticket(ticket))) {
            return Err(Gone {
                kind: ErrorKind::Encoding,
                text: format!("its arguments are too large to be sent with it: {error}: scatter what is large, and give the handle").into(),
            });
        }
        Ok(ticket)
    }

    /// Nobody here wants it any more. Gives what was known of it.
    fn let_go(&self, ticket: u64, detached: bool) -> Option<Open> {
        let state = &mut *self.state();
        if state.ended.is_some() {
            return None;
        }
        let LetGo::Now(open) = state.let_go(ticket) else {
            return None;
        };
        if detached {
            let tickets = vec![Ticket(ticket)];
            self.say(FromClient::Detach { tickets });
            return open;
        }
        state.released.push(Ticket(ticket));
        // A task that may still run is to hear of it now.
        if open.is_some() || state.released.len() >= RELEASES {
            self.say_released(state);
        }
        open
    }
}

impl Backend for Session {
    fn identity(&self) -> u64 {
        self.identity
    }

    fn submit(&self, order: Order, landing: Landing) -> Result<u64, Gone> {
        let state = &mut *self.state();
        if let Some(gone) = &state.ended {
            return Err(gone.clone());
        }
        let say = |words| self.say(words);
        let kind = state.kinds.number(&order.manner, &landing, say)?;
        let ticket = self.next_ticket(state, |ticket| {
            FromClient::Submit(Submit {
                ticket,
                kind,
                key: order.key.map(key_of),
                args: payload_of(order.args),
                inputs: inputs_of(order.inputs),
                mentions: inputs_of(order.mentions),
            })
        })?;
        state.open.insert(ticket, Open::task(landing));
        Ok(ticket)
    }

    fn scatter(
        &self,
        name: &str,
        value: Vec<u8>,
        mentions: Vec<u64>,
        landing: Landing,
    ) -> Result<u64, Gone> {
        let value = Bytes::from(value);
        let (data, kept) = if value.len() <= INLINE_LIMIT {
            (Scattered::Inline(value), Bytes::new())
        } else {
            (Scattered::Sized(value.len() as u64), value)
        };
        let what = What::Copy(kept);
        let state = &mut *self.state();
        let ticket = self.next_ticket(state, |ticket| FromClient::Scatter {
            ticket,
            name: name.to_owned(),
            data,
            on: Vec::new(),
            mentions: inputs_of(mentions),
        })?;
        state.open.insert(ticket, Open { landing, what });
        Ok(ticket)
    }

    fn adopt(&self, task: RemoteId, landing: Landing) -> Result<u64, Gone> {
        let task = TaskId::from(task);
        let state = &mut *self.state();
        let ticket = self.next_ticket(state, |ticket| FromClient::Want { ticket, task })?;
        state.open.insert(ticket, Open::task(landing));
        Ok(ticket)
    }

    fn retry(&self, failed: u64, landing: Landing) -> Result<u64, Gone> {
        let of = Ticket(failed);
        let state = &mut *self.state();
        let ticket = self.next_ticket(state, |ticket| FromClient::Retry { ticket, of })?;
        state.open.insert(ticket, Open::task(landing));
        Ok(ticket)
    }

    fn want(&self, ticket: u64) {
        self.fetch_if_wanted(&mut self.state(), ticket);
    }

    fn cancel(&self, ticket: u64) {
        self.say(FromClient::Cancel {
            tickets: vec![Ticket(ticket)],
        });
    }

    fn release(&self, ticket: u64, detached: bool) {
        let known = self.let_go(ticket, detached);
        // It may come back here in its end.
        drop(known);
    }

    fn watch(&self, ticket: u64) {
        self.watch_from(ticket);
    }

    fn explain(&self, ticket: u64, label: &str) -> Option<String> {
        Some(self.explanation(Ticket(ticket), label))
    }

    fn workers(&self) -> Result<Vec<WorkerInfo>, Gone> {
        self.ask_workers()
    }

    fn holders(&self, ticket: u64) -> Result<Vec<WorkerId>, Gone> {
        self.ask_holders(Ticket(ticket))
    }

    fn replicate(&self, ticket: u64, copies: u32) -> Result<(), Gone> {
        let ticket = Ticket(ticket);
        self.say_now(FromClient::Replicate { ticket, copies })
    }

    fn retire(&self, worker: WorkerId) -> Result<(), Gone> {
        let worker = PeerId(worker.0);
        self.say_now(FromClient::Retire { worker })
    }

    fn flush(&self) {
        self.outlet.flush();
    }

    fn wait_for_room(&self) {
        if self.outlet.may_wait() {
            self.outlet.wait_for_room();
        }
    }

    fn close(&self) {
        let gone = Gone {
            kind: ErrorKind::Closed,
            text: "the client is closed: start another one".into(),
        };
        self.end(gone, Landing::cancel);
        self.outlet.close();
    }

    fn call_actor(&self, at: &ActorPlace, call: ActorCall, answered: WhenAnswered) -> u64 {
        self.call_there(at, call, answered)
    }

    fn cancel_call(&self, number: u64) {
        self.take_back(number);
    }

    fn names(&self, tickets: Vec<u64>, told: WhenNamed) {
        self.ask_names(tickets, told);
    }

    fn when_heard(&self, heard: Box<dyn FnOnce() + Send>) {
        self.when_all_is_heard(heard);
    }

    fn coordinates(&self) -> Option<Arc<dyn Coordinates>> {
        self.itself.upgrade().map(|itself| itself as _)
    }

    fn answer_to(&self, answers: Answers) {
        // The engine that it is the backend of says so, once. What ends it meanwhile sees the answers, or is seen here.
        let answers = self.answers.get_or_init(|| answers);
        let ended = self.state().ended.clone();
        if let Some(gone) = ended {
            answers.end(&WaitError::Disconnected(gone.text.to_string()));
        }
    }
}

fn key_of(key: OrderKey) -> TaskKey {
    TaskKey {
        text: key.text,
        kin: key.kin,
    }
}

/// Tickets, as inputs or mentions of a message.
pub fn inputs_of(tickets: Vec<u64>) -> Vec<Input> {
    let named = tickets.into_iter();
    named.map(|ticket| Input::Ticket(Ticket(ticket))).collect()
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("outlet", &self.outlet)
            .finish_non_exhaustive()
    }
}

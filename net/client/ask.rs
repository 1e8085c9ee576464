//! Questions to the scheduler, and their answers.

use std::fmt;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::Duration;

use hashbrown::HashMap;

use super::session::Session;
use crate::ErrorKind;
use crate::driver::{Gone, WorkerId, WorkerInfo};
use crate::net::message::{Answer, Condition, FromClient, Question, Ticket};

/// How long an answer may take. The scheduler answers at once; a connection that is over says so sooner.
const PATIENCE: Duration = Duration::from_secs(30);

/// Tasks that are watched when the first of them is asked about.
const WATCHED_TOGETHER: u64 = 256;

/// Questions that were not answered yet. Dropping this ends the waits.
#[derive(Debug, Default)]
pub(super) struct Questions {
    newest: u64,
    open: HashMap<u64, Asker>,
}

/// Who has asked.
enum Asker {
    Waits(Sender<Answer>),
    IsCalled(Called),
}

/// Called with the answer; with none, if it is dropped before.
struct Called(Option<WhenAnswered>);

type WhenAnswered = Box<dyn FnOnce(Option<Answer>) + Send>;

impl Called {
    fn call(&mut self, answer: Option<Answer>) {
        if let Some(called) = self.0.take() {
            called(answer);
        }
    }
}

impl Drop for Called {
    fn drop(&mut self) {
        self.call(None);
    }
}

impl fmt::Debug for Asker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Waits(_) => "Waits",
            Self::IsCalled(_) => "IsCalled",
        })
    }
}

impl Questions {
    fn enter(&mut self, asker: Asker) -> u64 {
        self.newest += 1;
        self.open.insert(self.newest, asker);
        self.newest
    }
}

impl Session {
    /// Asks, and waits for the answer.
    ///
    /// # Errors
    /// If the connection has ended, or this is the thread that would hear the answer.
    pub(super) fn ask(&self, question: Question) -> Result<Answer, Gone> {
        if !self.outlet.may_wait() {
            return Err(unanswered(
                "this thread hears what the scheduler says, and cannot wait for it",
            ));
        }
        let (request, answer) = {
            let state = &mut *self.state();
            if let Some(gone) = &state.ended {
                return Err(gone.clone());
            }
            let (send, answer) = channel();
            (state.questions.enter(Asker::Waits(send)), answer)
        };
        self.say(FromClient::Ask { request, question });
        self.outlet.flush();
        answer.recv_timeout(PATIENCE).map_err(|why| {
            self.state().questions.open.remove(&request);
            match (why, &self.state().ended) {
                (RecvTimeoutError::Disconnected, Some(gone)) => gone.clone(),
                _ => unanswered("the scheduler does not answer"),
            }
        })
    }

    pub(super) fn answered(&self, request: u64, answer: Answer) {
        let asker = self.state().questions.open.remove(&request);
        match asker {
            // Who asked may have gone.
            Some(Asker::Waits(asker)) => drop(asker.send(answer)),
            Some(Asker::IsCalled(mut called)) => called.call(Some(answer)),
            None => {}
        }
    }

    /// Asks, with the next flush, and has this called with the answer, on the thread that hears it; with none if there will be
    /// none.
    pub(super) fn ask_then(
        &self,
        question: Question,
        then: impl FnOnce(Option<Answer>) + Send + 'static,
    ) {
        let called = Called(Some(Box::new(then)));
        let request = {
            let state = &mut *self.state();
            if state.ended.is_some() {
                None
            } else {
                Some(state.questions.enter(Asker::IsCalled(called)))
            }
        };
        if let Some(request) = request {
            self.say(FromClient::Ask { request, question });
        }
    }

    pub(super) fn ask_workers(&self) -> Result<Vec<WorkerInfo>, Gone> {
        match self.ask(Question::Workers)? {
            Answer::Workers(workers) => Ok(workers.into_iter().map(info_of).collect()),
            _ => Err(unanswered(OTHER)),
        }
    }

    pub(super) fn ask_holders(&self, ticket: Ticket) -> Result<Vec<WorkerId>, Gone> {
        match self.ask(Question::WhoHas(ticket))? {
            Answer::Holders(holders) => {
                let ids = holders.into_iter().map(|holder| WorkerId(holder.worker.0));
                Ok(ids.collect())
            }
            _ => Err(unanswered(OTHER)),
        }
    }

    /// Has the landing of this task told how far it is, and of those that were submitted after it, since who asks about one in a
    /// list asks about the next. Waits until it was told.
    pub(super) fn watch_from(&self, ticket: u64) {
        {
            let state = &mut *self.state();
            let mut is_new = |ticket| {
                let known = state.progress(ticket);
                known.is_some_and(|(landing, _)| landing.watch())
            };
            let last = ticket.saturating_add(WATCHED_TOGETHER);
            let new = (ticket..last).filter(|&ticket| is_new(ticket));
            let tickets: Vec<Ticket> = new.map(Ticket).collect();
            if !tickets.is_empty() {
                // Under the lock: whoever finds that it is watched asks after this was said.
                self.say(FromClient::Watch { tickets });
            }
        }
        // What it says to that comes before what it says to this, whatever that is.
        let _ = self.ask(Question::TaskIdOf(Ticket(ticket)));
    }

    /// Why a task is not done.
    pub(super) fn explanation(&self, ticket: Ticket, label: &str) -> String {
        match self.ask(Question::Explain(ticket)) {
            Ok(Answer::Text(text)) => format!("{label} is on the cluster: {text}"),
            Ok(_) => format!("{label} is on the cluster"),
            Err(gone) => match self.state().condition {
                Some(Condition::NoWorkers { .. }) => {
                    format!("{label} is on the cluster, which has no workers: start one")
                }
                _ => format!("{label} is on the cluster: {}", gone.text),
            },
        }
    }
}

/// What is said of an answer to another question.
const OTHER: &str = "the scheduler has answered something else: start the same version of the program on both sides";

fn info_of(known: crate::net::message::WorkerInfo) -> WorkerInfo {
    let mut info = WorkerInfo::new(known.worker.0);
    info.name = known.name;
    info.host = known.host;
    info.address = known.address;
    info.threads = known.slots;
    info.assigned = known.assigned;
    info.bytes = known.held_bytes;
    info
}

fn unanswered(text: &'static str) -> Gone {
    Gone {
        kind: ErrorKind::Disconnected,
        text: text.into(),
    }
}

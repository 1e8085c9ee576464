//! Calls of actors, which go past the scheduler, and what they need to be told by it.

use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;

use super::failure::report_of;
use super::session::Session;
use crate::driver::{
    ActorCall, ActorPlace, Answered, Gone, RemoteId, WhenAnswered, WhenNamed, place_bytes,
};
use crate::net::data::{Call, Called};
use crate::net::message::{Answer, Holder, Question, Run, TaskId, Ticket};
use crate::net::transport::LinkId;
use crate::{ErrorKind, TaskError};

/// What the task gives that has made an actor: where that lives.
pub(super) fn place_of(data: Run, holder: Holder) -> Bytes {
    Bytes::from(place_bytes(&ActorPlace {
        task: data.task.into(),
        attempt: data.attempt,
        worker: holder.worker.0,
        address: holder.address,
    }))
}

impl Session {
    /// Calls an actor, over the connection for data.
    pub(super) fn call_there(
        &self,
        at: &ActorPlace,
        call: ActorCall,
        answered: WhenAnswered,
    ) -> u64 {
        if let Some(Gone { kind, text }) = self.state().ended.clone() {
            answered(Answered::Refused(kind, &text));
            return 0;
        }
        let peers = match self.peers() {
            Ok(peers) => peers,
            Err(error) => {
                let text = format!("the system has no thread to give: {error}");
                answered(Answered::Refused(ErrorKind::Disconnected, &text));
                return 0;
            }
        };
        let named = |names: Vec<RemoteId>| names.into_iter().map(TaskId::from).collect();
        let call = Call {
            actor: Run {
                task: at.task.into(),
                attempt: at.attempt,
            },
            method: call.method,
            signature: call.signature_hash,
            args: call.args.into(),
            inputs: named(call.inputs),
            mentions: named(call.mentions),
        };
        let session = self.itself.clone();
        peers.call(&at.address, call, move |called| {
            let thanks = hand_over(called, answered);
            if let (Some(to), Some(session)) = (thanks, session.upgrade()) {
                session.thank(to);
            }
        })
    }

    /// Thanks for a result, once the handles in it are wanted here.
    fn thank(&self, (link, request): (LinkId, u64)) {
        let session = self.itself.clone();
        self.when_all_is_heard(Box::new(move || {
            if let Some(session) = session.upgrade()
                && let Ok(peers) = session.peers()
            {
                peers.thank(link, request);
            }
        }));
    }

    pub(super) fn take_back(&self, number: u64) {
        if number != 0
            && let Ok(peers) = self.peers()
        {
            peers.take_back(number);
        }
    }

    /// Asks for the names by which tasks travel.
    pub(super) fn ask_names(&self, tickets: Vec<u64>, told: WhenNamed) {
        let names = Arc::new(Names {
            found: Mutex::new(vec![None; tickets.len()]),
            told: Mutex::new(Some(told)),
            gone: Mutex::new(None),
        });
        for (place, ticket) in tickets.into_iter().enumerate() {
            let (names, session) = (names.clone(), self.itself.clone());
            self.ask_then(Question::TaskIdOf(Ticket(ticket)), move |answer| {
                match answer {
                    Some(Answer::TaskId(Some(task))) => {
                        names.found.lock()[place] = Some(task.into());
                    }
                    Some(_) => {}
                    // There is no session any more, or it has ended.
                    None => *names.gone.lock() = session.upgrade().and_then(|its| its.gone()),
                }
            });
        }
        self.outlet.flush();
    }

    /// Calls this when the scheduler has taken in all that was said to it, or will hear nothing more.
    pub(super) fn when_all_is_heard(&self, heard: Box<dyn FnOnce() + Send>) {
        // Of no ticket: the answer is what matters.
        self.ask_then(Question::TaskIdOf(Ticket(0)), move |_| heard());
        self.outlet.flush();
    }
}

/// Names that are asked for. The last who has an answer drops it, and so tells who waits.
struct Names {
    found: Mutex<Vec<Option<RemoteId>>>,
    told: Mutex<Option<WhenNamed>>,
    /// Why there are no answers.
    gone: Mutex<Option<Gone>>,
}

impl Drop for Names {
    fn drop(&mut self) {
        let Some(told) = self.told.get_mut().take() else {
            return;
        };
        let found = std::mem::take(self.found.get_mut());
        let names: Option<Vec<RemoteId>> = found.into_iter().collect();
        let gone = self.gone.get_mut().take();
        told(names.ok_or_else(|| gone.map_or_else(unknown, ended)));
    }
}

fn ended(gone: Gone) -> TaskError {
    crate::driver::error_here(gone.kind, &gone.text)
}

fn unknown() -> TaskError {
    crate::driver::error_here(
        ErrorKind::Forgotten,
        "a handle among the arguments or in the result names a task that the scheduler does not know",
    )
}

/// Gives what has come of a call to who made it. Says whom to thank.
fn hand_over(called: Called, answered: WhenAnswered) -> Option<(LinkId, u64)> {
    match called {
        Called::Value {
            content,
            mentions,
            thanks,
        } => {
            let names: Vec<RemoteId> = mentions.into_iter().map(RemoteId::from).collect();
            answered(Answered::Value(&content, &names));
            return thanks;
        }
        Called::Failed(failure) => answered(Answered::Failed(&report_of(&failure))),
        Called::Refused(why) => answered(Answered::Refused(ErrorKind::UnknownFunction, &why)),
        Called::TooLarge(why) => {
            let why = format!(
                "its arguments are too large to be sent with it: {why}: scatter what is large, and give the handle"
            );
            answered(Answered::Refused(ErrorKind::Encoding, &why));
        }
        Called::Unreached(why) => answered(Answered::Unreached(&why)),
        Called::Cut(why) => answered(Answered::Cut(&why)),
    }
    None
}

//! A call from another process of an actor that lives in this one.

use super::Actor;
use super::call::{Call, Ticket};
use super::resident::Resident;
use crate::call::Parcel;
use crate::call::generated::Info;
use crate::error::{Blame, ErrorKind, Failure, TaskError};
use crate::graph::Spec;
use crate::pool::local::{self, Local};
use crate::pool::run::{failed, guarded};
use crate::pool::want::TaskRef;

/// What is called with the encoded result of a call, or why there is none: once, on the thread that ran it or cancelled it.
#[allow(unnameable_types, reason = "called by this crate only")]
pub type Answer = Box<dyn FnOnce(Result<Parcel, TaskError>) + Send>;

/// Runs on the state, and encodes what it gives.
type Body<S> = Box<dyn FnOnce(&mut S, &Local) -> Result<Parcel, Failure> + Send>;

struct Visit<S> {
    ticket: Ticket<()>,
    body: Body<S>,
    answer: Answer,
}

impl<S: Send + 'static> Actor<S> {
    /// Puts a call from elsewhere into the mailbox. Its task here is for taking it back: what it gives is told to `answer`.
    pub(crate) fn visit(
        &self,
        method: &'static Info,
        body: impl FnOnce(&mut S, &Local) -> Result<Parcel, Failure> + Send + 'static,
        answer: Answer,
    ) -> TaskRef {
        let mailbox = self.mailbox();
        let spec = Spec {
            name: local::with(mailbox.engine(), |local| local.function_number(method)),
            extra: mailbox.number,
            ..Spec::default()
        };
        let (ticket, future) = Ticket::new(mailbox.engine(), &spec);
        // Who makes an actor for others gives it no bound; how many calls there may be is for who takes them in to say.
        let room = mailbox.reserve();
        debug_assert!(room, "an actor that a task makes takes all calls");
        let body = Box::new(body);
        mailbox.push(Box::new(Visit {
            ticket,
            body,
            answer,
        }));
        future.into_task()
    }
}

impl<S> Visit<S> {
    fn end(ticket: Ticket<()>, body: Body<S>, answer: Answer) {
        let blame = ticket.blame();
        ticket.cancel(body);
        let text = "it was cancelled before it began";
        answer(Err(TaskError::new(ErrorKind::Cancelled, blame, text, None)));
    }
}

impl<S> Call<S> for Visit<S> {
    fn index(&self) -> u32 {
        self.ticket.index()
    }

    fn run(self: Box<Self>, local: &Local, resident: &mut Resident<S>) {
        let Self {
            ticket,
            body,
            answer,
        } = *self;
        if ticket.is_cancelled() {
            return Self::end(ticket, body, answer);
        }
        let blame = ticket.blame();
        let state = match resident.state() {
            Ok(state) => state,
            Err(why) => {
                let _ = guarded(|| drop(body));
                let error = why.refusal(blame);
                ticket.fail(|_| error.clone());
                return answer(Err(error));
            }
        };
        let mut outcome = None;
        let ran = ticket.run(local, || {
            match body(state, local).map_err(|failure| failed_as(failure, &blame)) {
                Ok(parcel) => outcome = Some(Ok(parcel)),
                Err(error) => {
                    outcome = Some(Err(error.clone()));
                    return Err(Box::new(error) as Failure);
                }
            }
            Ok(())
        });
        if let Err(panic) = ran {
            outcome = Some(Err(panic.clone()));
            resident.poison(panic);
        }
        answer(outcome.expect("a body returns or panics"));
    }

    fn cancel(self: Box<Self>) {
        let Self {
            ticket,
            body,
            answer,
        } = *self;
        Self::end(ticket, body, answer);
    }
}

fn failed_as(failure: Failure, blame: &Blame) -> TaskError {
    failed(failure, blame.clone())
}

//! What the scheduler says.

use super::actors::place_of;
use super::failure::report_of;
use super::session::Session;
use super::state::{Open, What};
use crate::Status;
use crate::driver::{Landing, RemoteId};
use crate::net::data::Content;
use crate::net::message::{Condition, Finished, Located, Stage, TaskId, Ticket, ToClient};

impl Session {
    /// Takes in what the scheduler says. It may run user code: decoders, wakers, destructors.
    pub fn hear(&self, words: ToClient) {
        match words {
            ToClient::Finished {
                ticket,
                result,
                mentions,
            } => self.finished(ticket.0, result, &mentions),
            ToClient::Failed { ticket, failure } => {
                if let Some(open) = self.close_ticket(ticket.0) {
                    open.landing.fail(&report_of(&failure));
                }
            }
            ToClient::Lost { ticket } => self.is_lost(ticket.0),
            ToClient::Stage { ticket, stage } => self.stands(ticket.0, stage),
            ToClient::Located {
                ticket,
                at: Located::Inline(bytes),
                mentions,
            } => self.arrived(ticket.0, bytes.into(), &mentions),
            ToClient::Located {
                ticket,
                at:
                    Located::Held {
                        data,
                        bytes,
                        holders,
                    },
                mentions,
            } => self.pull(ticket.0, (data, bytes), holders, mentions),
            ToClient::Located {
                ticket,
                at: Located::Actor { data, holder },
                mentions,
            } => self.arrived(ticket.0, place_of(data, holder).into(), &mentions),
            ToClient::Put {
                ticket,
                data,
                holder,
            } => self.put(ticket.0, data, holder),
            ToClient::Answer { request, answer } => self.answered(request, answer),
            ToClient::Coordinate {
                request,
                body,
                mentions,
            } => self.is_told(request, &body, mentions),
            ToClient::Condition(condition) => self.is_so(condition),
        }
    }

    /// A ticket of which nothing more is to be heard.
    fn close_ticket(&self, ticket: u64) -> Option<Open> {
        let state = &mut *self.state();
        let open = state.open.remove(ticket)?;
        if matches!(open.what, What::Parting(_)) {
            state.released.push(Ticket(ticket));
        }
        Some(open)
    }

    fn finished(&self, ticket: u64, result: Finished, mentions: &[TaskId]) {
        match result {
            Finished::Inline(bytes) => self.arrived(ticket, bytes.into(), mentions),
            Finished::Held { .. } | Finished::Actor => {
                if let Some(landing) = self.is_held(ticket) {
                    landing.finished();
                }
            }
        }
    }

    /// The result of a task is held elsewhere, or a value of this process is. Gives whom to tell.
    fn is_held(&self, ticket: u64) -> Option<Landing> {
        let state = &mut *self.state();
        let Some((landing, progress)) = state.progress(ticket) else {
            return state.is_there(ticket);
        };
        let landing = landing.clone();
        progress.held = true;
        self.fetch_if_wanted(state, ticket);
        Some(landing)
    }

    /// The result of a task is here.
    pub(super) fn arrived(&self, ticket: u64, content: Content, mentions: &[TaskId]) {
        let (open, put) = {
            let state = &mut *self.state();
            match state.progress(ticket) {
                Some(_) => (state.open.remove(ticket), None),
                None => (None, state.is_there(ticket)),
            }
        };
        if let Some(landing) = put {
            landing.finished();
        }
        let Some(open) = open else {
            return;
        };
        let names: Vec<RemoteId> = mentions.iter().map(|&task| task.into()).collect();
        match content {
            Content::Bytes(bytes) => open.landing.deliver(&bytes, &names),
            Content::Array(array) => open.landing.deliver_array(array),
        }
    }

    fn is_lost(&self, ticket: u64) {
        if let Some((landing, progress)) = self.state().progress(ticket) {
            progress.held = false;
            landing.lost();
        }
    }

    fn stands(&self, ticket: u64, stage: Stage) {
        if let Some((landing, _)) = self.state().progress(ticket) {
            landing.stands(match stage {
                Stage::Waiting => Status::Waiting,
                Stage::Queued => Status::Queued,
                Stage::Running => Status::Running,
            });
        }
    }

    fn is_so(&self, condition: Condition) {
        let before = self.state().condition.replace(condition);
        let knew = matches!(before, Some(Condition::NoWorkers { .. }));
        if let Condition::NoWorkers { ready } = condition
            && !knew
        {
            eprintln!(
                "tenter: the cluster has no workers, and {ready} of its tasks are ready: start a worker"
            );
        }
    }
}

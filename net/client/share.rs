//! What is shared by name: asks of who coordinates, and answers.

use bytes::Bytes;

use super::session::{Session, inputs_of};
use crate::driver::{Ask, Coordinates, SentItem, Told};
use crate::net::coordinate::{ask_body, told_of};
use crate::net::message::{FromClient, TaskId};

impl Coordinates for Session {
    fn ask(&self, request: u64, ask: Ask, item: Option<SentItem>) -> Result<(), String> {
        let body = ask_body(&ask, item.as_ref());
        let mentions = item.map_or_else(Vec::new, |item| inputs_of(item.handles));
        let sent = self.outlet.send(FromClient::Coordinate {
            request,
            body,
            mentions,
        });
        self.outlet.flush();
        sent.map_err(|error| {
            format!("it cannot be sent: {error}: share a handle of it, from `scatter`")
        })
    }

    fn may_wait(&self) -> bool {
        self.outlet.may_wait()
    }
}

impl Session {
    /// Who coordinates has answered.
    pub(super) fn is_told(&self, request: u64, body: &Bytes, mentions: Vec<TaskId>) {
        let Some(answers) = self.answers() else {
            return;
        };
        match told_of(body, mentions) {
            Ok((told, items)) => answers.told(request, told, items),
            Err(error) => {
                let told = Told::Nonsense(error.to_string());
                answers.told(request, told, Vec::new());
            }
        }
    }
}

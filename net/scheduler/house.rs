//! Queues, variables, locks and the like are not the machine's: it hands what is said of them to the *house*, who coordinates.
//! Handles travel in what is said, so the house wants tasks as a client does: once for each mention, until it lets go.

use bytes::Bytes;

use super::{Effect, Machine};
use crate::net::message::{Mention, PeerId, TaskId, ToClient};

impl Machine {
    /// A client says something to the house, which wants what it mentions from now on.
    pub(super) fn coordinate(
        &mut self,
        client: u32,
        request: u64,
        body: Bytes,
        mentions: &[Mention],
    ) {
        let from = self.clients[client as usize].peer;
        let mentions = mentions.iter().map(|&mention| {
            let index = self.take_mention(client, mention);
            *self.house.entry(index).or_insert(0) += 1;
            self.tasks.id(index)
        });
        let mentions = mentions.collect();
        self.out.push(Effect::Coordinate {
            from,
            request,
            body,
            mentions,
        });
    }

    /// The house answers.
    pub(super) fn answer_of_house(
        &mut self,
        to: PeerId,
        request: u64,
        body: Bytes,
        mentions: Vec<TaskId>,
    ) {
        if let Some(client) = self.client_slot(to) {
            let words = ToClient::Coordinate {
                request,
                body,
                mentions,
            };
            self.tell_client(client, words);
        }
    }

    /// The house has one want less of each of these.
    pub(super) fn let_go_of(&mut self, tasks: &[TaskId]) {
        for task in tasks {
            let known = self.tasks.is(task.slot, task.generation);
            let Some(wants) = self.house.get_mut(&task.slot).filter(|_| known) else {
                continue;
            };
            *wants -= 1;
            if *wants == 0 {
                self.house.remove(&task.slot);
            }
            self.drop_user(task.slot);
        }
    }
}

//! Where data are; data that nobody needs; data that were lost, and the recipes that bring them back.
//!
//! 1. A result that the scheduler has itself is never lost: its task lets its inputs go when it finishes.
//! 2. A task whose result stays on workers keeps its inputs' tasks, not their data, until it is freed: the graph itself is
//!    the lineage. When the last holder dies and somebody needs the data, the task is reopened, after those of its inputs
//!    whose data are gone, and so on.
//! 3. Each client has an account of the finished tasks that keep inputs. Past its limit the oldest lets them go; if its data
//!    are lost after that, it fails with `DataLost`, as does data that was scattered.
//! 4. An actor is the result of a task that has no recipe any more, on the one worker that has it: it is not copied, not even when
//!    that worker leaves, and lost with it. Its calls are not the scheduler's affair.

use std::sync::Arc;

use smallvec::SmallVec;

use super::client::Lineage;
use super::task::{KEEPS_INPUTS, NO_RECIPE, REOPENING, SCATTERED, Value};
use super::{Effect, Machine};
use crate::driver::graph::State;
use crate::net::message::{
    Failure, FailureKind, Holder, InputData, PeerId, Run, Source, ToClient, ToWorker,
};

/// Stale entries that are left in a list of recipes.
const SLACK: usize = 64;

impl Machine {
    /// What a task's newest data, or attempt, is called.
    pub(super) fn data_name(&mut self, index: u32) -> Run {
        Run {
            task: self.tasks.id(index),
            attempt: self.tasks.task(index).attempt,
        }
    }

    pub(super) fn holder(&self, worker: u32) -> Holder {
        let worker = &self.workers[worker as usize];
        Holder {
            worker: worker.peer,
            address: worker.hello.address.clone(),
        }
    }

    /// An input, as a worker is told of it.
    pub(super) fn input_data(&mut self, index: u32, worker: u32, avoid: &[PeerId]) -> InputData {
        let data = self.data_name(index);
        let source = match &self.tasks.task(index).value {
            Value::Inline(bytes) => Source::Inline(bytes.clone()),
            Value::Held(held) if held.holders.contains(&worker) => Source::Here,
            Value::Held(held) => {
                let (bytes, holders) = (held.bytes, held.holders.clone());
                let holders = self.best_first(&holders, avoid);
                Source::At { bytes, holders }
            }
            Value::None | Value::Failed(_) => unreachable!("looked at before the task was claimed"),
        };
        let mentions = self.mentioned_by_result(index);
        InputData {
            data,
            source,
            mentions,
        }
    }

    /// The holders, beginning at a random one, so that they share the work; those to be avoided come last.
    pub(super) fn best_first(&mut self, holders: &[u32], avoid: &[PeerId]) -> Vec<Holder> {
        let first = self.random.below(holders.len());
        let (after, before) = holders.split_at(first);
        let order = before.iter().chain(after);
        let mut holders: Vec<Holder> = order.map(|&worker| self.holder(worker)).collect();
        if !avoid.is_empty() {
            let failed =
                |holder: &Holder| avoid.iter().filter(|&&one| one == holder.worker).count();
            holders.sort_by_key(failed);
        }
        holders
    }

    pub(super) fn add_holder(&mut self, index: u32, worker: u32) {
        let Value::Held(held) = &mut self.tasks.task(index).value else {
            return;
        };
        if held.holders.contains(&worker) {
            return;
        }
        held.holders.push(worker);
        let bytes = held.bytes;
        self.workers[worker as usize].held.insert(index);
        self.hold(worker, bytes);
    }

    /// A worker has the data no longer. If nobody else has, they are lost.
    pub(super) fn remove_holder(&mut self, index: u32, worker: u32) {
        let Value::Held(held) = &mut self.tasks.task(index).value else {
            return;
        };
        held.holders.retain(|&mut holder| holder != worker);
        let (bytes, gone) = (held.bytes, held.holders.is_empty());
        if self.workers[worker as usize].held.remove(&index) {
            self.unhold(worker, bytes);
        }
        if gone {
            if self.tasks.task(index).is_actor() {
                let place = self.place_name(worker);
                self.graves.insert(index, place);
            }
            self.tasks.task(index).value = Value::None;
            if self.tasks.task(index).users > 0 {
                self.lost.push(index);
            }
            for (client, ticket) in self.tasks.task(index).wants.list() {
                self.tell_client(client, ToClient::Lost { ticket });
            }
        }
    }

    /// Nobody needs the data of a finished task: its holders may forget them.
    pub(super) fn release_data(&mut self, index: u32) {
        let data = self.data_name(index);
        let task = self.tasks.task(index);
        let Value::Held(held) = std::mem::take(&mut task.value) else {
            return;
        };
        self.forget_data(index, data, *held);
    }

    /// The holders of these data are to forget them.
    pub(super) fn forget_data(&mut self, index: u32, data: Run, held: super::task::Held) {
        for worker in held.holders {
            self.workers[worker as usize].held.remove(&index);
            self.unhold(worker, held.bytes);
            self.drop_data(worker, data);
        }
        self.drop_mentions_of_result(index);
    }

    /// Tells a worker that nobody needs these data. Several in a row are one message.
    pub(super) fn drop_data(&mut self, worker: u32, gone: Run) {
        let peer = self.workers[worker as usize].peer;
        if let Some(Effect::ToWorker(last, ToWorker::Drop { data })) = self.out.last_mut()
            && *last == peer
        {
            data.push(gone);
            return;
        }
        let data = vec![gone];
        self.out
            .push(Effect::ToWorker(peer, ToWorker::Drop { data }));
    }

    pub(super) fn drop_mentions_of_result(&mut self, index: u32) {
        for mentioned in self.result_mentions.remove(&index).unwrap_or_default() {
            self.drop_user(mentioned);
        }
    }

    // Recipes.

    /// A finished task keeps its inputs, on its client's account.
    pub(super) fn keep_inputs(&mut self, index: u32) {
        let account = self.kinds.kind(self.tasks.task(index).kind).client;
        let generation = self.tasks.id(index).generation;
        self.tasks.task(index).set(KEEPS_INPUTS, true);
        let lineage = self.lineage(account);
        lineage.tasks.push_back((index, generation));
        lineage.live += 1;
        while let Some(oldest) = self.lineage(account).past_limit() {
            self.cut(oldest);
        }
        self.tidy_lineage(account);
    }

    /// A client's account. Tasks of a client that has gone may live on with others: theirs begins anew.
    fn lineage(&mut self, account: u32) -> &mut Lineage {
        let limit = self.config.lineage_limit;
        self.lineages.entry(account).or_insert_with(|| Lineage {
            limit,
            client_gone: true,
            ..Lineage::default()
        })
    }

    /// A task keeps its inputs no longer on its client's account: it was reopened, freed or cut.
    pub(super) fn off_account(&mut self, kind: u32) {
        let Some(account) = self.kinds.kinds.get(kind as usize).map(|kind| kind.client) else {
            return;
        };
        self.lineage(account).live -= 1;
        self.tidy_lineage(account);
    }

    pub(super) fn tidy_lineage(&mut self, account: u32) {
        let Some(lineage) = self.lineages.get_mut(&account) else {
            return;
        };
        if lineage.client_gone && lineage.live == 0 {
            self.lineages.remove(&account);
        } else if lineage.tasks.len() > 2 * lineage.live + SLACK {
            let tasks = &mut self.tasks;
            lineage
                .tasks
                .retain(|&(index, generation)| tasks.keeps_inputs(index, generation));
        }
    }

    /// A finished task lets its inputs go, and can run no more.
    fn cut(&mut self, (index, generation): (u32, u32)) {
        if !self.tasks.keeps_inputs(index, generation) {
            return;
        }
        let task = self.tasks.task(index);
        task.set(KEEPS_INPUTS, false);
        task.set(NO_RECIPE, true);
        let kind = task.kind;
        self.off_account(kind);
        self.tasks.graph.let_go(index, &mut self.tasks.fx);
        self.drop_mentions(index);
    }

    pub(super) fn drop_mentions(&mut self, index: u32) {
        for mentioned in self.mentions.remove(&index).unwrap_or_default() {
            self.drop_user(mentioned);
        }
    }

    // Loss.

    /// Reopens the tasks on the list of lost ones, and what they need: inputs first.
    pub(super) fn recover(&mut self) {
        let mut order = Vec::new();
        for index in std::mem::take(&mut self.lost) {
            self.find_lost(index, &mut order);
        }
        let mut mentioned = Vec::new();
        for index in order {
            mentioned.extend(self.result_mentions.remove(&index).unwrap_or_default());
            self.reopen(index);
        }
        // Only now: a lost result may be all that kept another lost one, or itself.
        for index in mentioned {
            self.drop_user(index);
        }
    }

    /// Appends a lost task behind those of its inputs that are lost too. Walks with a list of its own: a lineage may be long.
    fn find_lost(&mut self, index: u32, order: &mut Vec<u32>) {
        let mut open = vec![(index, false)];
        while let Some((index, seen)) = open.pop() {
            if seen {
                order.push(index);
                continue;
            }
            if !self.is_lost(index) {
                continue;
            }
            self.tasks.task(index).set(REOPENING, true);
            open.push((index, true));
            if !self.can_run_again(index) {
                continue;
            }
            for input in self.tasks.graph.inputs(index) {
                // `add_user` would put it on the list of lost ones.
                self.tasks.task(input).users += 1;
                open.push((input, false));
            }
        }
    }

    /// Whether a task is finished and its data are needed and nowhere.
    fn is_lost(&mut self, index: u32) -> bool {
        if self.tasks.graph.payload_mut(index).is_none() {
            // It was let go in the same step.
            return false;
        }
        let finished = self.tasks.graph.state(index) == State::Finished;
        let task = self.tasks.task(index);
        finished && task.users > 0 && matches!(task.value, Value::None) && !task.is(REOPENING)
    }

    pub(super) fn can_run_again(&mut self, index: u32) -> bool {
        !self.tasks.task(index).is(NO_RECIPE | SCATTERED)
    }

    fn reopen(&mut self, index: u32) {
        let again = self.can_run_again(index);
        let task = self.tasks.task(index);
        task.set(REOPENING, false);
        let kind = task.kind;
        if task.is(KEEPS_INPUTS) {
            task.set(KEEPS_INPUTS, false);
            self.off_account(kind);
        }
        let tasks = &mut self.tasks;
        let ready = tasks.graph.reopen(&mut tasks.cache, index);
        if again && ready {
            tasks.fx.ready.push(index);
        } else if !again {
            let claimed = self.tasks.graph.claim(index);
            debug_assert!(claimed, "it has no inputs that it could wait for");
            let failure = self.data_lost(index);
            self.fail(index, failure);
        }
    }

    fn data_lost(&mut self, index: u32) -> Arc<Failure> {
        let task = self.tasks.task(index);
        let (kind, scattered) = (task.kind, task.is(SCATTERED));
        let text = if let Some(place) = self.graves.remove(&index) {
            format!("the actor was on {place}, which is gone, and its state with it: start another")
        } else if scattered {
            "the only copy of this scattered data was on a worker that died: scatter it again, or ask for more copies".into()
        } else {
            "the result was on a worker that died, and the tasks that it was made from were forgotten: raise `lineage_limit`".into()
        };
        let mut failure = Arc::unwrap_or_clone(self.failure(kind, FailureKind::DataLost, text));
        let name = self.scattered_names.get(&index);
        if let Some(name) = name.filter(|name| !name.is_empty()) {
            failure.task.clone_from(name);
        }
        Arc::new(failure)
    }

    /// A client wants copies of a task's result.
    pub(super) fn replicate(
        &mut self,
        client: u32,
        ticket: crate::net::message::Ticket,
        copies: u32,
    ) {
        let Some(index) = self.clients[client as usize].tickets.node(ticket) else {
            return;
        };
        if let Some(put) = self.puts.get_mut(&index) {
            // As soon as the first is there.
            put.copies = put.copies.max(copies);
            return;
        }
        self.copy(index, copies);
    }

    /// Asks workers for copies until there are as many as these, as far as there are workers.
    pub(super) fn copy(&mut self, index: u32, copies: u32) {
        let Value::Held(held) = &self.tasks.task(index).value else {
            return;
        };
        if held.is_actor {
            return;
        }
        let holders = held.holders.clone();
        let missing = (copies as usize).saturating_sub(holders.len());
        let others: SmallVec<[u32; 8]> = self
            .everyone
            .items()
            .iter()
            .copied()
            .filter(|worker| !holders.contains(worker))
            .take(missing)
            .collect();
        for worker in others {
            let copy = self.input_data(index, worker, &[]);
            self.tell_worker(worker, ToWorker::Copy(copy));
        }
    }
}

impl Lineage {
    fn past_limit(&mut self) -> Option<(u32, u32)> {
        if self.live > self.limit {
            return self.tasks.pop_front();
        }
        None
    }
}

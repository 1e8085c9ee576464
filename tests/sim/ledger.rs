//! What has really happened, as far as the scheduler can know it: which runs were where when a worker was gone, and whose data.
//! Failures that are blamed on the cluster are judged by it: a task may be taken for a killer of workers only if workers were
//! lost where it was, and data for lost only if somebody who had them was.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use tenter::net::message::{
    Finished, FromClient, FromWorker, PeerId, Run, TaskId, ToClient, ToWorker,
};
use tenter::net::scheduler::{Effect, Stimulus};

use crate::worker::number_of;

/// Deaths that stop a task.
const DEATHS: u32 = 3;

#[derive(Debug, Default)]
struct Desk {
    /// Runs that were sent there and not answered, and whether they have begun.
    runs: BTreeMap<Run, bool>,
    holds: BTreeSet<Run>,
    is_leaving: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Ledger {
    desks: BTreeMap<PeerId, Desk>,
    numbers: HashMap<TaskId, u64>,
    /// Of a task's number, how many workers were lost while it was there.
    struck: HashMap<u64, u32>,
    /// Of a task, how many workers were lost that had said that it runs.
    killed: HashMap<TaskId, u32>,
    /// Numbers of tasks whose data somebody had who was lost, or was said to have no more.
    lost: HashSet<u64>,
}

impl Ledger {
    /// Before the scheduler is told.
    pub(crate) fn told(&mut self, stimulus: &Stimulus) {
        match stimulus {
            Stimulus::WorkerJoined(peer, _) => {
                self.desks.insert(*peer, Desk::default());
            }
            Stimulus::FromWorker(peer, words) => self.worker_says(*peer, words),
            Stimulus::FromClient(_, FromClient::FetchFailed { data, .. }) => self.lose(*data),
            _ => {}
        }
    }

    fn worker_says(&mut self, peer: PeerId, words: &FromWorker) {
        let Some(desk) = self.desks.get_mut(&peer) else {
            return;
        };
        match words {
            FromWorker::Started { run } => {
                if let Some(started) = desk.runs.get_mut(run) {
                    *started = true;
                }
            }
            FromWorker::Done(done) => {
                let current = desk.runs.remove(&done.run).is_some();
                if current && matches!(done.result, Finished::Held { .. }) {
                    desk.holds.insert(done.run);
                }
            }
            FromWorker::Failed { run, .. } | FromWorker::Cancelled { run } => {
                desk.runs.remove(run);
            }
            FromWorker::Missing(missing) => {
                desk.runs.remove(&missing.run);
                missing.data.iter().for_each(|&(data, ..)| self.lose(data));
            }
            FromWorker::Returned { runs, .. } => runs.iter().for_each(|run| {
                desk.runs.remove(run);
            }),
            FromWorker::Stored { data, .. } => {
                desk.holds.insert(*data);
            }
            FromWorker::Leaving => desk.is_leaving = true,
            _ => {}
        }
    }

    /// What the scheduler has decided.
    pub(crate) fn decided(&mut self, effect: &Effect) {
        match effect {
            Effect::ToWorker(peer, ToWorker::Assign(assign)) => {
                let task = assign.run.task;
                self.numbers.insert(task, number_of(&assign.args));
                let killed = self.killed.get(&task).copied().unwrap_or(0);
                assert!(
                    killed < DEATHS,
                    "{} is sent after {killed} deaths",
                    assign.run
                );
                let desk = self.desks.get_mut(peer).expect("a worker that is there");
                desk.runs.insert(assign.run, false);
            }
            Effect::ToWorker(peer, ToWorker::Drop { data }) => {
                if let Some(desk) = self.desks.get_mut(peer) {
                    data.iter().for_each(|data| {
                        desk.holds.remove(data);
                    });
                }
            }
            Effect::PeerGone(peer) => self.gone(*peer),
            _ => {}
        }
    }

    /// A client is told under which name its data are to be put.
    pub(crate) fn is_put(&mut self, words: &ToClient, number: u64) {
        if let ToClient::Put { data, .. } = words {
            self.numbers.insert(data.task, number);
        }
    }

    fn gone(&mut self, peer: PeerId) {
        let Some(desk) = self.desks.remove(&peer) else {
            return;
        };
        for (run, started) in desk.runs {
            if let Some(&number) = self.numbers.get(&run.task) {
                *self.struck.entry(number).or_insert(0) += 1;
            }
            if started && !desk.is_leaving {
                *self.killed.entry(run.task).or_insert(0) += 1;
            }
        }
        desk.holds.into_iter().for_each(|data| self.lose(data));
    }

    fn lose(&mut self, data: Run) {
        if let Some(&number) = self.numbers.get(&data.task) {
            self.lost.insert(number);
        }
    }

    /// Data of a client that it let go before anybody had them.
    pub(crate) fn let_go(&mut self, number: u64) {
        self.lost.insert(number);
    }

    /// Whether a task may be taken for one that kills workers.
    pub(crate) fn may_be_blamed(&self, number: u64) -> bool {
        self.struck
            .get(&number)
            .is_some_and(|&struck| struck >= DEATHS)
    }

    /// Whether data of a task were lost, once at least.
    pub(crate) fn was_lost(&self, number: u64) -> bool {
        self.lost.contains(&number)
    }
}

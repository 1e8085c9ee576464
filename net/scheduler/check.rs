//! Every invariant of the machine at rest, as assertions.

use super::task::Value;
use super::worker::Standing;
use super::{Machine, Role};
use crate::driver::graph::State;
use crate::net::map::Map;

/// What is in the machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Census {
    /// Tasks that somebody refers to.
    pub tasks: usize,
    /// Of these, those at workers.
    pub sent: usize,
    /// Pieces of data on workers, each copy counted.
    pub copies: usize,
    /// Tickets of clients.
    pub tickets: usize,
    /// Entries of queues and lines, those included that came to nothing.
    pub entries: usize,
    /// Other tables about tasks.
    pub notes: usize,
    /// Functions, resources and requirements that were named.
    pub interned: usize,
}

impl Machine {
    /// Checks everything that can be seen between stimuli, and counts.
    ///
    /// # Panics
    /// If an invariant is broken, naming it.
    pub fn check(&mut self) -> Census {
        assert!(
            self.tasks.fx.is_empty() && self.touched.is_empty() && self.lost.is_empty(),
            "left to do"
        );
        self.tasks.graph.check();
        let users = self.check_peers();
        let mut census = Census {
            notes: self.kins.len()
                + self.mentions.len()
                + self.result_mentions.len()
                + self.misses.len()
                + self.puts.len()
                + self.house.len()
                + self.successors.len()
                + self.watched.len()
                + self
                    .clients
                    .iter()
                    .map(|(_, client)| client.tries.len())
                    .sum::<usize>()
                + self.scattered_names.len(),
            interned: self.kinds.swept_len(),
            tickets: self
                .clients
                .iter()
                .map(|(_, client)| client.tickets.len())
                .sum(),
            entries: self
                .kinds
                .requirements
                .iter()
                .map(|(_, requirement)| requirement.queue.len())
                .sum(),
            ..Census::default()
        };
        self.check_workers(&mut census);
        self.check_tasks(&users, &mut census);
        self.check_queues();
        census
    }

    /// Every peer has its part; and how many tickets each task has.
    fn check_peers(&mut self) -> Map<u32, u32> {
        for (&peer, known) in &self.peers {
            let its = match *known {
                Role::Worker(worker) => self.workers[worker as usize].peer,
                Role::Client(client) => self.clients[client as usize].peer,
            };
            assert_eq!(its.0, peer, "a peer and its part");
        }
        let mut users: Map<u32, u32> = Map::default();
        for (client, known) in &self.clients {
            for (ticket, index) in known.tickets.iter() {
                *users.entry(index).or_insert(0) += 1;
                let wants = self
                    .tasks
                    .graph
                    .payload_mut(index)
                    .expect("a ticket keeps its task")
                    .wants
                    .list();
                assert!(
                    wants.contains(&(client as u32, ticket)),
                    "{ticket} is a want of its task"
                );
            }
        }
        for list in self.mentions.values().chain(self.result_mentions.values()) {
            list.iter()
                .for_each(|&index| *users.entry(index).or_insert(0) += 1);
        }
        for &index in self.successors.values() {
            *users.entry(index).or_insert(0) += 1;
        }
        for (&index, &wants) in &self.house {
            *users.entry(index).or_insert(0) += wants;
        }
        users
    }

    fn check_workers(&mut self, census: &mut Census) {
        for (slot, worker) in &self.workers {
            let slot = slot as u32;
            census.sent += worker.sent.len();
            census.copies += worker.held.len();
            census.entries += worker.line.len();
            let cost: u64 = worker
                .sent
                .values()
                .map(|sent| u64::from(sent.cost_us))
                .sum();
            assert_eq!(worker.sent_us, cost, "the books of worker {slot}");
            for (&index, sent) in &worker.sent {
                let task = self
                    .tasks
                    .graph
                    .payload_mut(index)
                    .expect("a run keeps its task");
                assert_eq!(
                    (task.at, task.attempt),
                    (Some(slot), sent.attempt),
                    "run {index} at worker {slot}"
                );
            }
            let working = worker.standing == Standing::Working;
            assert_eq!(
                self.everyone.contains(slot),
                working,
                "worker {slot} takes work"
            );
            assert_eq!(
                self.idle.contains(slot),
                worker.is_idle(),
                "worker {slot} is idle"
            );
            let roomy = worker.has_room() && !worker.is_idle() && !worker.is_full();
            assert_eq!(self.roomy.contains(slot), roomy, "worker {slot} has room");
            assert_eq!(
                self.lined.contains(slot),
                !worker.line.is_empty(),
                "worker {slot} has a line"
            );
        }
    }

    fn check_tasks(&mut self, users: &Map<u32, u32>, census: &mut Census) {
        let live: Vec<u32> = self.tasks.graph.live().collect();
        let mut expected = users.clone();
        for &index in &live {
            let state = self.tasks.graph.state(index);
            let running = self.tasks.graph.has_body(index);
            if matches!(state, State::Waiting | State::Queued) || running {
                for input in self.tasks.graph.inputs(index) {
                    *expected.entry(input).or_insert(0) += 1;
                }
            }
        }
        census.tasks = live.len();
        for index in live {
            let users = expected.get(&index).copied().unwrap_or(0);
            self.check_task(index, users);
        }
    }

    fn check_task(&mut self, index: u32, users: u32) {
        let state = self.tasks.graph.state(index);
        let running = self.tasks.graph.has_body(index);
        let is_open = matches!(state, State::Waiting | State::Queued | State::Running);
        assert!(
            is_open || !self.watched.contains(&index),
            "{index} is watched, {state:?}"
        );
        let is_put = self.puts.contains_key(&index);
        let task = self.tasks.task(index);
        assert_eq!(task.users, users, "users of {index}, {state:?}: {task:?}");
        assert_eq!(
            task.at.is_some() || is_put,
            running,
            "{index} runs somewhere: {task:?}"
        );
        if let Some(worker) = task.at {
            assert!(
                self.workers[worker as usize].sent.contains_key(&index),
                "the books have {index}"
            );
        }
        let task = self.tasks.task(index);
        match &task.value {
            Value::Held(held) => {
                assert!(
                    !held.holders.is_empty() && users > 0,
                    "data of {index} that nobody holds or needs"
                );
                let missing = held
                    .holders
                    .iter()
                    .find(|&&worker| !self.workers[worker as usize].held.contains(&index));
                assert_eq!(missing, None, "holders of {index}");
            }
            Value::None => assert!(
                state != State::Finished || users == 0,
                "data of {index} are nowhere"
            ),
            Value::Inline(_) => assert_eq!(state, State::Finished, "the value of {index}"),
            Value::Failed(_) => assert!(
                matches!(state, State::Failed | State::Cancelled),
                "{index} has not failed"
            ),
        }
    }

    /// If a queue is not empty, nobody who could take from it has room.
    fn check_queues(&mut self) {
        for (number, requirement) in &self.kinds.requirements {
            if requirement.queue.is_empty() {
                continue;
            }
            for &worker in self.meeting(number as u32) {
                let its = &self.workers[worker as usize];
                // One that is full is looked at with the next tick.
                let takes =
                    its.has_room() && !its.is_full() && its.has(&requirement.needs.resources);
                assert!(
                    !takes,
                    "worker {worker} has room, and tasks wait: {:?}",
                    requirement.needs
                );
            }
        }
        let queued: Vec<u32> = self.tasks.graph.in_state(State::Queued).collect();
        let lanes = self
            .kinds
            .requirements
            .iter()
            .map(|(_, requirement)| &requirement.queue);
        let lines = self.workers.iter().map(|(_, worker)| &worker.line);
        let waiting: crate::net::map::Set<u32> = lanes
            .chain(lines)
            .flat_map(|lanes| lanes.iter())
            .filter(|entry| self.tasks.is_queued(entry))
            .map(|entry| entry.index)
            .collect();
        for index in queued {
            assert!(waiting.contains(&index), "{index} is ready and in no queue");
        }
    }
}

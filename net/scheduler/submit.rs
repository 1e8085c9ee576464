//! Tasks begin: submitted one by one or many at once, wanted by a name that travelled, tried again.

use std::sync::Arc;

use bytes::Bytes;
use smallvec::SmallVec;

use super::Machine;
use super::client::Fault;
use super::task::{INNER, KEYED, MENTIONS, Task, Value};
use crate::driver::graph::{Born, Entry as Keyed, GIVEN, Id, Key, Spec, State};
use crate::net::message::{
    Failure, FailureKind, Input, Submit, SubmitMany, TaskId, TaskKey, Ticket, ToClient,
};

/// The most tasks that one message may submit, and the most inputs of one task.
const MOST: usize = 1 << 24;

/// What has become of a keyed submit.
enum Made {
    New(Born),
    /// There is a task of this key and kin; it has one more want.
    Same(u32),
    Conflict,
}

/// The wants of a new task's inputs, which its node takes over.
type Given = SmallVec<[u32; 6]>;

impl Machine {
    pub(super) fn submit(&mut self, client: u32, mut submit: Submit) -> Result<(), Fault> {
        let kind = self.kind_of(client, submit.kind)?;
        self.expect_new(client, submit.ticket)?;
        if submit.inputs.len() + submit.mentions.len() > MOST {
            return Err(format!("{} has more than {MOST} inputs", submit.ticket));
        }
        self.expect_all_known(client, &submit.inputs)?;
        self.expect_all_known(client, &submit.mentions)?;
        let ticket = submit.ticket;
        let index = match submit.key.take() {
            Some(key) => self.submit_keyed(client, kind, key, submit),
            None => self.submit_new(client, kind, submit.args, &submit.inputs, &submit.mentions),
        };
        self.give_ticket(index, client, ticket);
        Ok(())
    }

    pub(super) fn submit_many(&mut self, client: u32, many: SubmitMany) -> Result<(), Fault> {
        let kind = self.kind_of(client, many.kind)?;
        self.expect_new(client, many.first_ticket)?;
        let last = many.first_ticket.0.checked_add(many.args.len() as u64);
        if last.is_none() || many.args.len() > MOST {
            return Err(format!(
                "{} tasks from {} on are too many",
                many.args.len(),
                many.first_ticket
            ));
        }
        for (k, args) in many.args.into_iter().enumerate() {
            let index = self.submit_new(client, kind, args, &[], &[]);
            self.give_ticket(index, client, Ticket(many.first_ticket.0 + k as u64));
        }
        Ok(())
    }

    fn kind_of(&self, client: u32, number: u32) -> Result<u32, Fault> {
        let kinds = &self.clients[client as usize].kinds;
        let kind = kinds.get(number as usize).copied();
        kind.ok_or_else(|| format!("kind {number} was not defined"))
    }

    pub(super) fn expect_new(&self, client: u32, ticket: Ticket) -> Result<(), Fault> {
        if self.clients[client as usize].tickets.is_new(ticket) {
            return Ok(());
        }
        Err(format!(
            "ticket {ticket} was used before, or is out of order"
        ))
    }

    pub(super) fn expect_all_known(&self, client: u32, inputs: &[Input]) -> Result<(), Fault> {
        let mut inputs = inputs.iter();
        inputs.try_for_each(|&input| self.expect_known(client, input))
    }

    fn expect_known(&self, client: u32, input: Input) -> Result<(), Fault> {
        match input {
            Input::Ticket(ticket) if self.clients[client as usize].tickets.is_new(ticket) => {
                Err(format!("ticket {ticket} is an input before it is a task"))
            }
            Input::Ticket(_) | Input::Task(_) => Ok(()),
        }
    }

    pub(super) fn spec(&self, kind: u32) -> Spec {
        let info = &self.kinds.kind(kind).info;
        Spec {
            priority: info.priority,
            pure: info.pure,
            ..Spec::default()
        }
    }

    fn new_task(&mut self, client: u32, kind: u32, args: Bytes) -> Task {
        self.kinds.retain(kind);
        let inner = self.clients[client as usize].on_worker;
        Task {
            kind,
            args,
            flags: if inner { INNER } else { 0 },
            ..Task::default()
        }
    }

    fn submit_new(
        &mut self,
        client: u32,
        kind: u32,
        args: Bytes,
        inputs: &[Input],
        mentions: &[Input],
    ) -> u32 {
        let given = match self.take_inputs(client, kind, inputs) {
            Ok(given) => given,
            Err(failure) => return self.failed_node(failure),
        };
        let spec = self.spec(kind);
        let task = self.new_task(client, kind, args);
        let tasks = &mut self.tasks;
        let born = tasks
            .graph
            .submit(&mut tasks.cache, &spec, &given, task, &mut tasks.fx);
        self.born(client, born, mentions)
    }

    fn submit_keyed(&mut self, client: u32, kind: u32, key: TaskKey, submit: Submit) -> u32 {
        let given = match self.take_inputs(client, kind, &submit.inputs) {
            Ok(given) => given,
            Err(failure) => return self.failed_node(failure),
        };
        let spec = self.spec(kind);
        let task = self.new_task(client, kind, submit.args);
        let known = match self.find_or_make(&key, &spec, &given, task) {
            Made::New(born) => {
                self.kins.insert(born.index(), key.kin);
                self.tasks.task(born.index()).set(KEYED, true);
                return self.born(client, born, &submit.mentions);
            }
            Made::Same(index) => Some(index),
            Made::Conflict => None,
        };
        given
            .iter()
            .for_each(|&input| self.drop_user(input & !GIVEN));
        let index = known.unwrap_or_else(|| {
            let text = format!(
                "the key {} is taken by a task of another function, version or type",
                key.text
            );
            let failure = self.failure(kind, FailureKind::KeyConflict, text);
            self.failed_node(failure)
        });
        self.release_kind(kind);
        index
    }

    fn find_or_make(&mut self, key: &TaskKey, spec: &Spec, given: &[u32], task: Task) -> Made {
        let (tasks, kins) = (&mut self.tasks, &self.kins);
        let kin = |index: u32| kins.get(&index) == Some(&key.kin);
        let name = Key::from(key.text.as_str());
        match tasks.graph.entry(&name, kin, &mut tasks.fx) {
            Keyed::Vacant(vacant) => {
                let (graph, cache) = (&tasks.graph, &mut tasks.cache);
                Made::New(graph.submit_at((vacant, name), cache, spec, given, task, &mut tasks.fx))
            }
            Keyed::Same(index) => Made::Same(index),
            Keyed::Conflict => Made::Conflict,
        }
    }

    fn born(&mut self, client: u32, born: Born, mentions: &[Input]) -> u32 {
        let index = born.index();
        if let Born::Ready(index) = born {
            self.tasks.fx.ready.push(index);
        }
        let mentioned: Vec<u32> = mentions
            .iter()
            .map(|&mention| self.take_mention(client, mention))
            .collect();
        if !mentioned.is_empty() {
            self.tasks.task(index).set(MENTIONS, true);
            self.mentions.insert(index, mentioned);
        }
        index
    }

    /// Takes a want of each input for a new task.
    fn take_inputs(
        &mut self,
        client: u32,
        kind: u32,
        inputs: &[Input],
    ) -> Result<Given, Arc<Failure>> {
        let mut given = Given::new();
        for (k, &input) in inputs.iter().enumerate() {
            if let Some(index) = self.take_input(client, input) {
                given.push(index | GIVEN);
                continue;
            }
            for index in given {
                self.drop_user(index & !GIVEN);
            }
            let text = format!(
                "input {k} was let go by everyone who wanted it, or cancelled, before this was submitted"
            );
            return Err(self.failure(kind, FailureKind::Forgotten, text));
        }
        Ok(given)
    }

    /// A want of a task that a message names, if it is still there.
    pub(super) fn take_input(&mut self, client: u32, input: Input) -> Option<u32> {
        let index = match input {
            Input::Ticket(ticket) => {
                let index = self.clients[client as usize].tickets.node(ticket)?;
                self.tasks.graph.retain(index);
                index
            }
            Input::Task(task) => self.pin(task)?,
        };
        self.add_user(index);
        Some(index)
    }

    /// A want of a task that a message mentions. One that is not there any more is a task that has failed: so each handle
    /// keeps its place among the others, and who uses it is told.
    pub(super) fn take_mention(&mut self, client: u32, mention: Input) -> u32 {
        self.take_input(client, mention).unwrap_or_else(|| {
            let name = match mention {
                Input::Ticket(ticket) => ticket.to_string(),
                Input::Task(task) => task.to_string(),
            };
            let node = self.failed_node(forgotten(
                name,
                "everyone who wanted this task has let it go",
            ));
            self.add_user(node);
            node
        })
    }

    /// A want of a task by its name.
    fn pin(&mut self, task: TaskId) -> Option<u32> {
        let id = Id {
            index: task.slot,
            generation: task.generation,
        };
        let tasks = &mut self.tasks;
        let index = tasks.graph.pin(id, &mut tasks.fx)?.0;
        let late = self.tasks.graph.state(index) == State::Cancelled;
        if late && matches!(self.tasks.task(index).value, Value::None) {
            // It was let go before it began, and stays until its inputs have ended.
            let kind = self.tasks.task(index).kind;
            let text = "nobody wanted it any more".to_owned();
            let failure = self.failure(kind, FailureKind::Cancelled, text);
            self.tasks.task(index).value = Value::Failed(failure);
        }
        Some(index)
    }

    /// A node that has failed before it began.
    pub(super) fn failed_node(&mut self, failure: Arc<Failure>) -> u32 {
        let task = Task {
            kind: u32::MAX,
            value: Value::Failed(failure),
            ..Task::default()
        };
        let tasks = &mut self.tasks;
        tasks
            .graph
            .settled(&mut tasks.cache, &Spec::default(), task, true)
    }

    /// The want that the caller has becomes a ticket.
    pub(super) fn give_ticket(&mut self, index: u32, client: u32, ticket: Ticket) {
        let new = self.clients[client as usize].tickets.insert(ticket, index);
        debug_assert!(new, "looked at before");
        self.add_user(index);
        self.tasks.task(index).wants.add(client, ticket);
        if self.tasks.is_settled(index) {
            self.notify_one(index, client, ticket);
        }
    }

    pub(super) fn want_task(
        &mut self,
        client: u32,
        ticket: Ticket,
        task: TaskId,
    ) -> Result<(), Fault> {
        self.expect_new(client, ticket)?;
        let index = self.pin(task).unwrap_or_else(|| {
            let text = "everyone who wanted this task has let it go";
            self.failed_node(forgotten(task.to_string(), text))
        });
        self.give_ticket(index, client, ticket);
        Ok(())
    }

    /// A failure that the scheduler finds itself.
    pub(super) fn failure(&self, kind: u32, of: FailureKind, text: String) -> Arc<Failure> {
        let known = self.kinds.kinds.get(kind as usize);
        let name = known.map_or("scattered data", |kind| {
            let name = kind.info.name.as_str();
            let function = self.kinds.function_name(kind.function);
            if name.is_empty() { function } else { name }
        });
        Arc::new(Failure {
            kind: of,
            task: name.to_owned(),
            submitted_at: known.map_or(String::new(), |kind| kind.info.submitted_at.clone()),
            text,
            causes: Vec::new(),
        })
    }
}

impl Machine {
    /// A failure of a task that is not one of its body.
    pub fn failure_of(&mut self, task: TaskId, of: FailureKind, text: String) -> Arc<Failure> {
        let known = self.tasks.is(task.slot, task.generation);
        let kind = known.then(|| self.tasks.task(task.slot).kind);
        self.failure(kind.unwrap_or(u32::MAX), of, text)
    }
}

/// The failure of a task that is not there any more.
pub(super) fn forgotten(task: String, text: &str) -> Arc<Failure> {
    Arc::new(Failure {
        kind: FailureKind::Forgotten,
        task,
        submitted_at: String::new(),
        text: text.to_owned(),
        causes: Vec::new(),
    })
}

/// What a client is told of a ticket that it cancelled.
pub(super) fn failed(ticket: Ticket, failure: Arc<Failure>) -> ToClient {
    ToClient::Failed { ticket, failure }
}

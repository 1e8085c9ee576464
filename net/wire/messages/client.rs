//! Between a client and the scheduler.

use super::{choice, record};
use crate::net::message::{
    Answer, Condition, Define, FromClient, Input, KindOfTask, Question, Scattered, Stage, Submit,
    SubmitMany, TaskKey, ToClient, WorkerInfo,
};
use crate::net::wire::messages;

messages!(FromClient, ToClient);

choice!(FromClient, "message of a client", {
    0 => Define(define),
    1 => Submit(submit),
    2 => SubmitMany(submit),
    3 => Want { ticket, task },
    4 => Release { tickets },
    5 => Detach { tickets },
    6 => Cancel { tickets },
    7 => Fetch { ticket },
    8 => FetchFailed { ticket, data, holder, absent },
    9 => Scatter { ticket, name, data, on, mentions },
    10 => PutFailed { ticket, data },
    11 => Retry { ticket, of },
    12 => Replicate { ticket, copies },
    13 => Ask { request, question },
    14 => Retire { worker },
    15 => Coordinate { request, body, mentions },
    16 => Watch { tickets },
});

choice!(ToClient, "message to a client", {
    0 => Finished { ticket, result, mentions },
    1 => Failed { ticket, failure },
    2 => Lost { ticket },
    3 => Located { ticket, at, mentions },
    4 => Put { ticket, data, holder },
    5 => Answer { request, answer },
    6 => Coordinate { request, body, mentions },
    7 => Condition(condition),
    8 => Stage { ticket, stage },
});

choice!(Stage, "stage of a task", {
    0 => Waiting,
    1 => Queued,
    2 => Running,
});

choice!(Define, "kind of definition", {
    0 => Function(function),
    1 => Kind(kind),
});

choice!(Input, "name of an input", {
    0 => Ticket(ticket),
    1 => Task(task),
});

choice!(Scattered, "form of scattered data", {
    0 => Inline(bytes),
    1 => Sized(bytes),
});

choice!(Question, "question", {
    0 => Explain(ticket),
    1 => WhoHas(ticket),
    2 => TaskIdOf(ticket),
    3 => Workers,
});

choice!(Answer, "answer", {
    0 => Text(text),
    1 => Holders(holders),
    2 => TaskId(task),
    3 => Workers(workers),
});

choice!(Condition, "condition", {
    0 => NoWorkers { ready },
    1 => Workers { workers },
});

record!(Submit {
    ticket,
    kind,
    key,
    args,
    inputs,
    mentions
});
record!(SubmitMany {
    first_ticket,
    kind,
    args
});
record!(TaskKey { text, kin });
record!(KindOfTask {
    function,
    name,
    submitted_at,
    priority,
    retries,
    timeout_ms,
    pure,
    pool,
    resources,
    on,
    prefer,
});
record!(WorkerInfo {
    worker,
    name,
    host,
    address,
    slots,
    assigned,
    held_bytes
});

//! The messages of [`message`](crate::net::message) on the wire: the order of their fields, and the number of each variant.
//! Numbers are never used again for something else.

mod client;
mod worker;

use super::{choice, record};
use crate::net::message::{
    Failure, FailureKind, Finished, FunctionInfo, Holder, Located, PeerId, Run, TaskId, Ticket,
};

record!(Ticket(number));
record!(PeerId(number));
record!(TaskId { slot, generation });
record!(Run { task, attempt });
record!(FunctionInfo { name, signature });
record!(Holder { worker, address });
record!(Failure {
    kind,
    task,
    submitted_at,
    text,
    causes
});

choice!(Finished, "form of a result", {
    0 => Inline(bytes),
    1 => Held { bytes },
    2 => Actor,
});

choice!(Located, "place of a result", {
    0 => Inline(bytes),
    1 => Held { data, bytes, holders },
    2 => Actor { data, holder },
});

choice!(FailureKind, "kind of failure", {
    0 => Error,
    1 => Panicked,
    2 => TimedOut,
    3 => Cancelled,
    4 => Encoding,
    5 => KeyConflict,
    6 => UnknownFunction,
    7 => NoSuchPool,
    8 => DataLost,
    9 => WorkerDied,
    10 => NoWorkers,
    11 => Forgotten,
    12 => Reschedule,
    13 => Deadlock,
    14 => Poisoned,
});

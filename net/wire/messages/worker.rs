//! Between a worker and the scheduler.

use super::{choice, record};
use crate::net::message::{
    Assign, Done, FromWorker, InputData, Missing, RunKind, Source, ToWorker,
};
use crate::net::wire::messages;

messages!(FromWorker, ToWorker);

choice!(FromWorker, "message of a worker", {
    0 => Started { run },
    1 => Done(done),
    2 => Failed { run, failure },
    3 => Cancelled { run },
    4 => Missing(missing),
    5 => Returned { runs, kept },
    6 => Slots { delta },
    7 => Stored { data, bytes },
    8 => NotCopied { data },
    9 => Leaving,
    10 => Client(message),
});

choice!(ToWorker, "message to a worker", {
    0 => Kind(kind),
    1 => Assign(assign),
    2 => Return { runs },
    3 => Cancel { run },
    4 => Drop { data },
    5 => Copy(data),
    6 => Leave,
    7 => Client(message),
});

choice!(Source, "place of an input", {
    0 => Here,
    1 => Inline(bytes),
    2 => At { bytes, holders },
});

record!(Done {
    run,
    result,
    mentions,
    run_us,
    lay_us
});
record!(Missing { run, data });
record!(RunKind {
    function,
    name,
    submitted_at,
    priority,
    timeout_ms,
    pool,
    resources
});
record!(Assign {
    run,
    tries,
    kind,
    args,
    inputs,
    mentions
});
record!(InputData {
    data,
    source,
    mentions
});

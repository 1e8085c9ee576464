//! Any message there can be, from a seed: small and large numbers, texts in any script, payloads in and out of line.

use bytes::Bytes;
use std::sync::Arc;
use tenter::net::message::*;
use tenter::net::wire::OUT_OF_LINE;

/// Draws values.
pub(crate) struct Draw(fastrand::Rng);

impl Draw {
    pub(crate) fn new(seed: u64) -> Self {
        Self(fastrand::Rng::with_seed(seed))
    }

    pub(crate) fn below(&mut self, n: usize) -> usize {
        self.0.usize(..n)
    }

    pub(crate) fn any<T: Any>(&mut self) -> T {
        T::any(self)
    }
}

/// What can be drawn.
pub(crate) trait Any {
    fn any(draw: &mut Draw) -> Self;
}

/// What has variants, each of which can be drawn.
pub(crate) trait Variants: Sized {
    const COUNT: usize;
    fn nth(n: usize, draw: &mut Draw) -> Self;
}

impl Any for u64 {
    fn any(draw: &mut Draw) -> Self {
        draw.0.u64(..) >> draw.0.u32(..64)
    }
}

impl Any for u32 {
    fn any(draw: &mut Draw) -> Self {
        draw.0.u32(..) >> draw.0.u32(..32)
    }
}

impl Any for i32 {
    fn any(draw: &mut Draw) -> Self {
        draw.0.i32(..) >> draw.0.u32(..32)
    }
}

impl Any for bool {
    fn any(draw: &mut Draw) -> Self {
        draw.0.bool()
    }
}

impl Any for String {
    fn any(draw: &mut Draw) -> Self {
        let length = draw.below(20);
        std::iter::repeat_with(|| draw.0.char(..))
            .take(length)
            .collect()
    }
}

impl Any for Bytes {
    fn any(draw: &mut Draw) -> Self {
        let length = match draw.below(8) {
            0 => 0,
            1 => OUT_OF_LINE - 1 + draw.below(3),
            2 => draw.below(50_000),
            _ => draw.below(40),
        };
        let first = draw.0.u8(..);
        (0..length).map(|k| first.wrapping_add(k as u8)).collect()
    }
}

impl<T: Any> Any for Option<T> {
    fn any(draw: &mut Draw) -> Self {
        draw.0.bool().then(|| draw.any())
    }
}

impl<T: Any> Any for Vec<T> {
    fn any(draw: &mut Draw) -> Self {
        let length = draw.below(5);
        std::iter::repeat_with(|| draw.any()).take(length).collect()
    }
}

impl<T: Any> Any for Box<T> {
    fn any(draw: &mut Draw) -> Self {
        Self::new(draw.any())
    }
}

impl<T: Any> Any for Arc<T> {
    fn any(draw: &mut Draw) -> Self {
        Self::new(draw.any())
    }
}

impl<A: Any, B: Any> Any for (A, B) {
    fn any(draw: &mut Draw) -> Self {
        (draw.any(), draw.any())
    }
}

impl<A: Any, B: Any, C: Any> Any for (A, B, C) {
    fn any(draw: &mut Draw) -> Self {
        (draw.any(), draw.any(), draw.any())
    }
}

macro_rules! records {
    ($($name:ident { $($field:ident),+ $(,)? })+) => {$(
        impl Any for $name {
            fn any(draw: &mut Draw) -> Self {
                Self { $($field: draw.any()),+ }
            }
        }
    )+};
}

/// Lists every variant; one that is missing does not compile.
macro_rules! choices {
    ($($name:ident { $($variant:ident $({ $($field:ident),+ })? $(( $($item:ident),+ ))?),+ $(,)? })+) => {$(
        impl Variants for $name {
            const COUNT: usize = [$(stringify!($variant)),+].len();

            #[allow(unused_assignments, unused_mut, unused_variables, reason = "one body for every shape")]
            fn nth(n: usize, draw: &mut Draw) -> Self {
                let listed = |value: &Self| match value { $(Self::$variant { .. } => {})+ };
                let mut number = 0;
                $(
                    if number == n {
                        return Self::$variant
                            $({ $($field: draw.any()),+ })?
                            $(( $({ let $item = (); draw.any() }),+ ))?;
                    }
                    number += 1;
                )+
                unreachable!("there are {} variants", Self::COUNT)
            }
        }

        impl Any for $name {
            fn any(draw: &mut Draw) -> Self {
                let n = draw.below(Self::COUNT);
                Self::nth(n, draw)
            }
        }
    )+};
}

impl Any for Ticket {
    fn any(draw: &mut Draw) -> Self {
        Self(draw.any())
    }
}

impl Any for PeerId {
    fn any(draw: &mut Draw) -> Self {
        Self(draw.any())
    }
}

records! {
    TaskId { slot, generation }
    Run { task, attempt }
    FunctionInfo { name, signature }
    Holder { worker, address }
    Failure { kind, task, submitted_at, text, causes }
    Submit { ticket, kind, key, args, inputs, mentions }
    SubmitMany { first_ticket, kind, args }
    TaskKey { text, kin }
    KindOfTask { function, name, submitted_at, priority, retries, timeout_ms, pure, pool, resources, on, prefer }
    WorkerInfo { worker, name, host, address, slots, assigned, held_bytes }
    Done { run, result, mentions, run_us, lay_us }
    Missing { run, data }
    RunKind { function, name, submitted_at, priority, timeout_ms, pool, resources }
    Assign { run, tries, kind, args, inputs, mentions }
    InputData { data, source, mentions }
    ClientHello { name, lineage_limit }
    WorkerHello { name, host, address, slots, resources, functions, memory_limit }
}

choices! {
    FromClient {
        Define(define),
        Submit(submit),
        SubmitMany(submit),
        Want { ticket, task },
        Release { tickets },
        Detach { tickets },
        Cancel { tickets },
        Fetch { ticket },
        FetchFailed { ticket, data, holder, absent },
        Scatter { ticket, name, data, on, mentions },
        PutFailed { ticket, data },
        Retry { ticket, of },
        Replicate { ticket, copies },
        Ask { request, question },
        Retire { worker },
        Coordinate { request, body, mentions },
        Watch { tickets },
    }
    ToClient {
        Finished { ticket, result, mentions },
        Failed { ticket, failure },
        Lost { ticket },
        Located { ticket, at, mentions },
        Put { ticket, data, holder },
        Answer { request, answer },
        Coordinate { request, body, mentions },
        Condition(condition),
        Stage { ticket, stage },
    }
    FromWorker {
        Started { run },
        Done(done),
        Failed { run, failure },
        Cancelled { run },
        Missing(missing),
        Returned { runs, kept },
        Slots { delta },
        Stored { data, bytes },
        NotCopied { data },
        Leaving,
        Client(message),
    }
    ToWorker {
        Kind(kind),
        Assign(assign),
        Return { runs },
        Cancel { run },
        Drop { data },
        Copy(data),
        Leave,
        Client(message),
    }
    Stage { Waiting, Queued, Running }
    Define { Function(function), Kind(kind) }
    Input { Ticket(ticket), Task(task) }
    Scattered { Inline(bytes), Sized(bytes) }
    Question { Explain(ticket), WhoHas(ticket), TaskIdOf(ticket), Workers }
    Answer { Text(text), Holders(holders), TaskId(task), Workers(workers) }
    Condition { NoWorkers { ready }, Workers { workers } }
    Finished { Inline(bytes), Held { bytes }, Actor }
    Located { Inline(bytes), Held { data, bytes, holders }, Actor { data, holder } }
    Source { Here, Inline(bytes), At { bytes, holders } }
    FailureKind {
        Error, Panicked, TimedOut, Cancelled, Encoding, KeyConflict, UnknownFunction, NoSuchPool, DataLost,
        WorkerDied, NoWorkers, Forgotten, Reschedule, Deadlock, Poisoned,
    }
}

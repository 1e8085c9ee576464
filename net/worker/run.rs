//! One run, from its arrival to its end.

use std::sync::Arc;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64};
use std::time::Instant;

use parking_lot::Mutex;

use super::house::House;
use super::kind::{Kind, is_short};
use crate::driver::{self, AnyHandle, Attendant, End, Output, Size};
use crate::net::client::{failure_of, inputs_of};
use crate::net::message::{Done, Failure, FailureKind, Finished, FromWorker, INLINE_LIMIT, Run};
use crate::net::wire::payload_of;
use crate::{ErrorKind, TaskError};

/// The longest text of an error that travels, in bytes: a message has its limits, and people read no more.
const MOST_TEXT: usize = 64 << 10;

/// How many causes of an error travel.
const MOST_CAUSES: usize = 32;

/// It has not begun.
const LIES: u8 = 0;
/// Its body runs.
const RUNS: u8 = 1;
/// It will not begin.
const OFF: u8 = 2;
/// Its end was told, or somebody is about to.
const TOLD: u8 = 3;

/// A run that is here.
pub(super) struct Guest {
    run: Run,
    kind: Arc<Kind>,
    house: Arc<House>,
    state: AtomicU8,
    /// Nobody wants it any more.
    cancelled: AtomicBool,
    /// That it begins was said.
    announced: AtomicBool,
    arrived: Instant,
    /// When it began, in nanoseconds from then.
    began_ns: AtomicU64,
    /// Its task here.
    task: Mutex<Option<AnyHandle>>,
}

impl Guest {
    pub(super) fn new(run: Run, kind: Arc<Kind>, house: Arc<House>, arrived: Instant) -> Self {
        Self {
            run,
            kind,
            house,
            state: AtomicU8::new(LIES),
            cancelled: AtomicBool::new(false),
            announced: AtomicBool::new(false),
            arrived,
            began_ns: AtomicU64::new(0),
            task: Mutex::new(None),
        }
    }

    /// Keeps its task, which runs as long as it is kept.
    pub(super) fn keep(&self, task: AnyHandle) {
        *self.task.lock() = Some(task);
    }

    fn change(&self, from: u8, to: u8) -> bool {
        let changed = self.state.compare_exchange(from, to, AcqRel, Acquire);
        changed.is_ok()
    }

    /// Takes it off, if it has not begun.
    pub(super) fn take_off(&self) -> bool {
        let off = self.change(LIES, OFF);
        if off {
            self.leave();
            self.house.speech.run_rises();
            let task = self.task.lock().take();
            drop(task);
        }
        off
    }

    /// Whether its body runs, and its end was not told.
    pub(super) fn is_running(&self) -> bool {
        self.state.load(Acquire) == RUNS
    }

    /// Says that it runs, if that was left out and it is not short.
    pub(super) fn announce(&self) {
        let runs_ns = || self.elapsed_ns() - self.began_ns.load(Relaxed);
        if self.is_running() && !is_short(runs_ns()) && !self.announced.swap(true, Relaxed) {
            let speech = &self.house.speech;
            speech.say_soon(&FromWorker::Started { run: self.run });
        }
    }

    /// Nobody wants it any more: if it runs, its token is set.
    pub(super) fn cancel(&self) {
        self.cancelled.store(true, Release);
        let task = self.task.lock().clone();
        if let Some(task) = task {
            task.cancel();
        }
    }

    /// It is not here any more.
    fn leave(&self) {
        self.house.forget(self.run);
    }

    /// It could not become a task here.
    pub(super) fn refused(&self, error: &TaskError) {
        if self.take_off() {
            self.say(&self.failed(error));
        }
    }

    fn say(&self, words: &FromWorker) {
        self.house.speech.say(words);
    }

    fn elapsed_ns(&self) -> u64 {
        u64::try_from(self.arrived.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    fn failed(&self, error: &TaskError) -> FromWorker {
        let mut failure = failure_of(error.into());
        if !error.is_inherited() {
            // Where it was submitted is known there, not here.
            failure.task.clone_from(&self.kind.info.name);
            failure
                .submitted_at
                .clone_from(&self.kind.info.submitted_at);
        }
        self.failed_of(failure)
    }

    fn failed_of(&self, mut failure: Failure) -> FromWorker {
        trim(&mut failure);
        FromWorker::Failed {
            run: self.run,
            failure: Arc::new(failure),
        }
    }

    fn own_failure(&self, kind: FailureKind, text: &str) -> FromWorker {
        self.failed_of(Failure {
            kind,
            task: self.kind.info.name.clone(),
            submitted_at: self.kind.info.submitted_at.clone(),
            text: text.into(),
            causes: Vec::new(),
        })
    }

    /// What to say of a body that was dropped before it came to an end.
    fn dropped(&self) -> FromWorker {
        let limit = self.kind.info.timeout_ms;
        if limit > 0 && !self.cancelled.load(Acquire) {
            let text = format!("it may run for {limit} ms");
            return self.own_failure(FailureKind::TimedOut, &text);
        }
        FromWorker::Cancelled { run: self.run }
    }

    /// Says that it is done, once the handles in its result have names that travel.
    fn done(&self, took_ns: u64, result: Finished, handles: &[AnyHandle]) {
        let mut done = Done {
            run: self.run,
            result,
            mentions: Vec::new(),
            run_us: micros(took_ns),
            lay_us: micros(self.began_ns.load(Relaxed)),
        };
        if handles.is_empty() {
            return self.say(&FromWorker::Done(done));
        }
        let (house, kind, run) = (self.house.clone(), self.kind.clone(), self.run);
        let arrived = self.arrived;
        driver::tickets(handles, move |named| match named {
            Ok(tickets) => {
                done.mentions = inputs_of(tickets);
                house.speech.say(&FromWorker::Done(done));
            }
            Err(error) => {
                house.store.drop_data(&[run]);
                let guest = Self::new(run, kind, house.clone(), arrived);
                house.speech.say(&guest.failed(&error));
            }
        });
    }

    /// Its body has made an actor, which can be called once its task is settled: it is said to be done only then.
    fn housed(&self, took_ns: u64, task: AnyHandle) {
        let (kind, house) = (self.kind.clone(), self.house.clone());
        let guest = Self::new(self.run, kind, house, self.arrived);
        guest.began_ns.store(self.began_ns.load(Relaxed), Relaxed);
        driver::when_settled(&task.clone(), move || {
            let store = &guest.house.store;
            store.keep_made(guest.run, 0, task, guest.kind.function);
            guest.done(took_ns, Finished::Actor, &[]);
        });
    }

    /// Its body has given this.
    fn gave(&self, took_ns: u64, output: Output<'_>) {
        if self.kind.function.makes_actors() {
            return self.housed(took_ns, output.task());
        }
        match output.encode(INLINE_LIMIT) {
            Err(error) => self.say(&self.failed(&error)),
            Ok(Size::Small(parcel)) => {
                let result = Finished::Inline(payload_of(parcel.bytes));
                self.done(took_ns, result, &parcel.handles);
            }
            Ok(Size::Large(bytes, handles)) => {
                let store = &self.house.store;
                store.keep_made(self.run, bytes, output.task(), self.kind.function);
                self.done(took_ns, Finished::Held { bytes }, &handles);
            }
        }
    }
}

impl Attendant for Guest {
    fn begins(&self) -> bool {
        if !self.change(LIES, RUNS) {
            return false;
        }
        let speech = &self.house.speech;
        speech.run_rises();
        self.began_ns.store(self.elapsed_ns(), Relaxed);
        if self.run.attempt > 1 || !self.kind.is_short() {
            self.announced.store(true, Relaxed);
            // A death counts against the runs that are known to have begun.
            speech.say_surely(&FromWorker::Started { run: self.run });
        }
        true
    }

    fn ends(&self, end: End<'_>) {
        let took_ns = self.elapsed_ns() - self.began_ns.load(Relaxed);
        self.kind.measure(took_ns);
        self.leave();
        if !self.change(RUNS, TOLD) {
            return;
        }
        if self.cancelled.load(Acquire) {
            return self.say(&FromWorker::Cancelled { run: self.run });
        }
        match end {
            End::Value(output) => self.gave(took_ns, output),
            End::Failed(error) => self.say(&self.failed(&error)),
            End::Rescheduled => {
                let text = "it asked to be run again later, and was given no retries";
                self.say(&self.own_failure(FailureKind::Reschedule, text));
            }
            End::Dropped => self.say(&self.dropped()),
        }
    }

    fn overruns(&self, error: TaskError) {
        debug_assert_eq!(error.kind(), ErrorKind::TimedOut);
        if self.change(RUNS, TOLD) {
            self.say(&self.failed(&error));
        }
    }
}

/// Cuts what is too long off a failure.
pub(super) fn trim(failure: &mut Failure) {
    failure.causes.truncate(MOST_CAUSES);
    clip(&mut failure.text);
    failure.causes.iter_mut().for_each(clip);
}

/// Cuts a text that is too long off.
fn clip(text: &mut String) {
    if text.len() > MOST_TEXT {
        text.truncate(text.floor_char_boundary(MOST_TEXT));
        text.push_str(" [..]");
    }
}

fn micros(ns: u64) -> u32 {
    u32::try_from(ns / 1000).unwrap_or(u32::MAX)
}

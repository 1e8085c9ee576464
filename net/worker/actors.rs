//! Actors that live on a worker, and the calls that others make of them.

use std::sync::Arc;

use bytes::Bytes;
use hashbrown::HashMap;
use parking_lot::Mutex;

use super::house::House;
use super::run::trim;
use crate::TaskError;
use crate::driver::{self, ActorCall, AnyHandle, Parcel};
use crate::net::client::failure_of;
use crate::net::data::{Call, Caller, NotCalled};
use crate::net::message::TaskId;
use crate::net::transport::LinkId;

/// Calls of one peer that may lie here: more than any of ours makes, and few enough for memory.
const MOST_CALLS: usize = 1 << 20;

/// Calls that were not answered, by the connections that they came over: their tasks here, to be taken back.
#[derive(Debug, Default)]
pub(super) struct Calls(Mutex<HashMap<LinkId, HashMap<u64, Option<AnyHandle>>>>);

impl Calls {
    /// A call has come.
    ///
    /// # Errors
    /// If there are too many of its peer's, or one of this number.
    fn enter(&self, (link, request): (LinkId, u64)) -> Result<(), NotCalled> {
        let calls = &mut *self.0.lock();
        let calls = calls.entry(link).or_default();
        if calls.len() >= MOST_CALLS || calls.contains_key(&request) {
            let text = "there are too many calls of this peer, or one of this number";
            return Err(NotCalled::Refused(text.into()));
        }
        calls.insert(request, None);
        Ok(())
    }

    /// Its task is this, unless it was answered meanwhile.
    fn keep(&self, (link, request): (LinkId, u64), task: AnyHandle) {
        let old = match self
            .0
            .lock()
            .get_mut(&link)
            .and_then(|of| of.get_mut(&request))
        {
            Some(place) => place.replace(task),
            None => Some(task),
        };
        drop(old);
    }

    /// It is about to be answered.
    fn leave(&self, (link, request): (LinkId, u64)) {
        let left = {
            let calls = &mut *self.0.lock();
            calls.get_mut(&link).and_then(|of| of.remove(&request))
        };
        drop(left);
    }

    pub(super) fn take_back(&self, (link, request): (LinkId, u64)) {
        let task = {
            let calls = self.0.lock();
            calls.get(&link).and_then(|of| of.get(&request)?.clone())
        };
        if let Some(task) = task {
            task.cancel();
        }
    }

    pub(super) fn clear(&self) {
        let calls = std::mem::take(&mut *self.0.lock());
        drop(calls);
    }

    /// Nobody hears the answers any more. The calls run all the same.
    pub(super) fn forget(&self, link: LinkId) {
        let gone = self.0.lock().remove(&link);
        drop(gone);
    }
}

/// An actor that lives here is called.
///
/// # Errors
/// Why the call is not taken.
pub(super) fn take_in(house: &Arc<House>, caller: Caller, call: Call) -> Result<(), NotCalled> {
    let Some(home) = house.store.actor(call.actor) else {
        return Err(NotCalled::NoActor);
    };
    let id = caller.id();
    house.calls.enter(id)?;
    let named = |names: Vec<TaskId>| names.into_iter().map(Into::into).collect();
    let visit = ActorCall {
        method: call.method,
        signature_hash: call.signature,
        args: call.args.into(),
        inputs: named(call.inputs),
        mentions: named(call.mentions),
    };
    // What came with it must be wanted here before its caller lets it go.
    let wants = !(visit.inputs.is_empty() && visit.mentions.is_empty());
    let (at, from) = (house.clone(), home.clone());
    let answer = move |outcome| {
        if wants {
            driver::when_heard(&from, move || answer(&at, caller, outcome));
        } else {
            answer(&at, caller, outcome);
        }
    };
    match driver::visit(&home, visit, answer) {
        Ok(task) => house.calls.keep(id, task),
        Err(why) => {
            house.calls.leave(id);
            return Err(NotCalled::Refused(why.to_string()));
        }
    }
    Ok(())
}

/// A call has ended. The handles in what it gave need names that travel.
fn answer(house: &Arc<House>, caller: Caller, outcome: Result<Parcel, TaskError>) {
    house.calls.leave(caller.id());
    let parcel = match outcome {
        Ok(parcel) => parcel,
        Err(error) => return fail(house, &caller, &error),
    };
    let (content, handles) = (Bytes::from(parcel.bytes), parcel.handles.to_vec());
    if handles.is_empty() {
        return give(house, &caller, content, Vec::new(), handles);
    }
    let house = house.clone();
    driver::names(&handles.clone(), move |names| match names {
        Ok(names) => {
            let mentions = names.into_iter().map(Into::into).collect();
            give(&house, &caller, content, mentions, handles);
        }
        Err(error) => fail(&house, &caller, &error),
    });
}

fn give(
    house: &House,
    caller: &Caller,
    content: Bytes,
    mentions: Vec<TaskId>,
    kept: Vec<AnyHandle>,
) {
    if let Some(peers) = house.peers() {
        peers.answer(caller, content, mentions, kept);
    }
}

fn fail(house: &House, caller: &Caller, error: &TaskError) {
    let mut failure = failure_of(error.into());
    trim(&mut failure);
    if !error.is_inherited() {
        // What it is called, and where it was made, is known there.
        failure.task.clear();
        failure.submitted_at.clear();
    }
    if let Some(peers) = house.peers() {
        peers.call_failed(caller, failure);
    }
}

//! Data that runs need: held here, sent along, or fetched from others.

use std::fmt;
use std::sync::Arc;

use super::house::House;
use crate::Client;
use crate::driver::{self, AnyHandle, Coming};
use crate::net::data::{Content, NotFetched};
use crate::net::message::{FromWorker, Holder, InputData, Missing, PeerId, Run, Source, TaskId};

/// Data that is being fetched.
pub(super) struct OnTheWay {
    /// The task that it will finish.
    task: AnyHandle,
    coming: Coming,
    handles: Vec<AnyHandle>,
    /// The runs that wait for it.
    runs: Vec<Run>,
    /// The scheduler asked for a copy.
    is_copy: bool,
}

impl fmt::Debug for OnTheWay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnTheWay")
            .field("runs", &self.runs)
            .finish_non_exhaustive()
    }
}

/// The handles that stand beside bytes from elsewhere.
pub(super) fn handles(client: &Client, mentions: &[TaskId]) -> Vec<AnyHandle> {
    let named = mentions.iter();
    named
        .map(|&task| driver::named(client, task.into()))
        .collect()
}

/// The task of this process that is finished with this input, or will be.
///
/// # Errors
/// If the scheduler says that it is here, and it is not.
pub(super) fn input(
    house: &Arc<House>,
    client: &Client,
    run: Run,
    input: InputData,
) -> Result<AnyHandle, String> {
    let InputData {
        data,
        source,
        mentions,
    } = input;
    match source {
        Source::Inline(bytes) => Ok(driver::encoded(client, bytes, handles(client, &mentions))),
        Source::Here => held(house, client, data, &mentions)
            .ok_or_else(|| format!("the scheduler says that data {data} is here, and it is not")),
        Source::At { bytes, holders } => Ok(held(house, client, data, &mentions)
            .unwrap_or_else(|| fetch(house, client, (data, bytes, holders), &mentions, Some(run)))),
    }
}

/// The task that is finished with this data, if it is held.
fn held(house: &House, client: &Client, data: Run, mentions: &[TaskId]) -> Option<AnyHandle> {
    let make = |content: Content| match content {
        Content::Bytes(bytes) => driver::encoded(client, bytes, handles(client, mentions)),
        Content::Array(array) => driver::array(client, array),
    };
    house.store.task(data, make)
}

/// Fetches a copy, because the scheduler wants one here.
pub(super) fn copy(house: &Arc<House>, client: &Client, input: InputData) {
    let InputData {
        data,
        source,
        mentions,
    } = input;
    let Source::At { bytes, holders } = source else {
        return house.speech.say_soon(&FromWorker::NotCopied { data });
    };
    if house.store.has(data) {
        return house.speech.say_soon(&FromWorker::Stored { data, bytes });
    }
    drop(fetch(
        house,
        client,
        (data, bytes, holders),
        &mentions,
        None,
    ));
}

/// The task that is finished when this data has come: for a run, or as a copy.
fn fetch(
    house: &Arc<House>,
    client: &Client,
    (data, bytes, holders): (Run, u64, Vec<Holder>),
    mentions: &[TaskId],
    run: Option<Run>,
) -> AnyHandle {
    let mut coming = house.coming.lock();
    let (task, is_new) = if let Some(known) = coming.get_mut(&data) {
        known.wanted_by(run);
        (known.task.clone(), false)
    } else if let Some(task) = held(house, client, data, mentions) {
        // It has come since somebody has looked.
        (task, false)
    } else {
        let mut new = OnTheWay::new(client, handles(client, mentions));
        new.wanted_by(run);
        let task = new.task.clone();
        coming.insert(data, new);
        (task, true)
    };
    drop(coming);
    if is_new && let Some(peers) = house.peers() {
        let house = house.clone();
        peers.fetch(data, bytes, holders, move |fetched| match fetched {
            Ok(content) => arrived(&house, data, content),
            Err(failure) => not_fetched(&house, &failure),
        });
    }
    task
}

impl OnTheWay {
    fn new(client: &Client, handles: Vec<AnyHandle>) -> Self {
        let (coming, task) = driver::coming(client);
        Self {
            task,
            coming,
            handles,
            runs: Vec::new(),
            is_copy: false,
        }
    }

    fn wanted_by(&mut self, run: Option<Run>) {
        match run {
            Some(run) => self.runs.push(run),
            None => self.is_copy = true,
        }
    }
}

/// Data has come: others can have it here from now on. It is held before it is on its way no longer: else it would be fetched
/// once more for who looks in between.
fn arrived(house: &House, data: Run, content: Content) {
    let on_its_way = |way: &OnTheWay| way.task.clone();
    let Some(task) = house.coming.lock().get(&data).map(on_its_way) else {
        return;
    };
    let bytes = content.bytes();
    house.store.keep_copy(data, content.clone(), Some(task));
    let way = house.coming.lock().remove(&data);
    house.speech.say_now(&FromWorker::Stored { data, bytes });
    let Some(way) = way else {
        return;
    };
    match content {
        Content::Bytes(bytes) => way.coming.arrive(bytes, way.handles),
        Content::Array(array) => way.coming.arrive_array(array),
    }
}

/// Data could not be had: the runs that wait for it are given up.
fn not_fetched(house: &House, failure: &NotFetched) {
    let data = failure.data;
    let Some(way) = house.coming.lock().remove(&data) else {
        return;
    };
    let tried = |(holder, absent): &(PeerId, bool)| (data, *holder, *absent);
    for run in &way.runs {
        // One that was given back meanwhile is not missed.
        if let Some(guest) = house.find(*run)
            && guest.take_off()
        {
            let data = failure.tried.iter().map(tried).collect();
            let missing = Missing { run: *run, data };
            house.speech.say_now(&FromWorker::Missing(missing));
        }
    }
    if way.is_copy {
        house.speech.say_now(&FromWorker::NotCopied { data });
    }
}

//! Workers that are there and do not move.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::{Duration, Instant};

use crate::signals;
use crate::support::{Door, Noted, SILENCE, until, value};
use crate::work::{process, process_after};

pub(crate) fn is_lost_by_silence_and_its_late_words_are_ignored() {
    let noted = Noted::start(2);
    let client = noted.cluster.client().expect("the scheduler listens");
    let (frozen, other) = (noted.cluster.pids()[0], noted.cluster.pids()[1]);
    let door = Door::new();
    let task = client.submit(process_after::call(300_000, door.port()).prefer("w0"));
    let ends = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&ends);
    task.on_done(move |_| {
        count.fetch_add(1, SeqCst);
    });
    door.hear();
    signals::freeze(frozen);
    let start = Instant::now();
    // It ends elsewhere; what was said of it before does not count.
    assert_eq!(value(&task), other);
    assert!(start.elapsed() > SILENCE / 2, "silence takes its time");
    noted.note_with(&["worker w0 ", "is lost", "nothing was heard"]);
    signals::thaw(frozen);
    until("who was given up ends", || signals::has_ended(frozen));
    assert_eq!(value(&client.submit(process::call())), other);
    assert_eq!((value(&task), ends.load(SeqCst)), (other, 1));
}

pub(crate) fn for_a_moment_goes_on() {
    let noted = Noted::start(1);
    let client = noted.cluster.client().expect("the scheduler listens");
    let worker = noted.cluster.pids()[0];
    let door = Door::new();
    let task = client.submit(process_after::call(200_000, door.port()));
    door.hear();
    signals::freeze(worker);
    std::thread::park_timeout(Duration::from_millis(500));
    signals::thaw(worker);
    assert_eq!(value(&task), worker);
    assert_eq!(value(&client.submit(process::call())), worker);
}

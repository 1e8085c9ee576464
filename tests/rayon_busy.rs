//! Its own process, since it takes all of rayon's threads.
#![cfg(feature = "rayon")]

use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tenter::{Client, Host};

const THREADS: usize = 3;

/// Above what any of this takes: past it, it hangs.
const LIMIT: Duration = Duration::from_secs(100);

fn told<T>(receiver: &Receiver<T>) -> T {
    receiver.recv_timeout(LIMIT).expect("it does not hang")
}

/// Nobody waits for the task, so it is the offer alone that brings the monitor up.
#[test]
fn tasks_run_though_rayon_is_busy() {
    let builder = Client::builder().host(Host::Rayon).threads(THREADS);
    let client = builder.build().expect("first in this process");
    let (open, opened) = channel::<()>();
    let opened = Arc::new(Mutex::new(opened));
    let (hold, held) = channel();
    for _ in 0..THREADS {
        let (opened, hold) = (Arc::clone(&opened), hold.clone());
        rayon::spawn(move || {
            hold.send(()).expect("the test waits");
            let _ = opened.lock().map(|opened| opened.recv());
        });
    }
    (0..THREADS).for_each(|_| told(&held));
    for _ in 0..20 {
        let (run, ran) = channel();
        let task = move || run.send(rayon::current_thread_index()).is_ok();
        client.submit(task).detach();
        assert_eq!(told(&ran), None);
    }
    drop(open);
    // Rayon has time again, and is asked again.
    loop {
        let (run, ran) = channel();
        let task = move || run.send(rayon::current_thread_index()).is_ok();
        client.submit(task).detach();
        if told(&ran).is_some() {
            break;
        }
    }
    assert!(client.close(LIMIT).is_clean());
}

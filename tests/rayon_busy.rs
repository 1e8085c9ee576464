//! Its own process, since it takes all of rayon's threads.
#![cfg(feature = "rayon")]
#![allow(
    clippy::disallowed_methods,
    reason = "a test that may hang runs in a thread"
)]

use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Barrier, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use rayon::prelude::*;
use tenter::{Client, Host};

const THREADS: usize = 3;

/// Above what any of this takes: past it, it hangs.
const LIMIT: Duration = Duration::from_secs(100);

fn told<T>(receiver: &Receiver<T>) -> T {
    receiver.recv_timeout(LIMIT).expect("it does not hang")
}

fn client_on(host: Host) -> Client {
    let builder = Client::builder().host(host).threads(THREADS);
    builder.build().expect("first in this process")
}

/// Each test takes all of rayon's threads.
fn one_at_a_time() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Nobody waits for the task, so it is the offer alone that brings the monitor up.
#[test]
fn tasks_run_though_rayon_is_busy() {
    let _turn = one_at_a_time();
    let client = client_on(Host::Rayon);
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

/// Runs in each of rayon's threads at once: ends a client while a task of its needs one of those threads.
fn end_a_client(host: Host, all_here: &Barrier) {
    let client = client_on(host);
    let (run, runs) = channel();
    let go = Arc::new(Barrier::new(2));
    let going = Arc::clone(&go);
    let body = move || {
        run.send(()).expect("waited for");
        going.wait();
        (0..1000u64).into_par_iter().sum::<u64>()
    };
    client.submit(body).detach();
    told(&runs);
    all_here.wait();
    go.wait();
    drop(client);
}

#[test]
fn all_of_rayons_threads_may_end_clients_at_once() {
    let _turn = one_at_a_time();
    drop(client_on(Host::Rayon));
    for host in [Host::Rayon, Host::Threads] {
        let (end, ended) = channel();
        thread::spawn(move || {
            let all_here = Barrier::new(THREADS);
            rayon::broadcast(|_| end_a_client(host, &all_here));
            end.send(()).expect("the test waits");
        });
        told(&ended);
    }
}

/// On top of one another, the lower one could not go on.
#[test]
fn two_pieces_may_talk_to_each_other() {
    let _turn = one_at_a_time();
    let client = client_on(Host::Rayon);
    let (end, ended) = channel();
    let there = client.queue::<u32>("there", 1).expect("a new name");
    let back = client.queue::<u32>("back", 1).expect("a new name");
    let together = client.barrier("both", 2).expect("a new name");
    let (at_one, at_other) = (client.event("one"), client.event("other"));
    thread::spawn(move || {
        let asks = || {
            for k in 0..1000 {
                there.put(k).expect("open");
                assert_eq!(back.get(), Ok(k));
                together.wait().expect("open");
                at_one.set();
                at_other.wait().expect("open");
                at_other.clear();
            }
        };
        let answers = || {
            for _ in 0..1000 {
                back.put(there.get().expect("open")).expect("open");
                together.wait().expect("open");
                at_one.wait().expect("open");
                at_one.clear();
                at_other.set();
            }
        };
        rayon::join(asks, answers);
        end.send(()).expect("the test waits");
    });
    told(&ended);
    assert!(client.close(LIMIT).is_clean());
}

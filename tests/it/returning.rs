//! User code that comes back at an awkward moment: from a destructor, from an error's text, from the end of a thread,
//! from another client's task.

use std::cell::RefCell;
use std::fmt;
use std::time::Duration;

use tenter::{
    Client, ErrorKind, TaskError, TaskFuture, Variable, WaitError, WaitFor, current, wait,
};

use crate::support::{assert_nothing_left, client_of, until, watched};

#[test]
fn a_forward_to_another_clients_task_is_refused() {
    watched(|| {
        let (a, b) = (client_of(1), client_of(1));
        let theirs = b.clone();
        let outer = a.submit(move || theirs.submit(|| "b's".to_owned()));
        assert_eq!(
            outer.flatten().result().unwrap_err().kind(),
            ErrorKind::ForeignHandle
        );
    });
}

#[test]
fn two_tasks_that_forward_to_each_other_are_a_deadlock() {
    watched(|| {
        for _ in 0..50 {
            let client = client_of(2);
            let slots: [Variable<TaskFuture<u8>>; 2] =
                ["a", "b"].map(|name| client.variable(name).unwrap());
            let ends = [1, 0].map(|other| {
                let other = slots[other].clone();
                let go = client.try_submit(move || other.get());
                go.flatten()
            });
            for (slot, end) in slots.iter().zip(&ends) {
                slot.set(end.clone()).unwrap();
            }
            let errors = ends.map(|end| end.result().unwrap_err().kind());
            assert_eq!(errors, [ErrorKind::Deadlock; 2]);
        }
    });
}

#[test]
fn an_error_whose_text_panics_is_an_error() {
    struct Mute;
    impl fmt::Display for Mute {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            panic!("no text")
        }
    }
    impl fmt::Debug for Mute {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("Mute")
        }
    }
    impl std::error::Error for Mute {}
    watched(|| {
        let client = client_of(1);
        let task = client.try_submit(|| Err::<u8, _>(Mute));
        assert_eq!(task.result().unwrap_err().message(), "no text");
        assert_eq!(*client.submit(|| 1).result().unwrap(), 1);
    });
}

struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("destructor")
    }
}

#[test]
fn queued_items_with_panicking_destructors_end_quietly() {
    watched(|| {
        let client = client_of(1);
        let queue = client.queue::<Bomb>("bombs", 0).unwrap();
        for _ in 0..3 {
            queue
                .put(Bomb)
                .map_err(|refused| std::mem::forget(refused.into_item()))
                .unwrap();
        }
        assert!(client.close(Duration::MAX).is_clean());
        assert!(queue.is_empty());
    });
}

#[test]
fn a_destructor_that_cancels_wakes_whoever_waits_at_once() {
    struct Canceller(Option<TaskFuture<u8>>, Option<std::thread::JoinHandle<()>>);
    impl Drop for Canceller {
        fn drop(&mut self) {
            if let (Some(task), Some(waiter)) = (self.0.take(), self.1.take()) {
                task.cancel();
                waiter.join().unwrap();
            }
        }
    }
    watched(|| {
        let client = client_of(1);
        let never = client.queue::<u8>("never", 1).unwrap();
        let blocked = client.try_submit(move || never.get());
        let also = blocked.clone();
        let waiter = std::thread::spawn(move || {
            let error = also.result().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Cancelled);
        });
        drop(client.scatter(Canceller(Some(blocked), Some(waiter))));
    });
}

#[test]
fn results_whose_destructors_wait_do_not_nest() {
    struct Waiter(Client);
    impl Drop for Waiter {
        fn drop(&mut self) {
            assert_eq!(*self.0.submit(|| 7).result().unwrap(), 7);
        }
    }
    watched(|| {
        let client = client_of(2);
        let all: Vec<_> = (0..5_000)
            .map(|_| client.scatter(Waiter(client.clone())))
            .collect();
        let holder = client.submit_with(all, |all| all.len());
        assert_eq!(*holder.result().unwrap(), 5_000);
        drop(holder);
        assert_nothing_left(&client);
    });
}

#[test]
fn waiting_for_all_includes_waiting_for_oneself() {
    watched(|| {
        let client = client_of(1);
        let me = client.variable::<TaskFuture<bool>>("me").unwrap();
        let mine = me.clone();
        let task = client.submit(move || {
            let me = mine.get().unwrap();
            matches!(wait(&[me], WaitFor::All, None), Err(WaitError::Deadlock(_)))
        });
        me.set(task.clone()).unwrap();
        assert!(*task.result().unwrap());
        me.delete();
    });
}

#[test]
fn a_cancelled_body_that_still_runs_is_reported_at_the_close() {
    watched(|| {
        let client = client_of(1);
        let (send, gate) = std::sync::mpsc::channel::<()>();
        let body = client
            .task("stubborn")
            .submit(move || gate.recv().unwrap_err());
        until("the body runs", || client.stats().started == 1);
        body.cancel();
        assert_eq!(client.close(Duration::ZERO).still_running(), ["stubborn"]);
        drop(send);
        assert!(client.close(Duration::MAX).is_clean());
    });
}

#[test]
fn a_long_chain_dropped_at_the_end_of_a_thread_needs_no_stack() {
    thread_local! {
        static LAST: RefCell<Option<TaskFuture<u8>>> = const { RefCell::new(None) };
    }
    watched(|| {
        let client = client_of(1);
        let mut task = client.submit(|| 0u8);
        for _ in 0..200_000 {
            let inner = task;
            task = client.submit(move || inner.result().map_or(0, |x| *x));
        }
        task.result().unwrap();
        std::thread::spawn(move || LAST.with(|last| *last.borrow_mut() = Some(task)))
            .join()
            .unwrap();
        assert_nothing_left(&client);
    });
}

#[test]
fn an_error_of_its_own_wait_is_not_inherited() {
    watched(|| {
        let client = client_of(1);
        let task = client
            .task("impatient")
            .try_submit(|| -> Result<u8, TaskError> {
                let never = current().queue::<u8>("never", 1)?;
                Ok(never.get_timeout(Duration::ZERO)?)
            });
        let error = task.result().unwrap_err();
        assert_eq!(
            (error.kind(), error.task(), error.is_inherited()),
            (ErrorKind::TimedOut, "impatient", false)
        );
    });
}

#[test]
fn a_deleted_queues_name_is_free() {
    let client = client_of(1);
    let old = client.queue::<u8>("frames", 1).unwrap();
    old.put(1).unwrap();
    old.delete();
    assert_eq!(old.get(), Err(WaitError::Closed));
    let new = client.queue::<u16>("frames", 2).unwrap();
    new.put(2).unwrap();
    assert_eq!(new.get(), Ok(2));
}

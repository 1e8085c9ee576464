//! Several clients, and which is the current one.

use tenter::{ErrorKind, current, try_current};

use crate::support::{Counts, assert_nothing_left, client_of, watched};

#[test]
fn outside_of_tasks_no_client_is_current() {
    watched(|| {
        assert!(try_current().is_none());
        assert!(std::panic::catch_unwind(current).is_err());
        let client = client_of(1);
        assert!(!client.is_cancelled() && client.checkpoint().is_ok());
        assert!(*client.submit(|| try_current().is_some()).result().unwrap());
        assert_eq!(*client.submit(|| current().threads()).result().unwrap(), 1);
        let thread = client.submit(|| {
            std::thread::spawn(|| try_current().is_none())
                .join()
                .unwrap()
        });
        assert!(*thread.result().unwrap());
    });
}

#[test]
fn a_current_client_does_not_keep_the_client() {
    watched(|| {
        let client = client_of(1);
        let guest = client.submit(current).take().unwrap();
        drop(client);
        assert_eq!(
            guest.submit(|| 1).result().unwrap_err().kind(),
            ErrorKind::Closed
        );
    });
}

#[test]
fn handles_of_another_client_are_refused() {
    watched(|| {
        let (mine, other) = (client_of(1), client_of(1));
        let (a, b) = (mine.submit(|| 1), other.submit(|| 2));
        let counts = Counts::new();
        let counted = counts.counted();
        let mixed = mine
            .task("mixed")
            .submit_with((&a, &b), move |(a, b)| (drop(counted), a + b).1);
        let error = mixed.result().unwrap_err();
        assert_eq!(
            (error.kind(), error.task()),
            (ErrorKind::ForeignHandle, "mixed")
        );
        assert_eq!(
            mine.submit_with(b.clone(), |b| b)
                .result()
                .unwrap_err()
                .kind(),
            ErrorKind::ForeignHandle
        );
        assert_eq!(
            (counts.alive(), *b.then(|b| b + 1).result().unwrap()),
            (0, 3)
        );
        drop((a, mixed));
        assert_nothing_left(&mine);
        assert_nothing_left(&other);
    });
}

#[test]
fn a_task_of_one_client_may_wait_for_a_task_of_another() {
    watched(|| {
        let (one, two) = (client_of(1), client_of(1));
        let (back, there) = (one.clone(), two.clone());
        let outer = one.submit(move || {
            let deep = move || *back.submit(|| 20).result().unwrap() + 1;
            *there.submit(deep).result().unwrap() + 1
        });
        assert_eq!(*outer.result().unwrap(), 22);
        drop(outer);
        assert_nothing_left(&one);
        assert_nothing_left(&two);
    });
}

#[test]
fn a_client_may_live_in_a_task_of_another() {
    watched(|| {
        let outer = client_of(1);
        let sum = outer.submit(|| {
            let inner = client_of(2);
            let parts = inner.map(0..100u64, |x| x);
            let names = (
                current().threads(),
                inner.submit(|| current().threads()).take().unwrap(),
            );
            assert_eq!(names, (1, 2));
            tenter::gather(&parts).unwrap().into_iter().sum::<u64>()
        });
        assert_eq!(*sum.result().unwrap(), 4950);
    });
}

#[test]
fn many_clients_come_and_go() {
    watched(|| {
        for k in 0..200u64 {
            let client = client_of(2);
            assert_eq!(*client.submit(move || k).result().unwrap(), k);
        }
    });
}

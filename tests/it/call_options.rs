//! Options of calls.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use serde::{Deserialize, Serialize, Serializer};
use tenter::{Client, ErrorKind, attempt, current, task};

#[task]
fn inc(a: u64) -> u64 {
    a + 1
}

#[task]
fn dec(a: u64) -> u64 {
    a - 1
}

#[task]
fn third_time(words: Vec<String>) -> Result<String, String> {
    match attempt() {
        3 => Ok(words.concat()),
        other => Err(format!("attempt {other}")),
    }
}

fn clients() -> [Client; 2] {
    let builder = || {
        Client::builder()
            .threads(2)
            .resource("gpu", 1)
            .pool("io", 1)
    };
    [
        builder().encode(false).build().unwrap(),
        builder().encode(true).build().unwrap(),
    ]
}

#[test]
fn a_retried_call_has_its_arguments_again() {
    for client in clients() {
        let words = vec!["a".to_owned(), "b".to_owned()];
        let by_value = client.submit(third_time::call(words.clone()).retries(2));
        assert_eq!(by_value.result().unwrap(), "ab");
        let handle = client.scatter(words);
        let by_handle = client
            .task("again")
            .retries(2)
            .submit(third_time::call(handle));
        assert_eq!(by_handle.result().unwrap(), "ab");
        assert_eq!(by_handle.name(), "again");
        let too_few = client.submit(third_time::call(Vec::<String>::new()).retries(1));
        assert_eq!(too_few.result().unwrap_err().message(), "attempt 2");
    }
}

#[test]
fn a_failed_call_is_made_anew_if_it_may_run_again() {
    static BROKEN: AtomicUsize = AtomicUsize::new(1);

    #[task]
    fn while_broken(n: u64) -> Result<u64, String> {
        if BROKEN.swap(0, SeqCst) == 1 {
            Err("broken".into())
        } else {
            Ok(n)
        }
    }

    let client = Client::new().unwrap();
    let failed = client.submit(while_broken::call(inc::call(4)).retries(0));
    assert!(failed.result().is_err());
    assert_eq!(*failed.retry().unwrap().result().unwrap(), 5);
}

#[test]
fn options_hold_for_the_call_they_are_given_to() {
    for client in clients() {
        let inner = inc::call(1)
            .label("inner")
            .key("inner")
            .pool("io")
            .resource("gpu", 1);
        let outer = client.submit(inc::call(inner).label("outer").key(("outer", 1)));
        assert_eq!(*outer.result().unwrap(), 3);
        assert_eq!(outer.label().as_deref(), Some("outer"));
        assert_eq!(outer.key().unwrap().to_string(), "outer-1");
        assert_eq!(outer.name(), "it::call_options::inc");
    }
}

#[test]
fn an_option_of_the_call_goes_before_one_of_the_submit() {
    let client = Client::new().unwrap();
    let task = client.task("named").key("submit").label("submit");
    let handle = task.submit(inc::call(1).key("call"));
    assert_eq!(handle.key().unwrap().to_string(), "call");
    assert_eq!(handle.label().as_deref(), Some("submit"));
    assert_eq!(handle.name(), "named");
}

#[test]
fn an_option_that_the_client_does_not_know_fails_the_call() {
    for client in clients() {
        let pool = client.submit(inc::call(inc::call(1).pool("none")));
        assert_eq!(pool.result().unwrap_err().kind(), ErrorKind::NoSuchPool);
        let resource = client.submit(inc::call(1).resources(&[("gpu", 2)]));
        assert_eq!(
            resource.result().unwrap_err().kind(),
            ErrorKind::NoSuchResource
        );
    }
}

/// What cannot be encoded.
#[derive(Clone, Deserialize)]
struct Stubborn;

impl Serialize for Stubborn {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom("no"))
    }
}

#[task]
fn takes(_stubborn: Stubborn) {}

#[test]
fn what_is_asked_for_and_lacking_goes_before_what_is_wrong_with_an_argument() {
    for client in clients() {
        let pool = client.submit(takes::call(Stubborn).pool("none"));
        assert_eq!(pool.result().unwrap_err().kind(), ErrorKind::NoSuchPool);
        let retried = client.submit(takes::call(Stubborn).pool("none").retries(1));
        assert_eq!(retried.result().unwrap_err().kind(), ErrorKind::NoSuchPool);
    }
}

#[test]
fn a_call_that_runs_for_too_long_is_cancelled() {
    #[task]
    fn endless() -> Result<(), tenter::TaskError> {
        loop {
            current().checkpoint()?;
        }
    }

    for client in clients() {
        let late = client.submit(endless::call().timeout(Duration::from_millis(5)));
        assert_eq!(late.result().unwrap_err().kind(), ErrorKind::TimedOut);
    }
}

#[test]
fn calls_of_two_functions_under_one_key_conflict() {
    for client in clients() {
        let first = client.submit(inc::call(1).key("one"));
        let same = client.submit(inc::call(7).key("one"));
        assert_eq!(*same.result().unwrap(), 2, "the key is known");
        let other = client.submit(dec::call(1).key("one"));
        assert_eq!(other.result().unwrap_err().kind(), ErrorKind::KeyConflict);
        let closure = client.task("closure").key("one").submit(|| 3u64);
        assert_eq!(
            *closure.result().unwrap(),
            2,
            "a closure is told apart by its type alone"
        );
        first.result().unwrap();
    }
}

#[test]
fn a_call_under_the_key_of_a_closure_conflicts() {
    let client = Client::new().unwrap();
    let closure = client.task("closure").key("one").submit(|| 3u64);
    let call = client.submit(inc::call(1).key("one"));
    assert_eq!(call.result().unwrap_err().kind(), ErrorKind::KeyConflict);
    closure.result().unwrap();
}

#[test]
fn calls_are_counted_by_their_functions() {
    let client = Client::new().unwrap();
    let handles: Vec<_> = (0..5).map(|n| client.submit(inc::call(n))).collect();
    tenter::gather(&handles).unwrap();
    let groups = client.groups();
    let group = groups
        .iter()
        .find(|group| group.name.as_deref() == Some("it::call_options::inc"));
    assert_eq!(group.unwrap().finished, 5);
}

#[test]
fn calls_inherit_the_scope_they_are_submitted_in() {
    let client = Client::new().unwrap();
    let fit = client
        .annotate()
        .label("scan")
        .enter(|| client.submit(inc::call(1)));
    assert_eq!(fit.label().as_deref(), Some("scan"));
    assert_eq!(*fit.result().unwrap(), 2);
}

#[test]
fn many_calls_at_once_and_only_where_there_is_room() {
    let client = Client::builder()
        .threads(1)
        .max_pending(1000)
        .build()
        .unwrap();
    let many = client.submit_many((0..4).map(|n| inc::call(inc::call(n))));
    assert_eq!(tenter::gather(&many).unwrap(), [&2, &3, &4, &5]);
    let now = client.try_submit_now(inc::call(inc::call(1))).ok().unwrap();
    assert_eq!(*now.result().unwrap(), 3);
}

#[test]
fn an_async_call_may_run_again_too() {
    #[task]
    async fn third_time_later(words: &[String]) -> Result<String, String> {
        match attempt() {
            1 => panic!("the first one panics"),
            3 => Ok(words.concat()),
            other => Err(format!("attempt {other}")),
        }
    }

    for client in clients() {
        let words = client.submit(|| vec!["a".to_owned(), "b".to_owned()]);
        let done = client.submit(third_time_later::call(&words).retries(2));
        assert_eq!(done.result().unwrap(), "ab");
        let too_few = client.submit(third_time_later::call(words).retries(1));
        assert_eq!(too_few.result().unwrap_err().message(), "attempt 2");
        let anew = too_few.retry().unwrap();
        assert_eq!(anew.result().unwrap_err().message(), "attempt 2");
    }
}

#[test]
fn an_async_call_that_runs_for_too_long_is_tried_again() {
    #[task]
    async fn slow_at_first(n: u64) -> u64 {
        if attempt() == 1 {
            std::future::pending::<()>().await;
        }
        n
    }

    for client in clients() {
        let slow = slow_at_first::call(7)
            .timeout(Duration::from_millis(20))
            .retries(1);
        assert_eq!(*client.submit(slow).result().unwrap(), 7);
    }
}

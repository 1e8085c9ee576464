//! Clients that take calls alone, by their address; and calls that are sent through their encoding in this process.

use std::process::Command;

use serde::{Deserialize, Serialize};
use tenter::{Carried, Client, ErrorKind, StartError, TaskFuture, task};

#[task]
fn inc(a: u64) -> u64 {
    a + 1
}

/// Of any place.
fn three<P>(client: &Client<P>) -> TaskFuture<u64>
where
    u64: Carried<P>,
{
    let two = client.scatter(2);
    client.task("three").submit(inc::call(&two))
}

#[test]
fn a_program_of_calls_runs_in_any_place() {
    let here = Client::new().unwrap();
    let anywhere = Client::connect("inproc").unwrap();
    assert_eq!(*three(&here).result().unwrap(), 3);
    assert_eq!(*three(&anywhere).result().unwrap(), 3);
}

#[test]
fn a_client_of_any_place_shares_and_coordinates() {
    let client = Client::builder().threads(2).connect("inproc").unwrap();
    let queue = client.queue::<TaskFuture<u64>>("queue", 4).unwrap();
    queue.put(client.submit(inc::call(1))).unwrap();
    assert_eq!(*queue.get().unwrap().result().unwrap(), 2);
    let latest = client.variable::<TaskFuture<u64>>("latest").unwrap();
    latest.set(client.submit(inc::call(2))).unwrap();
    assert_eq!(*latest.get().unwrap().result().unwrap(), 3);
    let _guard = client.lock("lock").lock().unwrap();
    let done = tenter::as_completed([client.submit(inc::call(3))]).next();
    assert_eq!(*done.unwrap().result().unwrap(), 4);
    assert_eq!(client.stats().failed, 0);
}

#[test]
fn an_address_of_another_kind_is_refused() {
    for address in ["10.0.0.1:8786", "", "inproc:"] {
        let error = Client::connect(address).unwrap_err();
        assert!(matches!(&error, StartError::Address(of) if of == address));
        assert!(error.to_string().contains("\"inproc\""));
    }
}

/// Without the variable: this process. Run again below, with it.
#[test]
fn without_an_address_the_environment_says_which() {
    let connected = Client::connect(None);
    if let Ok(address) = std::env::var("TENTER_ADDRESS") {
        assert!(matches!(connected.unwrap_err(), StartError::Address(of) if of == address));
        return;
    }
    assert_eq!(*three(&connected.unwrap()).result().unwrap(), 3);
    again_with(
        "places::without_an_address_the_environment_says_which",
        "TENTER_ADDRESS",
        "nowhere",
    );
}

/// Runs one of these tests in a process of its own.
fn again_with(test: &str, variable: &str, value: &str) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    let run = command
        .args([test, "--exact"])
        .env(variable, value)
        .output()
        .unwrap();
    assert!(
        run.status.success(),
        "{}",
        String::from_utf8_lossy(&run.stdout)
    );
    assert!(String::from_utf8_lossy(&run.stdout).contains("1 passed"));
}

/// Comes back as something else.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Forgetful {
    kept: u64,
    #[serde(skip)]
    forgotten: u64,
}

#[task]
fn both(of: &Forgetful) -> u64 {
    of.kept + of.forgotten
}

#[task]
fn make(n: u64) -> Forgetful {
    Forgetful {
        kept: n,
        forgotten: n,
    }
}

fn encoding() -> Client {
    Client::builder().threads(2).encode(true).build().unwrap()
}

#[test]
fn arguments_inputs_and_results_are_encoded_if_asked() {
    let client = encoding();
    let it = Forgetful {
        kept: 1,
        forgotten: 1,
    };
    assert_eq!(*client.submit(both::call(it.clone())).result().unwrap(), 1);
    let handle = client.scatter(it.clone());
    assert_eq!(*client.submit(both::call(&handle)).result().unwrap(), 1);
    assert_eq!(client.submit(make::call(1)).result().unwrap().forgotten, 0);
    assert_eq!(
        client
            .submit(move || it.clone())
            .result()
            .unwrap()
            .forgotten,
        1,
        "a closure stays"
    );
}

#[test]
fn what_a_task_submits_is_encoded_too() {
    #[task]
    fn through(n: u64) -> Result<u64, tenter::TaskError> {
        Ok(*tenter::current()
            .submit(both::call(make::call(n)))
            .result()?)
    }

    assert_eq!(*encoding().submit(through::call(3)).result().unwrap(), 3);
}

#[test]
fn the_environment_can_ask_for_the_encoding() {
    let client = Client::new().unwrap();
    let asked = std::env::var_os("TENTER_ENCODE").is_some_and(|set| set == "1");
    let expected = if asked { 0 } else { 2 };
    assert_eq!(
        client.submit(make::call(2)).result().unwrap().forgotten,
        expected
    );
    if !asked {
        again_with(
            "places::the_environment_can_ask_for_the_encoding",
            "TENTER_ENCODE",
            "1",
        );
    }
}

/// Says one thing and reads another.
#[derive(Clone, Debug, Serialize)]
struct Lopsided(u8);

impl<'de> Deserialize<'de> for Lopsided {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <[u64; 4]>::deserialize(deserializer).map(|_| Self(0))
    }
}

#[test]
fn what_does_not_survive_the_encoding_is_the_tasks_error() {
    #[task]
    fn takes(_it: Lopsided) {}

    #[task]
    fn gives() -> Lopsided {
        Lopsided(1)
    }

    let client = encoding();
    let error = client
        .submit(takes::call(Lopsided(1)))
        .result()
        .unwrap_err()
        .clone();
    assert_eq!(error.kind(), ErrorKind::Encoding);
    assert!(
        error
            .message()
            .starts_with("the arguments of `it::places::takes` cannot be decoded")
    );
    let error = client.submit(gives::call()).result().unwrap_err().clone();
    assert_eq!(error.kind(), ErrorKind::Encoding);
    assert!(
        error.message().starts_with("its result cannot travel"),
        "{error}"
    );
}

#[test]
fn a_handle_alone_cannot_be_encoded() {
    let client = Client::new().unwrap();
    let handle = client.submit(|| 1u64);
    let error = serde_json::to_string(&handle).unwrap_err();
    assert!(error.to_string().contains("only as a part of a call"));
    assert!(serde_json::from_str::<TaskFuture<u64>>("0").is_err());
}

#[test]
fn a_handle_that_was_moved_into_a_call_is_the_functions_alone() {
    #[task]
    fn len(of: TaskFuture<Vec<u64>>) -> Result<usize, Box<dyn std::error::Error + Send + Sync>> {
        of.result()?;
        Ok(of.take()?.len())
    }

    for encode in [false, true] {
        let client = Client::builder().threads(2).encode(encode).build().unwrap();
        let handle = client.submit(|| vec![1, 2]);
        assert_eq!(*client.submit(len::call(handle)).result().unwrap(), 2);
    }
}

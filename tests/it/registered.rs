//! Which functions a program can be asked to run, and what it says of others.

use std::sync::Arc;

use tenter::driver::{AnyHandle, Parcel, Refused, describe, receive, submit};
use tenter::{Client, ErrorKind, TaskFuture, task};

#[task(version = 7)]
fn scale(frame: &[f64], by: f64) -> Vec<f64> {
    frame.iter().map(|pixel| pixel * by).collect()
}

#[task]
fn fail(text: &str) -> Result<(), String> {
    Err(text.to_owned())
}

#[task]
async fn later(of: TaskFuture<u64>) -> Result<u64, tenter::TaskError> {
    of.await.map(|value| *value)
}

#[task]
fn inc(a: u64) -> u64 {
    a + 1
}

#[test]
fn tasks_are_listed_with_what_they_take_and_where_they_are() {
    let tasks = tenter::tasks();
    assert!(tasks.is_sorted_by_key(|task| task.name()));
    let scale = tasks
        .iter()
        .find(|task| task.name() == "it::registered::scale")
        .unwrap();
    assert_eq!((scale.version(), scale.is_pure()), (7, false));
    assert_eq!(scale.signature(), "fn(&[f64], f64) -> Vec<f64>");
    assert!(scale.location().0.ends_with("registered.rs"));
    let later = tasks
        .iter()
        .find(|task| task.name() == "it::registered::later")
        .unwrap();
    assert_eq!(
        later.signature(),
        "async fn(TaskFuture<u64>) -> Result<u64, tenter::TaskError>"
    );
    assert_ne!(scale.signature_hash(), later.signature_hash());
}

#[test]
fn a_task_that_is_registered_by_hand_is_there_once() {
    tenter::register!(scale, fail).unwrap();
    let named = |name| {
        tenter::tasks()
            .into_iter()
            .filter(move |task| task.name() == name)
            .count()
    };
    assert_eq!(named("it::registered::scale"), 1);
}

#[test]
fn a_call_runs_by_its_name_and_its_bytes() {
    let (here, there) = (Client::new().unwrap(), Client::new().unwrap());
    let frame = here.scatter(vec![1.0, 2.0]);
    let out = describe(&here, scale::call(&frame, 10.0)).unwrap();
    // What the other side has in the place of the input.
    let inputs = vec![AnyHandle::new(there.scatter(vec![3.0, 4.0]))];
    assert_eq!(out.inputs.len(), inputs.len());
    let running = submit(&there, out.name, out.signature_hash, out.args, inputs).unwrap();
    let result = running.result().unwrap();
    let back = receive(&here, out.name, out.signature_hash, &result).unwrap();
    assert_eq!(
        back.downcast::<Vec<f64>>().unwrap().result().unwrap(),
        &[30.0, 40.0]
    );
    assert!(back.downcast::<f64>().is_none());
}

#[test]
fn handles_in_arguments_arrive_as_handles() {
    let (here, there) = (Client::new().unwrap(), Client::new().unwrap());
    let out = describe(&here, later::call(here.submit(|| 1u64))).unwrap();
    assert_eq!(out.args.handles.len(), 1);
    let args = |handle: AnyHandle| Parcel {
        bytes: out.args.bytes.clone(),
        handles: Arc::new([handle]),
    };
    let mine = args(AnyHandle::new(there.submit(|| 41u64)));
    let running = submit(&there, out.name, out.signature_hash, mine, vec![]).unwrap();
    let result = running.result().unwrap();
    let back = receive(&here, out.name, out.signature_hash, &result).unwrap();
    assert_eq!(*back.downcast::<u64>().unwrap().result().unwrap(), 41);
    let other = args(AnyHandle::new(there.submit(|| "text")));
    let running = submit(&there, out.name, out.signature_hash, other, vec![]).unwrap();
    assert_eq!(running.result().unwrap_err().kind(), ErrorKind::Encoding);
}

#[test]
fn what_is_not_a_call_of_the_function_is_refused() {
    let client = Client::new().unwrap();
    let out = describe(&client, inc::call(1)).unwrap();
    let run = |name: &str, hash, args, inputs| submit(&client, name, hash, args, inputs);
    let unknown = run("it::nowhere", 0, out.args.clone(), vec![]).unwrap_err();
    assert_eq!(unknown, Refused::UnknownTask("it::nowhere".into()));
    let other = run(out.name, out.signature_hash + 1, out.args.clone(), vec![]).unwrap_err();
    assert!(matches!(
        other,
        Refused::OtherSignature {
            here: "fn(u64) -> u64",
            ..
        }
    ));
    let no_result = Parcel {
        bytes: vec![0xff; 3],
        handles: Arc::new([]),
    };
    assert!(receive(&client, out.name, out.signature_hash, &no_result).is_err());
}

#[test]
fn bytes_that_are_no_arguments_are_the_tasks_error() {
    let client = Client::new().unwrap();
    let out = describe(&client, inc::call(1)).unwrap();
    let texts = [
        vec![],
        vec![0],
        vec![0, 1, 9],
        vec![1, 0],
        vec![1, 5],
        vec![0xff; 20],
    ];
    for bytes in texts {
        // An input of another type than the function takes, where the bytes name one.
        let inputs = vec![AnyHandle::new(client.scatter("text".to_owned()))];
        let args = Parcel {
            bytes,
            handles: Arc::new([]),
        };
        let running = submit(&client, out.name, out.signature_hash, args, inputs).unwrap();
        assert_eq!(running.result().unwrap_err().kind(), ErrorKind::Encoding);
    }
}

#[test]
fn an_error_of_a_task_run_by_name_is_told() {
    let client = Client::new().unwrap();
    let out = describe(&client, fail::call("broken")).unwrap();
    let running = submit(&client, out.name, out.signature_hash, out.args, vec![]).unwrap();
    let error = running.result().unwrap_err();
    assert_eq!(
        (error.task(), error.message()),
        ("it::registered::fail", "broken")
    );
}

/// Else the first would move out what the second reads.
#[test]
fn bytes_that_name_one_input_twice_are_refused() {
    #[task]
    fn concat(a: Vec<u64>, b: &[u64]) -> Vec<u64> {
        [&a, b].concat()
    }

    let client = Client::new().unwrap();
    let out = describe(&client, concat::call(Vec::<u64>::new(), Vec::<u64>::new())).unwrap();
    let run = |bytes: &[u8]| {
        let inputs = [vec![1u64], vec![2]].map(|input| AnyHandle::new(client.scatter(input)));
        let args = Parcel {
            bytes: bytes.to_vec(),
            handles: Arc::new([]),
        };
        let running = submit(&client, out.name, out.signature_hash, args, inputs.into());
        running.unwrap().result()
    };
    // Numbers travel as raw bytes, after how many these are.
    let raw: Vec<u8> = [1u64, 2].iter().flat_map(|x| x.to_le_bytes()).collect();
    assert_eq!(run(&[1, 0, 1, 1]).unwrap().bytes, [&[16], &*raw].concat());
    for bytes in [[1, 0, 1, 0], [1, 1, 1, 1], [1, 1, 1, 0]] {
        assert_eq!(run(&bytes).unwrap_err().kind(), ErrorKind::Encoding);
    }
}

//! Options of a scope (notes 4.2 and 4.7).

use tenter::{Client, TaskFuture, gather};

use crate::support::{Gate, Log, until};
use crate::{with_built, with_threads};

/// A task that writes its name.
fn writer(client: &Client, log: &Log<&'static str>, name: &'static str) -> TaskFuture<()> {
    let log = log.clone();
    client.submit(move || log.write(name))
}

fn thread_name() -> String {
    std::thread::current().name().unwrap_or_default().to_owned()
}

#[test]
fn what_is_submitted_in_a_scope_has_its_priority() {
    with_threads(1, |client| {
        let (gate, log) = (Gate::close(client), Log::new());
        let scope = |priority| client.annotate().priority(priority);
        let tasks = [
            scope(-1).enter(|| writer(client, &log, "low")),
            writer(client, &log, "plain"),
            scope(5).enter(|| writer(client, &log, "high")),
        ];
        gate.open();
        gather(&tasks).unwrap();
        assert_eq!(log.read(), ["high", "plain", "low"]);
    });
}

#[test]
fn a_map_in_a_scope_has_its_priority() {
    with_threads(1, |client| {
        let (gate, log) = (Gate::close(client), Log::new());
        let plain = writer(client, &log, "plain");
        let writes = log.clone();
        let items = client.annotate().priority(1).enter(|| {
            let write = move |name| writes.write(name);
            client.map(["first", "second"], write)
        });
        gate.open();
        gather(&items).unwrap();
        plain.result().unwrap();
        assert_eq!(log.read(), ["first", "second", "plain"]);
    });
}

#[test]
fn every_task_of_a_graph_in_a_scope_has_its_priority() {
    with_threads(1, |client| {
        let (gate, log) = (Gate::close(client), Log::new());
        let plain = writer(client, &log, "plain");
        let writes = log.clone();
        let chain = client.annotate().priority(1).enter(|| {
            let input = writer(client, &log, "input");
            input.then(move |()| writes.write("dependent"))
        });
        gate.open();
        gather(&[chain, plain]).unwrap();
        assert_eq!(log.read(), ["input", "dependent", "plain"]);
    });
}

#[test]
fn an_option_of_the_task_goes_before_the_scopes() {
    with_threads(1, |client| {
        let (gate, log) = (Gate::close(client), Log::new());
        let tasks = client.annotate().priority(9).enter(|| {
            let (own, writes) = (client.task("own").priority(-9), log.clone());
            [
                own.submit(move || writes.write("own")),
                writer(client, &log, "scope"),
            ]
        });
        gate.open();
        gather(&tasks).unwrap();
        assert_eq!(log.read(), ["scope", "own"]);
    });
}

#[test]
fn an_inner_scope_goes_before_the_outer_one() {
    with_threads(1, |client| {
        let (gate, log) = (Gate::close(client), Log::new());
        let tasks = client.annotate().priority(-1).enter(|| {
            let inner = client.annotate().priority(1);
            [
                writer(client, &log, "outer"),
                inner.enter(|| writer(client, &log, "inner")),
            ]
        });
        gate.open();
        gather(&tasks).unwrap();
        assert_eq!(log.read(), ["inner", "outer"]);
    });
}

#[test]
fn what_is_submitted_in_a_scope_runs_on_its_pool() {
    with_built(Client::builder().threads(1).pool("io", 1), |client| {
        let inside = client
            .annotate()
            .pool("io")
            .enter(|| client.submit(thread_name));
        let outside = client.submit(thread_name);
        assert_eq!(inside.result().unwrap(), "tenter-io-0");
        assert_ne!(outside.result().unwrap(), "tenter-io-0");
    });
}

#[test]
fn what_is_submitted_in_a_scope_needs_its_resources() {
    with_built(Client::builder().threads(2).resource("gpu", 1), |client| {
        let scope = client.annotate().resource("gpu", 1);
        let gate = scope.clone().enter(|| Gate::close(client));
        let inside = scope.enter(|| client.submit(|| 1));
        until("it is in line", || inside.explain().contains("`gpu`"));
        assert_eq!(*client.submit(|| 2).result().unwrap(), 2);
        assert!(!inside.is_done());
        gate.open();
        assert_eq!(*inside.result().unwrap(), 1);
    });
}

#[test]
fn a_label_of_a_scope_is_its_tasks_and_theirs() {
    with_threads(2, |client| {
        let task = client
            .annotate()
            .label("scan 7")
            .enter(|| client.submit(|| tenter::current().submit(|| ()).label()));
        assert_eq!(task.label().as_deref(), Some("scan 7"));
        assert_eq!(task.result().unwrap().as_deref(), Some("scan 7"));
        assert_eq!(client.submit(|| ()).label(), None);
    });
}

//! `dump_dot` and `dump_json`.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;

use serde_json::Value;
use tenter::{Client, TaskFuture};

use crate::support::{Gate, assert_nothing_left, assert_nothing_left_after, client_of, watched};

/// A dump, read back: nodes by id, and edges between them alone.
fn json(client: &Client, limit: usize) -> Value {
    let text = client.dump_json(limit);
    let dump: Value = serde_json::from_str(&text).unwrap_or_else(|why| panic!("{why} in {text}"));
    let ids: Vec<&str> = nodes(&dump).map(|node| text_of(node, "id")).collect();
    let known: HashSet<&str> = ids.iter().copied().collect();
    assert!(known.len() == ids.len() && ids.len() <= limit, "{text}");
    for edge in dump["edges"].as_array().unwrap() {
        let ends = [text_of(edge, "from"), text_of(edge, "to")];
        assert!(
            ends.iter().all(|end| known.contains(end)),
            "{edge} of {text}"
        );
    }
    dump
}

fn nodes(dump: &Value) -> impl Iterator<Item = &Value> {
    dump["nodes"].as_array().expect("a list").iter()
}

fn text_of<'v>(value: &'v Value, field: &str) -> &'v str {
    value[field]
        .as_str()
        .unwrap_or_else(|| panic!("no {field}: {value}"))
}

fn node<'v>(dump: &'v Value, name: &str) -> &'v Value {
    let mut found = nodes(dump).filter(|node| node["name"] == name);
    found
        .next()
        .unwrap_or_else(|| panic!("no `{name}` in {dump}"))
}

/// The statements of a DOT text, with what stands between quotes taken out; panics if it is not well-formed.
fn dot(text: &str) -> Vec<String> {
    let (mut statements, mut quoted, mut now) = (Vec::new(), false, String::new());
    let body = text.strip_prefix("digraph tenter {").expect("the head");
    let mut chars = body.trim_end().strip_suffix('}').expect("the end").chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' if quoted => drop(chars.next().expect("something is escaped")),
            '"' => quoted = !quoted,
            c if quoted => assert!(!c.is_control(), "{text}"),
            ';' => statements.push(std::mem::take(&mut now).trim().to_owned()),
            c => now.push(c),
        }
    }
    assert!(!quoted && now.trim().is_empty(), "{text}");
    for statement in &statements {
        let known = ["node [shape=box]", "label=", "->"];
        let is_node = statement.starts_with("[label=, color=");
        assert!(
            is_node || known.contains(&statement.as_str()),
            "{statement} in {text}"
        );
    }
    statements
}

fn count(statements: &[String], kind: &str) -> usize {
    statements
        .iter()
        .filter(|statement| statement.starts_with(kind))
        .count()
}

#[test]
fn a_dump_shows_nodes_and_edges() {
    watched(|| {
        let client = client_of(1);
        let gate = Gate::close(&client);
        let load = client
            .task("load")
            .key(("frame", 17))
            .priority(3)
            .submit(|| 1);
        let given = client.scatter(2);
        let sum = client
            .task("sum")
            .submit_with((&load, &given), |(a, b)| a + b);
        let dump = json(&client, 100);
        let loads = node(&dump, "load");
        assert_eq!(text_of(loads, "id"), load.id().to_string());
        assert_eq!(
            (&loads["key"], &loads["status"]),
            (&"frame-17".into(), &"queued".into())
        );
        assert_eq!(
            (&loads["priority"], &loads["group"]),
            (&3.into(), &"load".into())
        );
        assert_eq!(node(&dump, "gate")["status"], "running");
        assert_eq!(
            (&node(&dump, "sum")["key"], &node(&dump, "i32")["group"]),
            (&Value::Null, &Value::Null)
        );
        let edge = |from: String| serde_json::json!({"from": from, "to": sum.id().to_string()});
        let edges = [edge(load.id().to_string()), edge(given.id().to_string())];
        assert_eq!(dump["edges"], Value::from(edges.to_vec()));
        assert_eq!(
            (&dump["nodes_left_out"], &dump["edges_left_out"]),
            (&0.into(), &0.into())
        );
        let statements = dot(&client.dump_dot(100));
        assert_eq!(
            (count(&statements, "[label"), count(&statements, "->")),
            (4, 2)
        );
        gate.open();
        assert_eq!(*sum.result().unwrap(), 3);
        let dump = json(&client, 100);
        assert_eq!(node(&dump, "sum")["status"], "finished");
        assert_eq!(
            dump["edges"],
            Value::from(Vec::<Value>::new()),
            "inputs are let go"
        );
        assert_nothing_left_after(&client, (load, given, sum));
    });
}

#[test]
fn any_name_and_key_can_be_dumped() {
    watched(|| {
        let client = client_of(1);
        let names = [
            "",
            "\"",
            "\\",
            "\\\"",
            "a\nb",
            "a\r\tb",
            "nul\0",
            "\u{1b}[0m",
            "\u{7f}\u{85}",
            "ü→😀",
            "\"];}",
            "\\n",
            "trailing\\",
            "</script>",
            "\u{2028}",
        ];
        let submit = |name: &&'static str| client.task(name).key(*name).submit(|| 1);
        let tasks: Vec<_> = names.iter().map(submit).collect();
        tenter::gather(&tasks).unwrap();
        let dump = json(&client, 100);
        for name in names {
            let node = node(&dump, name);
            assert_eq!((&node["key"], &node["group"]), (&name.into(), &name.into()));
        }
        let statements = dot(&client.dump_dot(100));
        assert_eq!(count(&statements, "[label"), names.len());
        assert_nothing_left_after(&client, tasks);
    });
}

#[test]
fn what_is_left_out_is_counted() {
    watched(|| {
        let client = client_of(1);
        let done = client.map(0..20, |x| x);
        tenter::gather(&done).unwrap();
        let gate = Gate::close(&client);
        let hub = client.task("hub").submit_with(&done, |values| values.len());
        let late = client.task("late").submit_with(&hub, |x| *x);
        let dump = json(&client, 3);
        assert_eq!(
            (nodes(&dump).count(), &dump["nodes_left_out"]),
            (3, &20.into())
        );
        assert_eq!(dump["edges_left_out"], 20, "the inputs of `hub`");
        for name in ["gate", "hub", "late"] {
            assert_ne!(
                node(&dump, name)["status"],
                "finished",
                "unsettled ones come first"
            );
        }
        assert!(client.dump_dot(3).contains("label=\"20 tasks left out\""));
        let none = json(&client, 0);
        assert_eq!(
            (nodes(&none).count(), &none["nodes_left_out"]),
            (0, &23.into())
        );
        assert_eq!(count(&dot(&client.dump_dot(0)), "label="), 1);
        let all = json(&client, usize::MAX);
        assert_eq!(
            (nodes(&all).count(), &all["nodes_left_out"]),
            (23, &0.into())
        );
        assert_eq!(count(&dot(&client.dump_dot(23)), "label="), 0);
        gate.open();
        assert_nothing_left_after(&client, (done, hub, late));
    });
}

#[test]
fn an_empty_graph_can_be_dumped() {
    let client = Client::new().unwrap();
    let dump = json(&client, 10);
    assert_eq!(
        (nodes(&dump).count(), &dump["nodes_left_out"]),
        (0, &0.into())
    );
    assert_eq!(dot(&client.dump_dot(10)), ["node [shape=box]"]);
    let _ = client.close(std::time::Duration::MAX);
    assert_eq!(nodes(&json(&client, 10)).count(), 0);
}

#[test]
fn dumps_are_whole_while_all_changes() {
    watched(|| {
        let client = client_of(2);
        let stop = Arc::new(AtomicBool::new(false));
        let ended = Arc::clone(&stop);
        thread::scope(|scope| {
            scope.spawn(|| {
                for limit in [5, 50, 1000].into_iter().cycle().take(150) {
                    for node in nodes(&json(&client, limit)) {
                        let (name, key) = (text_of(node, "name"), &node["key"]);
                        assert_eq!(key, &Value::from(format!("key of {name}")), "{node}");
                    }
                    dot(&client.dump_dot(limit));
                }
                stop.store(true, Relaxed);
            });
            let mut tasks: Vec<TaskFuture<u64>> = Vec::new();
            for k in 0u64.. {
                let name = format!("task {}", k % 1000);
                let inputs: Vec<_> = tasks.iter().rev().take(3).cloned().collect();
                let task = client.task(&name).key(format!("key of {name}"));
                tasks.push(task.submit_with(inputs, move |inputs| k + inputs.len() as u64));
                if k % 100 == 99 {
                    tasks.drain(..90);
                }
                if ended.load(Relaxed) {
                    break;
                }
            }
        });
        assert_nothing_left(&client);
    });
}

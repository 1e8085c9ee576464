//! Logged events and topics (notes 4.11).

use tenter::{NameError, WaitError, current};

use crate::{with_client, with_threads};

fn texts(events: Vec<tenter::Message<String>>) -> Vec<String> {
    events.iter().map(|event| event.to_string()).collect()
}

#[test]
fn a_subscriber_gets_events_in_the_order_in_which_they_are_logged() {
    with_threads(1, |client| {
        let topic = client.topic::<String>("x").unwrap();
        let mut seen = topic.subscribe(100).unwrap();
        let names: Vec<_> = (0..20).map(|k| k.to_string()).collect();
        names
            .iter()
            .for_each(|name| client.log_event("x", name).unwrap());
        let came: Vec<_> = (0..20).map(|_| seen.recv().unwrap().to_string()).collect();
        assert_eq!(came, names);
    });
}

#[test]
fn who_unsubscribes_gets_nothing_more() {
    with_client(|client| {
        let topic = client.topic::<u32>("x").unwrap();
        let mut stays = topic.subscribe(10).unwrap();
        let goes = topic.subscribe(10).unwrap();
        topic.publish(1).unwrap();
        drop(goes);
        topic.publish(2).unwrap();
        assert_eq!(topic.subscribers(), 1);
        assert_eq!([*stays.recv().unwrap(), *stays.recv().unwrap()], [1, 2]);
        drop(stays);
        let mut again = topic.subscribe(10).unwrap();
        assert_eq!(again.try_recv().unwrap_err(), WaitError::TimedOut);
    });
}

#[test]
fn tasks_log_events() {
    with_client(|client| {
        let task = client.submit(|| current().log_event("x", "from a task"));
        task.result().unwrap().as_ref().unwrap();
        assert_eq!(texts(client.events("x").unwrap()), ["from a task"]);
    });
}

#[test]
fn events_are_kept_by_topic_with_their_times() {
    with_client(|client| {
        for (topic, text) in [("x", "first"), ("y", "elsewhere"), ("x", "second")] {
            client.log_event(topic, text).unwrap();
        }
        let events = client.events("x").unwrap();
        assert!(events[0].at() <= events[1].at());
        assert_eq!(texts(events), ["first", "second"]);
        assert_eq!(texts(client.events("y").unwrap()), ["elsewhere"]);
        assert!(client.events("unused").unwrap().is_empty());
    });
}

#[test]
fn the_newest_thousand_events_are_kept() {
    with_client(|client| {
        (0..1500).for_each(|k| client.log_event("x", k.to_string()).unwrap());
        let kept = texts(client.events("x").unwrap());
        assert_eq!((kept.len(), kept[0].as_str()), (1000, "500"));
    });
}

#[test]
fn a_message_may_be_anything_and_a_topic_has_one_type() {
    with_client(|client| {
        let topic = client.topic::<(u32, Vec<f64>)>("x").unwrap();
        topic.publish((1, vec![0.5])).unwrap();
        assert_eq!(*topic.history()[0], (1, vec![0.5]));
        let error = client.log_event("x", "text").unwrap_err();
        assert!(matches!(error, NameError::OtherType { .. }));
    });
}

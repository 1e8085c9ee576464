//! What fits nowhere: bytes that do not decode, one key for two functions, addresses of nobody.

use tenter::{Client, ErrorKind};

use crate::support::{Noted, value};
use crate::work::{Unreadable, as_number, as_text, give_unreadable, process, take_unreadable};

pub(crate) fn what_does_not_decode_fails_its_task_alone() {
    let noted = Noted::start(1);
    let client = noted.cluster.client().expect("the scheduler listens");
    let worker = noted.cluster.pids()[0];
    let bad_argument = client.submit(take_unreadable::call(Unreadable));
    let bad_result = client.submit(give_unreadable::call());
    let fine = client.submit(as_number::call(5));
    let errors = [
        bad_argument
            .result()
            .expect_err("it cannot be read")
            .clone(),
        bad_result.result().expect_err("it cannot be read").clone(),
    ];
    for error in errors {
        let text = error.to_string();
        assert_eq!(error.kind(), ErrorKind::Encoding, "{text}");
        assert!(
            text.contains("Unreadable"),
            "the type that it is no value of: {text}"
        );
        assert!(
            text.contains("unreadable") && !text.contains('\n'),
            "{text}"
        );
    }
    assert_eq!(value(&fine), 5);
    assert_eq!(value(&client.submit(process::call())), worker);
}

pub(crate) fn one_key_of_two_functions_is_a_conflict() {
    let noted = Noted::start(1);
    let [one, other] = [(); 2].map(|()| noted.cluster.client().expect("the scheduler listens"));
    let first = one.submit(as_number::call(1).key("shared"));
    assert_eq!(value(&first), 1);
    let same = other.submit(as_number::call(2).key("shared"));
    assert_eq!(value(&same), 1, "a key is the task's identity");
    let another = other.submit(as_text::call(1).key("shared"));
    let error = another.result().expect_err("the key is taken");
    assert_eq!(error.kind(), ErrorKind::KeyConflict);
    let text = error.to_string();
    assert!(
        text.contains("shared") && text.contains("as_text"),
        "{text}"
    );
    assert_eq!((value(&first), value(&same)), (1, 1));
}

pub(crate) fn an_address_that_leads_nowhere_is_an_error() {
    let unbound = std::net::TcpListener::bind("127.0.0.1:0");
    let port = unbound.and_then(|listener| listener.local_addr());
    let nobody = format!("tcp://{}", port.expect("loopback has a free port"));
    for (address, part) in [
        ("tcp://no-such-host.invalid:8786", "no-such-host.invalid"),
        (nobody.as_str(), nobody.as_str()),
        ("tcp://127.0.0.1", "port"),
        ("udp://127.0.0.1:1", "tcp://"),
        ("tcp://192.0.2.1:8786", "insecure"),
    ] {
        let error = Client::connect(address).expect_err("nobody is there");
        let text = error.to_string();
        assert!(
            text.contains(part) && !text.contains('\n'),
            "{address}: {text}"
        );
    }
}

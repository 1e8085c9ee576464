//! A task that takes its worker with it.

use tenter::{ErrorKind, gather};

use crate::signals;
use crate::support::{Noted, until};
use crate::work::{abort_the_worker, as_number};

const BYSTANDERS: u64 = 999;

pub(crate) fn stops_after_three_deaths_and_the_rest_finish() {
    let noted = Noted::start(4);
    let client = noted.cluster.client().expect("the scheduler listens");
    let before: Vec<_> = (0..BYSTANDERS / 2)
        .map(|n| client.submit(as_number::call(n)))
        .collect();
    let poison = client.submit(abort_the_worker::call());
    let after: Vec<_> = (BYSTANDERS / 2..BYSTANDERS)
        .map(|n| client.submit(as_number::call(n)))
        .collect();
    let error = poison.result().expect_err("nobody survives it").clone();
    assert_eq!(error.kind(), ErrorKind::WorkerDied, "{error}");
    let text = error.to_string();
    assert!(text.contains("abort_the_worker"), "{text}");
    assert!(text.contains('3') && !text.contains('\n'), "{text}");
    let rest: Vec<_> = before.into_iter().chain(after).collect();
    let numbers = gather(&rest).expect("the others finish");
    assert!(numbers.into_iter().copied().eq(0..BYSTANDERS));
    let ended = || {
        let pids = noted.cluster.pids();
        pids.into_iter()
            .filter(|&pid| signals::has_ended(pid))
            .count()
    };
    until("three have died", || ended() == 3);
}

//! Processes that end: the scheduler's, the one that started the workers, all workers.

use std::env;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdout, Command, ExitCode, Stdio};

use tenter::{Anywhere, Client, ErrorKind, LocalCluster, TaskFuture};

use crate::signals;
use crate::support::{Door, Noted, until, value};
use crate::work::{as_number, process, process_after};

/// In the environment of a copy of this program: what it is to be instead of tests.
const ROLE: &str = "TENTER_TEST_ROLE";

/// Longer than any test.
const FOR_EVER: u64 = 1_000_000_000;

/// Plays the role that this process was started for.
pub(crate) fn role_if_asked() -> Option<ExitCode> {
    match env::var(ROLE).ok()?.as_str() {
        "parent" => Some(be_a_parent()),
        _ => Some(tenter::cli::main(
            |_: Client<Anywhere>| Ok::<(), String>(()),
        )),
    }
}

/// Starts workers, says which, and waits to be killed.
fn be_a_parent() -> ExitCode {
    let cluster = LocalCluster::new(2).expect("processes can be started");
    let client = cluster.client().expect("the scheduler listens");
    let door = Door::new();
    let busy: Vec<_> = (0..2)
        .map(|_| client.submit(process_after::call(FOR_EVER, door.port())))
        .collect();
    busy.iter().for_each(|_| door.hear());
    println!("{:?}", cluster.pids());
    std::io::stdout().flush().expect("somebody listens");
    let _ = std::io::stdin().read(&mut [0]);
    ExitCode::FAILURE
}

/// A copy of this program with this role, and what it says. Dropping it kills it.
struct Copy {
    process: Child,
    out: BufReader<ChildStdout>,
}

impl Copy {
    fn start(role: &str, args: &[&str]) -> Self {
        let this = env::current_exe().expect("this program has a path");
        let mut command = Command::new(this);
        command.args(args).env(ROLE, role);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().expect("processes can be started");
        let out = process.stdout.take().expect("it is a pipe");
        Self {
            process,
            out: BufReader::new(out),
        }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.out.read_line(&mut line).expect("it is text");
        line.trim().to_owned()
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

pub(crate) fn a_killed_scheduler_is_an_error_on_every_handle() {
    let mut scheduler = Copy::start("cli", &["scheduler", "--listen", "tcp://127.0.0.1:0"]);
    let said = scheduler.line();
    let address = said.rsplit(' ').next().expect("it says where it is");
    let mut worker = Copy::start("cli", &["worker", address, "--threads", "1"]);
    let client = Client::connect(address).expect("the scheduler listens");
    let done = client.submit(as_number::call(7));
    assert_eq!(value(&done), 7);
    let door = Door::new();
    let running = client.submit(process_after::call(FOR_EVER, door.port()));
    let waiting = client.submit(as_number::call(8));
    door.hear();
    signals::end(scheduler.process.id());
    for (kind, text) in [error_of(&running), error_of(&waiting)] {
        assert_eq!(kind, ErrorKind::Disconnected, "{text}");
        assert!(
            text.contains("the connection to the cluster has ended") && !text.contains('\n'),
            "{text}"
        );
    }
    assert_eq!(value(&done), 7, "what is here stays");
    let late = client.submit(process::call());
    assert_eq!(error_of(&late).0, ErrorKind::Disconnected);
    let ended = worker.process.wait().expect("it was started here");
    assert!(
        !ended.success(),
        "a worker without a scheduler ends, and says that this was not meant"
    );
}

/// The error that a handle ends with.
fn error_of<T: Send + Sync + 'static>(task: &TaskFuture<T>) -> (ErrorKind, String) {
    let error = task.result().err().expect("it cannot have a result");
    (error.kind(), error.to_string())
}

pub(crate) fn workers_end_with_the_process_that_started_them() {
    let mut parent = Copy::start("parent", &[]);
    let said = parent.line();
    let numbers = said.trim_matches(['[', ']']).split(", ");
    let pids: Vec<u32> = numbers.map(|pid| pid.parse().expect("a number")).collect();
    assert_eq!(pids.len(), 2);
    assert!(!pids.iter().any(|&pid| signals::has_ended(pid)));
    signals::end(parent.process.id());
    until("they have ended", || {
        pids.iter().all(|&pid| signals::has_ended(pid))
    });
}

pub(crate) fn all_workers_gone_is_visible_and_another_goes_on() {
    let noted = Noted::start(2);
    let client = noted.cluster.client().expect("the scheduler listens");
    let held = client.submit(as_number::call(1));
    assert_eq!(value(&held), 1);
    noted.cluster.kill(0);
    noted.cluster.kill(1);
    for name in ["w0", "w1"] {
        noted.note_with(&[&format!("worker {name} "), "is lost"]);
    }
    let task = client.submit(as_number::call(2));
    until("it says why it waits", || {
        let why = task.explain().to_string();
        why.contains("no worker")
    });
    assert_eq!(value(&held), 1);
    noted
        .cluster
        .add_worker()
        .expect("processes can be started");
    assert_eq!(value(&task), 2);
}

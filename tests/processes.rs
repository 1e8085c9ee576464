//! The command line, and local clusters, as whole processes: this program starts itself, as what the test is about.
//!
//! It takes the arguments of other test programs: a word chooses the tests in whose names it stands.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "tests start threads"
)]

use std::error::Error;
use std::io::{BufRead, BufReader, Read, Write};
use std::panic::catch_unwind;
use std::process::{Child, ChildStdout, Command, ExitCode, Output, Stdio};
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::SeqCst;

use tenter::{Anywhere, Client, LocalCluster, LocalWorker, task};

/// Says to a copy of this program what it is.
const PART: &str = "TENTER_TEST_PART";

const TESTS: &[(&str, fn())] = &[
    (
        "a_program_runs_on_workers_of_its_own",
        a_program_runs_on_workers_of_its_own,
    ),
    (
        "scheduler_workers_and_program_meet_by_hand",
        scheduler_workers_and_program_meet_by_hand,
    ),
    (
        "workers_end_with_a_parent_that_is_killed",
        workers_end_with_a_parent_that_is_killed,
    ),
    (
        "workers_end_with_their_cluster",
        workers_end_with_their_cluster,
    ),
    (
        "a_killed_worker_is_replaced_by_one_that_is_added",
        a_killed_worker_is_replaced_by_one_that_is_added,
    ),
    (
        "two_workers_of_one_name_are_refused",
        two_workers_of_one_name_are_refused,
    ),
    (
        "a_program_that_never_becomes_a_worker_is_told_so_and_starts_no_more",
        a_program_that_never_becomes_a_worker_is_told_so_and_starts_no_more,
    ),
    (
        "a_worker_that_ends_without_a_word_is_an_error",
        a_worker_that_ends_without_a_word_is_an_error,
    ),
    (
        "each_worker_is_set_up_once_before_its_first_task",
        each_worker_is_set_up_once_before_its_first_task,
    ),
    (
        "a_worker_whose_set_up_fails_says_why_and_does_not_start",
        a_worker_whose_set_up_fails_says_why_and_does_not_start,
    ),
    (
        "a_scheduler_serves_until_it_is_told_to_end",
        a_scheduler_serves_until_it_is_told_to_end,
    ),
    (
        "the_command_line_says_what_there_is",
        the_command_line_says_what_there_is,
    ),
    (
        "a_command_line_that_makes_no_sense_is_refused_with_2",
        a_command_line_that_makes_no_sense_is_refused_with_2,
    ),
];

fn main() -> ExitCode {
    match std::env::var(PART).ok().as_deref() {
        None => run_tests(),
        Some("command line") => tenter::cli::main(program),
        Some("set up") => tenter::cli::main_with(set_up, program_set_up),
        Some("cannot be set up") => {
            tenter::worker_if_asked_with(|| Err::<(), _>("the detector is cold"));
            start_cluster()
        }
        Some("set up by hand") => {
            tenter::cli::main_with(|| Err::<(), _>("the detector is cold"), program)
        }
        Some("panics when set up") => {
            tenter::worker_if_asked_with(|| -> Result<(), String> { panic!("no detector") });
            start_cluster()
        }
        Some("forgetful") => start_cluster(),
        Some("cluster") => hold_cluster(),
        Some("silent") if std::env::var_os("TENTER_WORKER").is_some() => ExitCode::SUCCESS,
        Some("silent") => start_cluster(),
        Some(other) => panic!("there is no part {other}"),
    }
}

fn run_tests() -> ExitCode {
    let filter = filter();
    let chosen = |name: &str| filter.as_ref().is_none_or(|filter| name.contains(filter));
    let mut failed = 0;
    for (name, test) in TESTS.iter().filter(|(name, _)| chosen(name)) {
        let outcome = catch_unwind(test);
        failed += i32::from(outcome.is_err());
        println!(
            "test {name} ... {}",
            if outcome.is_ok() { "ok" } else { "FAILED" }
        );
    }
    ExitCode::from(u8::from(failed > 0))
}

/// The word that chooses tests: neither an option nor the value of one.
fn filter() -> Option<String> {
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match &*word {
            "--test-threads" | "--skip" | "--format" | "--color" | "--logfile" => {
                drop(words.next())
            }
            option if option.starts_with('-') => {}
            _ => return Some(word),
        }
    }
    None
}

// The parts.

#[task]
fn double(x: u64) -> u64 {
    2 * x
}

fn program(client: Client<Anywhere>) -> Result<(), String> {
    let answer = client.submit(double::call(21));
    println!("{}", answer.result().map_err(|error| error.to_string())?);
    Ok(())
}

static SET_UP: AtomicU64 = AtomicU64::new(0);

fn set_up() -> Result<(), String> {
    SET_UP.fetch_add(1, SeqCst);
    Ok(())
}

/// How often this process was set up.
#[task]
fn times_set_up(x: u64) -> u64 {
    x + SET_UP.load(SeqCst)
}

/// The set-ups that each worker sees, of several tasks, and those of this process.
fn program_set_up(client: Client<Anywhere>) -> Result<(), Box<dyn Error>> {
    for _ in 0..3 {
        let seen = client.run_everywhere(times_set_up::call(0))?;
        println!("{:?}", tenter::gather(&seen)?);
    }
    println!("here: {}", SET_UP.load(SeqCst));
    Ok(())
}

/// A cluster for as long as somebody holds its standard input, or until it is told what to do.
fn hold_cluster() -> ExitCode {
    tenter::worker_if_asked();
    let worker = || LocalWorker::new().threads(1);
    let cluster = LocalCluster::builder()
        .workers(1)
        .worker(worker())
        .start()
        .unwrap();
    let client = cluster.client().unwrap();
    for line in std::io::stdin().lines() {
        let answer = match &*line.unwrap() {
            "double" => client
                .submit(double::call(21))
                .result()
                .unwrap()
                .to_string(),
            "kill" => {
                (0..cluster.pids().len()).for_each(|worker| cluster.kill(worker));
                "killed".into()
            }
            "add" => cluster.add_worker().unwrap().to_string(),
            "add again" => cluster.add(&worker().name("w0")).unwrap_err().to_string(),
            other => panic!("what is {other}?"),
        };
        println!("{answer}");
    }
    ExitCode::SUCCESS
}

fn start_cluster() -> ExitCode {
    match LocalCluster::new(2) {
        Ok(_) => ExitCode::SUCCESS,
        Err(error) => {
            println!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// This program again, as something else.
fn copy(part: &str, args: &[&str]) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.env(PART, part).args(args).stdin(Stdio::null());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// What it printed, and its exit code.
fn outcome(output: Output) -> (String, String, Option<i32>) {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        text(output.stdout),
        text(output.stderr),
        output.status.code(),
    )
}

fn run(part: &str, args: &[&str]) -> (String, String, Option<i32>) {
    outcome(copy(part, args).output().unwrap())
}

/// A process that is talked to.
struct Talk {
    child: Child,
    said: BufReader<ChildStdout>,
}

impl Talk {
    fn start(part: &str, args: &[&str]) -> Self {
        let mut command = copy(part, args);
        command.stdin(Stdio::piped()).stderr(Stdio::inherit());
        let mut child = command.spawn().unwrap();
        let said = BufReader::new(child.stdout.take().unwrap());
        Self { child, said }
    }

    fn say(&mut self, line: &str) {
        writeln!(self.child.stdin.as_ref().unwrap(), "{line}").unwrap();
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.said.read_line(&mut line).unwrap();
        line.trim_end().into()
    }

    /// All else that it says, and whoever else writes to its standard output: until all of them have ended.
    fn rest(&mut self) -> String {
        let mut rest = String::new();
        self.said.read_to_string(&mut rest).unwrap();
        rest
    }

    fn code(&mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }
}

/// Asks a process to end, as a system does.
fn terminate(child: &Child) {
    let kill = Command::new("kill").arg(child.id().to_string()).status();
    assert!(kill.unwrap().success());
}

// The tests.

fn a_program_runs_on_workers_of_its_own() {
    for args in [&["run"][..], &["run", "--workers", "1", "--threads=2"]] {
        let (said, complaint, code) = run("command line", args);
        assert_eq!((&*said, &*complaint, code), ("42\n", "", Some(0)));
    }
}

fn scheduler_workers_and_program_meet_by_hand() {
    let mut scheduler = Talk::start("command line", &["scheduler", "--listen=127.0.0.1:0"]);
    let line = scheduler.line();
    let address = line.strip_prefix("scheduler: ").unwrap();
    let mut workers = ["one", "two"].map(|name| {
        Talk::start(
            "command line",
            &[
                "worker",
                address,
                "--name",
                name,
                "--threads=1",
                "--resource=x=1",
            ],
        )
    });
    workers
        .iter_mut()
        .for_each(|worker| assert!(worker.line().starts_with("worker: ")));
    let (said, complaint, code) = run("command line", &["run", address]);
    assert_eq!((&*said, &*complaint, code), ("42\n", "", Some(0)));
    // One is asked to leave; the other loses its scheduler.
    terminate(&workers[0].child);
    assert_eq!(workers[0].code(), Some(0));
    let (said, _, code) = run("command line", &["run", address]);
    assert_eq!((&*said, code), ("42\n", Some(0)));
    terminate(&scheduler.child);
    assert_eq!(scheduler.code(), Some(0));
    assert_eq!(workers[1].code(), Some(1));
    let (_, complaint, code) = run("command line", &["run", address]);
    assert_eq!(code, Some(1));
    assert!(complaint.contains("cannot connect to"), "{complaint}");
}

fn workers_end_with_a_parent_that_is_killed() {
    let mut parent = Talk::start("cluster", &[]);
    parent.say("double");
    assert_eq!(parent.line(), "42");
    parent.child.kill().unwrap();
    assert_eq!(parent.rest(), "", "the workers have ended too");
    parent.child.wait().unwrap();
}

fn workers_end_with_their_cluster() {
    let mut parent = Talk::start("cluster", &[]);
    drop(parent.child.stdin.take());
    assert_eq!(parent.rest(), "");
    assert_eq!(parent.code(), Some(0));
}

fn a_killed_worker_is_replaced_by_one_that_is_added() {
    let mut parent = Talk::start("cluster", &[]);
    for (word, answer) in [("kill", "killed"), ("add", "2"), ("double", "42")] {
        parent.say(word);
        assert_eq!(parent.line(), answer);
    }
    drop(parent.child.stdin.take());
    assert_eq!(parent.code(), Some(0));
}

fn two_workers_of_one_name_are_refused() {
    let mut parent = Talk::start("cluster", &[]);
    parent.say("add again");
    assert_eq!(
        parent.line(),
        "two workers are to have the name `w0`: give each its own"
    );
    drop(parent.child.stdin.take());
    assert_eq!(parent.code(), Some(0));
}

fn a_program_that_never_becomes_a_worker_is_told_so_and_starts_no_more() {
    let (said, _, code) = run("forgetful", &[]);
    assert_eq!(code, Some(1));
    assert!(
        said.starts_with("worker w")
            && said.contains("main must begin with tenter::worker_if_asked()"),
        "{said}"
    );
}

fn a_worker_that_ends_without_a_word_is_an_error() {
    let (said, _, code) = run("silent", &[]);
    assert_eq!(code, Some(1));
    assert!(said.contains("exit status: 0 and without a word"), "{said}");
}

fn each_worker_is_set_up_once_before_its_first_task() {
    let (said, complaint, code) = run("set up", &["run"]);
    assert_eq!((&*complaint, code), ("", Some(0)));
    assert_eq!(said, "[1, 1]\n[1, 1]\n[1, 1]\nhere: 0\n");
}

fn a_worker_whose_set_up_fails_says_why_and_does_not_start() {
    for (part, why) in [
        ("cannot be set up", "the detector is cold"),
        ("panics when set up", "it panicked"),
    ] {
        let (said, _, code) = run(part, &[]);
        assert_eq!(code, Some(1));
        let why = format!("set-up function has failed, so it does not start: {why}");
        assert!(said.contains(&why), "{said}");
    }
    let args = ["worker", "tcp://127.0.0.1:1"];
    let (_, complaint, code) = run("set up by hand", &args);
    assert_eq!(code, Some(1));
    assert!(complaint.contains("the detector is cold"), "{complaint}");
}

fn a_scheduler_serves_until_it_is_told_to_end() {
    let mut scheduler = Talk::start(
        "command line",
        &["scheduler", "--listen", "tcp://127.0.0.1:0"],
    );
    assert!(scheduler.line().starts_with("scheduler: tcp://127.0.0.1:"));
    terminate(&scheduler.child);
    assert_eq!((&*scheduler.rest(), scheduler.code()), ("", Some(0)));
}

fn the_command_line_says_what_there_is() {
    for args in [&["--help"][..], &["worker", "--help"], &["run", "-h"]] {
        let (said, _, code) = run("command line", args);
        assert_eq!(code, Some(0));
        assert!(said.contains("worker ADDRESS"), "{said}");
    }
    let (said, _, code) = run("command line", &["tasks"]);
    assert_eq!(
        (&*said, code),
        (
            "processes::double: fn(u64) -> u64\nprocesses::times_set_up: fn(u64) -> u64\n",
            Some(0)
        )
    );
}

fn a_command_line_that_makes_no_sense_is_refused_with_2() {
    let cases: &[(&[&str], &str)] = &[
        (&[], "a command is missing: run, scheduler, worker or tasks"),
        (&["walk"], "there is no command `walk`"),
        (&["tasks", "--all"], "there is no option `--all`"),
        (&["run", "a:1", "b:2"], "there is no further argument `b:2`"),
        (&["run", "--listen", "a:1"], "there is no option `--listen`"),
        (
            &["run", "a:1", "--threads", "2"],
            "`--workers` and `--threads` are for workers of its own: leave them out, or the address",
        ),
        (
            &["run", "--workers=1", "a:1"],
            "`--workers` and `--threads` are for workers of its own: leave them out, or the address",
        ),
        (&["scheduler", "a:1"], "there is no further argument `a:1`"),
        (
            &["scheduler", "--listen"],
            "`--listen` needs a value after it",
        ),
        (
            &["scheduler", "--insecure=yes"],
            "`--insecure` got `yes`: it takes no value",
        ),
        (
            &["worker"],
            "a worker needs the scheduler's address, like tcp://127.0.0.1:8786",
        ),
        (
            &["worker", "a:1", "--threads=0"],
            "`--threads` got `0`: give it a number from 1 to 4096",
        ),
        (
            &["worker", "a:1", "--resource", "gpu"],
            "`--resource` got `gpu`: give it a name and a number, like gpu=2",
        ),
        (
            &["worker", "a:1", "--memory", "much"],
            "`--memory` got `much`: give it a number of bytes, like 500MB or 4GB",
        ),
    ];
    for (args, why) in cases {
        let (said, complaint, code) = run("command line", args);
        assert_eq!((&*said, code), ("", Some(2)), "{args:?}");
        let ending = format!("{why}; --help lists what there is\n");
        assert!(complaint.ends_with(&ending), "{complaint}");
    }
    let (_, complaint, code) = run("command line", &["scheduler", "--listen", "0.0.0.0:0"]);
    assert_eq!(code, Some(1));
    assert!(
        complaint.contains("refused to listen on 0.0.0.0:0"),
        "{complaint}"
    );
}

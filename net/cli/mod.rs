//! The command line of any program that has `#[task]` functions.
//!
//! | file | what is in it |
//! | --- | --- |
//! | `args.rs` | from words to what is asked for |
//! | `signals.rs` | being asked to end |
//! | `work.rs` | a worker process |

mod args;
mod signals;
mod work;

pub(super) use args::Args;
pub(super) use work::work;

use std::error::Error;
use std::fmt::Display;
use std::process::ExitCode;
use std::sync::mpsc::channel;

use super::cluster::{LocalCluster, become_worker_if_asked};
use super::server::{Log, Scheduler, SchedulerOptions};
use super::transport::Reach;
use super::worker::{Ended, Setup, Worker, setup_of};
use crate::{Anywhere, Client, tasks};
use args::Command;

/// The program's name and what it can be asked to do.
const HELP: &str = "\
commands:
  run [ADDRESS]      run the program with the scheduler at this address, or with one of its own and
                     workers on this machine
    --workers N        without an address: so many of these workers (2 if left out)
    --threads N        without an address: so many threads each (their share of the cores if left out)
  scheduler          serve until Ctrl-C
    --listen ADDRESS   where (tcp://127.0.0.1:8786 if left out; port 0 is any that is free)
  worker ADDRESS     run tasks for the scheduler at this address until Ctrl-C, which lets it finish
                     and hand over what only it has
    --threads N        so many at once (one for each core if left out)
    --name NAME        what people call it
    --resource NAME=N  it has so much of something that tasks may ask for, like gpu=2; repeat it for more
    --memory BYTES     as many bytes of results, like 500MB or 4GB (no limit if left out)
  tasks              list the tasks that this program has
    --insecure         with any of these: reach other machines, over connections that are neither
                       authenticated nor encrypted
  --help             print this

What follows a `--` is for the program itself.";

/// Where a scheduler listens if nothing is said.
const DEFAULT_ADDRESS: &str = "tcp://127.0.0.1:8786";

/// How many workers a cluster of its own has if nothing is said.
const DEFAULT_WORKERS: usize = 2;

/// The `main` of a program with `#[task]` functions: runs it, or a scheduler or a worker for it, as the command line says.
///
/// `--help` lists what there is. The exit code is 0 if all went well, 1 if it did not, and 2 if the command line makes no
/// sense.
///
/// ```no_run
/// use std::error::Error;
/// use std::process::ExitCode;
/// use tenter::{Anywhere, Client, task};
///
/// #[task]
/// fn square(x: u64) -> u64 {
///     x * x
/// }
///
/// fn program(client: Client<Anywhere>) -> Result<(), Box<dyn Error>> {
///     println!("{}", client.submit(square::call(12)).result()?);
///     Ok(())
/// }
///
/// fn main() -> ExitCode {
///     tenter::cli::main(program)
/// }
/// ```
pub fn main<E: Display>(program: impl FnOnce(Client<Anywhere>) -> Result<(), E>) -> ExitCode {
    main_of(None, program)
}

/// As [`main`], with a function that each worker calls once, before its first task; see
/// [`worker_if_asked_with`](crate::worker_if_asked_with). Neither the scheduler nor the program calls it.
///
/// ```no_run
/// # use std::process::ExitCode;
/// # use tenter::{Anywhere, Client};
/// fn setup() -> Result<(), String> {
///     println!("a worker begins");
///     Ok(())
/// }
///
/// fn program(client: Client<Anywhere>) -> Result<(), String> {
///     println!("{} threads", client.threads());
///     Ok(())
/// }
///
/// fn main() -> ExitCode {
///     tenter::cli::main_with(setup, program)
/// }
/// ```
pub fn main_with<E: Display, S: Display>(
    setup: impl Fn() -> Result<(), S> + Send + Sync + 'static,
    program: impl FnOnce(Client<Anywhere>) -> Result<(), E>,
) -> ExitCode {
    main_of(Some(setup_of(setup)), program)
}

fn main_of<E: Display>(
    setup: Option<Setup>,
    program: impl FnOnce(Client<Anywhere>) -> Result<(), E>,
) -> ExitCode {
    become_worker_if_asked(|| setup.clone());
    let mut words = std::env::args_os().map(|word| word.to_string_lossy().into_owned());
    let name = words.next().unwrap_or_else(|| "tenter".into());
    let args = match Args::parse(words) {
        Ok(args) => args,
        Err(misuse) => {
            eprintln!("{name}: {misuse}");
            return ExitCode::from(2);
        }
    };
    match obey(&name, &args, setup, program) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{name}: {error}");
            ExitCode::FAILURE
        }
    }
}

fn obey<E: Display>(
    name: &str,
    args: &Args,
    setup: Option<Setup>,
    program: impl FnOnce(Client<Anywhere>) -> Result<(), E>,
) -> Result<(), Box<dyn Error>> {
    match args.command {
        Command::Help => println!("usage: {name} COMMAND\n\n{HELP}"),
        Command::Tasks => tasks().iter().for_each(|task| println!("{task}")),
        Command::Run => run(args, program)?,
        Command::Scheduler => serve(args)?,
        Command::Worker => match work(args, setup, say_started)? {
            Ended::Left => {}
            lost @ Ended::Lost(_) => return Err(lost.to_string().into()),
        },
    }
    Ok(())
}

/// Runs the program with a client of the address, or of a cluster that lives as long.
fn run<E: Display>(
    args: &Args,
    program: impl FnOnce(Client<Anywhere>) -> Result<(), E>,
) -> Result<(), Box<dyn Error>> {
    let said = |error: E| error.to_string();
    if let Some(address) = &args.address {
        let client = Client::builder();
        let client = match args.insecure {
            true => client.insecure(),
            false => client,
        };
        return Ok(program(client.connect(&**address)?).map_err(said)?);
    }
    let mut cluster = LocalCluster::builder().workers(args.workers.unwrap_or(DEFAULT_WORKERS));
    if let Some(threads) = args.threads {
        cluster = cluster.threads(threads);
    }
    let cluster = cluster.start()?;
    Ok(program(cluster.client()?).map_err(said)?)
}

/// Serves until the process is asked to end, and says so to everyone then.
fn serve(args: &Args) -> Result<(), Box<dyn Error>> {
    let (tell, asked_to_end) = channel();
    signals::on_request_to_end(move || {
        // Nobody waits for it any more.
        let _ = tell.send(());
    })?;
    let options = SchedulerOptions {
        reach: reach(args),
        log: Log::everything(),
        ..SchedulerOptions::default()
    };
    let address = args.address.as_deref().unwrap_or(DEFAULT_ADDRESS);
    let scheduler = Scheduler::start(address, options)?;
    println!("scheduler: {}", scheduler.address());
    // If nobody can ask any more, it is over too.
    let _ = asked_to_end.recv();
    Ok(())
}

fn say_started(worker: &Worker) {
    println!("worker: ready, gives data out at {}", worker.address());
}

fn reach(args: &Args) -> Reach {
    match args.insecure {
        true => Reach::Insecure,
        false => Reach::Loopback,
    }
}

//! A worker process, as it sees itself.

use std::error::Error;
use std::fmt::Display;
use std::io::{self, Read};
use std::process::exit;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crate::net::cli::{self, Args};
use crate::net::server::NotStarted;
use crate::net::worker::{Setup, setup_of};

/// The environment variable in which a parent says what worker this process is to be: the words of the `worker` command,
/// a line each.
pub(super) const ASKED: &str = "TENTER_WORKER";

/// Whether this process has become a worker.
static IS_WORKER: AtomicBool = AtomicBool::new(false);

/// Makes this process a worker, if a [`LocalCluster`](super::LocalCluster) has started it to be one. Then this does not return,
/// and the process ends when the cluster does; else it does nothing.
///
/// It belongs at the beginning of `main`: what comes before is done by every worker too.
pub fn worker_if_asked() {
    become_worker_if_asked(|| None);
}

/// As [`worker_if_asked`], with a function that each worker calls once, before its first task: to open a device, to read a
/// table that its tasks look things up in, to choose where logs go. If that fails or panics, the worker does not start, and
/// whoever starts the cluster is told why.
///
/// ```no_run
/// use std::sync::OnceLock;
/// use tenter::{LocalCluster, task};
///
/// static MASK: OnceLock<Vec<u8>> = OnceLock::new();
///
/// fn read_mask() -> std::io::Result<()> {
///     let mask = std::fs::read("mask.raw")?;
///     MASK.get_or_init(|| mask);
///     Ok(())
/// }
///
/// #[task]
/// fn masked(pixel: usize) -> bool {
///     MASK.get().is_some_and(|mask| mask[pixel] > 0)
/// }
///
/// fn main() -> Result<(), Box<dyn std::error::Error>> {
///     tenter::worker_if_asked_with(read_mask);
///     let client = LocalCluster::new(2)?.client()?;
///     println!("{}", client.submit(masked::call(7)).result()?);
///     Ok(())
/// }
/// ```
pub fn worker_if_asked_with<E: Display>(setup: impl Fn() -> Result<(), E> + Send + Sync + 'static) {
    become_worker_if_asked(|| Some(setup_of(setup)));
}

pub(in crate::net) fn become_worker_if_asked(setup: impl FnOnce() -> Option<Setup>) {
    if let Some(asked) = asked() {
        IS_WORKER.store(true, Ordering::SeqCst);
        exit(serve(&asked, setup()));
    }
}

fn asked() -> Option<String> {
    let asked = std::env::var_os(ASKED)?.to_string_lossy().into_owned();
    (!asked.is_empty()).then_some(asked)
}

/// Runs the worker to its end, and gives the process's exit code.
fn serve(asked: &str, setup: Option<Setup>) -> i32 {
    let run = || -> Result<(), Box<dyn Error>> {
        let args = Args::parse(asked.lines().map(str::to_owned))?;
        let watch = thread::Builder::new().name("tenter-parent".into());
        watch.spawn(end_with_parent)?;
        // However it ends: if that is news, the parent's scheduler tells it.
        cli::work(&args, setup, |_| ())?;
        Ok(())
    };
    match run() {
        Ok(()) => 0,
        Err(error) => {
            eprintln!("{error}");
            1
        }
    }
}

/// Ends this process when nobody holds the other end of its standard input any more.
fn end_with_parent() {
    let mut buffer = [0; 64];
    loop {
        match io::stdin().read(&mut buffer) {
            Ok(0) => exit(0),
            Err(error) if error.kind() != io::ErrorKind::Interrupted => exit(0),
            Ok(_) | Err(_) => {}
        }
    }
}

/// Ends a process that was started to be a worker and starts a cluster of its own: its copies would do the same.
///
/// # Errors
/// If it is a worker, and so one of its tasks wants this.
pub(super) fn refuse_to_multiply() -> Result<(), NotStarted> {
    if IS_WORKER.load(Ordering::SeqCst) {
        let text = "this process is a worker of a cluster, whose tasks have it already: tenter::current() is a client of it";
        return Err(NotStarted::saying(text));
    }
    if asked().is_some() {
        eprintln!(
            "this process was started to be a worker, and starts a cluster of its own: main must begin with tenter::worker_if_asked()"
        );
        exit(2);
    }
    Ok(())
}

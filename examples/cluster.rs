//! A cluster: a scheduler, worker processes that are copies of this program, and a client of them.
//!
//! With no arguments everything is started here, and one of two workers is killed in the middle of a job:
//! ```text
//! cargo run --release --features net --example cluster
//! ```
//! By hand, in four terminals (`-- --help` says more):
//! ```text
//! cargo run --release --features net --example cluster -- scheduler
//! cargo run --release --features net --example cluster -- worker tcp://127.0.0.1:8786
//! cargo run --release --features net --example cluster -- worker tcp://127.0.0.1:8786
//! cargo run --release --features net --example cluster -- run tcp://127.0.0.1:8786
//! ```
//! The program checks its own answers and ends with 1 if they are wrong.
#![allow(clippy::disallowed_methods, reason = "a program may read the clock")]

use std::process::ExitCode;

#[cfg(not(feature = "net"))]
fn main() -> ExitCode {
    eprintln!(
        "cluster: this example needs the feature net: cargo run --release --features net --example cluster"
    );
    ExitCode::from(2)
}

#[cfg(feature = "net")]
fn main() -> ExitCode {
    tenter::worker_if_asked();
    if std::env::args_os().len() > 1 {
        return tenter::cli::main(cluster::run);
    }
    match cluster::demonstrate() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("cluster: {error}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(feature = "net")]
mod cluster {
    use std::error::Error;
    use std::hint::black_box;
    use std::time::{Duration, Instant};

    use num_bigint::BigUint;
    use tenter::{
        Anywhere, Carried, Client, LocalCluster, NameError, Queue, as_completed, current, gather,
        task,
    };

    /// How many tasks do nothing, and how many the job has in which a worker is killed.
    const NO_OPS: u64 = 100_000;
    const JOB: u64 = 10_000;

    /// No pause in the job should be longer, a killed worker or not.
    const LONGEST_GAP: Duration = Duration::from_secs(1);

    /// What any cluster can be asked.
    pub(super) fn run(client: Client<Anywhere>) -> Result<(), Box<dyn Error>> {
        fibonacci(&client, 1000)?;
        no_ops(&client)
    }

    /// The same on two worker processes, one of which is then killed.
    pub(super) fn demonstrate() -> Result<(), Box<dyn Error>> {
        let cluster = LocalCluster::new(2)?;
        run(cluster.client()?)?;
        kill_one(&cluster)
    }

    /// Tasks that submit tasks and wait for them, wherever they run. Each number is computed once in the whole cluster.
    fn fibonacci(client: &Client<Anywhere>, n: u64) -> Result<(), Box<dyn Error>> {
        let value = client.submit(fib::call(n)).result()?.clone();
        let tasks = begun(client)?.len();
        if value != in_a_loop(n) {
            return Err(format!("fib({n}) is wrong: {value}").into());
        }
        println!("fib({n}): correct, {tasks} tasks");
        Ok(())
    }

    fn no_ops(client: &Client<Anywhere>) -> Result<(), Box<dyn Error>> {
        let start = Instant::now();
        let tasks = client.submit_many((0..NO_OPS).map(no_op::call));
        let sum: u64 = gather(&tasks)?.into_iter().sum();
        let rate = NO_OPS as f64 / start.elapsed().as_secs_f64();
        if sum != (0..NO_OPS).sum() {
            return Err("the no-op tasks gave other numbers than they were given".into());
        }
        println!("no-op tasks: {rate:.0} per second");
        Ok(())
    }

    /// A job whose tasks keep both workers busy, and the end of one of them a third of the way.
    fn kill_one(cluster: &LocalCluster) -> Result<(), Box<dyn Error>> {
        let client = cluster.client()?;
        let mut job = as_completed(client.submit_many((0..JOB).map(squared_slowly::call)));
        let (mut sum, mut finished) = (0, 0);
        let mut last = Instant::now();
        let mut gap = Duration::ZERO;
        while let Some(task) = job.next() {
            gap = gap.max(last.elapsed());
            last = Instant::now();
            sum += task.result()?;
            finished += 1;
            if finished == JOB / 3 {
                cluster.kill(0);
                // Only what follows counts; to kill and to wait for the process's end is a part of it.
                gap = Duration::ZERO;
            }
        }
        let expected: u64 = (0..JOB).map(|x| x * x).sum();
        if (sum, finished) != (expected, JOB) {
            return Err(
                format!("the job gave {sum} in {finished} tasks, not {expected} in {JOB}").into(),
            );
        }
        println!(
            "killed one worker: recovered in {} ms, answer correct",
            gap.as_millis()
        );
        if gap > LONGEST_GAP {
            eprintln!(
                "that took longer than {LONGEST_GAP:?}: is the machine busy with other things?"
            );
        }
        Ok(())
    }

    #[task(pure)]
    fn fib(n: u64) -> Result<BigUint, Box<dyn Error + Send + Sync>> {
        let client = current();
        begun(&client)?.put(n)?;
        if n < 2 {
            return Ok(n.into());
        }
        let (a, b) = (
            client.submit(fib::call(n - 1)),
            client.submit(fib::call(n - 2)),
        );
        Ok(a.result()? + b.result()?)
    }

    /// What each body of `fib` notes its number in, whichever worker it runs on.
    fn begun<P>(client: &Client<P>) -> Result<Queue<u64>, NameError>
    where
        u64: Carried<P>,
    {
        client.queue("begun", 0)
    }

    #[task]
    fn no_op(x: u64) -> u64 {
        x
    }

    /// About a tenth of a millisecond of work.
    #[task]
    fn squared_slowly(x: u64) -> u64 {
        let start = Instant::now();
        while start.elapsed() < Duration::from_micros(100) {
            black_box(x);
        }
        x * x
    }

    /// The same number without tasks, to check the answer by.
    fn in_a_loop(n: u64) -> BigUint {
        let (mut a, mut b) = (BigUint::ZERO, BigUint::from(1u32));
        for _ in 0..n {
            (a, b) = (b.clone(), a + b);
        }
        a
    }
}

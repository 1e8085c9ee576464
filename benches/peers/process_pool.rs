//! A pool of worker processes over pipes, as good as one gets without shared memory: this program starts itself again as a worker, which
//! loads nothing per item, and always has its next batch waiting in the pipe while it works on one.
//!
//! A batch is a `u32` count and a `u32` length, then that many items of that length; its answer is the results, whose length both know.

use std::io::{self, BufReader, BufWriter, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Mutex;

use super::peers::WORKERS;

/// Set in a worker: the name of the function it runs.
pub(crate) const FUNCTION: &str = "TENTER_BENCH_FUNCTION";
/// Batches a worker: the rule of Python's `multiprocessing.Pool.map`, enough that neither worker waits long for the other's last.
const BATCHES_PER_WORKER: usize = 4;
/// What a pipe holds on Linux unless told otherwise.
const PIPE: usize = 1 << 16;

/// Runs `function`, which appends its result, on every item that arrives, until the pipe is closed.
pub(crate) fn serve(mut function: impl FnMut(&[u8], &mut Vec<u8>)) -> io::Result<()> {
    let mut input = BufReader::with_capacity(PIPE, io::stdin().lock());
    let mut output = io::stdout().lock();
    let (mut item, mut results) = (Vec::new(), Vec::new());
    while let Some(count) = read_u32(&mut input)? {
        let length = read_u32(&mut input)?.ok_or(io::ErrorKind::UnexpectedEof)?;
        item.resize(length as usize, 0);
        results.clear();
        for _ in 0..count {
            input.read_exact(&mut item)?;
            function(&item, &mut results);
        }
        output.write_all(&results)?;
        output.flush()?;
    }
    Ok(())
}

fn read_u32(input: &mut impl Read) -> io::Result<Option<u32>> {
    let mut bytes = [0; 4];
    match input.read_exact(&mut bytes) {
        Ok(()) => Ok(Some(u32::from_le_bytes(bytes))),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(error),
    }
}

pub(crate) struct ProcessPool {
    workers: Vec<Worker>,
    result_length: usize,
}

struct Worker {
    process: Child,
    requests: Option<BufWriter<ChildStdin>>,
    results: BufReader<ChildStdout>,
}

impl ProcessPool {
    /// Starts the workers; each result of `function` has `result_length` bytes.
    pub(crate) fn start(function: &str, result_length: usize) -> io::Result<Self> {
        let workers = (0..WORKERS)
            .map(|_| Worker::start(function))
            .collect::<io::Result<_>>()?;
        Ok(Self {
            workers,
            result_length,
        })
    }

    /// The results, one after the other, of items that all have the same length.
    pub(crate) fn map<I: AsRef<[u8]> + Sync>(&mut self, items: &[I]) -> Vec<u8> {
        let mut results = vec![0; items.len() * self.result_length];
        let batch = items
            .len()
            .div_ceil(BATCHES_PER_WORKER * self.workers.len());
        assert!(
            batch * self.result_length <= PIPE,
            "a worker would wait for its results to be read"
        );
        let batches = Mutex::new(
            items
                .chunks(batch)
                .zip(results.chunks_mut(batch * self.result_length)),
        );
        let next = || batches.lock().expect("no thread panics with it").next();
        std::thread::scope(|scope| {
            for worker in &mut self.workers {
                scope.spawn(|| {
                    worker
                        .run_batches(next)
                        .expect("the worker lives as long as the pool")
                });
            }
        });
        results
    }
}

impl Worker {
    fn start(function: &str) -> io::Result<Self> {
        let mut process = Command::new(std::env::current_exe()?)
            .env(FUNCTION, function)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let requests = process
            .stdin
            .take()
            .map(|pipe| BufWriter::with_capacity(PIPE, pipe));
        let results = BufReader::new(process.stdout.take().expect("it is piped"));
        Ok(Self {
            process,
            requests,
            results,
        })
    }

    /// Sends each batch before it reads the answer to the one before. An answer fits in a pipe, so neither side waits for the other forever.
    fn run_batches<'a, I: AsRef<[u8]> + 'a>(
        &mut self,
        next: impl Fn() -> Option<(&'a [I], &'a mut [u8])>,
    ) -> io::Result<()> {
        let mut previous: Option<&mut [u8]> = None;
        while let Some((items, results)) = next() {
            self.send(items)?;
            if let Some(awaited) = previous.replace(results) {
                self.results.read_exact(awaited)?;
            }
        }
        previous.map_or(Ok(()), |awaited| self.results.read_exact(awaited))
    }

    fn send<I: AsRef<[u8]>>(&mut self, items: &[I]) -> io::Result<()> {
        let requests = self
            .requests
            .as_mut()
            .expect("only dropping the worker closes it");
        requests.write_all(&(items.len() as u32).to_le_bytes())?;
        requests.write_all(&(items[0].as_ref().len() as u32).to_le_bytes())?;
        for item in items {
            requests.write_all(item.as_ref())?;
        }
        requests.flush()
    }
}

impl Drop for Worker {
    /// Closing its input ends a worker.
    fn drop(&mut self) {
        self.requests = None;
        self.process.wait().expect("nobody else waits for it");
    }
}

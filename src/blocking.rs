//! Blocking on something that is not tenter's.

use crate::pool::local;

/// Runs code that blocks on something foreign (a socket, a lock, a child process, a channel); inside a task the
/// thread's place goes to another thread for that time, in a named pool to a spare of that pool.
///
/// `result()`, queues, variables and the rest of this crate do that by themselves. Foreign blocking without this keeps
/// a thread from working, which is noticed and made up for only after milliseconds, and only while somebody waits.
///
/// Outside of tasks, inside another `blocking`, on a client made with
/// [`deterministic`](crate::Builder::deterministic), and when as many tasks are blocked as
/// [`max_spares`](crate::Builder::max_spares) allows, it just calls `f`. In
/// `f` everything goes that goes in a task: submitting, `result()`, [`current`](crate::current()). A panic in `f` is
/// passed on.
///
/// ```
/// # let client = tenter::Client::new()?;
/// let (send, receive) = std::sync::mpsc::channel();
/// let waits = client.submit(move || tenter::blocking(|| receive.recv()).unwrap());
/// let sends = client.submit(move || send.send(7).unwrap());
/// assert_eq!(*waits.result()?, 7);
/// # sends.result()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn blocking<R>(f: impl FnOnce() -> R) -> R {
    match local::current() {
        Some(local) => local.secede(f),
        None => f(),
    }
}

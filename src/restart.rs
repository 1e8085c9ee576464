//! A new beginning for a client that goes on.

use crate::client::Client;

impl<P> Client<P> {
    /// Begins anew: cancels every task, empties the client and leaves it working, for all its clones.
    ///
    /// Tasks that are not settled are cancelled; bodies that run have their cancel tokens set, are let end, and what
    /// they return is dropped; pending futures are dropped. Queues, variables, semaphores, events, barriers and topics
    /// are closed, which ends every wait on them with `Closed`, and their names are free; nothing is published or
    /// remembered any more. It waits for nobody.
    ///
    /// What a cluster has by name is not this client's alone: it stays as it is, what is published too, and so do the tasks of
    /// other clients. Waits of this client there end with `Closed`.
    ///
    /// Waits for locks end with `Closed` too, but a guard keeps its lock until it is dropped, which a body of before
    /// does when it ends. Resources are free again in the same way, as soon as the bodies that hold them have returned.
    /// An actor keeps its state and its handles; its calls are cancelled as tasks are, those in its mailbox before
    /// they begin.
    ///
    /// Handles keep settled results readable. But every key is free: what is submitted from here on is a new task,
    /// which dropping an old handle does not touch. A submit that runs at the same time may be cancelled or not; a body
    /// of before that goes on submitting submits new tasks. Called in a task, it cancels that one too. On a closed
    /// client it does nothing.
    ///
    /// ```
    /// # let client = tenter::Client::new()?;
    /// let old = client.task("load").key("frame").submit(|| 1);
    /// assert_eq!(*old.result()?, 1);
    /// client.restart();
    /// let new = client.task("load").key("frame").submit(|| 2);
    /// assert_eq!((old.result()?, new.result()?), (&1, &2));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn restart(&self) {
        self.engine().restart();
    }
}

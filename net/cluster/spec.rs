//! What a worker is to be.

use crate::net::cli::Args;

/// What a worker of a [`LocalCluster`](super::LocalCluster) is to be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use = "nothing starts before it is given to a cluster"]
pub struct LocalWorker {
    args: Args,
}

impl LocalWorker {
    /// One without anything special.
    pub fn new() -> Self {
        Self::default()
    }

    /// What people, and tasks that are to run on it, call it: `w0`, `w1` and so on if nothing is said.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.args.name = Some(name.into());
        self
    }

    /// How many tasks it runs at once.
    pub fn threads(mut self, number: usize) -> Self {
        self.args.threads = Some(number);
        self
    }

    /// It has this much of something that tasks may ask for.
    pub fn resource(mut self, name: impl Into<String>, amount: u64) -> Self {
        self.args.resources.push((name.into(), amount));
        self
    }

    /// How many bytes of results it may hold.
    pub fn memory_limit(mut self, bytes: u64) -> Self {
        self.args.memory_limit = Some(bytes);
        self
    }

    /// The command line that it would be started with, as the worker of this number.
    pub(super) fn args(&self, address: &str, number: usize, threads: usize) -> Args {
        let mut args = self.args.clone();
        args.address = Some(address.to_owned());
        args.threads = args.threads.or(Some(threads));
        args.name = args.name.or_else(|| Some(format!("w{number}")));
        args
    }
}

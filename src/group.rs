//! Tasks of one name, counted.

use crate::client::Client;
use crate::pool::stripe::Counts;

/// The tasks of one name: see [`Client::groups`].
///
/// `submitted` is the sum of `pending`, `running`, `finished`, `failed` and `cancelled`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Group {
    /// The name; `None` stands for the tasks without one.
    pub name: Option<String>,
    /// Tasks submitted.
    pub submitted: u64,
    /// Bodies started.
    pub started: u64,
    /// Tasks that are waiting for inputs or queued.
    pub pending: u64,
    /// Tasks whose body has started and not returned.
    pub running: u64,
    /// Tasks that ended with a value.
    pub finished: u64,
    /// Tasks that failed, by themselves or by an input.
    pub failed: u64,
    /// Tasks cancelled; one whose body was running, once that has returned.
    pub cancelled: u64,
}

impl<P> Client<P> {
    /// The tasks so far by name, in the order in which the names came up; those without a name are the last group.
    ///
    /// The counts are exact once nothing runs; while tasks run, each is exact at some instant of the call. Only names
    /// given with [`Client::task`] are told apart. The first 16,320 names have groups of their own; tasks of later
    /// names count as tasks without one. Looks at counters alone, whatever the size of the graph.
    ///
    /// ```
    /// # let client = tenter::Client::new()?;
    /// let frames: Vec<_> = (0..3).map(|k| client.task("frame").submit(move || k)).collect();
    /// tenter::gather(&frames).unwrap();
    /// let groups = client.groups();
    /// assert_eq!((groups[0].name.as_deref(), groups[0].finished), (Some("frame"), 3));
    /// # Ok::<(), tenter::StartError>(())
    /// ```
    pub fn groups(&self) -> Vec<Group> {
        let counts = self.engine().counts_by_name().into_iter();
        counts
            .map(|(name, counts)| Group::new(name.as_deref(), &counts))
            .collect()
    }
}

impl Group {
    fn new(name: Option<&str>, counts: &Counts) -> Self {
        Self {
            name: name.map(str::to_owned),
            submitted: counts.submitted,
            started: counts.started,
            pending: counts.pending(),
            running: counts.running(),
            finished: counts.finished,
            failed: counts.failed,
            cancelled: counts.cancelled,
        }
    }
}

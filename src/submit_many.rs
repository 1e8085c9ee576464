//! Many tasks at once.

use std::panic::Location;

use crate::client::Client;
use crate::future::TaskFuture;
use crate::task::IntoTask;

impl<P> Client<P> {
    /// Submits each closure as a task; the handles are in the order of the closures. As [`map`](Client::map), where
    /// what differs between the tasks is the closure itself.
    ///
    /// The closures are of one type: made by one expression, or boxed. Each task is submitted when its closure comes
    /// out of the iterator.
    ///
    /// ```
    /// # let client = tenter::Client::new()?;
    /// let lengths = client.submit_many(["a", "bc"].map(|text| move || text.len()));
    /// assert_eq!(tenter::gather(&lengths)?, [&1, &2]);
    ///
    /// type Step = Box<dyn FnOnce() -> u32 + Send>;
    /// let steps: Vec<Step> = vec![Box::new(|| 1), Box::new(|| 2)];
    /// assert_eq!(tenter::gather(&client.submit_many(steps))?, [&1, &2]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use = "dropping the handles cancels the tasks: keep them, or `detach()` each"]
    #[track_caller]
    pub fn submit_many<I>(&self, tasks: I) -> Vec<TaskFuture<<I::Item as IntoTask<P>>::Output>>
    where
        I: IntoIterator<Item: IntoTask<P>>,
    {
        let bare = self.bare(Location::caller());
        tasks.into_iter().map(|task| task.launch(&bare)).collect()
    }
}

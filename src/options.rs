//! Where and when tasks run, and under which label: options of one task, or of all that are submitted in a scope.

use std::sync::Arc;
use std::time::Duration;

use crate::client::Client;
use crate::pool::Engine;
use crate::pool::asked::Asked;
use crate::pool::local;
use crate::task::Task;

impl<M, P> Task<'_, M, P> {
    /// Runs only while it holds so much of a resource that the client was built with
    /// ([`Builder::resource`](crate::Builder::resource)). What it asks for it gets all at once.
    ///
    /// A ready task whose resources are not free is queued, and [`explain`](crate::TaskFuture::explain) says what it
    /// lacks and who holds it. Whoever is next in line goes first, the highest priority before the others, then first
    /// come, first served; a large request is not overtaken by small ones. The resources are free again when the body has
    /// returned, not when the task is cancelled; those of a future when it is done or dropped. Retries keep them,
    /// [`Reschedule`](crate::Reschedule) gives them back and asks again. Asked for twice, the last amount counts; 0 is none.
    ///
    /// A resource that the client was not built with, or more of it than there is: the handle has failed with
    /// [`NoSuchResource`](crate::ErrorKind::NoSuchResource).
    ///
    /// ```
    /// let client = tenter::Client::builder().resource("gpu", 2).build()?;
    /// let small = client.task("small").resource("gpu", 1).submit(|| 1);
    /// let large = client.task("large").resource("gpu", 2).submit(|| 2);
    /// assert_eq!(small.result()? + large.result()?, 3);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn resource(mut self, name: &str, amount: u64) -> Self {
        let engine = self.plan.engine;
        self.plan.rare().asked.resource(engine, name, amount);
        self
    }

    /// As [`resource`](Self::resource), several at once.
    pub fn resources(self, amounts: &[(&str, u64)]) -> Self {
        amounts
            .iter()
            .fold(self, |task, (name, amount)| task.resource(name, *amount))
    }

    /// Runs only on the threads of this named pool ([`Builder::pool`](crate::Builder::pool)); a future is polled there.
    ///
    /// A pool that the client was not built with: the handle has failed with
    /// [`NoSuchPool`](crate::ErrorKind::NoSuchPool).
    ///
    /// ```
    /// let client = tenter::Client::builder().pool("io", 1).build()?;
    /// let name = client.task("read").pool("io").submit(|| std::thread::current().name().map(str::to_owned));
    /// assert_eq!(name.result()?.as_deref(), Some("tenter-io-0"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn pool(mut self, name: &str) -> Self {
        let engine = self.plan.engine;
        self.plan.rare().asked.pool(engine, name);
        self
    }

    /// Runs only on this host, or on the worker of this name; on one of them, if it is asked for several times. In one process
    /// that is this machine alone: for another, the handle has failed with [`NoSuchHost`](crate::ErrorKind::NoSuchHost).
    ///
    /// ```
    /// # use tenter::{Client, ErrorKind, task};
    /// #[task]
    /// fn halve(x: u64) -> u64 {
    ///     x / 2
    /// }
    ///
    /// let client = Client::new()?;
    /// let far = client.task("halve").on("beamline-7").submit(halve::call(8));
    /// assert_eq!(far.result().unwrap_err().kind(), ErrorKind::NoSuchHost);
    /// assert_eq!(*client.submit(halve::call(8).on("localhost")).result()?, 4);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[cfg(feature = "task")]
    #[cfg_attr(docsrs, doc(cfg(feature = "task")))]
    pub fn on(mut self, host: &str) -> Self {
        self.plan.rare().asked.on(host);
        self
    }

    /// Runs on this host, or on the worker of this name, if there is room. In one process it is of no account.
    #[cfg(feature = "task")]
    #[cfg_attr(docsrs, doc(cfg(feature = "task")))]
    pub fn prefer(mut self, host: &str) -> Self {
        self.plan.rare().asked.prefer(host);
        self
    }

    /// What the task belongs to, for people: [`label`](crate::TaskFuture::label) and `explain` tell it. Inside of an
    /// [`annotate`](Client::annotate) with a label it comes after that one: "scan 7 / fit".
    pub fn label(mut self, label: impl Into<Arc<str>>) -> Self {
        self.plan.rare().asked.label = Some(label.into());
        self
    }
}

/// Options for all that is submitted in a scope; made by [`Client::annotate`].
#[derive(Clone, Debug)]
#[must_use = "options annotate nothing: end with `enter`"]
pub struct Annotate<'c> {
    engine: &'c Arc<Engine>,
    asked: Asked,
}

impl<P> Client<P> {
    /// Options that tasks inherit: those submitted while [`enter`](Annotate::enter) runs its closure, on this thread and
    /// through this client or a clone of it, and those that these tasks submit, and so on.
    ///
    /// A future that is a task is no exception: what it submits in any of its polls inherits. Calls of actors and
    /// callbacks of [`on_done`](crate::TaskFuture::on_done) have no part in it.
    ///
    /// An option of the task's own goes before them, an inner scope's before an outer one's; labels are joined.
    ///
    /// ```
    /// # let client = tenter::Client::new()?;
    /// let fit = client.annotate().priority(5).label("scan 7").enter(|| client.task("fit").label("fit").submit(|| 1));
    /// assert_eq!(fit.label().as_deref(), Some("scan 7 / fit"));
    /// # Ok::<(), tenter::StartError>(())
    /// ```
    pub fn annotate(&self) -> Annotate<'_> {
        Annotate {
            engine: self.engine(),
            asked: Asked::default(),
        }
    }
}

impl Annotate<'_> {
    /// As [`Task::priority`].
    pub fn priority(mut self, priority: i32) -> Self {
        self.asked.priority = Some(priority);
        self
    }

    /// As [`Task::label`]; an inner scope's comes after the outer one's.
    pub fn label(mut self, label: impl Into<Arc<str>>) -> Self {
        self.asked.label = Some(label.into());
        self
    }

    /// As [`Task::pool`]. If there is no such pool, whatever is submitted in the scope has failed.
    pub fn pool(mut self, name: &str) -> Self {
        self.asked.pool(self.engine, name);
        self
    }

    /// As [`Task::resource`]. If there is no such resource, or less of it, whatever is submitted in the scope has
    /// failed.
    pub fn resource(mut self, name: &str, amount: u64) -> Self {
        self.asked.resource(self.engine, name, amount);
        self
    }

    /// As [`Task::resources`].
    pub fn resources(self, amounts: &[(&str, u64)]) -> Self {
        amounts
            .iter()
            .fold(self, |scope, (name, amount)| scope.resource(name, *amount))
    }

    /// As [`Task::timeout`], for each of the tasks.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.asked.timeout = Some(timeout);
        self
    }

    /// Calls `f`; what it submits has these options, and so has what those tasks submit. Scopes nest.
    ///
    /// # Panics
    /// If `f` does; the scope ends then too.
    pub fn enter<R>(self, f: impl FnOnce() -> R) -> R {
        local::with(self.engine, |local| {
            let scope = match local.scope() {
                Some(outer) => outer.around(&self.asked),
                None => self.asked,
            };
            let _scope = local.enter_scope(Some(Arc::new(scope)));
            f()
        })
    }
}

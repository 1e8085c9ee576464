//! The options of a call: the same as those of a closure, before it is known which client it is for.

use std::sync::Arc;
use std::time::Duration;

use crate::call::Call;
use crate::graph::Key;
use crate::task::Plan;

/// What is asked for a call. What is not is left to the submit.
#[derive(Clone, Debug, Default)]
pub(super) struct Options {
    priority: Option<i32>,
    pub(super) retries: Option<u32>,
    timeout: Option<Duration>,
    pool: Option<String>,
    resources: Vec<(String, u64)>,
    label: Option<Arc<str>>,
    key: Option<Key>,
    on: Vec<String>,
    prefer: Vec<String>,
}

impl Options {
    /// Adds them to what the submit asks for; they go before that.
    pub(super) fn apply(self, plan: &mut Plan<'_>) {
        plan.priority = self.priority.or(plan.priority);
        plan.key = self.key.or(plan.key.take());
        if self.retries.is_some() || self.timeout.is_some() {
            let attempts = &mut plan.rare().extra.attempts;
            attempts.retries = self.retries.unwrap_or(attempts.retries);
            attempts.timeout = self.timeout.or(attempts.timeout);
        }
        let hosts = self.on.len() + self.prefer.len();
        if self.pool.is_none() && self.resources.is_empty() && self.label.is_none() && hosts == 0 {
            return;
        }
        let engine = plan.engine;
        let asked = &mut plan.rare().asked;
        if let Some(name) = self.pool {
            asked.pool(engine, &name);
        }
        for (name, amount) in self.resources {
            asked.resource(engine, &name, amount);
        }
        asked.label = self.label.or(asked.label.take());
        self.on.into_iter().for_each(|host| asked.on(host));
        self.prefer.into_iter().for_each(|host| asked.prefer(host));
    }
}

/// Options of this call alone; the calls that are its arguments have their own. They go before those of
/// [`Client::task`](crate::Client::task).
impl<T> Call<T> {
    fn options(&mut self) -> &mut Options {
        &mut self.described.parts.rest().options
    }

    /// As [`Task::priority`](crate::Task::priority).
    pub fn priority(mut self, priority: i32) -> Self {
        self.options().priority = Some(priority);
        self
    }

    /// As [`Task::retries`](crate::Task::retries). What the function takes by value is cloned for each attempt.
    ///
    /// ```
    /// # use tenter::{Client, task};
    /// #[task]
    /// fn third_time(word: String) -> Result<String, String> {
    ///     match tenter::attempt() {
    ///         3 => Ok(word),
    ///         other => Err(format!("attempt {other} failed")),
    ///     }
    /// }
    ///
    /// # let client = Client::new()?;
    /// let lucky = client.submit(third_time::call("done").retries(2));
    /// assert_eq!(lucky.result()?, "done");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn retries(mut self, retries: u32) -> Self {
        self.options().retries = Some(retries);
        self
    }

    /// As [`Task::timeout`](crate::Task::timeout).
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.options().timeout = Some(timeout);
        self
    }

    /// As [`Task::pool`](crate::Task::pool).
    pub fn pool(mut self, name: impl Into<String>) -> Self {
        self.options().pool = Some(name.into());
        self
    }

    /// As [`Task::resource`](crate::Task::resource).
    pub fn resource(mut self, name: impl Into<String>, amount: u64) -> Self {
        self.options().resources.push((name.into(), amount));
        self
    }

    /// As [`Task::resources`](crate::Task::resources).
    pub fn resources(self, amounts: &[(&str, u64)]) -> Self {
        amounts
            .iter()
            .fold(self, |call, (name, amount)| call.resource(*name, *amount))
    }

    /// As [`Task::on`](crate::Task::on).
    pub fn on(mut self, host: impl Into<String>) -> Self {
        self.options().on.push(host.into());
        self
    }

    /// As [`Task::prefer`](crate::Task::prefer).
    pub fn prefer(mut self, host: impl Into<String>) -> Self {
        self.options().prefer.push(host.into());
        self
    }

    /// As [`Task::label`](crate::Task::label).
    pub fn label(mut self, label: impl Into<Arc<str>>) -> Self {
        self.options().label = Some(label.into());
        self
    }

    /// As [`Task::key`](crate::Task::key); that the task of a known key is one of another function is a `KeyConflict` too.
    /// A call of a pure function then has this key instead of its content's, and is remembered no longer than others.
    pub fn key(mut self, key: impl Into<Key>) -> Self {
        self.options().key = Some(key.into());
        self
    }
}

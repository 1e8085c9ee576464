//! What is asked for a task besides its closure: by its own options, and by the scope it is submitted in.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use super::Engine;
use super::extras::Extra;
use super::gate::Gate;
use crate::error::ErrorKind;

/// Why a submit made no task.
pub(crate) type Refusal = (ErrorKind, Cow<'static, str>);

/// Options that a scope can have too. What is not asked for is left to the scope around it, or to the default.
#[derive(Clone, Debug, Default)]
pub(crate) struct Asked {
    pub(crate) priority: Option<i32>,
    pub(crate) label: Option<Arc<str>>,
    pub(crate) timeout: Option<Duration>,
    /// The pool's number.
    pool: Option<u32>,
    /// Resources by number, and how much of each.
    needs: Vec<(u32, u64)>,
    /// Something was asked for that there is not.
    pub(crate) refused: Option<Refusal>,
}

impl Asked {
    /// Asks for so much of a resource; asked again, the last one counts.
    pub(crate) fn resource(&mut self, engine: &Engine, name: &str, amount: u64) {
        match engine.resources.find(name) {
            Some((number, all)) if amount <= all => self.need(number, amount),
            Some((_, all)) => self.refuse(
                ErrorKind::NoSuchResource,
                format!("it asks for {amount} of `{name}`, of which the client has {all}: ask for less, or declare more with `Client::builder().resource(..)`"),
            ),
            None => self.refuse(
                ErrorKind::NoSuchResource,
                format!("it asks for the resource `{name}`, but {}: declare it with `Client::builder().resource(\"{name}\", ..)`", there_are("resource", engine.resources.names())),
            ),
        }
    }

    fn need(&mut self, number: u32, amount: u64) {
        self.needs.retain(|(other, _)| *other != number);
        self.needs.push((number, amount));
    }

    /// Asks for a pool by its name.
    pub(crate) fn pool(&mut self, engine: &Engine, name: &str) {
        match engine.pools.find(name) {
            Some(number) => self.pool = Some(number),
            None => self.refuse(
                ErrorKind::NoSuchPool,
                format!("it asks for the pool `{name}`, but {}: declare it with `Client::builder().pool(\"{name}\", ..)`", there_are("pool", engine.pools.names())),
            ),
        }
    }

    fn refuse(&mut self, kind: ErrorKind, text: String) {
        self.refused.get_or_insert((kind, text.into()));
    }

    /// What holds inside of this and of another scope within it, or for a task's own options: those go first.
    pub(crate) fn around(&self, inner: &Self) -> Self {
        let mut both = self.clone();
        both.priority = inner.priority.or(self.priority);
        both.pool = inner.pool.or(self.pool);
        both.timeout = inner.timeout.or(self.timeout);
        for &(number, amount) in &inner.needs {
            both.need(number, amount);
        }
        both.label = match (&self.label, &inner.label) {
            (Some(outer), Some(inner)) => Some(format!("{outer} / {inner}").into()),
            (outer, inner) => inner.clone().or_else(|| outer.clone()),
        };
        both.refused = both.refused.or_else(|| inner.refused.clone());
        both
    }

    /// What the task keeps of it.
    pub(crate) fn fill(self, extra: &mut Extra) {
        let mut needs = self.needs;
        needs.retain(|(_, amount)| *amount > 0);
        needs.sort_unstable();
        let pool = self.pool.unwrap_or(0);
        if pool != 0 || !needs.is_empty() {
            extra.gate = Some(Arc::new(Gate::new(pool, needs)));
        }
        extra.label = self.label;
        let attempts = &mut extra.attempts;
        attempts.timeout = attempts.timeout.or(self.timeout);
    }
}

/// "there are no pools", or "there are only the pools `a`, `b`".
fn there_are<'a>(what: &str, names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
    if names.is_empty() {
        format!("the client has no {what}s")
    } else {
        format!("the client's {what}s are {}", names.join(", "))
    }
}

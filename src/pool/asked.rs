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
    /// Something was asked for that this client does not have: a task here is refused, one elsewhere may be what it is for.
    lacks: Option<Refusal>,
    /// No task can be made of this.
    pub(crate) refused: Option<Refusal>,
    /// What it asks for by name, for tasks that run elsewhere.
    #[cfg(feature = "task")]
    pub(crate) named: Named,
}

/// What tasks that run elsewhere ask for, by its names there.
#[cfg(feature = "task")]
#[derive(Clone, Debug, Default)]
pub(crate) struct Named {
    pub(crate) pool: Option<String>,
    pub(crate) resources: Vec<(String, u64)>,
    pub(crate) on: Vec<String>,
    pub(crate) prefer: Vec<String>,
}

#[cfg(feature = "task")]
impl Named {
    /// Why a task here cannot be on the hosts that are asked for.
    fn refusal(&self) -> Option<Refusal> {
        if self.on.is_empty() || self.on.iter().any(|name| host::is_this(name)) {
            return None;
        }
        let text = format!(
            "it is to run on `{}`, but this client's tasks run in this process: connect to a cluster with a worker there",
            self.on.join("` or `")
        );
        Some((ErrorKind::NoSuchHost, text.into()))
    }

    /// What holds inside of this and of another scope within it.
    fn around(&self, inner: &Self) -> Self {
        let either = |outer: &Vec<String>, inner: &Vec<String>| {
            if inner.is_empty() { outer } else { inner }.clone()
        };
        let mut resources = self.resources.clone();
        resources.retain(|(name, _)| inner.resources.iter().all(|(other, _)| other != name));
        resources.extend(inner.resources.iter().cloned());
        Self {
            pool: inner.pool.clone().or_else(|| self.pool.clone()),
            resources,
            on: either(&self.on, &inner.on),
            prefer: either(&self.prefer, &inner.prefer),
        }
    }
}

impl Asked {
    /// Asks for so much of a resource; asked again, the last one counts.
    pub(crate) fn resource(&mut self, engine: &Engine, name: &str, amount: u64) {
        #[cfg(feature = "task")]
        if engine.calls_leave() {
            self.named.resources.retain(|(other, _)| other != name);
            self.named.resources.push((name.to_owned(), amount));
        }
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
        #[cfg(feature = "task")]
        if engine.calls_leave() {
            self.named.pool = Some(name.to_owned());
        }
        match engine.pools.find(name) {
            Some(number) => self.pool = Some(number),
            None => self.refuse(
                ErrorKind::NoSuchPool,
                format!("it asks for the pool `{name}`, but {}: declare it with `Client::builder().pool(\"{name}\", ..)`", there_are("pool", engine.pools.names())),
            ),
        }
    }

    /// Asks to run on this host only, or on another that was asked for.
    #[cfg(feature = "task")]
    pub(crate) fn on(&mut self, host: impl Into<String>) {
        self.named.on.push(host.into());
    }

    /// Asks to run on this host if it has room.
    #[cfg(feature = "task")]
    pub(crate) fn prefer(&mut self, host: impl Into<String>) {
        self.named.prefer.push(host.into());
    }

    fn refuse(&mut self, kind: ErrorKind, text: String) {
        self.lacks.get_or_insert((kind, text.into()));
    }

    /// Why there will be no task here.
    pub(crate) fn refusal(&self) -> Option<Refusal> {
        let refused = self.lacks.clone().or_else(|| self.refused.clone());
        #[cfg(feature = "task")]
        let refused = refused.or_else(|| self.named.refusal());
        refused
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
        both.lacks = both.lacks.or_else(|| inner.lacks.clone());
        #[cfg(feature = "task")]
        {
            both.named = self.named.around(&inner.named);
        }
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

#[cfg(feature = "task")]
pub(crate) mod host {
    //! Which machine this is.

    use std::sync::OnceLock;

    /// Whether this machine is called so.
    pub(super) fn is_this(host: &str) -> bool {
        matches!(host, "localhost" | "127.0.0.1" | "::1") || own().is_some_and(|own| own == host)
    }

    /// What the system calls it.
    pub(crate) fn own() -> Option<&'static str> {
        static OWN: OnceLock<Option<String>> = OnceLock::new();
        let find = || {
            let found = std::fs::read_to_string("/proc/sys/kernel/hostname");
            let found = found.or_else(|_| std::env::var("HOSTNAME"));
            found.or_else(|_| std::env::var("COMPUTERNAME")).ok()
        };
        let own = OWN.get_or_init(|| find().map(|name| name.trim().to_owned()));
        own.as_deref()
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

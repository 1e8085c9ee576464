//! The command line: from words to what is asked for.

use std::fmt;

/// What is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::net) struct Args {
    pub(in crate::net) command: Command,
    pub(in crate::net) address: Option<String>,
    pub(in crate::net) workers: Option<usize>,
    pub(in crate::net) threads: Option<usize>,
    pub(in crate::net) name: Option<String>,
    pub(in crate::net) resources: Vec<(String, u64)>,
    pub(in crate::net) memory_limit: Option<u64>,
    pub(in crate::net) insecure: bool,
}

/// The first word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::net) enum Command {
    #[default]
    Help,
    Tasks,
    Run,
    Scheduler,
    Worker,
}

impl Command {
    /// Which options it has.
    fn options(self) -> &'static [&'static str] {
        match self {
            Self::Help | Self::Tasks => &[],
            Self::Run => &["--workers", "--threads", "--insecure"],
            Self::Scheduler => &["--listen", "--insecure"],
            Self::Worker => &[
                "--threads",
                "--name",
                "--resource",
                "--memory",
                "--insecure",
            ],
        }
    }

    fn takes_address(self) -> bool {
        matches!(self, Self::Run | Self::Worker)
    }
}

/// Why words are no command; one sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::net) struct Misuse(String);

impl fmt::Display for Misuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; --help lists what there is", self.0)
    }
}

impl std::error::Error for Misuse {}

impl Args {
    /// Reads the words after the program's name. Those after a `--` are the program's own.
    pub(in crate::net) fn parse(words: impl IntoIterator<Item = String>) -> Result<Self, Misuse> {
        let mut words = words.into_iter().take_while(|word| word != "--");
        let command = match words.next().as_deref() {
            Some("--help" | "-h" | "help") => return Ok(Self::default()),
            Some("tasks") => Command::Tasks,
            Some("run") => Command::Run,
            Some("scheduler") => Command::Scheduler,
            Some("worker") => Command::Worker,
            Some(other) => return misuse(format!("there is no command `{other}`")),
            None => return misuse("a command is missing: run, scheduler, worker or tasks"),
        };
        let mut args = Self {
            command,
            ..Self::default()
        };
        while let Some(word) = words.next() {
            match &*word {
                "--help" | "-h" => return Ok(Self::default()),
                option if option.starts_with('-') => args.option(option, &mut words)?,
                _ if command.takes_address() && args.address.is_none() => args.address = Some(word),
                _ => return misuse(format!("there is no further argument `{word}`")),
            }
        }
        if command == Command::Worker && args.address.is_none() {
            return misuse("a worker needs the scheduler's address, like tcp://127.0.0.1:8786");
        }
        if command == Command::Run && args.address.is_some() && args.asks_for_workers() {
            return misuse(
                "`--workers` and `--threads` are for workers of its own: leave them out, or the address",
            );
        }
        Ok(args)
    }

    /// Whether it says how many workers there are to be, or how large.
    fn asks_for_workers(&self) -> bool {
        self.workers.is_some() || self.threads.is_some()
    }

    /// Takes in one option, written `--name value` or `--name=value`.
    fn option(
        &mut self,
        word: &str,
        words: &mut dyn Iterator<Item = String>,
    ) -> Result<(), Misuse> {
        let (name, inline) = match word.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (word, None),
        };
        if !self.command.options().contains(&name) {
            return misuse(format!("there is no option `{name}`"));
        }
        if name == "--insecure" && inline.is_none() {
            self.insecure = true;
            return Ok(());
        }
        let Some(value) = inline.or_else(|| words.next()) else {
            return misuse(format!("`{name}` needs a value after it"));
        };
        let fits = match name {
            "--workers" => set(&mut self.workers, count(&value)),
            "--threads" => set(&mut self.threads, count(&value)),
            "--memory" => set(&mut self.memory_limit, bytes(&value)),
            "--listen" => set(&mut self.address, Some(value.clone())),
            "--name" => set(&mut self.name, Some(value.clone())),
            "--resource" => resource(&value)
                .map(|its| self.resources.push(its))
                .is_some(),
            _ => false,
        };
        if fits {
            return Ok(());
        }
        misuse(format!("`{name}` got `{value}`: {}", wanted(name)))
    }

    /// The words that [`parse`](Self::parse) reads as this worker.
    pub(in crate::net) fn worker_words(&self) -> Vec<String> {
        let mut words = vec!["worker".into()];
        words.extend(self.address.clone());
        words.extend(self.threads.map(|n| format!("--threads={n}")));
        words.extend(self.name.as_ref().map(|name| format!("--name={name}")));
        let resources = self.resources.iter();
        words.extend(resources.map(|(name, amount)| format!("--resource={name}={amount}")));
        words.extend(self.memory_limit.map(|bytes| format!("--memory={bytes}")));
        words.extend(self.insecure.then(|| "--insecure".into()));
        words
    }
}

fn misuse<T>(text: impl Into<String>) -> Result<T, Misuse> {
    Err(Misuse(text.into()))
}

/// Whether there was a value to set.
fn set<T>(place: &mut Option<T>, value: Option<T>) -> bool {
    *place = value;
    place.is_some()
}

fn count(value: &str) -> Option<usize> {
    value.parse().ok().filter(|n| (1..=4096).contains(n))
}

/// A name and a number, of which the number comes last.
fn resource(value: &str) -> Option<(String, u64)> {
    let (name, amount) = value.rsplit_once('=')?;
    Some((name.to_owned(), amount.parse().ok()?)).filter(|(name, _)| !name.is_empty())
}

/// Bytes, or as many thousands of them as a letter says.
fn bytes(value: &str) -> Option<u64> {
    let digits = value.trim_end_matches(char::is_alphabetic);
    let thousands = match &*value[digits.len()..].to_ascii_uppercase() {
        "" | "B" => 0,
        "K" | "KB" => 1,
        "M" | "MB" => 2,
        "G" | "GB" => 3,
        _ => return None,
    };
    digits
        .parse::<u64>()
        .ok()?
        .checked_mul(1000_u64.pow(thousands))
}

fn wanted(option: &str) -> &'static str {
    match option {
        "--workers" | "--threads" => "give it a number from 1 to 4096",
        "--memory" => "give it a number of bytes, like 500MB or 4GB",
        "--resource" => "give it a name and a number, like gpu=2",
        _ => "it takes no value",
    }
}

//! What people turn while the pipeline runs. All of it has a name, so any task, and any thread, may turn it or read it.

use std::io::BufRead;

use tenter::{Anywhere, Client, Event, NameError, Variable, WaitError};

/// `mask_sigma` at the start, and from half-way on.
pub(crate) const FIRST_SIGMA: f64 = 8.0;
pub(crate) const SECOND_SIGMA: f64 = 16.0;

#[derive(Clone)]
pub(crate) struct Knobs {
    stop: Variable<bool>,
    mask_sigma: Variable<f64>,
    half_way: Event,
}

impl Knobs {
    /// Those of this client's run.
    pub(crate) fn of(client: &Client<Anywhere>) -> Result<Self, NameError> {
        Ok(Self {
            stop: client.variable("stop")?,
            mask_sigma: client.variable("mask_sigma")?,
            half_way: client.event("half_way"),
        })
    }

    /// Sets them for a run.
    pub(crate) fn set(&self) -> Result<(), WaitError> {
        self.mask_sigma.set(FIRST_SIGMA)
    }

    /// Whether there is a run that they belong to.
    #[cfg(feature = "net")]
    pub(crate) fn are_set(&self) -> bool {
        self.mask_sigma.versioned().is_some()
    }

    /// The value to repair the next frame with, and its version, read together.
    pub(crate) fn mask_sigma(&self) -> (f64, u64) {
        self.mask_sigma
            .versioned()
            .expect("it is set before the run starts")
    }

    pub(crate) fn turn_mask_sigma(&self, sigma: f64) {
        // A closed client has no more frames for the knob to act on.
        let _ = self.mask_sigma.set(sigma);
    }

    /// Tells the detectors to expose no further frame.
    pub(crate) fn stop(&self) {
        let _ = self.stop.set(true);
        self.half_way.set();
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.stop.try_get() == Some(true)
    }

    /// The first half is stored: turns the knob, and only then lets the detectors go on. So it is the seed that decides which rows have
    /// which version, not which task came first.
    pub(crate) fn pass_half_way(&self) {
        if self.half_way.is_set() {
            return;
        }
        // A writer that was killed here may have turned it already.
        if self.mask_sigma().0 != SECOND_SIGMA {
            self.turn_mask_sigma(SECOND_SIGMA);
        }
        self.half_way.set();
    }

    pub(crate) fn wait_for_half_way(&self) -> Result<(), WaitError> {
        self.half_way.wait()
    }

    /// Turns the knob by lines of standard input, until that ends. The thread is no task: nothing can end a read that waits for a person,
    /// and the program does not wait for the thread.
    pub(crate) fn listen(&self) {
        let knobs = self.clone();
        std::thread::spawn(move || {
            let lines = std::io::stdin().lock().lines().map_while(Result::ok);
            for line in lines.filter(|line| !line.trim().is_empty()) {
                match parse(&line) {
                    Some(sigma) => knobs.turn_mask_sigma(sigma),
                    None => eprintln!(
                        "`{line}` turns nothing; write the knob and a number above 0, such as `mask_sigma 12`"
                    ),
                }
            }
        });
    }
}

fn parse(line: &str) -> Option<f64> {
    let (name, value) = line.trim().split_once(char::is_whitespace)?;
    sigma(name, value)
}

/// A value for the knob, if that is its name and that is one.
pub(crate) fn sigma(name: &str, value: &str) -> Option<f64> {
    let value = value.trim().parse().ok().filter(|_| name == "mask_sigma");
    value.filter(|sigma: &f64| sigma.is_finite() && *sigma > 0.0)
}

//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::knobs;

pub(crate) const HELP: &str = "\
The image pipeline of a synchrotron beamline: two detectors, a graph of processing tasks for each
frame, a database, and knobs that are turned while it runs.

usage: beamline [--frames N] [--seed S] [--threads T] [--cluster N] [--out FILE]
       beamline --attach ADDRESS [--set mask_sigma=X]

  --frames N    frames of both detectors together, at least 2 (200 if left out)
  --seed S      the same seed gives the same rows (1 if left out)
  --threads T   worker threads (one for each core if left out), in each worker process if there are some
  --cluster N   runs the tasks in N worker processes; each may be killed (needs --features net)
  --out FILE    the SQLite file to write (beamline.sqlite beside the program if left out);
                it replaces only a file that this program made
  --attach ADDRESS
                connects to a running beamline with --cluster, which prints its address, and says how it
                is doing (needs --features net)
  --set mask_sigma=X
                and turns this knob of it
  --help        print this

While it runs, a line `mask_sigma 12` on standard input turns the knob of the hot-pixel repair, and
Ctrl-C stops the detectors; every frame they have delivered is still processed and stored.
Ends with 0 if its answers are right, 1 if they are not, 2 if it cannot start as asked.";

pub(crate) struct Options {
    pub frames: u32,
    pub seed: u64,
    pub threads: Option<usize>,
    pub cluster: Option<usize>,
    pub out: PathBuf,
}

pub(crate) enum Request {
    Run(Options),
    Attach {
        address: String,
        mask_sigma: Option<f64>,
    },
    Help,
}

/// Reads the arguments after the program's name. The error is a sentence naming the cause and the next step.
pub(crate) fn parse(mut args: impl Iterator<Item = OsString>) -> Result<Request, String> {
    let mut options = Options {
        frames: 200,
        seed: 1,
        threads: None,
        cluster: None,
        out: default_out(),
    };
    let (mut address, mut mask_sigma) = (None, None);
    while let Some(arg) = args.next() {
        let name = arg.to_string_lossy();
        let mut value = || {
            args.next()
                .ok_or_else(|| format!("{name} needs a value after it; --help lists the options"))
        };
        match &*name {
            "--frames" => {
                options.frames = number(
                    &value()?,
                    "--frames",
                    "from 2, one for each detector, to 1000000",
                    |n| (2..=1_000_000).contains(n),
                )?
            }
            "--seed" => {
                options.seed = number(
                    &value()?,
                    "--seed",
                    "from 0 to 18446744073709551615",
                    |_| true,
                )?
            }
            "--threads" => {
                options.threads = Some(number(&value()?, "--threads", "from 1 to 256", |n| {
                    (1..=256).contains(n)
                })?)
            }
            "--cluster" => {
                options.cluster = Some(number(&value()?, "--cluster", "from 1 to 64", |n| {
                    (1..=64).contains(n)
                })?)
            }
            "--attach" => address = Some(value()?.to_string_lossy().into_owned()),
            "--set" => mask_sigma = Some(knob(&value()?)?),
            "--out" => options.out = out(&value()?)?,
            "--help" | "-h" => return Ok(Request::Help),
            _ => {
                return Err(format!(
                    "there is no option `{name}`; --help lists the options"
                ));
            }
        }
    }
    match (address, mask_sigma) {
        (Some(address), mask_sigma) => Ok(Request::Attach {
            address,
            mask_sigma,
        }),
        (None, None) => Ok(Request::Run(options)),
        (None, Some(_)) => Err(
            "--set turns a knob of a beamline that runs: give --attach and its address too".into(),
        ),
    }
}

/// A knob's new value, written as `mask_sigma=12`.
fn knob(value: &OsString) -> Result<f64, String> {
    let text = value.to_string_lossy();
    let sigma = text
        .split_once('=')
        .and_then(|(name, value)| knobs::sigma(name, value));
    sigma.ok_or_else(|| {
        format!("--set got `{text}`; give it a knob and a number above 0, such as mask_sigma=12")
    })
}

fn number<N: std::str::FromStr>(
    value: &OsString,
    option: &str,
    range: &str,
    fits: impl Fn(&N) -> bool,
) -> Result<N, String> {
    let text = value.to_string_lossy();
    let number = text.parse().ok().filter(fits);
    number.ok_or_else(|| format!("{option} got `{text}`; give it a whole number {range}"))
}

/// A path with a root, since SQLite gives some names without one a meaning of their own (`:memory:`).
fn out(value: &OsString) -> Result<PathBuf, String> {
    std::path::absolute(value).map_err(|error| {
        let shown = value.to_string_lossy();
        format!("--out got `{shown}`, which names no file ({error}); give it one such as x.sqlite")
    })
}

/// The directory of the program is one that a build may write to and version control ignores.
fn default_out() -> PathBuf {
    let program = std::env::current_exe().unwrap_or_else(|_| std::env::temp_dir().join("beamline"));
    program.with_file_name("beamline.sqlite")
}

//! Runs `pools.py`, which times itself.

use std::io::{Error, Result};
use std::process::Command;
use std::time::Duration;

use super::peers::WORKERS;

const PROGRAM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/peers/pools.py");

pub(crate) fn is_there() -> bool {
    Command::new("python3")
        .arg("--version")
        .output()
        .is_ok_and(|output| output.status.success())
}

/// The time that `rounds` maps over `items` items take in a pool of that kind.
pub(crate) fn time(kind: &str, items: u64, rounds: u64) -> Result<Duration> {
    let numbers = [WORKERS.to_string(), items.to_string(), rounds.to_string()];
    let output = Command::new("python3")
        .args([PROGRAM, kind])
        .args(numbers)
        .output()?;
    if !output.status.success() {
        return Err(Error::other(
            String::from_utf8_lossy(&output.stderr).into_owned(),
        ));
    }
    let seconds = String::from_utf8_lossy(&output.stdout)
        .trim()
        .parse()
        .map_err(Error::other)?;
    Ok(Duration::from_secs_f64(seconds))
}

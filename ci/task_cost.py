#!/usr/bin/env python3
"""What does `#[task]` cost to compile? A crate of 100 functions of two arguments, with the attribute and without, checked and built.

Everything they depend on is compiled before. Fails if the attribute adds more than the bars below, in seconds per 100 tasks."""

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ROUNDS = 7
BARS = {"check": 0.6, "build": 1.2}
# As in a program: most take numbers or borrow something, some may fail.
SIGNATURES = [
    ("a: u64, b: u64", "u64", "a.wrapping_add(b)"),
    ("a: u64, b: f64", "f64", "a as f64 + b"),
    ("frame: &Frame, by: f64", "Frame", "Frame(frame.0.iter().map(|pixel| pixel * by).collect())"),
    ("frame: &[f64], other: &[f64]", "Vec<f64>", "frame.iter().zip(other).map(|(a, b)| a + b).collect()"),
    ("text: &str, radix: u32", "Result<u64, std::num::ParseIntError>", "u64::from_str_radix(text, radix)"),
]


def source(attribute):
    lines = ["#![allow(dead_code)]", "use serde::{Deserialize, Serialize};"]
    lines += ["#[derive(Clone, Serialize, Deserialize)]", "pub struct Frame(pub Vec<f64>);"]
    for k in range(100):
        arguments, result, body = SIGNATURES[k % len(SIGNATURES)]
        lines += [attribute, f"pub fn task{k}({arguments}) -> {result} {{ {body} }}"]
    return "\n".join(lines) + "\n"


def crate(directory, name, attribute):
    (directory / name / "src").mkdir(parents=True, exist_ok=True)
    (directory / name / "src" / "lib.rs").write_text(source(attribute))
    (directory / name / "Cargo.toml").write_text(
        f"""[package]
name = "{name}"
edition = "2024"
[workspace]
[dependencies]
serde = {{ version = "1", features = ["derive"] }}
tenter = {{ path = "{ROOT}", default-features = false, features = ["task"] }}
"""
    )
    (directory / name / "Cargo.lock").write_text((ROOT / "Cargo.lock").read_text())
    return directory / name


def seconds(path, command):
    (path / "src" / "lib.rs").touch()
    start = time.perf_counter()
    # Incremental compilation would keep what has not changed, which is all of it.
    environment = {**os.environ, "CARGO_INCREMENTAL": "0"}
    subprocess.run(["cargo", command, "--quiet", "--offline"], cwd=path, env=environment, check=True)
    return time.perf_counter() - start


def main():
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).resolve()
    os.environ["CARGO_TARGET_DIR"] = str(target)
    directory = target / "task_cost"
    crates = [crate(directory, "plain_functions", ""), crate(directory, "task_functions", "#[tenter::task]")]
    late = False
    for command, bar in BARS.items():
        for path in crates:
            seconds(path, command)
        # Interleaved, so that a slow minute is shared.
        times = [[seconds(path, command) for path in crates] for _ in range(ROUNDS)]
        plain, tasks = (statistics.median(side) for side in zip(*times))
        added = tasks - plain
        late = late or added > bar
        print(f"{command}: {plain:.2f} s without, {tasks:.2f} s with; {added:.2f} s added, of {bar} allowed")
    sys.exit(1 if late else 0)


main()

use tenter::task;

#[task]
fn add((a, b): (u64, u64)) -> u64 {
    a + b
}

#[task]
fn ignore(_: u64) -> u64 {
    0
}

fn main() {}

use tenter::task;

struct Plain(u64);

#[task]
fn look(at: &Plain) -> u64 {
    at.0
}

#[task]
fn make() -> Plain {
    Plain(1)
}

fn main() {}

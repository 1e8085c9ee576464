use tenter::task;

#[task]
fn total(of: impl Iterator<Item = u64>) -> u64 {
    of.sum()
}

#[task]
fn numbers() -> impl Iterator<Item = u64> {
    0..10
}

#[task]
fn boxed() -> Box<dyn std::fmt::Debug> {
    Box::new(1)
}

#[task]
fn apply(f: fn(u64) -> u64) -> u64 {
    f(1)
}

#[task]
fn never() -> ! {
    loop {}
}

fn main() {}

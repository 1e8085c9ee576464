use tenter::task;

#[task]
fn count(&self) -> usize {
    0
}

#[task]
fn make(from: u64) -> Self {
    Self(from)
}

fn main() {}

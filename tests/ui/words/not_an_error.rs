use tenter::task;

struct Nothing;

#[task]
fn fail() -> Result<u64, Nothing> {
    Err(Nothing)
}

fn main() {}

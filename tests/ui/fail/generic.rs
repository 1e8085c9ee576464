use tenter::task;

#[task]
fn largest<T: Ord>(of: Vec<T>) -> T {
    of.into_iter().max().unwrap()
}

#[task]
fn sized<const N: usize>(of: [u8; N]) -> usize {
    of.len()
}

#[task]
fn constrained(of: u64) -> u64
where
    u64: Copy,
{
    of
}

fn main() {}

use tenter::task;

struct Counter(u64);

#[task]
async fn later(counter: &mut Counter) -> u64 {
    counter.0
}

#[task(pure)]
fn same(counter: &mut Counter) -> u64 {
    counter.0
}

#[task]
fn slice(numbers: &mut [u64]) -> u64 {
    numbers[0]
}

#[task]
fn two(counter: &mut Counter, other: &mut u64) {
    *other += counter.0;
}

#[task(actor)]
fn takes_one(counter: &mut Counter) -> Counter {
    Counter(counter.0)
}

fn main() {}

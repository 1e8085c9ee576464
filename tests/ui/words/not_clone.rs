use serde::{Deserialize, Serialize};
use tenter::task;

#[derive(Serialize, Deserialize)]
struct Once(u64);

#[task]
fn consume(one: Once) -> u64 {
    one.0
}

fn main() {}

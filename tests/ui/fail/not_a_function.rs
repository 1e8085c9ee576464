use tenter::task;

#[task]
struct Frame(u64);

#[task]
impl Frame {}

fn main() {}

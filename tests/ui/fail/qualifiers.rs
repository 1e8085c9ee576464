use tenter::task;

#[task]
const fn constant() -> u64 {
    1
}

#[task]
unsafe fn dangerous() -> u64 {
    1
}

#[task]
extern "C" fn foreign() -> u64 {
    1
}

fn main() {}

use std::io;
use tenter::task;

#[task]
fn read(path: String) -> io::Result<String> {
    std::fs::read_to_string(path)
}

fn main() {}

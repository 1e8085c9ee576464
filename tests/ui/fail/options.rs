use tenter::task;

#[task(purely)]
fn a() {}

#[task(name = "")]
fn b() {}

#[task(version = "two")]
fn c() {}

fn main() {}

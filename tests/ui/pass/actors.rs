//! States of any type that can be sent to another thread.
#![deny(warnings)]

use tenter::{Actor, Anywhere, Client, task};

trait Detector: Send {
    fn read(&mut self) -> u64;
}

struct Still(u64);

impl Detector for Still {
    fn read(&mut self) -> u64 {
        self.0
    }
}

#[task(actor)]
fn detector(value: u64) -> Box<dyn Detector> {
    Box::new(Still(value))
}

#[task]
fn read(detector: &mut Box<dyn Detector>) -> u64 {
    detector.read()
}

#[task(call = Bump, name = "bump", version = 2)]
fn bump(count: &mut u64) {
    *count += 1;
}

#[task]
fn count(count: &mut u64) -> u64 {
    *count
}

fn main() {
    let client = Client::connect("inproc").unwrap();
    let still: Actor<Box<dyn Detector>, Anywhere> = client.actor(detector::call(5));
    assert_eq!(*still.call(read::call()).result().unwrap(), 5);
    let local = Client::new().unwrap();
    let counter = local.actor(0u64).anywhere();
    counter.call(Bump::call()).detach();
    assert_eq!(*counter.call(count::call()).result().unwrap(), 1);
}

//! What does a task cost over a cluster on this machine: a client, a scheduler and two worker processes?
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a benchmark of sockets opens some, starts threads and reads the clock"
)]

#[path = "net/copy.rs"]
mod copy;
#[path = "net/relay.rs"]
mod relay;

use std::time::Instant;

fn main() {
    relay::worker_if_asked();
    copy::source_if_asked();
    let mut relay = relay::Relay::start(2);
    for _ in 0..7 {
        let start = Instant::now();
        relay.send(200_000, 1);
        let t = start.elapsed().as_secs_f64();
        println!("noop {:.0}/s", 200_000.0 / t);
        let start = Instant::now();
        for _ in 0..1000 {
            relay.send(1, 1);
        }
        println!("lone {:.1} us", start.elapsed().as_secs_f64() * 1e3);
        let start = Instant::now();
        relay.send(1, 1000);
        println!("link {:.1} us", start.elapsed().as_secs_f64() * 1e3);
    }
    let mut source = copy::Source::start();
    for _ in 0..7 {
        let start = Instant::now();
        source.copy();
        println!(
            "copy {:.2} GB/s",
            0.067108864 / start.elapsed().as_secs_f64()
        );
    }
}

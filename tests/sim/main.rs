//! A whole cluster in one process on virtual time: the scheduler's machine with simulated workers and clients, on links that
//! are late and break, workers that die, freeze, leave and come. From a seed. Every result is compared with a reference, the
//! machine is checked after every step, and in the end nothing hangs and nothing is left.
#![expect(
    clippy::disallowed_types,
    reason = "a simulation is random, from a seed"
)]

mod client;
mod house;
mod ledger;
mod model;
mod wire;
mod worker;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};

use tenter::net::message::{FromClient, PeerId, Ticket};

use client::Heard;
use world::{SECOND, Up, World};

/// How long the calm part may take.
const PATIENCE: u64 = 600 * SECOND;

impl World {
    fn run(&mut self) {
        while !self.is_over() {
            self.step();
            assert!(
                self.now < self.calm_at + PATIENCE,
                "it hangs: {}",
                self.what_hangs()
            );
        }
        self.let_everything_go();
        let until = self.now + 30 * SECOND;
        while self.now < until {
            self.step();
        }
        self.assert_nothing_is_left();
    }

    fn is_over(&self) -> bool {
        self.is_calm() && self.clients.values().all(client::Client::is_done)
    }

    fn what_hangs(&mut self) -> String {
        let mut text = String::new();
        for (peer, client) in &self.clients {
            for (ticket, handle) in &client.handles {
                if matches!(handle.heard, Heard::Nothing | Heard::Lost) {
                    let node = &self.model.nodes[handle.node];
                    let why = self.machine.why(*peer, Ticket(*ticket));
                    text += &format!("\n{peer} #{ticket} {:?} {node:?}: {why}", handle.heard);
                }
            }
            text += &format!(
                "\n{peer}: {} left to submit, {:?}",
                client.left_to_submit,
                client
                    .handles
                    .values()
                    .filter(
                        |handle| !matches!(handle.heard, Heard::Failed) && handle.value.is_none()
                    )
                    .count()
            );
        }
        text
    }

    fn let_everything_go(&mut self) {
        self.is_ending = true;
        let clients: Vec<PeerId> = self.clients.keys().copied().collect();
        for peer in clients {
            let handles =
                std::mem::take(&mut self.clients.get_mut(&peer).expect("a client").handles);
            let tickets = handles.into_keys().map(Ticket).collect();
            if self.rng.bool() {
                self.up(peer, Up::Client(FromClient::Release { tickets }));
            } else {
                self.clients.remove(&peer);
                self.cut(peer, true, false);
            }
        }
        let everything = self.house.let_everything_go();
        self.tell(everything);
    }

    fn assert_nothing_is_left(&mut self) {
        let census = self.machine.check();
        assert_eq!(
            (
                census.tasks,
                census.sent,
                census.copies,
                census.tickets,
                census.notes
            ),
            (0, 0, 0, 0, 0),
            "{census:?}"
        );
        for worker in self.workers.values() {
            assert!(worker.is_idle() && worker.store.is_empty(), "{worker:?}");
        }
    }
}

/// Runs one seed.
///
/// # Errors
/// What went wrong.
fn simulate(seed: u64) -> Result<(u64, u64), String> {
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        let mut world = World::new(seed);
        world.run();
        (world.steps, world.kills)
    }));
    outcome.map_err(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string))
            .unwrap_or_default()
    })
}

fn seeds() -> std::ops::Range<u64> {
    if let Ok(seed) = std::env::var("TENTER_SEED") {
        let seed = seed.parse().expect("TENTER_SEED is a number");
        return seed..seed + 1;
    }
    if let Ok(count) = std::env::var("TENTER_SEEDS") {
        return 0..count.parse().expect("TENTER_SEEDS is a number");
    }
    let soak = if std::env::var_os("TENTER_SOAK").is_some() {
        20
    } else {
        1
    };
    let first = std::env::var("TENTER_FIRST_SEED").map_or(0, |first| {
        first.parse().expect("TENTER_FIRST_SEED is a number")
    });
    first..first + soak * if cfg!(debug_assertions) { 24 } else { 2000 }
}

#[test]
fn a_cluster_that_breaks_gives_the_results_of_one_that_does_not() {
    let seeds = seeds();
    let (next, failed) = (AtomicU64::new(seeds.start), AtomicU64::new(0));
    let (steps, kills) = (AtomicU64::new(0), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end {
                        return;
                    }
                    match simulate(seed) {
                        Ok((its_steps, its_kills)) => {
                            steps.fetch_add(its_steps, Ordering::Relaxed);
                            kills.fetch_add(its_kills, Ordering::Relaxed);
                        }
                        Err(text) => {
                            failed.fetch_add(1, Ordering::Relaxed);
                            println!("TENTER_SEED={seed}: {text}");
                        }
                    }
                }
            });
        }
    });
    let (count, failed) = (seeds.end - seeds.start, failed.into_inner());
    println!("simulation: {count} seeds, {failed} failed");
    println!(
        "{} steps, {} workers killed",
        steps.into_inner(),
        kills.into_inner()
    );
    assert_eq!(failed, 0);
}

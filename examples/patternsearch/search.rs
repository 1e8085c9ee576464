//! The search: one loop that fills the queue and takes what is ready.

use std::collections::{HashMap, HashSet};

use fastrand::Rng;
use tenter::{AsCompleted, Client, TaskError, TaskFuture, as_completed};

use crate::stencil::{Stencil, UNIT};

/// Where to begin, with which step, and the ratio of last to first step at which to stop.
pub(crate) struct Plan<const N: usize> {
    pub(crate) start: [f64; N],
    pub(crate) step: f64,
    pub(crate) stop_ratio: f64,
}

/// The best point, its cost, how many evaluations ran and how many points were asked for.
pub(crate) struct Found<const N: usize> {
    pub(crate) point: [f64; N],
    pub(crate) cost: f64,
    pub(crate) evaluations: u64,
    pub(crate) distinct: u64,
}

/// Coordinates in units of the smallest step: all points are on one grid, so that equal points are equal keys.
type GridPoint<const N: usize> = [i64; N];

/// A point tried, or to be tried: how far its step has been halved, and the centre that it was tried around.
#[derive(Clone, Copy)]
struct Trial<const N: usize> {
    at: GridPoint<N>,
    halvings: i32,
    parent: GridPoint<N>,
}

type Evaluated<const N: usize> = (Trial<N>, f64);

/// Minimises `cost` from `plan.start`.
pub(crate) fn search<const N: usize>(
    client: &Client,
    plan: &Plan<N>,
    cost: fn(&[f64; N]) -> f64,
    rng: Rng,
) -> Result<Found<N>, TaskError> {
    let mut search = Search::new(client, plan, cost, rng)?;
    while search.centre.0.halvings < search.last_halvings {
        search.fill();
        search.collect()?;
    }
    // What still runs may be better than the centre.
    while !search.running.is_empty() {
        search.collect()?;
    }
    let (trial, cost) = search.centre;
    Ok(Found {
        point: search.coordinates(&trial.at),
        cost,
        evaluations: client.stats().started,
        distinct: search.known.len() as u64,
    })
}

struct Search<'c, const N: usize> {
    client: &'c Client,
    cost: fn(&[f64; N]) -> f64,
    rng: Rng,
    grid: f64,
    last_halvings: i32,
    /// Every move of the centre leaves those in flight behind, so that more of them are not better: 9 on 8 threads need two thirds more
    /// evaluations than 4, and every fifth search ends in the local minimum.
    most_running: usize,
    running: AsCompleted<Evaluated<N>>,
    /// Every point asked for, and whether its result is there.
    known: HashMap<GridPoint<N>, bool>,
    centre: Evaluated<N>,
    /// The way that the last two moves went, by axis: longer steps are tried this way first.
    orientation: [i64; N],
    stencil: Stencil<N>,
    given: usize,
    /// Of the nearest points, those whose results are missing.
    missing: HashSet<GridPoint<N>>,
}

impl<'c, const N: usize> Search<'c, N> {
    fn new(
        client: &'c Client,
        plan: &Plan<N>,
        cost: fn(&[f64; N]) -> f64,
        mut rng: Rng,
    ) -> Result<Self, TaskError> {
        let last_halvings = (1.0 / plan.stop_ratio).log2().floor() as i32 + 1;
        let grid = plan.step / f64::from(last_halvings).exp2();
        let at = plan.start.map(|x| (x / grid).round() as i64);
        let trial = Trial {
            at,
            halvings: 0,
            parent: at,
        };
        let mut search = Self {
            client,
            cost,
            grid,
            last_halvings,
            most_running: N.min(client.threads() + 1),
            running: as_completed([]),
            known: HashMap::from([(at, true)]),
            centre: (trial, f64::INFINITY),
            orientation: [1; N],
            stencil: Stencil::new(&mut rng),
            given: 0,
            missing: HashSet::new(),
            rng,
        };
        search.centre = *search.evaluate(trial).result()?;
        Ok(search)
    }

    fn coordinates(&self, at: &GridPoint<N>) -> [f64; N] {
        at.map(|x| x as f64 * self.grid)
    }

    fn evaluate(&self, trial: Trial<N>) -> TaskFuture<Evaluated<N>> {
        let (cost, x) = (self.cost, self.coordinates(&trial.at));
        self.client
            .task("evaluate")
            .submit(move || (trial, cost(&x)))
    }

    /// Submits trials: up to half of the most, more as long as there is nothing to look at.
    fn fill(&mut self) {
        let few = self.most_running / 2;
        while self.running.len() < self.most_running
            && (self.running.len() < few || !self.running.has_ready())
        {
            if let Some(trial) = self.next_trial() {
                self.known.insert(trial.at, false);
                let handle = self.evaluate(trial);
                self.running.push(handle);
            }
            if self.must_halve() {
                self.halve();
            }
        }
    }

    /// The next point around the centre, if it is worth a trial.
    fn next_trial(&mut self) -> Option<Trial<N>> {
        let direction = self.stencil.next(&mut self.rng);
        self.given += 1;
        let centre = self.centre.0;
        let halvings = centre.halvings + direction.halvings;
        let step = 1_i128 << (self.last_halvings - centre.halvings);
        let offset = |k: usize| {
            let offset = i128::from(self.orientation[k] * direction.offset[k]) * step;
            (offset / i128::from(UNIT)) as i64
        };
        let at = std::array::from_fn(|k| centre.at[k] + offset(k));
        let done = self.known.get(&at).copied();
        if self.given <= Stencil::<N>::NEAREST && done != Some(true) {
            self.missing.insert(at);
        }
        let parent = centre.at;
        (done.is_none() && halvings <= self.last_halvings).then_some(Trial {
            at,
            halvings,
            parent,
        })
    }

    /// Takes all results that are there, at least one. The best of them may be the new centre.
    fn collect(&mut self) -> Result<(), TaskError> {
        let mut best = self.centre;
        for done in self.running.next_batch()? {
            let &(trial, cost) = done.result()?;
            self.known.insert(trial.at, true);
            self.missing.remove(&trial.at);
            if cost < best.1 {
                best = (trial, cost);
            }
        }
        if best.1 < self.centre.1 {
            self.move_to(best);
        } else if self.must_halve() {
            self.halve();
        }
        Ok(())
    }

    /// The new centre brings its own step, so the step can grow again.
    fn move_to(&mut self, new: Evaluated<N>) {
        let old = self.centre.0;
        for k in 0..N {
            let way = (new.0.at[k] - new.0.parent[k]) + (old.at[k] - old.parent[k]);
            if way != 0 {
                self.orientation[k] = way.signum();
            }
        }
        self.centre = new;
        self.look_around();
    }

    fn must_halve(&self) -> bool {
        self.given > Stencil::<N>::NEAREST && self.missing.is_empty()
    }

    fn halve(&mut self) {
        let centre = &mut self.centre.0;
        centre.halvings += 1;
        centre.parent = centre.at;
        self.look_around();
    }

    fn look_around(&mut self) {
        self.stencil = Stencil::new(&mut self.rng);
        self.given = 0;
        self.missing.clear();
    }
}

//! Where to look around a point: directions without end, the nearest first.

use std::collections::{HashSet, VecDeque};

use fastrand::Rng;

/// Directions are in units of 1 / `UNIT` of the step, so that a simplex may be halved this many times exactly.
pub(crate) const UNIT: i64 = 1 << 16;

/// A direction, and how many times its simplex was halved: less than 0 when it was doubled.
pub(crate) struct Direction<const N: usize> {
    pub(crate) offset: [i64; N],
    pub(crate) halvings: i32,
}

/// The vertices of a simplex around its first, and how many times it was halved.
struct Simplex<const N: usize> {
    vertices: Vec<[i64; N]>,
    halvings: i32,
}

/// Gives a right-handed simplex and its opposite first (2 N directions), then the new vertices of reflections, doublings and halvings of
/// simplices made so far.
///
/// The first simplex lies behind the centre. So its reflections, and the longest steps, lead ahead; the other way round, the search would
/// need up to twice as many evaluations.
pub(crate) struct Stencil<const N: usize> {
    next: VecDeque<Direction<N>>,
    simplices: VecDeque<Simplex<N>>,
    seen: HashSet<[i64; N]>,
}

impl<const N: usize> Stencil<N> {
    /// How many directions must all be worse before the step is halved.
    pub(crate) const NEAREST: usize = 2 * N;

    pub(crate) fn new(rng: &mut Rng) -> Self {
        let centre = [0; N];
        let behind = (0..N).map(|axis| std::array::from_fn(|k| if k == axis { -UNIT } else { 0 }));
        let simplex = Simplex {
            vertices: std::iter::once(centre).chain(behind).collect(),
            halvings: 0,
        };
        let mut stencil = Self {
            next: VecDeque::new(),
            simplices: VecDeque::new(),
            seen: HashSet::from([centre]),
        };
        let opposite = simplex.scaled(-1, 1, 0);
        stencil.give(&[&simplex, &opposite], rng);
        stencil.simplices.extend([simplex, opposite]);
        stencil
    }

    pub(crate) fn next(&mut self, rng: &mut Rng) -> Direction<N> {
        loop {
            if let Some(direction) = self.next.pop_front() {
                return direction;
            }
            self.grow(rng);
        }
    }

    /// Makes new simplices of the oldest, around each of its vertices.
    fn grow(&mut self, rng: &mut Rng) {
        let simplex = self.simplices.pop_front().expect("each leaves more behind");
        for pivot in 0..=N {
            let simplex = simplex.around(pivot);
            let reflected = simplex.scaled(-1, 1, 0);
            let mut made = vec![simplex.scaled(-2, 1, -1)];
            if simplex.halvings < UNIT.ilog2() as i32 {
                made.push(simplex.scaled(1, 2, 1));
            }
            made.push(reflected);
            self.give(&made.iter().collect::<Vec<_>>(), rng);
            self.simplices.extend(made);
        }
    }

    /// The vertices that are new, in random order: no direction is preferred for long.
    fn give(&mut self, simplices: &[&Simplex<N>], rng: &mut Rng) {
        let mut block = Vec::new();
        for simplex in simplices {
            for &offset in &simplex.vertices {
                if self.seen.insert(offset) {
                    let halvings = simplex.halvings;
                    block.push(Direction { offset, halvings });
                }
            }
        }
        rng.shuffle(&mut block);
        self.next.extend(block);
    }
}

impl<const N: usize> Simplex<N> {
    fn around(&self, pivot: usize) -> Self {
        let mut vertices = self.vertices.clone();
        vertices.swap(0, pivot);
        Self {
            vertices,
            halvings: self.halvings,
        }
    }

    /// Its edges from the first vertex, times `by / over`.
    fn scaled(&self, by: i64, over: i64, halvings: i32) -> Self {
        let first = self.vertices[0];
        let scale = |vertex: &[i64; N]| {
            std::array::from_fn(|k| first[k] + (vertex[k] - first[k]) * by / over)
        };
        Self {
            vertices: self.vertices.iter().map(scale).collect(),
            halvings: self.halvings + halvings,
        }
    }
}

//! The wavefront as one would write it by hand for rayon: every node known beforehand, a counter of missing inputs in each.

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

use rayon::Scope;

type Body = Box<dyn Fn(&StaticGraph) -> u64 + Send + Sync>;

struct Node {
    body: Body,
    value: AtomicU64,
    missing: AtomicU8,
}

pub(crate) struct StaticGraph {
    side: usize,
    nodes: Vec<Node>,
}

impl StaticGraph {
    /// A square grid whose nodes add the value above to the one on the left; the first is 1.
    pub(crate) fn wavefront(side: usize) -> Self {
        let nodes = (0..side * side)
            .map(|index| Node::at(index, side))
            .collect();
        Self { side, nodes }
    }

    /// Runs every node once and returns the last one's value.
    pub(crate) fn run(&self) -> u64 {
        rayon::scope(|scope| scope.spawn(|scope| self.run_node(0, scope)));
        self.value(self.nodes.len() - 1)
    }

    fn run_node<'a>(&'a self, index: usize, scope: &Scope<'a>) {
        let node = &self.nodes[index];
        node.value.store((node.body)(self), Ordering::Relaxed);
        let has_right = index % self.side + 1 < self.side;
        let below = index + self.side;
        if has_right {
            self.input_is_there(index + 1, scope);
        }
        if below < self.nodes.len() {
            self.input_is_there(below, scope);
        }
    }

    fn input_is_there<'a>(&'a self, index: usize, scope: &Scope<'a>) {
        if self.nodes[index].missing.fetch_sub(1, Ordering::AcqRel) == 1 {
            scope.spawn(move |scope| self.run_node(index, scope));
        }
    }

    /// Relaxed is enough: the reader runs because the counter it decremented, or the scope's end, ordered the write before it.
    fn value(&self, index: usize) -> u64 {
        self.nodes[index].value.load(Ordering::Relaxed)
    }
}

impl Node {
    fn at(index: usize, side: usize) -> Self {
        let above = index.checked_sub(side);
        let left = (!index.is_multiple_of(side)).then(|| index.wrapping_sub(1));
        let missing = u8::from(above.is_some()) + u8::from(left.is_some());
        let body: Body = match (above, left) {
            (Some(above), Some(left)) => {
                Box::new(move |graph| graph.value(above).wrapping_add(graph.value(left)))
            }
            (Some(one), None) | (None, Some(one)) => Box::new(move |graph| graph.value(one)),
            (None, None) => Box::new(|_| 1),
        };
        Self {
            body,
            value: AtomicU64::new(0),
            missing: AtomicU8::new(missing),
        }
    }
}

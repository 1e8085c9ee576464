//! Finished, then lost: only for a driver that owns the graph alone.

use std::sync::atomic::Ordering::Relaxed;

use super::word::{
    self, CANCEL, CANCELLED, DONE, FAILED, QUEUED, REF, RUNNING, SETTLED, TAKEN, has,
};
use super::{Cache, Graph};

impl<P> Graph<P> {
    /// Undoes a finish: the task waits for those inputs that are not settled, or is ready, which it says.
    ///
    /// For a driver that keeps the inputs' nodes of a finished task (it does not let them go): the lineage is the
    /// graph itself. Inputs that were lost too are reopened first.
    ///
    /// # Panics
    /// If the task is not finished.
    pub fn reopen(&mut self, cache: &mut Cache, index: u32) -> bool {
        let node = self.node(index);
        let word = node.word.load(Relaxed);
        assert!(
            has(word, DONE) && !has(word, CANCELLED),
            "only a finished task can be lost"
        );
        // The head is what the finish found and took; the token was the last attempt's.
        let fresh = word & !(DONE | FAILED | QUEUED | RUNNING | TAKEN | CANCEL);
        node.word.store(word::with_head(fresh + REF, 0), Relaxed);
        self.relink(cache, index)
    }

    /// As [`reopen`](Self::reopen), for a ready task one of whose inputs was reopened before it was claimed.
    pub fn relink(&mut self, cache: &mut Cache, index: u32) -> bool {
        let inputs = self.inputs(index);
        let mut missing = 0;
        for &input in &inputs {
            let word = self.node(input).word.load(Relaxed);
            if has(word, SETTLED) {
                continue;
            }
            let cell = self.edges.take(&mut cache.edges);
            self.edges.get(cell).target.store(index, Relaxed);
            self.edges.get(cell).next.store(word::head(word), Relaxed);
            self.node(input)
                .word
                .store(word::with_head(word, cell), Relaxed);
            missing += 1;
        }
        let node = self.node(index);
        node.join.store(missing, Relaxed);
        let word = node.word.load(Relaxed) & !QUEUED;
        node.word
            .store(word | if missing == 0 { QUEUED } else { 0 }, Relaxed);
        missing == 0
    }
}

//! Which tasks can never go on, where tasks wait for resources too.
//!
//! A task that waits for other tasks goes on when all of them have ended. One that waits for resources may go on when
//! some of their holders have: as many as give back enough, besides those before it in line. So with resources a way
//! back to where it began proves nothing yet. This looks at everything that can be reached from some tasks and strikes out
//! whatever can end, beginning with what waits for nothing, until no more can be struck out. What is left is stuck.

use std::collections::{HashMap, HashSet};

use super::resources::Resources;

/// The tasks that can never end among those reached from `starts` over `waits_for`.
pub(super) fn stuck(
    starts: impl IntoIterator<Item = u32>,
    resources: &Resources,
    waits_for: impl Fn(u32) -> Vec<u32>,
) -> HashSet<u32> {
    let reached = reach(starts, waits_for);
    let mut dependents: HashMap<u32, Vec<u32>> = HashMap::new();
    for (&task, on) in &reached {
        on.iter()
            .for_each(|&other| dependents.entry(other).or_default().push(task));
    }
    let mut missing: HashMap<u32, usize> =
        reached.iter().map(|(&task, on)| (task, on.len())).collect();
    let mut ends = HashSet::new();
    let mut next: Vec<u32> = reached
        .iter()
        .filter(|(_, on)| on.is_empty())
        .map(|(&task, _)| task)
        .collect();
    while let Some(task) = next.pop() {
        if !ends.insert(task) {
            continue;
        }
        for &dependent in dependents.get(&task).into_iter().flatten() {
            let left = missing.get_mut(&dependent).expect("reached");
            *left -= 1;
            if *left == 0
                || (resources.is_waiting(dependent) && resources.is_enough(dependent, &ends))
            {
                next.push(dependent);
            }
        }
    }
    reached
        .into_keys()
        .filter(|task| !ends.contains(task))
        .collect()
}

/// Every task reached, and what it waits for.
fn reach(
    starts: impl IntoIterator<Item = u32>,
    waits_for: impl Fn(u32) -> Vec<u32>,
) -> HashMap<u32, Vec<u32>> {
    let mut reached = HashMap::new();
    let mut next: Vec<u32> = starts.into_iter().collect();
    while let Some(task) = next.pop() {
        if reached.contains_key(&task) {
            continue;
        }
        let mut on = waits_for(task);
        on.sort_unstable();
        on.dedup();
        next.extend(&on);
        reached.insert(task, on);
    }
    reached
}

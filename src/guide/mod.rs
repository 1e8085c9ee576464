//! Chapters for those who come from another system.

/// Coming from Dask: what the futures of `dask.distributed` are called here.
pub mod from_dask {
    #![doc = include_str!("from_dask.md")]
}

/// Coming from rayon: when a task graph is the better tool, and how the two work together.
pub mod from_rayon {
    #![doc = include_str!("from_rayon.md")]
}

//! The same on worker processes, and a second client of a run.

use std::error::Error;

use tenter::{Client, LocalCluster, LocalWorker};

use crate::Place;
use crate::beamline::DATABASE;
use crate::knobs::Knobs;
use crate::progress::progress;

/// Starts worker processes, and says where a second client finds them. All are where the database's file is, so any may be
/// killed, the writer's too; a worker that is started on another machine is not, and runs everything else.
pub(crate) fn start(workers: usize, threads: Option<usize>) -> Result<Place, Box<dyn Error>> {
    let mut cluster = LocalCluster::builder();
    if let Some(threads) = threads {
        cluster = cluster.threads(threads);
    }
    for _ in 0..workers {
        cluster = cluster.worker(LocalWorker::new().resource(DATABASE, 1));
    }
    let cluster = cluster.start()?;
    eprintln!("attach: {}", cluster.address());
    Ok(Place {
        client: cluster.client()?,
        _cluster: Some(cluster),
    })
}

/// Says how a run is doing, after its knob was turned if that is asked for.
pub(crate) fn attach(address: &str, mask_sigma: Option<f64>) -> Result<(), Box<dyn Error>> {
    let client = Client::connect(address)?;
    let knobs = Knobs::of(&client)?;
    if !knobs.are_set() {
        return Err(format!("no beamline runs at {address}: start one with --cluster").into());
    }
    if let Some(sigma) = mask_sigma {
        knobs.turn_mask_sigma(sigma);
    }
    let (sigma, version) = knobs.mask_sigma();
    let progress = progress(&client)?.try_get().unwrap_or_default();
    println!(
        "{} frames done, ring error {:.2} px, mask_sigma {sigma} (version {version})",
        progress.rows(),
        progress.ring_error
    );
    Ok(())
}

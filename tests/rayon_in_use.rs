//! Its own process: rayon's global pool is started once in each, and here by somebody else.
#![cfg(feature = "rayon")]

use tenter::{Client, Host, StartError};

#[test]
fn rayons_threads_cannot_be_had_once_somebody_else_has_started_them() {
    rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .build_global()
        .expect("first in this process");
    let refused = Client::builder().host(Host::Rayon).build();
    let error = refused.expect_err("the pool is not ours");
    assert!(matches!(error, StartError::RayonInUse));
    assert!(error.to_string().contains("Host::Threads"), "{error}");
    let client = Client::new().expect("threads are to be had");
    let sum = client.par_map(0..10u64, |x| x);
    assert_eq!(tenter::gather(&sum).unwrap().into_iter().sum::<u64>(), 45);
}

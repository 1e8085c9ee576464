//! Values that are put on a cluster with handles in them.

use serde::{Deserialize, Serialize};
use tenter::{TaskError, TaskFuture, task};

use crate::support::until;
use crate::work::{Cluster, named};

/// An image, and a mask that it shares with others.
#[derive(Clone, Serialize, Deserialize)]
struct Image {
    pixels: Vec<u8>,
    mask: TaskFuture<Vec<u8>>,
}

#[task]
fn mask(size: usize, of: u8) -> Vec<u8> {
    vec![of; size]
}

#[task]
fn masked(image: &Image) -> Result<u64, TaskError> {
    let pixels = image.pixels.iter().zip(image.mask.result()?);
    Ok(pixels.map(|(&pixel, &mask)| u64::from(pixel & mask)).sum())
}

/// A closure of this process gives an image, whose mask is a value of this process.
#[task]
fn masked_here(size: usize) -> Result<u64, TaskError> {
    let client = tenter::current();
    let mask = client.submit(move || vec![1; size]);
    let image = client.submit(move || Image {
        pixels: vec![3; size],
        mask,
    });
    Ok(*client.submit(masked::call(&image)).result()?)
}

/// The sizes of what is small, and of what stays on workers.
const SIZES: [usize; 2] = [10, 1 << 20];

#[test]
fn a_scattered_value_has_its_handles_wherever_it_is_read() {
    let cluster = Cluster::with(["w0", "w1"].map(named));
    let client = cluster.client();
    for (pixels, size) in [(10, 10), (10, 1 << 20), (1 << 20, 10), (1 << 20, 1 << 20)] {
        let masks = [
            client.submit(mask::call(size, 1)),
            client.scatter(vec![1; size]),
        ];
        for mask in masks {
            let image = client.scatter(Image {
                pixels: vec![3; pixels],
                mask,
            });
            let here = client.submit(masked::call(&image).on("w0"));
            let there = client.submit(masked::call(&image).on("w1"));
            let sums = (*here.result().unwrap(), *there.result().unwrap());
            let common = pixels.min(size) as u64;
            assert_eq!(sums, (common, common));
        }
    }
}

#[test]
fn a_value_of_a_task_has_its_handles_when_it_leaves() {
    let cluster = Cluster::with(["w0", "w1"].map(named));
    let client = cluster.client();
    for size in SIZES {
        let sum = client.submit(masked_here::call(size));
        assert_eq!(*sum.result().unwrap(), size as u64);
    }
}

#[test]
fn another_client_has_the_handles_in_a_value_that_is_shared() {
    let cluster = Cluster::with(["w0", "w1"].map(named));
    let (giver, taker) = (cluster.client(), cluster.client());
    let given = giver.queue::<TaskFuture<Image>>("images", 0).unwrap();
    let taken = taker.queue::<TaskFuture<Image>>("images", 0).unwrap();
    for size in SIZES {
        let image = giver.scatter(Image {
            pixels: vec![1; size],
            mask: giver.scatter(vec![7; size]),
        });
        // Nobody here wants it any more.
        given.put(image).unwrap();
        let image = taken.get().unwrap();
        let mask = &image.result().unwrap().mask;
        assert_eq!(mask.result().unwrap().len(), size);
    }
}

#[test]
fn copies_of_a_value_keep_its_handles() {
    let mut cluster = Cluster::with(["w0", "w1"].map(named));
    let client = cluster.client();
    let image = client.scatter(Image {
        pixels: vec![3; 1 << 20],
        mask: client.submit(mask::call(1 << 20, 1)),
    });
    client.replicate(&image, usize::MAX).unwrap();
    until("both have it", || {
        client.who_has(&image).unwrap().len() == 2
    });
    drop(cluster.workers.remove(0));
    let sum = client.submit(masked::call(&image));
    assert_eq!(*sum.result().unwrap(), 1 << 20);
}

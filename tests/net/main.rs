//! The wire and the connections of the second driver, one module a concern.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "tests open sockets, start threads, bound their waits by the clock, and draw random bytes"
)]

mod actors;
mod addresses;
mod any;
mod arrays;
mod back_pressure;
mod bad_bytes;
mod batching;
mod clients;
mod data;
mod ends;
mod frames;
mod hellos;
mod house;
mod messages;
mod refusals;
mod scattered;
mod scheduler;
mod sequences;
mod shared_by_tasks;
mod shared_there;
mod sharing;
mod silence;
mod status;
mod support;
mod values;
mod words;
mod work;
mod worker;

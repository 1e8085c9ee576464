//! Scripts: what peers say, and what the machine has them told. After each step every invariant is checked.

mod actors;
mod data;
mod faults;
mod fetching;
mod house;
mod keeping;
mod memory;
mod peers;
mod placing;
mod retrying;
mod rig;
mod time;
mod watching;

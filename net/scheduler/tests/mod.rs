//! Scripts: what peers say, and what the machine has them told. After each step every invariant is checked.

mod data;
mod faults;
mod house;
mod placing;
mod rig;

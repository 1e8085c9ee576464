//! Calls from elsewhere that run here: what a worker needs of this process's graph.
//!
//! | file | what is in it |
//! | --- | --- |
//! | `attendant` | who is told when a body begins and how it ended, without a thread that waits |
//! | `body` | such a call, as the graph has it until it runs |
//! | `output` | its value, to be encoded |
//! | `encoded` | data that came as bytes: an input, decoded by whoever first says of what type it is |
//! | `visit` | a call of an actor that lives here |
//! | `function`, `submit` | the functions that this program has, and a call of one |

mod attendant;
mod body;
mod encoded;
mod function;
mod output;
mod submit;
mod visit;

pub(crate) use body::Hosted;
pub(crate) use encoded::Encoded;

pub use attendant::{Attendant, End};
pub use encoded::{Coming, array, coming, encoded};
pub use function::{Function, functions};
pub use output::{Output, Size};
pub use submit::{Terms, host, named, when_blocked};
pub use visit::{NotVisited, names, visit, when_heard, when_settled};

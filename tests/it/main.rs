//! The in-process driver through the public interface.

mod first;

//! What the operating system gives beside sockets: time, signals, names.

pub mod clock;
pub mod resolve;
pub mod signal;

//! What the operating system gives beside sockets: time, signals, names, and files to log to.

pub mod clock;
pub mod log;
pub mod resolve;
pub mod signal;

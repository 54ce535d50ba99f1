//! What the operating system gives beside sockets: time, signals, names, inheritance, files to log
//! to, and the system calls for which nobody else has a safe function.

pub mod clock;
pub mod datagram;
pub mod descriptor;
pub mod inherit;
pub mod log;
pub mod resolve;
pub mod signal;

//! What the operating system gives beside sockets: time, signals, names, processes, threads,
//! files to log to, and the system calls for which nobody else has a safe function.

pub mod clock;
pub mod daemon;
pub mod datagram;
pub mod descriptor;
pub mod inherit;
pub mod log;
pub mod pipe;
pub mod process;
pub mod random;
pub mod resolve;
pub mod sendfile;
pub mod signal;
mod sigset;
pub mod thread;

//! Sockets. Nothing here knows what the bytes mean.

pub mod addr;
pub mod connector;
pub mod fds;
pub mod listener;
pub mod options;
pub mod stream;

//! Sockets. Nothing here knows what the bytes mean.

pub mod addr;
pub mod connector;
pub mod datagram;
pub mod fds;
pub mod file;
pub mod group;
pub mod listener;
pub mod options;
pub mod passing;
pub mod stream;
pub mod unix;

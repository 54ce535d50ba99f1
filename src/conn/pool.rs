//! Buffers that connections borrow while there is something in them.

use crate::base::{buf, limits};
use crate::conn::queue::Backlog;

/// The spare buffers of one engine.
#[derive(Default)]
pub struct Pool {
    #[expect(clippy::vec_box, reason = "boxed where it is used")]
    backlogs: Vec<Box<Backlog>>,
}

impl Pool {
    /// An empty buffer for one read of up to `size` bytes and a little more, so that a
    /// message of just that size is seen to be the last.
    pub fn take_read(&mut self, size: usize) -> Vec<u8> {
        buf::spare(size + 4096)
    }

    /// Gives a read buffer back.
    pub fn give_read(&mut self, buffer: Vec<u8>) {
        buf::recycle(buffer);
    }

    /// An empty backlog.
    pub fn take_backlog(&mut self) -> Box<Backlog> {
        self.backlogs.pop().unwrap_or_default()
    }

    /// Gives a backlog back, which is empty.
    pub fn give_backlog(&mut self, backlog: Box<Backlog>) {
        if self.backlogs.len() < limits::SPARE_QUEUES {
            self.backlogs.push(backlog);
        }
    }
}

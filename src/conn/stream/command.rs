//! Commands into the send queue, without a packet in between.

use std::time::Instant;

use super::Stream;
use crate::base::error::Code;
use crate::codec::packet::Payload;
use crate::codec::redis::Command;

impl Stream {
    /// Queues a command: all of it or nothing.
    ///
    /// # Errors
    ///
    /// As [`Stream::send`].
    pub fn send_command(&mut self, command: &Command, now: Instant) -> Result<(), Code> {
        self.queue_up(command.size(), now, |queue| {
            command.pieces(|head, bytes, shared| {
                queue.push(head, Payload::Copy(bytes), None);
                if let Some(shared) = shared {
                    queue.push(&[], Payload::Share(shared.clone()), None);
                }
            });
        })
    }
}

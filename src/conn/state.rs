//! What a stream connection is in: its life as a whole, its write side, and the peer's end.

use std::time::Instant;

/// From open to closed: see the drawing of [`super::stream`].
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum State {
    /// Both sides may send.
    Open,
    /// The peer's end was told; what the owner sends meanwhile still leaves.
    Ended,
    /// What is queued is sent.
    Draining {
        /// Then it is closed all the same.
        until: Instant,
    },
    /// All was sent: the peer's end is waited for.
    Lingering {
        /// Then it is closed all the same.
        until: Instant,
    },
    /// Nothing more happens.
    Closed,
}

/// How far this side has come with its own end.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Shut {
    /// It sends.
    No,
    /// It ends when everything was sent.
    WhenSent,
    /// It has ended.
    Done,
}

/// What the peer's end means for our side.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Half {
    /// The connection closes itself.
    Closes,
    /// Sending goes on until this side ends too.
    Stays,
    /// It does, and the end was told.
    Told,
}

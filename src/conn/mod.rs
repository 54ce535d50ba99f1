//! Conversations: a socket, a codec, a queue and the deadlines that belong together.
//!
//! Every conversation has the same five doors. `wake` says what happened, `send` and `close`
//! are what the owner wants, `poll` hands out what came of it, `deadline` says when to look
//! again although nothing happens. Whom to tell is not known here.

pub mod datagram;
pub mod framing;
pub mod input;
pub mod outbound;
pub mod queue;
pub mod state;
pub mod stream;
pub mod timeout;

//! `limit`: the bare server that chuck is compared with. No Lua, no packets as values, no timers.
//!
//! ```text
//! limit echo                        send back what one read gave
//! limit echo16 | echo32             find the frames of one read, send them back at once
//! limit broadcast16 | broadcast32   frames of one turn to every client, one write each
//! limit datagram                    send back each datagram, by blocking calls
//! ```
//!
//! One thread, edge-triggered epoll, `TCP_NODELAY`, one read per wake unless it filled the
//! buffer. Prints `listening PORT` and serves until it is killed, one hour at most.

mod client;
mod datagram;
mod server;

use std::error::Error;
use std::time::Duration;

use chuck_bench::bounds;
use chuck_bench::framing::Framing;
use server::{Server, Work};

const USAGE: &str = "limit echo|echo16|echo32|broadcast16|broadcast32|datagram [PORT]";
const LIFE: Duration = Duration::from_secs(3600);

fn main() -> Result<(), Box<dyn Error>> {
    let mut words = std::env::args().skip(1);
    let kind = match words.next().as_deref() {
        Some("echo") => Some((Work::Echo, Framing::Raw)),
        Some("echo16") => Some((Work::Echo, Framing::Be16)),
        Some("echo32") => Some((Work::Echo, Framing::Be32)),
        Some("broadcast16") => Some((Work::Broadcast, Framing::Be16)),
        Some("broadcast32") => Some((Work::Broadcast, Framing::Be32)),
        Some("datagram") => None,
        _ => return Err(USAGE.into()),
    };
    let port = words.next().map_or(Ok(0), |word| word.parse())?;
    bounds::end_after(LIFE);
    bounds::raise_descriptor_limit()?;
    match kind {
        Some((work, framing)) => Server::listen(port, work, framing)?.run()?,
        None => datagram::run(port)?,
    }
    Ok(())
}

//! `limit`: the bare server that chuck is compared with. No Lua, no packets as values, no timers.
//!
//! ```text
//! limit echo                        send back what one read gave
//! limit echo16 | echo32             find the frames of one read, send them back at once
//! limit broadcast16 | broadcast32   frames of one turn to every client, one write each
//! limit datagram                    send back each datagram, by blocking calls
//! limit http:BYTES                  answer each request by a fixed text of so many bytes
//! limit download:PATH               answer each request by a file, by sendfile
//! ```
//!
//! One thread, edge-triggered epoll, `TCP_NODELAY`, one read per wake unless it filled the
//! buffer. Prints `listening PORT` and serves until it is killed, one hour at most.

mod client;
mod datagram;
mod server;

use std::error::Error;
use std::fs::File;
use std::time::Duration;

use chuck_bench::bounds;
use chuck_bench::framing::Framing;
use server::{Answer, Server, Work};

const USAGE: &str = "limit echo|echo16|echo32|broadcast16|broadcast32|datagram|http:BYTES|\
                     download:PATH [PORT]";
const LIFE: Duration = Duration::from_secs(3600);

fn main() -> Result<(), Box<dyn Error>> {
    let mut words = std::env::args().skip(1);
    let kind = words.next().ok_or(USAGE)?;
    let port = words.next().map_or(Ok(0), |word| word.parse())?;
    bounds::end_after(LIFE);
    bounds::raise_descriptor_limit()?;
    if kind == "datagram" {
        return Ok(datagram::run(port)?);
    }
    let (work, framing) = work(&kind)?;
    Ok(Server::listen(port, work, framing)?.run()?)
}

/// What the first word asks for.
fn work(kind: &str) -> Result<(Work, Framing), Box<dyn Error>> {
    Ok(match kind.split_once(':').unwrap_or((kind, "")) {
        ("echo", _) => (Work::Echo, Framing::Raw),
        ("echo16", _) => (Work::Echo, Framing::Be16),
        ("echo32", _) => (Work::Echo, Framing::Be32),
        ("broadcast16", _) => (Work::Broadcast, Framing::Be16),
        ("broadcast32", _) => (Work::Broadcast, Framing::Be32),
        ("http", bytes) => (Work::Answer(fixed(bytes.parse()?)), Framing::Http),
        ("download", path) => {
            let file = File::open(path)?;
            let head = head(file.metadata()?.len());
            (Work::Download(head.into(), file), Framing::Http)
        }
        _ => return Err(USAGE.into()),
    })
}

/// A text of `size` bytes, with its head.
fn fixed(size: usize) -> Answer {
    let text = b"hello".iter().cycle().take(size);
    Answer::new(&head(size as u64).into_bytes().iter().chain(text).copied().collect::<Vec<u8>>())
}

/// The fields that every server in this group sends, too.
fn head(length: u64) -> String {
    format!(
        "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Type: text/plain\r\n\
         Content-Length: {length}\r\n\r\n"
    )
}

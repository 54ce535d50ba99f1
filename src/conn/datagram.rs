//! A conversation by datagrams: packets in and out, each for itself, and errors that end nothing.
//!
//! ```text
//! kernel --batch--> inbound --open--> packets, dropped (malformed), truncated
//! sends --> outbound --batch--> kernel        no room: the rest waits, an error: told, goes on
//! ```

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io;
use std::mem;
use std::os::fd::{AsFd, BorrowedFd};

use crate::base::buf::Buf;
use crate::base::error::Code;
use crate::base::limits;
use crate::codec::datagram::Whole;
use crate::codec::frame::Width;
use crate::conn::outbound::{Outbound, Target};
use crate::engine::Ready;
use crate::net;
use crate::net::addr::Address;
use crate::net::datagram::{Inbound, Letter};

/// What a socket has counted.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Counts {
    /// Datagrams that became packets.
    pub received: u64,
    /// Datagrams that the kernel took.
    pub sent: u64,
    /// Datagrams that were no packet.
    pub dropped: u64,
    /// Datagrams that were larger than the buffer for them.
    pub truncated: u64,
}

/// An address as text, without anything to be freed.
#[derive(Clone, Copy)]
pub struct Text {
    /// `len <= bytes.len()`
    len: u8,
    bytes: [u8; Text::ROOM],
}

impl Text {
    /// The longest is a path of a Unix socket, with its prefix.
    const ROOM: usize = 128;

    /// No address.
    pub const NONE: Text = Text { len: 0, bytes: [0; Text::ROOM] };

    fn new(address: &Address) -> Self {
        let mut text = Text::NONE;
        if *address != Address::Unnamed {
            let bytes = address.to_bytes();
            let len = bytes.len().min(Text::ROOM);
            if let (Some(to), Some(from)) = (text.bytes.get_mut(..len), bytes.get(..len)) {
                to.copy_from_slice(from);
                text.len = len as u8;
            }
        }
        text
    }

    /// The text; `None` for no address.
    pub fn get(&self) -> Option<&[u8]> {
        self.bytes.get(..usize::from(self.len)).filter(|bytes| !bytes.is_empty())
    }
}

/// What a socket has to say.
pub enum Event {
    /// A packet, and where it came from.
    Packet(Buf, Text),
    /// Something went wrong, with a datagram to this address if it is known. The socket goes on.
    Failed(Code, Text),
}

/// A datagram socket with everything that belongs to it.
pub struct Datagram {
    socket: Option<net::datagram::Datagram>,
    whole: Whole,
    /// At most [`limits::DATAGRAM_ARENA`].
    recv_size: usize,
    /// There may be something to receive.
    readable: bool,
    /// An error was announced: receive until nothing is left.
    thorough: bool,
    paused: bool,
    /// The kernel took less than was offered, and has not asked for more since.
    blocked: bool,
    /// How many datagrams to ask for next.
    want: usize,
    /// Errors since the last datagram.
    failures: u32,
    inbound: Option<Box<Inbound>>,
    /// The next datagram of `inbound`.
    next: usize,
    outbound: Outbound,
    errors: VecDeque<(Code, Text)>,
    /// The latest sender: the kernel's bytes for it, and its text.
    peer: (Vec<u8>, Text),
    /// The latest address that was sent to: its text, and what the kernel wants.
    target: Option<(Vec<u8>, Target)>,
    counts: Counts,
}

impl Datagram {
    /// A conversation over `socket`, with datagrams of at most `recv_size` bytes.
    pub fn new(socket: net::datagram::Datagram, recv_size: usize, whole: Whole) -> Self {
        let recv_size = recv_size.clamp(1, limits::DATAGRAM_ARENA);
        Datagram::made(Some(socket), recv_size, whole)
    }

    /// Moves the conversation out, with what is queued and what has arrived; a closed one is left.
    pub fn take_over(&mut self) -> Self {
        let left = Datagram::made(None, self.recv_size, self.whole);
        mem::replace(self, left)
    }

    fn made(socket: Option<net::datagram::Datagram>, recv_size: usize, whole: Whole) -> Self {
        Datagram {
            socket,
            whole,
            recv_size,
            readable: false,
            thorough: false,
            paused: false,
            blocked: false,
            want: limits::DATAGRAM_FIRST,
            failures: 0,
            inbound: None,
            next: 0,
            outbound: Outbound::default(),
            errors: VecDeque::new(),
            peer: (Vec::new(), Text::NONE),
            target: None,
            counts: Counts::default(),
        }
    }

    /// Something happened to the socket; returns how many bytes were received and sent.
    pub fn wake(&mut self, ready: Ready) -> (usize, usize) {
        self.readable |= ready.readable;
        self.thorough |= ready.ended;
        let mut sent = 0;
        if ready.writable {
            self.blocked = false;
            sent = self.flush();
        }
        (self.fill(), sent)
    }

    /// The socket has an engine from now on.
    pub fn start(&mut self) {
        self.blocked = false;
    }

    /// Queues a datagram of a header and a payload, to `to` or to whom the socket is connected.
    ///
    /// # Errors
    ///
    /// [`Code::SOCKET_CLOSED`], [`Code::NO_BUFFERS`] when too much is queued,
    /// [`Code::NO_DESTINATION`] without an address where none is known,
    /// [`Code::TOO_LARGE_TO_SEND`], `EAFNOSUPPORT` for an address of another family. Nothing is
    /// queued then.
    pub fn send(&mut self, head: &[u8], bytes: &[u8], to: Option<&[u8]>) -> Result<(), Code> {
        let socket = self.socket.as_ref().ok_or(Code::SOCKET_CLOSED)?;
        let size = head.len() + bytes.len();
        let to = match to {
            None if socket.is_connected() => None,
            None => return Err(Code::NO_DESTINATION),
            Some(text) => match &self.target {
                Some((known, target)) if known == text => Some(target.clone()),
                _ => {
                    let address = Address::parse(text).ok_or(Code::INVALID)?;
                    let target = Target::new(socket.target(&address)?);
                    self.target = Some((text.to_vec(), target.clone()));
                    Some(target)
                }
            },
        };
        socket.check_size(size, to.as_ref().map(Target::address))?;
        self.outbound.push(head, bytes, to)
    }

    /// Whether a whole batch is queued, which need not wait for the end of the pass.
    pub fn wants_flush(&self) -> bool {
        !self.blocked && self.outbound.count() >= limits::DATAGRAM_BATCH
    }

    /// Sends what the kernel takes and returns how many bytes that was.
    pub fn flush(&mut self) -> usize {
        let Some(socket) = self.socket.as_ref() else {
            return 0;
        };
        let mut bytes = 0;
        let mut is_second_try = false;
        while !self.blocked && self.outbound.count() > 0 {
            let mut letters = [Letter::default(); limits::DATAGRAM_BATCH];
            let count = self.outbound.fill(&mut letters);
            match socket.send(letters.get(..count).unwrap_or_default()) {
                Ok(sent) => {
                    self.counts.sent += sent as u64;
                    bytes +=
                        letters.iter().take(sent).map(|letter| letter.bytes.len()).sum::<usize>();
                    self.outbound.advance(sent);
                    is_second_try = false;
                }
                Err(error)
                    if error.kind() == io::ErrorKind::WouldBlock
                        && !socket.cannot_wait(letters[0].to.is_some()) =>
                {
                    self.blocked = true;
                }
                Err(error) => {
                    // A refusal is told by the next send, which is not to blame: it is tried
                    // once more.
                    let code = Code::from(error);
                    let is_late = code == Code::REFUSED && !is_second_try && socket.errs_late();
                    if is_late {
                        is_second_try = true;
                        if socket.is_connected() {
                            note(&mut self.errors, code, Text::NONE);
                        }
                        continue;
                    }
                    let is_told = is_second_try && socket.is_connected();
                    is_second_try = false;
                    let to = self.outbound.first().map_or(Text::NONE, |to| text_of(&to));
                    self.outbound.advance(1);
                    if !is_told || code != Code::REFUSED {
                        note(&mut self.errors, code, to);
                    }
                }
            }
        }
        bytes
    }

    /// Sends to `to`, and receives from there only, from now on.
    ///
    /// # Errors
    ///
    /// [`Code::BUSY`] while something is queued for the peer before, [`Code::SOCKET_CLOSED`], or
    /// what the kernel says.
    pub fn connect(&mut self, to: &Address) -> Result<(), Code> {
        self.flush();
        if self.outbound.count() > 0 {
            return Err(Code::BUSY);
        }
        self.socket.as_mut().ok_or(Code::SOCKET_CLOSED)?.connect(to)
    }

    /// Closes. One last attempt is made to hand what is queued to the kernel.
    pub fn close(&mut self) {
        self.blocked = false;
        self.flush();
        self.drop_socket();
    }

    /// Stops receiving, or goes on with it. Packets wait meanwhile.
    pub fn pause(&mut self, on: bool) {
        self.paused = on;
    }

    /// The next thing to tell.
    pub fn poll(&mut self) -> Option<Event> {
        if let Some((bytes, from)) = self.next_packet() {
            return Some(Event::Packet(bytes, from));
        }
        self.socket.as_ref()?;
        self.errors.pop_front().map(|(code, to)| Event::Failed(code, to))
    }

    /// Whether something is pending that may be a packet.
    #[inline]
    pub fn may_have_packet(&self) -> bool {
        self.inbound.is_some() && !self.paused
    }

    /// The next packet that has arrived, and where it came from.
    #[inline]
    pub fn next_packet(&mut self) -> Option<(Buf, Text)> {
        if self.paused {
            return None;
        }
        let inbound = self.inbound.as_ref()?;
        while self.next < inbound.len() {
            let at = self.next;
            self.next += 1;
            if inbound.is_cut(at) {
                self.counts.truncated += 1;
                continue;
            }
            let Some(body) = self.whole.open(inbound.bytes(at)) else {
                self.counts.dropped += 1;
                continue;
            };
            self.counts.received += 1;
            let bytes = Buf::copy(body);
            let name = inbound.name(at);
            if self.peer.0 != name {
                let address = inbound.address(at).and_then(|a| Address::from_kernel(&a).ok());
                let text = address.as_ref().map_or(Text::NONE, Text::new);
                self.peer = (name.to_vec(), text);
            }
            return Some((bytes, self.peer.1));
        }
        self.stow();
        None
    }

    /// Of frames, the width of their header.
    pub fn width(&self) -> Option<Width> {
        self.whole.width()
    }

    /// Puts the buffers away once everything was polled.
    pub fn stow(&mut self) {
        if self.inbound.as_ref().is_some_and(|inbound| self.next >= inbound.len())
            && let Some(inbound) = self.inbound.take()
        {
            recycle(inbound);
        }
    }

    /// Whether another pass would find work without a wake.
    pub fn wants_turn(&self) -> bool {
        self.readable && !self.paused && self.socket.is_some()
    }

    /// Whether there is something to tell.
    pub fn has_news(&self) -> bool {
        self.may_have_packet() || !self.errors.is_empty()
    }

    /// Bytes that the kernel has not taken yet.
    pub fn queued(&self) -> usize {
        self.outbound.bytes()
    }

    /// Number of datagrams that the kernel has not taken yet.
    pub fn waiting(&self) -> usize {
        self.outbound.count()
    }

    /// Number of datagrams that have arrived and were not looked at yet.
    pub fn pending(&self) -> usize {
        self.inbound.as_ref().map_or(0, |inbound| inbound.len() - self.next)
    }

    /// What was counted.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// The socket, until it is closed.
    pub fn socket(&self) -> Option<&net::datagram::Datagram> {
        self.socket.as_ref()
    }

    /// The socket's descriptor, until it is closed.
    pub fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.socket.as_ref().map(AsFd::as_fd)
    }

    /// Drops the socket: the descriptor is closed.
    pub fn drop_socket(&mut self) {
        self.socket = None;
        self.outbound = Outbound::default();
        self.errors.clear();
        if let Some(inbound) = self.inbound.take() {
            recycle(inbound);
        }
    }

    /// Receives one batch, unless there is one.
    fn fill(&mut self) -> usize {
        let Some(socket) = self.socket.as_ref().filter(|_| self.readable && !self.paused) else {
            return 0;
        };
        if self.inbound.is_some() {
            return 0;
        }
        let mut inbound = spare();
        let received = match socket.receive(&mut inbound, self.recv_size, self.want) {
            Ok(is_last) => {
                self.failures = 0;
                self.readable = !is_last || self.thorough;
                self.want = next_want(self.want, inbound.len());
                (0..inbound.len()).map(|at| inbound.bytes(at).len()).sum()
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                (self.readable, self.thorough, self.failures) = (false, false, 0);
                0
            }
            Err(error) => {
                self.failures += 1;
                // An error that stays would keep us here for ever.
                self.readable = self.failures < limits::DATAGRAM_PATIENCE;
                note(&mut self.errors, error.into(), Text::NONE);
                0
            }
        };
        if inbound.is_empty() {
            recycle(inbound);
        } else {
            (self.inbound, self.next) = (Some(inbound), 0);
        }
        received
    }
}

fn note(errors: &mut VecDeque<(Code, Text)>, code: Code, to: Text) {
    if errors.len() >= limits::DATAGRAM_ERRORS {
        errors.pop_front();
    }
    errors.push_back((code, to));
}

fn text_of(to: &Target) -> Text {
    Address::from_kernel(to.address()).map_or(Text::NONE, |address| Text::new(&address))
}

/// Twice as many after a full batch, half as many after one that was less than half full.
fn next_want(want: usize, got: usize) -> usize {
    if got >= want {
        (want * 2).min(limits::DATAGRAM_BATCH)
    } else if got < want / 2 {
        (want / 2).max(limits::DATAGRAM_FIRST)
    } else {
        want
    }
}

thread_local! {
    /// The room for a batch that nobody uses: a socket has it only while there is something in it.
    static SPARE: RefCell<Option<Box<Inbound>>> = const { RefCell::new(None) };
}

fn spare() -> Box<Inbound> {
    let found = SPARE.try_with(|spare| spare.borrow_mut().take());
    found.ok().flatten().unwrap_or_default()
}

fn recycle(inbound: Box<Inbound>) {
    // While the thread ends, it is freed instead.
    let _ = SPARE.try_with(|spare| *spare.borrow_mut() = Some(inbound));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_batches_grow_and_small_ones_shrink() {
        let mut wants = vec![limits::DATAGRAM_FIRST];
        for _ in 0..5 {
            let want = wants[wants.len() - 1];
            wants.push(next_want(want, want));
        }
        assert_eq!(wants, [4, 8, 16, 32, 64, 64]);
        assert_eq!((next_want(64, 40), next_want(64, 10), next_want(4, 0)), (64, 32, 4));
    }
}

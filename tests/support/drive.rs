//! The second driver: the loop of `binding::run` without Lua, on a clock that is moved.
//!
//! ```text
//! turn:  wait -> sockets (wake, poll until none) -> deadlines -> flush, settle, arm what was touched
//! ```
//!
//! What the streams say is collected as values. Only waiting for the kernel takes real time, and a
//! wait that gets nowhere fails with the name of what it was for.

use std::io;
use std::mem;
use std::time::{Duration, Instant};

use chuck_core::base::error::Code;
use chuck_core::base::limits;
use chuck_core::codec::packet::Payload;
use chuck_core::conn::framing::Packet;
use chuck_core::conn::queue::Ticket;
use chuck_core::conn::stream::{Event, Stream};
use chuck_core::engine::key::Key;
use chuck_core::engine::{Due, Engine, Ready, Wake};

/// Real time after which a wait for the kernel has failed.
const PATIENCE: Duration = Duration::from_secs(20);

/// Longest real time in one wait.
const STEP: Duration = Duration::from_millis(20);

/// A stream that says more at a time says it for ever.
const ENDLESS: usize = 100_000;

/// An event as a value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Said {
    Raw(Vec<u8>),
    Frame(Vec<u8>),
    Sent(Ticket),
    Drained,
    Late(Code),
    Ended(Code),
}

/// Names a stream of a drive.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Id(usize);

/// What is done when something is said, as a callback would.
type Answer = Box<dyn FnMut(&Said, &mut Stream, Instant)>;

struct Seat {
    stream: Stream,
    /// `None` once it has closed itself and was released.
    key: Option<Key>,
    said: Vec<Said>,
    received: usize,
    answer: Answer,
}

/// An engine, its streams, and the time.
pub struct Drive {
    engine: Engine<Id>,
    seats: Vec<Seat>,
    now: Instant,
    wakes: Vec<Wake>,
    touched: Vec<Id>,
}

impl Drive {
    /// A drive without streams.
    pub fn new() -> Self {
        let now = Instant::now();
        Drive {
            engine: Engine::new(now).unwrap(),
            seats: Vec::new(),
            now,
            wakes: Vec::new(),
            touched: Vec::new(),
        }
    }

    /// The time that streams are told.
    pub fn now(&self) -> Instant {
        self.now
    }

    /// Registers a stream.
    pub fn add(&mut self, mut stream: Stream) -> Id {
        let id = Id(self.seats.len());
        let key = self.engine.register(stream.fd().unwrap(), id).unwrap();
        stream.start(self.now);
        let answer: Answer = Box::new(|_, _, _| {});
        self.seats.push(Seat { stream, key: Some(key), said: Vec::new(), received: 0, answer });
        self.touched.push(id);
        id
    }

    /// Has `answer` called with whatever the stream says from now on.
    pub fn answer(&mut self, id: Id, answer: impl FnMut(&Said, &mut Stream, Instant) + 'static) {
        self.seats[id.0].answer = Box::new(answer);
    }

    /// The stream, to be changed; it is settled in the next turn.
    pub fn stream(&mut self, id: Id) -> &mut Stream {
        self.touched.push(id);
        &mut self.seats[id.0].stream
    }

    /// Queues `bytes`: shared when the binding would share them.
    pub fn send(&mut self, id: Id, bytes: &[u8], ticket: Option<Ticket>) -> Result<(), Code> {
        self.touched.push(id);
        send(&mut self.seats[id.0].stream, bytes, ticket, self.now)
    }

    /// What the stream has said since this was asked last.
    pub fn said(&mut self, id: Id) -> Vec<Said> {
        mem::take(&mut self.seats[id.0].said)
    }

    /// Whether `what` was said and not taken yet.
    pub fn has_said(&self, id: Id, what: &Said) -> bool {
        self.seats[id.0].said.contains(what)
    }

    /// Bytes that the stream has read.
    pub fn received(&self, id: Id) -> usize {
        self.seats[id.0].received
    }

    /// Whether the stream has closed itself and its socket is gone.
    pub fn is_over(&self, id: Id) -> bool {
        self.seats[id.0].key.is_none()
    }

    /// Moves the time and makes one turn.
    pub fn pass(&mut self, time: Duration) {
        self.now += time;
        self.turn(Duration::ZERO);
    }

    /// Makes turns until `done`, on the kernel's time; the clock of the streams stands still.
    pub fn until(&mut self, what: &str, mut done: impl FnMut(&mut Drive) -> bool) {
        let start = Instant::now();
        self.turn(Duration::ZERO);
        while !done(self) {
            assert!(start.elapsed() < PATIENCE, "waited in vain for: {what}");
            self.turn(STEP);
        }
    }

    /// Makes turns until the kernel has nothing more to say for now.
    pub fn rest(&mut self) {
        while self.turn(Duration::ZERO) > 0 || !self.wakes.is_empty() {}
    }

    /// One turn; how many sockets woke us.
    fn turn(&mut self, wait: Duration) -> usize {
        let is_idle = self.wakes.is_empty() && self.touched.is_empty();
        let wait = if is_idle { wait } else { Duration::ZERO };
        self.engine.turn(self.now, Some(wait), &mut self.wakes).unwrap();
        let wakes = mem::take(&mut self.wakes);
        for wake in &wakes {
            if let Some(id) = self.engine.owner(wake.key).copied() {
                self.receive(id, wake.ready);
                self.tell(id);
                self.touched.push(id);
            }
        }
        while let Some(due) = self.engine.due(self.now) {
            let Due::Deadline(key) = due else { unreachable!("no timers here") };
            if let Some(id) = self.engine.owner(key).copied() {
                self.tell(id);
                self.touched.push(id);
            }
        }
        for id in mem::take(&mut self.touched) {
            self.settle(id);
        }
        wakes.len()
    }

    fn receive(&mut self, id: Id, ready: Ready) -> usize {
        let seat = &mut self.seats[id.0];
        let (read, _) = seat.stream.wake(ready, self.now);
        seat.received += read;
        read
    }

    fn tell(&mut self, id: Id) {
        let mut read = 0;
        loop {
            let seat = &mut self.seats[id.0];
            if let Some(event) = seat.stream.poll(self.now) {
                let said = Said::from(event);
                (seat.answer)(&said, &mut seat.stream, self.now);
                seat.said.push(said);
                assert!(seat.said.len() < ENDLESS, "endless: {:?}", seat.said.last());
                continue;
            }
            if read >= limits::READ_BUFFER || !seat.stream.wants_read() {
                break;
            }
            read += self.receive(id, Ready::default()).max(1);
        }
        self.seats[id.0].stream.stow();
    }

    fn settle(&mut self, id: Id) {
        let Some(key) = self.seats[id.0].key else {
            return;
        };
        self.tell(id);
        self.seats[id.0].stream.flush(self.now);
        self.tell(id);
        let seat = &mut self.seats[id.0];
        seat.stream.settle();
        if seat.stream.is_closed() {
            self.engine.release(key, seat.stream.fd());
            seat.key = None;
            seat.stream.drop_socket();
            return;
        }
        self.engine.arm(key, seat.stream.deadline());
        if seat.stream.wants_turn() {
            self.wakes.push(Wake { key, ready: Ready::default() });
        }
    }
}

/// Queues `bytes` in `stream`, from inside of an answer.
pub fn send(
    stream: &mut Stream,
    bytes: &[u8],
    ticket: Option<Ticket>,
    now: Instant,
) -> Result<(), Code> {
    let payload = match bytes.len() > limits::SEND_COPY {
        true => Payload::Share(bytes.to_vec().into()),
        false => Payload::Copy(bytes),
    };
    stream.send(&[], payload, ticket, now)
}

/// `None` where a call on a plain peer would have to wait.
pub fn unless_blocked(result: io::Result<usize>) -> Option<usize> {
    match result {
        Ok(count) => Some(count),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => None,
        Err(error) => panic!("the peer's socket: {error}"),
    }
}

impl From<Event> for Said {
    fn from(event: Event) -> Self {
        match event {
            Event::Packet(Packet::Raw(bytes)) => Said::Raw(bytes.to_vec()),
            Event::Packet(Packet::Other(bytes)) => Said::Raw(bytes.to_vec()),
            Event::Packet(Packet::Framed(reader)) => Said::Frame(reader.body().to_vec()),
            Event::Sent(ticket) => Said::Sent(ticket),
            Event::Drained => Said::Drained,
            Event::Late(code) => Said::Late(code),
            Event::Ended(code) => Said::Ended(code),
        }
    }
}

//! The limit of mail between threads: crossbeam-channel and a mio Waker, without Lua.
//!
//! `mail table` sends a small struct, `mail packet` a shared kilobyte; each prints its round trips and
//! its one-way messages per second as a line of JSON.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Instant;

use crossbeam_channel::{Receiver, Sender, bounded};
use mio::{Events, Poll, Token, Waker};

const TRIPS: usize = 200_000;
const MESSAGES: usize = 2_000_000;
/// As many messages wait as in an inbox of chuck.
const CAPACITY: usize = 4096;

/// What is sent: who gets it answers, or only counts.
enum Message {
    Table { id: i64, name: String, value: f64, answer: bool },
    Packet { bytes: Arc<[u8]>, answer: bool },
    Stop,
}

/// The sending end: the first of a burst wakes the reader.
struct Outbox {
    sender: Sender<Message>,
    waker: Waker,
    rung: Arc<AtomicBool>,
}

/// The receiving end.
struct Inbox {
    receiver: Receiver<Message>,
    poll: Poll,
    events: Events,
    rung: Arc<AtomicBool>,
}

fn channel() -> (Outbox, Inbox) {
    let (sender, receiver) = bounded(CAPACITY);
    let poll = Poll::new().expect("a poll");
    let waker = Waker::new(poll.registry(), Token(0)).expect("a waker");
    let rung = Arc::new(AtomicBool::new(false));
    let outbox = Outbox { sender, waker, rung: rung.clone() };
    (outbox, Inbox { receiver, poll, events: Events::with_capacity(8), rung })
}

impl Outbox {
    fn send(&self, message: Message) {
        self.sender.send(message).expect("a reader");
        if !self.rung.swap(true, Ordering::AcqRel) {
            self.waker.wake().expect("a reader");
        }
    }
}

impl Inbox {
    /// Hands messages to `take` until it says that there are no more to come.
    fn read(&mut self, mut take: impl FnMut(Message) -> bool) {
        loop {
            self.poll.poll(&mut self.events, None).expect("a poll");
            self.rung.swap(false, Ordering::AcqRel);
            while let Ok(message) = self.receiver.try_recv() {
                if !take(message) {
                    return;
                }
            }
        }
    }
}

fn message(is_packet: bool, bytes: &Arc<[u8]>, answer: bool) -> Message {
    if is_packet {
        return Message::Packet { bytes: bytes.clone(), answer };
    }
    Message::Table { id: 12, name: "hello".to_owned(), value: 2.5, answer }
}

/// Answers until it is stopped.
fn serve(mut inbox: Inbox, outbox: Outbox) {
    inbox.read(|message| match message {
        Message::Stop => false,
        Message::Table { answer: true, .. } | Message::Packet { answer: true, .. } => {
            outbox.send(message);
            true
        }
        Message::Table { id, name, value, .. } => {
            std::hint::black_box((id, name, value));
            true
        }
        Message::Packet { bytes, .. } => {
            std::hint::black_box(bytes);
            true
        }
    });
}

fn report(name: &str, count: usize, begin: Instant) {
    let rate = count as f64 / begin.elapsed().as_secs_f64();
    println!("{{\"name\":\"{name}\",\"count\":{count},\"rate\":{rate:.0}}}");
}

fn main() {
    let is_packet = std::env::args().nth(1).as_deref() == Some("packet");
    let bytes: Arc<[u8]> = vec![b'x'; 1024].into();
    let (to_worker, worker_inbox) = channel();
    let (to_us, mut inbox) = channel();
    let worker = thread::spawn(move || serve(worker_inbox, to_us));

    let begin = Instant::now();
    let mut trips = 0;
    to_worker.send(message(is_packet, &bytes, true));
    inbox.read(|message| {
        trips += 1;
        if trips < TRIPS {
            to_worker.send(message);
        }
        trips < TRIPS
    });
    report("trips", TRIPS, begin);

    let begin = Instant::now();
    for n in 1..=MESSAGES {
        to_worker.send(message(is_packet, &bytes, n == MESSAGES));
    }
    inbox.read(|_| false);
    report("way", MESSAGES, begin);

    to_worker.send(Message::Stop);
    worker.join().expect("the worker ends");
}

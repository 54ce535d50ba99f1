//! The turn of the loop: wait once, report what woke us, call nobody.
//!
//! The engine has never heard of a byte, a protocol or a callback.

pub mod bell;
pub mod key;
pub mod postbox;
pub mod wheel;

use std::io;
use std::mem;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};

use crate::base::limits;
use bell::Bell;
use key::{Key, Keys};
use wheel::{TimerId, Wheel};

/// What the kernel says about a socket.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Ready {
    /// There may be bytes, an end, or an error to read.
    pub readable: bool,
    /// There may be room to write, or an error to find out about.
    pub writable: bool,
    /// The peer's end was seen: read on until it is reached.
    pub ended: bool,
}

/// A socket that woke us.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Wake {
    /// Whom it concerns; it may have ended meanwhile.
    pub key: Key,
    /// Why.
    pub ready: Ready,
}

/// A timer whose time has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Due {
    /// The deadline of a registered socket.
    Deadline(Key),
    /// A timer of its own, and its interval.
    Timer(TimerId, Duration),
}

/// What a wheel entry stands for.
#[derive(Clone, Copy, Debug)]
enum Entry {
    Deadline(Key),
    Timer(Duration),
}

/// A registered socket.
struct Seat<T> {
    owner: T,
    armed: Option<Armed>,
    marked: bool,
}

/// The armed deadline of a key.
#[derive(Clone, Copy, Debug)]
struct Armed {
    id: TimerId,
    tick: u64,
}

/// The token of the bell: no key has it, for its slot is the last of 2^32.
const BELL: Token = Token(usize::MAX);

/// Engines of this process.
static ALIVE: AtomicUsize = AtomicUsize::new(0);

/// Number of engines that this process has, in all of its threads.
pub fn alive() -> usize {
    ALIVE.load(Ordering::Relaxed)
}

/// Counts the engine that holds it.
struct Counted;

impl Counted {
    fn new() -> Self {
        ALIVE.fetch_add(1, Ordering::Relaxed);
        Counted
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        ALIVE.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Sockets to watch, each with an owner `T`, and timers to keep.
pub struct Engine<T> {
    poll: Poll,
    events: Events,
    keys: Keys<Seat<T>>,
    wheel: Wheel<Entry>,
    /// Tick 0 of the wheel.
    origin: Instant,
    /// Timers that are not deadlines.
    timers: usize,
    /// How other threads reach us, once somebody has asked for it.
    bell: Option<Bell>,
    _counted: Counted,
}

impl<T> Engine<T> {
    /// An engine whose time starts `now`.
    ///
    /// # Errors
    ///
    /// The process is out of descriptors, or the kernel out of memory.
    pub fn new(now: Instant) -> io::Result<Self> {
        Ok(Engine {
            poll: Poll::new()?,
            events: Events::with_capacity(limits::EVENTS),
            keys: Keys::default(),
            wheel: Wheel::default(),
            origin: now,
            timers: 0,
            bell: None,
            _counted: Counted::new(),
        })
    }

    /// Waits once: for sockets, or up to the earliest timer, but no longer than `limit`.
    /// Timers are asked for afterwards, with [`Self::due`].
    ///
    /// # Errors
    ///
    /// The kernel refuses to wait.
    pub fn turn(
        &mut self,
        now: Instant,
        limit: Option<Duration>,
        wakes: &mut Vec<Wake>,
    ) -> io::Result<()> {
        let until_timer = self.wheel.next_at().map(|tick| self.until(tick, now));
        let wait = match (limit, until_timer) {
            (Some(limit), Some(timer)) => Some(limit.min(timer)),
            (limit, timer) => limit.or(timer),
        };
        match self.poll.poll(&mut self.events, wait) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(()),
            result => result?,
        }
        for event in &self.events {
            if event.token() == BELL {
                if let Some(bell) = &self.bell {
                    bell.answer(wakes);
                }
                continue;
            }
            wakes.push(Wake {
                key: Key::from_token(event.token()),
                ready: Ready {
                    readable: event.is_readable() || event.is_error() || event.is_read_closed(),
                    writable: event.is_writable() || event.is_error() || event.is_write_closed(),
                    // Of an end that is only written to, the other one was closed.
                    ended: event.is_read_closed() || event.is_write_closed() || event.is_error(),
                },
            });
        }
        Ok(())
    }

    /// The next timer whose time has come. A deadline is gone with that; a timer lives on
    /// until it is removed.
    pub fn due(&mut self, now: Instant) -> Option<Due> {
        let (id, entry) = self.wheel.fire(self.tick(now))?;
        match entry {
            Entry::Timer(interval) => Some(Due::Timer(id, interval)),
            Entry::Deadline(key) => {
                self.wheel.remove(id);
                if let Some(seat) = self.keys.get_mut(key) {
                    seat.armed = None;
                }
                Some(Due::Deadline(key))
            }
        }
    }

    /// Watches `fd` for reading and writing, edge-triggered, until it is released.
    ///
    /// # Errors
    ///
    /// The kernel refuses: not a socket, watched already, out of memory.
    pub fn register(&mut self, fd: BorrowedFd<'_>, owner: T) -> io::Result<Key> {
        let key = self.keys.insert(Seat { owner, armed: None, marked: false });
        let interest = Interest::READABLE | Interest::WRITABLE;
        let source = fd.as_raw_fd();
        let result = self.poll.registry().register(&mut SourceFd(&source), key.token(), interest);
        if let Err(error) = result {
            self.keys.remove(key);
            return Err(error);
        }
        Ok(key)
    }

    /// A registration without a descriptor: it is woken by the [`Self::bell`] or its deadline.
    pub fn seat(&mut self, owner: T) -> Key {
        self.keys.insert(Seat { owner, armed: None, marked: false })
    }

    /// The bell with which any thread can wake a registration of this engine.
    ///
    /// # Errors
    ///
    /// The process is out of descriptors.
    pub fn bell(&mut self) -> io::Result<Bell> {
        match &self.bell {
            Some(bell) => Ok(bell.clone()),
            None => Ok(self.bell.insert(Bell::new(self.poll.registry(), BELL)?).clone()),
        }
    }

    /// Ends a registration and its deadline.
    pub fn release(&mut self, key: Key, fd: Option<BorrowedFd<'_>>) -> Option<T> {
        let seat = self.keys.remove(key)?;
        if let Some(armed) = seat.armed {
            self.wheel.remove(armed.id);
        }
        if let Some(fd) = fd {
            // It fails when the descriptor is gone already, which is what we want.
            let _ = self.poll.registry().deregister(&mut SourceFd(&fd.as_raw_fd()));
        }
        Some(seat.owner)
    }

    /// Whose registration `key` is, while it lasts.
    pub fn owner(&self, key: Key) -> Option<&T> {
        self.keys.get(key).map(|seat| &seat.owner)
    }

    /// Marks or unmarks a registration, for the loop to remember it by; whether that changed
    /// anything.
    pub fn mark(&mut self, key: Key, on: bool) -> bool {
        self.keys.get_mut(key).is_some_and(|seat| mem::replace(&mut seat.marked, on) != on)
    }

    /// The keys of everything that is registered.
    pub fn keys(&self) -> Vec<Key> {
        self.keys.keys()
    }

    /// Makes sure that `key` is told no later than `deadline`.
    ///
    /// It may be told earlier: an armed deadline that moves back is left where it is, so
    /// that progress costs nothing.
    pub fn arm(&mut self, key: Key, deadline: Option<Instant>) {
        let tick = deadline.map(|at| self.tick_up(at));
        let Some(Seat { armed, .. }) = self.keys.get_mut(key) else {
            return;
        };
        match (tick, &mut *armed) {
            (None, None) => {}
            (None, Some(old)) => {
                self.wheel.remove(old.id);
                *armed = None;
            }
            (Some(tick), Some(old)) if old.tick <= tick => {}
            (Some(tick), Some(old)) => {
                self.wheel.rearm(old.id, tick, Entry::Deadline(key));
                old.tick = tick;
            }
            (Some(tick), None) => {
                let id = self.wheel.insert(tick, Entry::Deadline(key));
                *armed = Some(Armed { id, tick });
            }
        }
    }

    /// Adds a timer that fires `interval` after `now`.
    pub fn add_timer(&mut self, now: Instant, interval: Duration) -> TimerId {
        self.timers += 1;
        let tick = self.tick_up(now + interval);
        self.wheel.insert(tick, Entry::Timer(interval))
    }

    /// Lets a timer fire again `interval` after `now`; false when it was removed.
    pub fn rearm_timer(&mut self, id: TimerId, now: Instant, interval: Duration) -> bool {
        let tick = self.tick_up(now + interval);
        self.wheel.rearm(id, tick, Entry::Timer(interval))
    }

    /// Removes a timer; false when it was removed before.
    pub fn remove_timer(&mut self, id: TimerId) -> bool {
        let removed = self.wheel.remove(id).is_some();
        self.timers -= usize::from(removed);
        removed
    }

    /// Number of timers that are not deadlines.
    pub fn timers(&self) -> usize {
        self.timers
    }

    /// Number of registrations.
    pub fn open(&self) -> usize {
        self.keys.len()
    }

    fn tick(&self, now: Instant) -> u64 {
        let since = now.saturating_duration_since(self.origin);
        since.as_secs() * 1000 + u64::from(since.subsec_millis())
    }

    /// The first tick that is not before `at`: a timer is late, never early.
    fn tick_up(&self, at: Instant) -> u64 {
        let since = at.saturating_duration_since(self.origin);
        since.as_secs() * 1000 + u64::from(since.subsec_nanos().div_ceil(1_000_000))
    }

    fn until(&self, tick: u64, now: Instant) -> Duration {
        (self.origin + Duration::from_millis(tick)).saturating_duration_since(now)
    }
}

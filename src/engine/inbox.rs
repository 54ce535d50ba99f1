//! What other threads have for an engine: a bell, and boxes of values behind it.
//!
//! ```text
//! any thread:   outbox.send(value) --> [ channel ]      the first of a burst rings
//!                                 `--> bell.ring(key) --> wakes the engine, which wakes key
//! the engine:   inbox.open(), then inbox.take() until it is empty
//! ```

use std::io;
use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crossbeam_channel::{Receiver, SendTimeoutError, Sender, TrySendError};
use mio::{Registry, Token, Waker};

use crate::engine::key::Key;
use crate::engine::{Ready, Wake};

/// Wakes registrations of one engine, from any thread. It does nothing once the engine is gone.
#[derive(Clone, Debug)]
pub struct Bell(Arc<Rope>);

#[derive(Debug)]
struct Rope {
    waker: Waker,
    /// Whom the engine has not woken yet.
    rung: Mutex<Vec<Key>>,
}

impl Bell {
    pub(super) fn new(registry: &Registry, token: Token) -> io::Result<Self> {
        Ok(Bell(Arc::new(Rope { waker: Waker::new(registry, token)?, rung: Mutex::default() })))
    }

    /// Has `key` woken; nothing happens when it has ended.
    pub fn ring(&self, key: Key) {
        let mut rung = lock(&self.0.rung);
        rung.push(key);
        let is_first = rung.len() == 1;
        drop(rung);
        if is_first {
            // It cannot fail but for an engine that is gone.
            let _ = self.0.waker.wake();
        }
    }

    /// Ends the engine's wait, for nobody in particular.
    pub fn nudge(&self) {
        // It cannot fail but for an engine that is gone.
        let _ = self.0.waker.wake();
    }

    /// Reports who was rung for since the last time.
    pub(super) fn answer(&self, wakes: &mut Vec<Wake>) {
        let rung = mem::take(&mut *lock(&self.0.rung));
        wakes.extend(rung.into_iter().map(|key| Wake { key, ready: Ready::default() }));
    }
}

/// Why a value was not sent; it comes back.
#[derive(Debug)]
pub enum Refused<T> {
    /// The box is full, and was so until the deadline.
    Full(T),
    /// The box is gone.
    Gone(T),
}

/// A channel of at most `capacity` values, which wakes who reads it.
pub fn channel<T>(capacity: usize) -> (Outbox<T>, Inbox<T>) {
    let (sender, receiver) = crossbeam_channel::bounded(capacity);
    let alarm = Arc::new(Alarm::default());
    (Outbox { sender, alarm: alarm.clone() }, Inbox { receiver, alarm })
}

/// Whom to wake, and whether that was done for what is in the box.
#[derive(Debug, Default)]
struct Alarm {
    reader: Mutex<Option<(Bell, Key)>>,
    rung: AtomicBool,
}

impl Alarm {
    /// Rings, unless that was done since the box was opened.
    fn raise(&self) {
        if self.rung.swap(true, Ordering::AcqRel) {
            return;
        }
        if let Some((bell, key)) = &*lock(&self.reader) {
            bell.ring(*key);
        }
    }
}

/// The sending end, for any number of threads.
#[derive(Debug)]
pub struct Outbox<T> {
    sender: Sender<T>,
    alarm: Arc<Alarm>,
}

impl<T> Clone for Outbox<T> {
    fn clone(&self) -> Self {
        Outbox { sender: self.sender.clone(), alarm: self.alarm.clone() }
    }
}

impl<T> Outbox<T> {
    /// Sends without waiting.
    ///
    /// # Errors
    ///
    /// The box is full or gone.
    pub fn try_send(&self, value: T) -> Result<(), Refused<T>> {
        self.sender.try_send(value).map_err(|error| match error {
            TrySendError::Full(value) => Refused::Full(value),
            TrySendError::Disconnected(value) => Refused::Gone(value),
        })?;
        self.alarm.raise();
        Ok(())
    }

    /// Sends, and waits for room until `deadline`.
    ///
    /// # Errors
    ///
    /// There was no room in time, or the box is gone.
    pub fn send(&self, value: T, deadline: Instant) -> Result<(), Refused<T>> {
        self.sender.send_deadline(value, deadline).map_err(|error| match error {
            SendTimeoutError::Timeout(value) => Refused::Full(value),
            SendTimeoutError::Disconnected(value) => Refused::Gone(value),
        })?;
        self.alarm.raise();
        Ok(())
    }

    /// Number of values that were not taken yet.
    pub fn len(&self) -> usize {
        self.sender.len()
    }

    /// Whether everything was taken.
    pub fn is_empty(&self) -> bool {
        self.sender.is_empty()
    }
}

/// The receiving end.
#[derive(Debug)]
pub struct Inbox<T> {
    receiver: Receiver<T>,
    alarm: Arc<Alarm>,
}

impl<T> Inbox<T> {
    /// Has `key` woken from now on; also for what is in the box already.
    pub fn wake(&self, bell: Bell, key: Key) {
        let waiting = !self.receiver.is_empty();
        if waiting {
            bell.ring(key);
        }
        self.alarm.rung.store(waiting, Ordering::Release);
        *lock(&self.alarm.reader) = Some((bell, key));
        // What came between the look and the new name found nobody, or the old one.
        if !self.receiver.is_empty() {
            self.alarm.raise();
        }
    }

    /// Wakes nobody from now on.
    pub fn sleep(&self) {
        *lock(&self.alarm.reader) = None;
    }

    /// What comes after this rings anew. To be called before [`Self::take`].
    pub fn open(&self) {
        self.alarm.rung.swap(false, Ordering::AcqRel);
    }

    /// The oldest value.
    pub fn take(&self) -> Option<T> {
        self.receiver.try_recv().ok()
    }

    /// Number of values that were not taken yet.
    pub fn len(&self) -> usize {
        self.receiver.len()
    }

    /// Whether everything was taken.
    pub fn is_empty(&self) -> bool {
        self.receiver.is_empty()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

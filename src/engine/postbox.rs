//! A box that many threads fill and one empties, all of it at once.
//!
//! ```text
//! any thread:  post(weight, ...) --> [ batch ]       who sleeps is rung for, once
//! the reader:  collect(&mut empty) <-- swaps          fall_asleep() before it waits
//! ```
//!
//! What a batch is, is its owner's affair: the box counts what was added and what it weighs.
//! A channel of values cannot be bounded by weight, needs memory of its own for each value, and
//! has to take a value before it knows that there is room. Here values are appended in place,
//! after room is certain, and two batches swap places for ever.

use std::mem;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::engine::bell::Bell;
use crate::engine::key::Key;

/// Why nothing was added.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refused {
    /// The box is full, and was so for as long as the sender would wait.
    Full,
    /// The box is closed.
    Closed,
}

/// A box of at most `count` values, which weigh at most `weight`; an empty one takes a value of
/// any weight.
#[derive(Debug)]
pub struct Postbox<B> {
    state: Mutex<State<B>>,
    room: Condvar,
    /// Values in the box, to be looked at without the lock.
    waiting: AtomicUsize,
    count: usize,
    weight: usize,
}

#[derive(Debug)]
struct State<B> {
    batch: B,
    count: usize,
    weight: usize,
    closed: bool,
    /// Senders that wait for room.
    senders: usize,
    reader: Option<(Bell, Key)>,
    /// The reader has to be rung for.
    asleep: bool,
}

impl<B: Default> Postbox<B> {
    /// An empty box, which nobody reads yet.
    pub fn new(count: usize, weight: usize) -> Self {
        let state = State {
            batch: B::default(),
            count: 0,
            weight: 0,
            closed: false,
            senders: 0,
            reader: None,
            asleep: false,
        };
        Postbox {
            state: Mutex::new(state),
            room: Condvar::new(),
            waiting: AtomicUsize::new(0),
            count,
            weight,
        }
    }

    /// Has `add` append one value of `weight` to the batch, as soon as there is room, but waits
    /// no longer than `wait`.
    ///
    /// # Errors
    ///
    /// There was no room in time, or the box is closed; `add` was not called then.
    pub fn post(
        &self,
        weight: usize,
        wait: Duration,
        add: impl FnOnce(&mut B),
    ) -> Result<(), Refused> {
        let mut state = self.lock();
        if !wait.is_zero() && self.is_full(&state, weight) && !state.closed {
            state.senders += 1;
            let full = |state: &mut State<B>| !state.closed && self.is_full(state, weight);
            let woken = self.room.wait_timeout_while(state, wait, full);
            state = woken.unwrap_or_else(PoisonError::into_inner).0;
            state.senders -= 1;
        }
        if state.closed {
            return Err(Refused::Closed);
        }
        if self.is_full(&state, weight) {
            return Err(Refused::Full);
        }
        add(&mut state.batch);
        state.count += 1;
        state.weight += weight;
        self.waiting.store(state.count, Ordering::Release);
        let reader = if mem::take(&mut state.asleep) { state.reader.clone() } else { None };
        drop(state);
        if let Some((bell, key)) = reader {
            bell.ring(key);
        }
        Ok(())
    }

    /// Exchanges what is in the box for `empty`; returns how many values that is.
    pub fn collect(&self, empty: &mut B) -> usize {
        let mut state = self.lock();
        mem::swap(&mut state.batch, empty);
        let count = mem::take(&mut state.count);
        state.weight = 0;
        state.asleep = false;
        self.waiting.store(0, Ordering::Release);
        let is_awaited = state.senders > 0;
        drop(state);
        if is_awaited {
            self.room.notify_all();
        }
        count
    }

    /// Whether something is in the box.
    #[inline]
    pub fn has_mail(&self) -> bool {
        self.waiting.load(Ordering::Acquire) > 0
    }

    /// Who is to be rung for; nobody yet.
    pub fn listen(&self, reader: Option<(Bell, Key)>) {
        let mut state = self.lock();
        state.asleep = false;
        state.reader = reader;
    }

    /// The reader is about to wait, and wants to be rung for. False: there is something already.
    pub fn fall_asleep(&self) -> bool {
        let mut state = self.lock();
        state.asleep = state.count == 0;
        state.asleep
    }

    /// Refuses everything from now on; returns what was in the box.
    pub fn close(&self) -> B {
        let mut state = self.lock();
        state.closed = true;
        state.asleep = false;
        state.reader = None;
        state.count = 0;
        self.waiting.store(0, Ordering::Release);
        let batch = mem::take(&mut state.batch);
        drop(state);
        self.room.notify_all();
        batch
    }

    /// Most values, and the most that they may weigh.
    pub fn limits(&self) -> (usize, usize) {
        (self.count, self.weight)
    }

    fn is_full(&self, state: &State<B>, weight: usize) -> bool {
        state.count > 0 && (state.count >= self.count || state.weight + weight > self.weight)
    }

    fn lock(&self) -> MutexGuard<'_, State<B>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

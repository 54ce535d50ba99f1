//! A few threads that wait for the system's resolver, and who waits for them.
//!
//! ```text
//!  ask --> known? --------------------------------------> answer
//!      `-> asked already? joins the others ----.
//!      `-> queue --> a thread: looks it up --> cache, and tells everyone who waits
//! ```
//!
//! One pool serves the process. Who gives up drops its [`Waiter`]; a question that nobody waits
//! for any more is not asked. A thread that hangs hangs alone: who waits for it has a deadline.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::process;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::Instant;

use super::cache::{Bounds, Cache};
use super::{Answer, Failure, Question, system};
use crate::base::error::Code;
use crate::base::limits;
use crate::engine::bell::Bell;
use crate::engine::key::Key;
use crate::os::clock;
use crate::os::sigset::quiet_thread;

/// How a question is answered: it may wait.
type LookUp = dyn Fn(&Question) -> Answer + Send + Sync;

/// Somebody who waits for an answer, on the thread of an engine.
#[derive(Debug)]
pub struct Waiter {
    bell: Bell,
    key: Key,
    answer: OnceLock<Answer>,
}

impl Waiter {
    /// Has `key` woken by `bell` when there is an answer.
    pub fn new(bell: Bell, key: Key) -> Arc<Self> {
        Arc::new(Waiter { bell, key, answer: OnceLock::new() })
    }

    /// The answer, once it is there.
    pub fn answer(&self) -> Option<Answer> {
        self.answer.get().cloned()
    }

    fn tell(&self, answer: &Answer) {
        // Nobody else tells it: it waits for one question only.
        if self.answer.set(answer.clone()).is_ok() {
            self.bell.ring(self.key);
        }
    }
}

/// The threads, the questions that wait for them, and what they have found out.
pub struct Resolver {
    look_up: Box<LookUp>,
    state: Mutex<State>,
    /// Rung when there is a question.
    work: Condvar,
}

struct State {
    /// The process that has the threads; a child of `fork` has none.
    process: u32,
    cache: Cache,
    /// Most threads at a time.
    threads: usize,
    running: usize,
    /// Of those running, how many have nothing to do, or have not begun yet.
    idle: usize,
    /// Questions that wait for a thread. Each is a key of `asked`.
    queue: VecDeque<Question>,
    /// Questions without an answer yet, and who waits for it.
    asked: HashMap<Question, Vec<Weak<Waiter>>>,
    /// Number of times that everything was forgotten.
    flushes: u64,
}

/// The resolver of this process.
pub fn system() -> &'static Arc<Resolver> {
    static SYSTEM: OnceLock<Arc<Resolver>> = OnceLock::new();
    SYSTEM.get_or_init(|| Resolver::new(system::look_up))
}

impl Resolver {
    /// A resolver without threads yet, which answers by `look_up`.
    pub fn new(look_up: impl Fn(&Question) -> Answer + Send + Sync + 'static) -> Arc<Self> {
        let state = State {
            process: process::id(),
            cache: Cache::default(),
            threads: limits::RESOLVE_THREADS,
            running: 0,
            idle: 0,
            queue: VecDeque::new(),
            asked: HashMap::new(),
            flushes: 0,
        };
        let (state, work) = (Mutex::new(state), Condvar::new());
        Arc::new(Resolver { look_up: Box::new(look_up), state, work })
    }

    /// The answer if it is known; else `waiter` is told later, once. Unless `cached`, what was
    /// answered before does not count.
    pub fn ask(
        self: &Arc<Self>,
        question: &Question,
        cached: bool,
        waiter: &Arc<Waiter>,
        now: Instant,
    ) -> Option<Answer> {
        if let Some(answer) = question.literal() {
            return Some(answer);
        }
        let mut state = self.lock();
        if cached && let Some(answer) = state.cache.get(question, now) {
            return Some(answer);
        }
        let enqueued = match state.join(question, waiter) {
            true => Ok(()),
            false => state.enqueue(question, waiter),
        };
        let called = enqueued.and_then(|()| {
            let no_thread = "no thread to ask the resolver";
            let failure = |error: io::Error| question.failure(error.into(), no_thread);
            self.call_threads(&mut state).map_err(failure)
        });
        called.err().map(Err)
    }

    /// Sets the largest number of threads, at least 1, and the bounds of the cache.
    pub fn configure(self: &Arc<Self>, change: impl FnOnce(&mut usize, &mut Bounds)) {
        let mut state = self.lock();
        let (mut threads, mut bounds) = (state.threads, state.cache.bounds());
        change(&mut threads, &mut bounds);
        state.threads = threads.max(1);
        state.cache.set_bounds(bounds);
        // More threads take what waits; of too many, those that are idle end.
        let _ = self.call_threads(&mut state);
        drop(state);
        self.work.notify_all();
    }

    /// Forgets every answer, also those that are under way.
    pub fn flush(&self) {
        let mut state = self.lock();
        state.cache.clear();
        state.flushes += 1;
    }

    /// Numbers of threads, of questions without an answer, and of answers remembered.
    pub fn population(&self) -> (usize, usize, usize) {
        let state = self.lock();
        (state.running, state.asked.len(), state.cache.len())
    }

    /// Has threads look at the queue, new ones if those with nothing to do are too few.
    ///
    /// # Errors
    ///
    /// There is no thread, and none can be started.
    fn call_threads(self: &Arc<Self>, state: &mut State) -> io::Result<()> {
        self.work.notify_one();
        while state.queue.len() > state.idle && state.running < state.threads {
            let pool = self.clone();
            match quiet_thread("chuck-resolver", move || pool.work()) {
                Ok(()) => {
                    state.running += 1;
                    state.idle += 1;
                }
                // Those that are there will come to it.
                Err(_) if state.running > 0 => break,
                // Without a thread nothing else is in the queue: it was refused as well.
                Err(error) => {
                    state.queue.clear();
                    state.asked.clear();
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    /// What each thread does.
    fn work(&self) {
        let mut state = self.lock();
        state.idle -= 1;
        while state.running <= state.threads {
            if let Some(question) = state.next() {
                let flushes = state.flushes;
                drop(state);
                let answer = (self.look_up)(&question);
                state = self.lock();
                if state.flushes == flushes {
                    state.cache.put(&question, &answer, clock::now());
                }
                let waiters = state.asked.remove(&question).unwrap_or_default();
                drop(state);
                waiters.iter().filter_map(Weak::upgrade).for_each(|waiter| waiter.tell(&answer));
                state = self.lock();
                continue;
            }
            state.idle += 1;
            let waited = self.work.wait_timeout(state, limits::RESOLVE_IDLE);
            let (woken, waited) = waited.unwrap_or_else(PoisonError::into_inner);
            state = woken;
            state.idle -= 1;
            if waited.timed_out() && state.queue.is_empty() {
                break;
            }
        }
        state.running -= 1;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.process != process::id() {
            // After a fork: the threads, and those who asked, are in the other process.
            state.process = process::id();
            (state.running, state.idle) = (0, 0);
            state.queue.clear();
            state.asked.clear();
        }
        state
    }
}

impl State {
    /// Lets `waiter` wait for an answer that somebody has asked for already.
    fn join(&mut self, question: &Question, waiter: &Arc<Waiter>) -> bool {
        let Some(waiters) = self.asked.get_mut(question) else {
            return false;
        };
        if waiters.len() == waiters.capacity() {
            waiters.retain(|waiter| waiter.strong_count() > 0);
        }
        waiters.push(Arc::downgrade(waiter));
        true
    }

    fn enqueue(&mut self, question: &Question, waiter: &Arc<Waiter>) -> Result<(), Failure> {
        if self.queue.len() >= limits::RESOLVE_QUEUE {
            self.drop_unwanted();
        }
        if self.queue.len() >= limits::RESOLVE_QUEUE {
            let why = format!("{} questions wait for the resolver already", self.queue.len());
            return Err(question.failure(Code::NO_BUFFERS, &why));
        }
        self.queue.push_back(question.clone());
        self.asked.insert(question.clone(), vec![Arc::downgrade(waiter)]);
        Ok(())
    }

    /// The next question that somebody waits for.
    fn next(&mut self) -> Option<Question> {
        while let Some(question) = self.queue.pop_front() {
            if self.is_wanted(&question) {
                return Some(question);
            }
            self.asked.remove(&question);
        }
        None
    }

    fn is_wanted(&self, question: &Question) -> bool {
        let waiters = self.asked.get(question);
        waiters.is_some_and(|waiters| waiters.iter().any(|waiter| waiter.strong_count() > 0))
    }

    fn drop_unwanted(&mut self) {
        let queue = std::mem::take(&mut self.queue);
        let (wanted, unwanted): (VecDeque<_>, VecDeque<_>) =
            queue.into_iter().partition(|question| self.is_wanted(question));
        self.queue = wanted;
        for question in unwanted {
            self.asked.remove(&question);
        }
    }
}

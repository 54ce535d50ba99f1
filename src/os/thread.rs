//! Threads of the operating system: their numbers, how they are told to end, how one waits for them.
//!
//! ```text
//! Life      running --> ended(what it left) --> taken        join takes, once
//! Leash     pulled: engines of the thread wake up, stop, and run no more
//! Roster    who is alive
//! ```
#![allow(unsafe_code)]

use std::cell::RefCell;
use std::collections::HashMap;
use std::io;
use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use crate::base::limits;
use crate::engine::bell::Bell;
use crate::os::clock;

/// How often who waits for a thread looks whether it is to end itself.
const LOOK_AROUND: Duration = Duration::from_millis(50);

/// The kernel's number of the running thread; in a program's first thread the process's.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub fn tid() -> u64 {
    // SAFETY: asks only, and cannot fail.
    unsafe { libc::gettid() as u64 }
}

/// The kernel's number of the running thread.
#[cfg(any(target_os = "macos", target_os = "ios"))]
pub fn tid() -> u64 {
    let mut number = 0;
    // SAFETY: 0 stands for the running thread; the number is written to a valid place.
    unsafe { libc::pthread_threadid_np(0, &raw mut number) };
    number
}

/// The kernel's number of the running thread.
#[cfg(target_os = "freebsd")]
pub fn tid() -> u64 {
    // SAFETY: asks only.
    unsafe { libc::pthread_getthreadid_np() as u64 }
}

/// The process's number, where threads have none.
#[cfg(not(any(
    target_os = "linux",
    target_os = "android",
    target_os = "macos",
    target_os = "ios",
    target_os = "freebsd"
)))]
pub fn tid() -> u64 {
    std::process::id().into()
}

/// Starts a thread that is on `leash`, and runs `work` in it.
///
/// # Errors
///
/// The system has no thread left to give.
pub fn spawn(
    name: &str,
    leash: Arc<Leash>,
    work: impl FnOnce() + Send + 'static,
) -> io::Result<JoinHandle<()>> {
    let name = name.replace('\0', "");
    Builder::new().name(name).stack_size(limits::THREAD_STACK).spawn(move || {
        LEASH.set(Some(leash));
        work();
    })
}

thread_local! {
    /// Of a thread that we have made.
    static LEASH: RefCell<Option<Arc<Leash>>> = const { RefCell::new(None) };
}

/// By what a thread is told to end.
#[derive(Debug, Default)]
pub struct Leash {
    pulled: AtomicBool,
    /// Of the engines that run in the thread, one within the other.
    bells: Mutex<Vec<Bell>>,
}

impl Leash {
    /// Tells the thread to end: what runs in it stops, and runs no more.
    pub fn pull(&self) {
        self.pulled.store(true, Ordering::SeqCst);
        for bell in &*lock(&self.bells) {
            bell.nudge();
        }
    }
}

/// The leash of the running thread; none where we have not made it.
pub fn leash() -> Option<Arc<Leash>> {
    LEASH.try_with(|leash| leash.borrow().clone()).ok().flatten()
}

/// The mark that an engine runs in this thread.
#[derive(Debug)]
pub struct Watch(Option<Arc<Leash>>);

impl Watch {
    /// An engine runs from now on; `bell` wakes it. It is asked for only where it is needed.
    ///
    /// # Errors
    ///
    /// What `bell` says.
    pub fn begin<E>(bell: impl FnOnce() -> Result<Bell, E>) -> Result<Self, E> {
        let leash = leash();
        if let Some(leash) = &leash {
            let bell = bell()?;
            lock(&leash.bells).push(bell);
        }
        Ok(Watch(leash))
    }

    /// Whether the thread is to end.
    #[inline]
    pub fn is_over(&self) -> bool {
        self.0.as_ref().is_some_and(|leash| leash.pulled.load(Ordering::SeqCst))
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if let Some(leash) = &self.0 {
            lock(&leash.bells).pop();
        }
    }
}

fn is_over() -> bool {
    leash().is_some_and(|leash| leash.pulled.load(Ordering::SeqCst))
}

/// The life of a thread that leaves a `T` when it ends.
#[derive(Debug)]
pub struct Life<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
}

#[derive(Debug)]
struct State<T> {
    phase: Phase<T>,
    /// Nobody is going to take what is left.
    given_up: bool,
    system: Option<JoinHandle<()>>,
}

#[derive(Debug)]
enum Phase<T> {
    Running,
    Ended(T),
    Taken,
}

/// Why there is nothing to take.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Missed {
    /// It still runs.
    TimedOut,
    /// Somebody has taken it.
    Taken,
    /// Who waited is to end itself.
    Interrupted,
}

impl<T> Default for Life<T> {
    fn default() -> Self {
        let state = State { phase: Phase::Running, given_up: false, system: None };
        Life { state: Mutex::new(state), changed: Condvar::new() }
    }
}

impl<T> Life<T> {
    /// The system's thread, for [`Self::join`] to wait for its very end.
    pub fn set_system(&self, system: JoinHandle<()>) {
        lock(&self.state).system = Some(system);
    }

    /// The thread ends and leaves this.
    pub fn end(&self, left: T) {
        lock(&self.state).phase = Phase::Ended(left);
        self.changed.notify_all();
    }

    /// Has `look` see what is left when nobody takes it for so long, or is going to.
    pub fn outlast<R>(&self, patience: Duration, look: impl FnOnce(&T) -> R) -> Option<R> {
        let is_left =
            |state: &mut State<T>| !state.given_up && matches!(state.phase, Phase::Ended(_));
        let waited = self.changed.wait_timeout_while(lock(&self.state), patience, is_left);
        match &waited.unwrap_or_else(PoisonError::into_inner).0.phase {
            Phase::Ended(left) => Some(look(left)),
            Phase::Running | Phase::Taken => None,
        }
    }

    /// Waits for the end and takes what was left; without a deadline for ever.
    ///
    /// # Errors
    ///
    /// See [`Missed`].
    pub fn join(&self, deadline: Option<Instant>) -> Result<T, Missed> {
        let mut state = lock(&self.state);
        while matches!(state.phase, Phase::Running) {
            let left = deadline.map(|at| at.saturating_duration_since(clock::now()));
            let over = is_over();
            if over || left.is_some_and(|left| left.is_zero()) {
                return Err(if over { Missed::Interrupted } else { Missed::TimedOut });
            }
            let slice = left.map_or(LOOK_AROUND, |left| left.min(LOOK_AROUND));
            let woken = self.changed.wait_timeout(state, slice);
            state = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
        let phase = mem::replace(&mut state.phase, Phase::Taken);
        let system = state.system.take();
        drop(state);
        self.changed.notify_all();
        // It has nothing left to do but to give its stack back.
        let _ = system.map(JoinHandle::join);
        match phase {
            Phase::Ended(left) => Ok(left),
            Phase::Running | Phase::Taken => Err(Missed::Taken),
        }
    }

    /// Waits until `deadline` for the end, and takes nothing, nor will anybody; whether it came.
    pub fn wait(&self, deadline: Instant) -> bool {
        let mut state = lock(&self.state);
        state.given_up = true;
        self.changed.notify_all();
        while matches!(state.phase, Phase::Running) {
            let left = deadline.saturating_duration_since(clock::now());
            if left.is_zero() {
                return false;
            }
            let woken = self.changed.wait_timeout(state, left);
            state = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
        let system = state.system.take();
        drop(state);
        let _ = system.map(JoinHandle::join);
        true
    }
}

/// Who is alive, by number.
#[derive(Debug)]
pub struct Roster<T> {
    list: Mutex<Option<List<T>>>,
}

#[derive(Debug)]
struct List<T> {
    living: HashMap<u64, Arc<T>>,
    /// Who waits for whose end.
    waits: HashMap<u64, u64>,
    last: u64,
}

impl<T> Default for List<T> {
    fn default() -> Self {
        List { living: HashMap::new(), waits: HashMap::new(), last: 0 }
    }
}

impl<T> Roster<T> {
    /// Nobody.
    pub const fn new() -> Self {
        Roster { list: Mutex::new(None) }
    }

    /// Adds whom `make` makes of a new number; nobody when there are `most` already.
    pub fn add(&self, most: usize, make: impl FnOnce(u64) -> T) -> Option<Arc<T>> {
        let mut list = lock(&self.list);
        let list = list.get_or_insert_default();
        if list.living.len() >= most {
            return None;
        }
        list.last += 1;
        let new = Arc::new(make(list.last));
        list.living.insert(list.last, new.clone());
        Some(new)
    }

    /// Takes somebody off.
    pub fn remove(&self, id: u64) {
        let gone = lock(&self.list).get_or_insert_default().living.remove(&id);
        drop(gone);
    }

    /// Those of whom `is_meant` holds, in the order in which they were added.
    pub fn find(&self, is_meant: impl Fn(&T) -> bool) -> Vec<Arc<T>> {
        let mut list = lock(&self.list);
        let living = &list.get_or_insert_default().living;
        let mut found: Vec<_> = living.iter().filter(|(_, one)| is_meant(one)).collect();
        found.sort_unstable_by_key(|(id, _)| **id);
        found.into_iter().map(|(_, one)| one.clone()).collect()
    }

    /// Notes that `who` waits for the end of `whom`; false, and nothing noted, when `whom` waits
    /// for `who`, be it through others.
    pub fn begin_wait(&self, who: u64, whom: u64) -> bool {
        let mut list = lock(&self.list);
        let waits = &mut list.get_or_insert_default().waits;
        let mut next = Some(whom);
        while let Some(id) = next {
            if id == who {
                return false;
            }
            next = waits.get(&id).copied();
        }
        waits.insert(who, whom);
        true
    }

    /// `who` waits no more.
    pub fn end_wait(&self, who: u64) {
        lock(&self.list).get_or_insert_default().waits.remove(&who);
    }
}

impl<T> Default for Roster<T> {
    fn default() -> Self {
        Roster::new()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

//! Sets of signals, and what a thread blocks.
#![allow(unsafe_code)]
// Where a descriptor can be told not to raise SIGPIPE, less is needed.
#![cfg_attr(any(target_os = "macos", target_os = "ios"), allow(dead_code))]

use std::mem::MaybeUninit;
use std::{io, thread};

use crate::base::limits;

/// A set of signals.
#[derive(Clone, Copy)]
pub struct SigSet(libc::sigset_t);

impl SigSet {
    /// No signal.
    pub fn none() -> Self {
        let mut set = MaybeUninit::uninit();
        // SAFETY: the call fills the set in, and cannot fail.
        unsafe {
            libc::sigemptyset(set.as_mut_ptr());
            SigSet(set.assume_init())
        }
    }

    /// One signal.
    pub fn of(number: i32) -> Self {
        let mut set = SigSet::none();
        // SAFETY: a valid set; a number that is no signal is refused.
        unsafe { libc::sigaddset(&raw mut set.0, number) };
        set
    }

    /// Every signal.
    pub fn all() -> Self {
        let mut set = MaybeUninit::uninit();
        // SAFETY: the call fills the set in, and cannot fail.
        unsafe {
            libc::sigfillset(set.as_mut_ptr());
            SigSet(set.assume_init())
        }
    }

    /// Those that were sent and wait to be unblocked.
    pub fn pending() -> Self {
        let mut set = SigSet::none();
        // SAFETY: a valid set to fill in.
        unsafe { libc::sigpending(&raw mut set.0) };
        set
    }

    /// Whether the set has this one.
    pub fn has(&self, number: i32) -> bool {
        // SAFETY: a valid set; asks only.
        unsafe { libc::sigismember(&raw const self.0, number) == 1 }
    }

    /// Blocks these in this thread; returns what was blocked before.
    pub fn block(&self) -> Self {
        self.mask(libc::SIG_BLOCK)
    }

    /// Lets this thread block these and no others.
    pub fn restore(&self) {
        self.mask(libc::SIG_SETMASK);
    }

    /// Takes one that waits, if there is one.
    #[cfg(not(any(target_os = "macos", target_os = "ios")))]
    pub fn consume(&self) {
        let zero = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: a valid set and time; nobody wants to know more about the signal.
        while unsafe {
            libc::sigtimedwait(&raw const self.0, std::ptr::null_mut(), &raw const zero)
        } < 0
            && io::Error::last_os_error().kind() == io::ErrorKind::Interrupted
        {}
    }

    fn mask(&self, how: i32) -> Self {
        let mut before = SigSet::none();
        // SAFETY: two valid sets; with these verbs it cannot fail.
        unsafe { libc::pthread_sigmask(how, &raw const self.0, &raw mut before.0) };
        before
    }
}

/// The last signal that may exist. What is no signal, the kernel refuses.
const LAST_SIGNAL: i32 = 64;

/// Gives every signal its default action. May be called between fork and exec.
pub fn reset_actions() {
    for number in 1..=LAST_SIGNAL {
        // SAFETY: a valid action; what is no signal is refused.
        unsafe { libc::signal(number, libc::SIG_DFL) };
    }
}

/// Ignores a signal, unless somebody catches it: who does so is still told.
pub fn ignore(number: i32) {
    let mut now = MaybeUninit::<libc::sigaction>::uninit();
    // SAFETY: null asks only; what is there is filled in when that works. A valid action is set.
    unsafe {
        let is_known = libc::sigaction(number, std::ptr::null(), now.as_mut_ptr()) == 0;
        if is_known && now.assume_init().sa_sigaction == libc::SIG_DFL {
            libc::signal(number, libc::SIG_IGN);
        }
    }
}

/// Starts a thread that no signal is delivered to: handlers run where Lua does, and a file limit
/// (SIGXFSZ) or a closed pipe (SIGPIPE) is an error of the write and no end.
///
/// # Errors
///
/// The system has no room for one more.
pub fn quiet_thread(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let builder = thread::Builder::new().name(name.to_owned()).stack_size(limits::QUIET_STACK);
    let before = SigSet::all().block();
    let result = builder.spawn(work);
    before.restore();
    result.map(drop)
}

//! What the log has to know of threads and processes: their numbers, forks, and the end.
#![allow(unsafe_code)]

use std::cell::Cell;
use std::panic;
use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::os::thread::tid;

/// Forks that led to this process: what a thread remembers of itself is wrong after one.
static FORKS: AtomicU32 = AtomicU32::new(0);

thread_local! {
    static NUMBER: Cell<(u32, u64)> = const { Cell::new((0, 0)) };
}

/// The number of the calling thread, as the kernel's tools show it.
pub fn number() -> u64 {
    let forks = FORKS.load(Ordering::Relaxed);
    let (known, number) = NUMBER.get();
    if number != 0 && known == forks {
        return number;
    }
    let number = tid();
    NUMBER.set((forks, number));
    number
}

/// What is called around a fork, at the end of the process, and at a panic.
pub struct Hooks {
    /// In the parent, before it forks.
    pub before_fork: fn(),
    /// In the parent, after it has.
    pub in_parent: fn(),
    /// In the child.
    pub in_child: fn(),
    /// When the process ends by `exit`.
    pub at_exit: fn(),
    /// When a thread of ours panics.
    pub at_panic: fn(),
}

/// Installs hooks, once in a process and for good.
pub fn install(hooks: &'static Hooks) {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let _ = HOOKS.set(hooks);
        // SAFETY: the functions are there for good: the module is never unloaded.
        unsafe {
            libc::pthread_atfork(Some(before_fork), Some(in_parent), Some(in_child));
            libc::atexit(at_exit);
        }
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |what| {
            before(what);
            (hooks.at_panic)();
        }));
    });
}

static HOOKS: std::sync::OnceLock<&'static Hooks> = std::sync::OnceLock::new();

extern "C" fn before_fork() {
    if let Some(hooks) = HOOKS.get() {
        (hooks.before_fork)();
    }
}

extern "C" fn in_parent() {
    if let Some(hooks) = HOOKS.get() {
        (hooks.in_parent)();
    }
}

extern "C" fn in_child() {
    FORKS.fetch_add(1, Ordering::Relaxed);
    if let Some(hooks) = HOOKS.get() {
        (hooks.in_child)();
    }
}

extern "C" fn at_exit() {
    if let Some(hooks) = HOOKS.get() {
        (hooks.at_exit)();
    }
}

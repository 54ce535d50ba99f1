//! Signals as readable sockets: the handler writes a byte, the loop reads it.
//!
//! Any number of watchers, in any thread, may watch the same signal, and each is told. When the
//! last one lets go, the default action is back.
#![allow(unsafe_code)]

use std::collections::HashMap;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::ptr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::{io, mem};

use signal_hook::SigId;
use signal_hook::low_level;

use crate::base::error::Code;

macro_rules! signals {
    ($($name:ident)*) => { &[$((stringify!($name), libc::$name)),*] };
}

/// Every signal of this platform that may be caught, with its number. Those that tell of a
/// fault in the program (SIGSEGV, SIGILL, SIGFPE) may not: the instruction would fault again.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub const NAMES: &[(&str, i32)] = signals![
    SIGHUP SIGINT SIGQUIT SIGTRAP SIGABRT SIGBUS SIGUSR1 SIGUSR2 SIGPIPE SIGALRM SIGTERM
    SIGSTKFLT SIGCHLD SIGCONT SIGTSTP SIGTTIN SIGTTOU SIGURG SIGXCPU SIGXFSZ SIGVTALRM SIGPROF
    SIGWINCH SIGIO SIGPOLL SIGPWR SIGSYS
];

/// As above.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub const NAMES: &[(&str, i32)] = signals![
    SIGHUP SIGINT SIGQUIT SIGTRAP SIGABRT SIGBUS SIGUSR1 SIGUSR2 SIGPIPE SIGALRM SIGTERM
    SIGCHLD SIGCONT SIGTSTP SIGTTIN SIGTTOU SIGURG SIGXCPU SIGXFSZ SIGVTALRM SIGPROF SIGWINCH
    SIGIO SIGSYS SIGINFO SIGEMT
];

/// One watcher of a signal, which is caught for as long as a watcher lives.
pub struct Signal {
    number: i32,
    id: SigId,
    reader: UnixStream,
}

/// Per signal that was ever watched: its watchers, and the handler to put back for the next one.
static WATCHED: Mutex<Option<HashMap<i32, Slot>>> = Mutex::new(None);

struct Slot {
    watchers: usize,
    handler: libc::sigaction,
}

impl Signal {
    /// Catches `number`.
    ///
    /// # Errors
    ///
    /// `EINVAL` when it cannot be caught, or what the system says.
    pub fn catch(number: i32) -> Result<Self, Code> {
        if !NAMES.iter().any(|(_, n)| *n == number) && !is_real_time(number) {
            return Err(Code::INVALID);
        }
        let mut watched = lock();
        let slots = watched.get_or_insert_default();
        let (reader, writer) = UnixStream::pair()?;
        reader.set_nonblocking(true)?;
        writer.set_nonblocking(true)?;
        if !slots.contains_key(&number) {
            // A handler that was there before would be called beside ours: the stand-alone
            // `lua` has one for SIGINT that raises an error wherever Lua happens to be.
            set_action(number, &default_action())?;
        }
        let id = low_level::pipe::register(number, writer).map_err(Code::from)?;
        match slots.get_mut(&number) {
            Some(slot) => {
                if slot.watchers == 0 {
                    set_action(number, &slot.handler)?;
                }
                slot.watchers += 1;
            }
            None => {
                slots.insert(number, Slot { watchers: 1, handler: action(number)? });
            }
        }
        Ok(Signal { number, id, reader })
    }

    /// The signal's number.
    pub fn number(&self) -> i32 {
        self.number
    }

    /// Whether the signal came since the last call; several count as one.
    pub fn take(&self) -> bool {
        let mut seen = false;
        let mut bytes = [0; 64];
        while let Ok(1..) = io::Read::read(&mut &self.reader, &mut bytes) {
            seen = true;
        }
        seen
    }
}

impl AsFd for Signal {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.reader.as_fd()
    }
}

impl Drop for Signal {
    fn drop(&mut self) {
        let mut watched = lock();
        low_level::unregister(self.id);
        let Some(slot) = watched.get_or_insert_default().get_mut(&self.number) else { return };
        slot.watchers -= 1;
        if slot.watchers == 0 {
            // The default action is known to be valid for a signal that was caught.
            let _ = set_action(self.number, &default_action());
        }
    }
}

fn lock() -> MutexGuard<'static, Option<HashMap<i32, Slot>>> {
    WATCHED.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn is_real_time(number: i32) -> bool {
    (libc::SIGRTMIN()..=libc::SIGRTMAX()).contains(&number)
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn is_real_time(_number: i32) -> bool {
    false
}

fn default_action() -> libc::sigaction {
    // SAFETY: all zero is a valid `sigaction`: SIG_DFL, no flags, empty mask.
    unsafe { mem::zeroed() }
}

fn action(number: i32) -> Result<libc::sigaction, Code> {
    let mut action = MaybeUninit::uninit();
    // SAFETY: a null new action only asks; the kernel fills in `action` when it returns 0.
    match unsafe { libc::sigaction(number, ptr::null(), action.as_mut_ptr()) } {
        // SAFETY: the call above has filled it in.
        0 => Ok(unsafe { action.assume_init() }),
        _ => Err(io::Error::last_os_error().into()),
    }
}

fn set_action(number: i32, action: &libc::sigaction) -> Result<(), Code> {
    // SAFETY: `action` is the default, or what signal-hook had installed for this number.
    match unsafe { libc::sigaction(number, action, ptr::null_mut()) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error().into()),
    }
}

//! A child of ours: how its end is learned, and that it is reaped, whoever still cares.
//!
//! ```text
//!          poll                                 dropped
//!  alive -------> reaped, and its exit    alive --------> adopted: a thread waits for it
//! ```
//!
//! A pid is ours until we reap it, so no signal reaches a stranger. Nothing here waits for any
//! child but the one that is meant.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::base::error::Code;
use crate::os::sigset::quiet_thread;

/// How a process ended. Neither is known when the system was told to forget children at once,
/// by ignoring SIGCHLD.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Exit {
    /// What it returned.
    pub status: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
}

/// A child that was not reaped yet, or its exit.
#[derive(Debug)]
pub struct Child {
    pid: i32,
    watch: Watch,
    exit: Option<Exit>,
}

/// What becomes readable when the child has ended.
#[derive(Debug)]
enum Watch {
    /// The kernel's own name for the process.
    Process(OwnedFd),
    /// A thread waits, and then closes the other end.
    Thread(UnixStream, Arc<Mutex<Fate>>),
}

/// What a thread that waits and the owner of the child know of each other.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Fate {
    Running,
    /// It has ended; the owner reaps it.
    Ended,
    /// There is no owner any more; the thread reaps it.
    Adopted,
}

impl Child {
    /// Watches a child of ours that nobody else reaps.
    ///
    /// # Errors
    ///
    /// We are out of descriptors or threads.
    pub(super) fn watch(pid: i32) -> io::Result<Self> {
        match process_fd(pid) {
            Ok(fd) => Ok(Child { pid, watch: Watch::Process(fd), exit: None }),
            Err(error) if is_missing(&error) => Child::watch_by_thread(pid),
            Err(error) if error.raw_os_error() == Some(libc::ESRCH) => Child::forgotten(pid),
            Err(error) => Err(error),
        }
    }

    /// A child that is gone already: the system was told to keep nothing of it.
    fn forgotten(pid: i32) -> io::Result<Self> {
        let (ours, _) = UnixStream::pair()?;
        let watch = Watch::Thread(ours, Arc::new(Mutex::new(Fate::Ended)));
        Ok(Child { pid, watch, exit: Some(Exit { status: None, signal: None }) })
    }

    /// As [`Self::watch`], where the kernel has no name for a process.
    fn watch_by_thread(pid: i32) -> io::Result<Self> {
        let (ours, theirs) = UnixStream::pair()?;
        let fate = Arc::new(Mutex::new(Fate::Running));
        let shared = fate.clone();
        quiet_thread("chuck-wait", move || {
            wait_for_end(pid);
            let mut fate = lock(&shared);
            match *fate {
                Fate::Adopted => wait(pid),
                _ => *fate = Fate::Ended,
            }
            drop(theirs);
        })?;
        Ok(Child { pid, watch: Watch::Thread(ours, fate), exit: None })
    }

    /// Its number.
    pub fn pid(&self) -> i32 {
        self.pid
    }

    /// How it ended, if it has: then it is reaped.
    pub fn poll(&mut self) -> Option<Exit> {
        if self.exit.is_none() {
            self.exit = reap(self.pid);
        }
        self.exit
    }

    /// Sends it a signal; zero asks whether one could.
    ///
    /// # Errors
    ///
    /// [`Code::NO_PROCESS`] once it was reaped, `EINVAL` for what is no signal, `EPERM` when it
    /// runs as somebody else.
    pub fn kill(&self, signal: i32) -> Result<(), Code> {
        match (self.exit, &self.watch) {
            (Some(_), _) => Err(Code::NO_PROCESS),
            (None, Watch::Process(fd)) => signal_process(fd, self.pid, signal),
            (None, Watch::Thread(..)) => super::kill(self.pid, signal),
        }
    }
}

impl AsFd for Child {
    /// It becomes readable when the child has ended.
    fn as_fd(&self) -> BorrowedFd<'_> {
        match &self.watch {
            Watch::Process(fd) => fd.as_fd(),
            Watch::Thread(socket, _) => socket.as_fd(),
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if self.poll().is_some() {
            return;
        }
        match &self.watch {
            Watch::Process(fd) => adopt(self.pid, fd.as_fd()),
            Watch::Thread(_, fate) => {
                let mut fate = lock(fate);
                match *fate {
                    Fate::Ended => wait(self.pid),
                    _ => *fate = Fate::Adopted,
                }
            }
        }
    }
}

/// Kills a child that nobody can watch.
pub(super) fn end(pid: i32) {
    // It is not reaped, so its number is still its own.
    let _ = super::kill(pid, libc::SIGKILL);
    wait(pid);
}

/// Waits for a child, and reaps it.
pub(in crate::os) fn wait(pid: i32) {
    let mut status = 0;
    loop {
        // SAFETY: fills in a number of ours.
        let result = unsafe { libc::waitpid(pid, &raw mut status, 0) };
        if result >= 0 || io::Error::last_os_error().kind() != io::ErrorKind::Interrupted {
            return;
        }
    }
}

/// Waits for the end of a child, and leaves it to be reaped.
fn wait_for_end(pid: i32) {
    loop {
        let id = pid.unsigned_abs() as libc::id_t;
        let flags = libc::WEXITED | libc::WNOWAIT;
        // SAFETY: all zero is a valid `siginfo_t`, and the call fills it in.
        let result = unsafe {
            let mut info: libc::siginfo_t = std::mem::zeroed();
            libc::waitid(libc::P_PID, id, &raw mut info, flags)
        };
        if result == 0 || io::Error::last_os_error().kind() != io::ErrorKind::Interrupted {
            return;
        }
    }
}

/// Reaps a child if it has ended.
fn reap(pid: i32) -> Option<Exit> {
    let mut status = 0;
    // SAFETY: fills in a number of ours.
    match unsafe { libc::waitpid(pid, &raw mut status, libc::WNOHANG) } {
        0 => None,
        // Somebody else has reaped it, or the system by itself.
        -1 => Some(Exit { status: None, signal: None }),
        _ => Some(Exit {
            status: libc::WIFEXITED(status).then(|| libc::WEXITSTATUS(status)),
            signal: libc::WIFSIGNALED(status).then(|| libc::WTERMSIG(status)),
        }),
    }
}

/// Has a child reaped when it ends, by a thread that there is while there are such children.
#[cfg(target_os = "linux")]
fn adopt(pid: i32, fd: BorrowedFd<'_>) {
    let fd = fd.try_clone_to_owned();
    if fd.and_then(|fd| orphans::add(pid, fd)).is_err() {
        // Without room for a thread it stays behind until we end.
        let _ = quiet_thread("chuck-reap", move || wait(pid));
    }
}

/// As above. A child here is watched by a thread already.
#[cfg(not(target_os = "linux"))]
fn adopt(pid: i32, _fd: BorrowedFd<'_>) {
    let _ = quiet_thread("chuck-reap", move || wait(pid));
}

/// Children without an owner, and the thread that waits for all of them.
#[cfg(target_os = "linux")]
mod orphans {
    use std::collections::HashMap;
    use std::io;
    use std::os::fd::OwnedFd;
    use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

    use rustix::buffer::spare_capacity;
    use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};

    use super::{quiet_thread, reap};

    static ORPHANS: Mutex<Option<Orphans>> = Mutex::new(None);

    struct Orphans {
        /// What the thread waits with.
        watch: Arc<OwnedFd>,
        children: HashMap<i32, OwnedFd>,
    }

    pub(super) fn add(pid: i32, fd: OwnedFd) -> io::Result<()> {
        let mut orphans = lock();
        if orphans.is_none() {
            let watch = Arc::new(epoll::create(CreateFlags::CLOEXEC)?);
            let theirs = watch.clone();
            quiet_thread("chuck-reap", move || while work(&theirs) {})?;
            *orphans = Some(Orphans { watch, children: HashMap::new() });
        }
        if let Some(orphans) = orphans.as_mut() {
            let data = EventData::new_u64(pid.unsigned_abs().into());
            epoll::add(&orphans.watch, &fd, data, EventFlags::IN)?;
            orphans.children.insert(pid, fd);
        }
        Ok(())
    }

    /// Waits once; false when there is nobody left to wait for.
    fn work(watch: &OwnedFd) -> bool {
        let mut events = Vec::with_capacity(64);
        // It is interrupted at most: the descriptor is ours.
        let _ = epoll::wait(watch, spare_capacity(&mut events), None);
        let mut orphans = lock();
        let Some(Orphans { children, .. }) = orphans.as_mut() else {
            return false;
        };
        for event in &events {
            let pid = event.data.u64() as i32;
            if reap(pid).is_some() {
                children.remove(&pid);
            }
        }
        let is_left = !children.is_empty();
        if !is_left {
            *orphans = None;
        }
        is_left
    }

    fn lock() -> MutexGuard<'static, Option<Orphans>> {
        ORPHANS.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(target_os = "linux")]
fn process_fd(pid: i32) -> io::Result<OwnedFd> {
    use std::os::fd::{FromRawFd, RawFd};
    // SAFETY: plain numbers; the descriptor is new and nobody else's.
    unsafe {
        match libc::syscall(libc::SYS_pidfd_open, pid, 0) {
            -1 => Err(io::Error::last_os_error()),
            fd => Ok(OwnedFd::from_raw_fd(fd as RawFd)),
        }
    }
}

#[cfg(not(target_os = "linux"))]
fn process_fd(_pid: i32) -> io::Result<OwnedFd> {
    Err(io::Error::from_raw_os_error(libc::ENOSYS))
}

/// Sends a signal by the kernel's own name for a process, which is never another's: not even
/// where the system reaps children by itself.
#[cfg(target_os = "linux")]
fn signal_process(fd: &OwnedFd, pid: i32, signal: i32) -> Result<(), Code> {
    use std::os::fd::AsRawFd;
    let info = std::ptr::null::<libc::siginfo_t>();
    // SAFETY: plain numbers, and null for what a plain kill would say.
    let sent =
        unsafe { libc::syscall(libc::SYS_pidfd_send_signal, fd.as_raw_fd(), signal, info, 0) };
    if sent == 0 {
        return Ok(());
    }
    match io::Error::last_os_error() {
        error if error.raw_os_error() == Some(libc::ENOSYS) => super::kill(pid, signal),
        error => Err(error.into()),
    }
}

#[cfg(not(target_os = "linux"))]
fn signal_process(_fd: &OwnedFd, pid: i32, signal: i32) -> Result<(), Code> {
    super::kill(pid, signal)
}

/// Whether the kernel does not know the call, or a sandbox forbids it.
fn is_missing(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::ENOSYS | libc::EPERM | libc::EINVAL))
}

fn lock(fate: &Mutex<Fate>) -> MutexGuard<'_, Fate> {
    fate.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::process::{ChildStdin, Command, Stdio};
    use std::time::{Duration, Instant};

    use super::*;

    /// A child that ends when its input does, and which nobody else reaps.
    #[expect(clippy::zombie_processes, reason = "who reaps it is what is tested")]
    fn started() -> (i32, ChildStdin) {
        let mut program = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
        (program.id() as i32, program.stdin.take().unwrap())
    }

    fn gone(pid: i32) -> bool {
        let until = Instant::now() + Duration::from_secs(30);
        while crate::os::process::kill(pid, 0).is_ok() && Instant::now() < until {
            std::thread::yield_now();
        }
        crate::os::process::kill(pid, 0).is_err()
    }

    #[test]
    fn a_thread_watches_where_the_kernel_does_not() {
        let (pid, input) = started();
        let mut child = Child::watch_by_thread(pid).unwrap();
        assert_eq!(child.poll(), None);
        drop(input);
        let Watch::Thread(socket, _) = &child.watch else { panic!("no thread") };
        assert_eq!((&*socket).read(&mut [0; 1]).unwrap(), 0);
        assert_eq!(child.poll(), Some(Exit { status: Some(0), signal: None }));
        assert_eq!(child.kill(0), Err(Code::NO_PROCESS));
    }

    #[test]
    fn a_child_that_is_gone_is_told_at_once() {
        let mut child = Child::forgotten(4711).unwrap();
        let Watch::Thread(socket, _) = &child.watch else { panic!("no socket") };
        assert_eq!((&*socket).read(&mut [0; 1]).unwrap(), 0);
        assert_eq!(child.poll(), Some(Exit { status: None, signal: None }));
        assert_eq!(child.kill(0), Err(Code::NO_PROCESS));
    }

    #[test]
    fn a_thread_reaps_what_was_dropped() {
        let (pid, input) = started();
        drop(Child::watch_by_thread(pid).unwrap());
        drop(input);
        assert!(gone(pid));
    }

    #[test]
    fn a_child_that_has_ended_is_reaped_by_whoever_drops_it() {
        let (pid, input) = started();
        let child = Child::watch_by_thread(pid).unwrap();
        drop(input);
        wait_for_end(pid);
        drop(child);
        assert!(gone(pid));
    }
}

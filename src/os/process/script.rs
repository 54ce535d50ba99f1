//! What happens between fork and exec.
//!
//! Another thread may have held any lock when the process was forked, also the allocator's. So
//! everything is written down before, as C wants it, and afterwards only calls are made that a
//! signal handler may make: nothing is allocated, nothing is dropped, nothing panics.

use std::ffi::{CString, c_char};
use std::os::fd::RawFd;
use std::{io, ptr};

use super::{Command, Stage};
use crate::base::limits;
use crate::os::sigset::{SigSet, reset_actions};

/// What a forked process tells its parent: a stage and an error number, or zero and its pid.
pub(super) type Record = [i32; 2];

/// Room for the digits of any pid, and the zero behind them.
const DIGITS: usize = 12;

const LISTEN_PID: &[u8] = b"LISTEN_PID=";

/// The plan of a forked process. It holds whatever its pointers point to.
pub(super) struct Script {
    /// Programs to try, in this order.
    paths: Vec<CString>,
    /// Pointers into `strings`, and null behind them.
    argv: Vec<*const c_char>,
    envp: Vec<*const c_char>,
    /// The variable into which the process writes its own number.
    listen_pid: Vec<u8>,
    has_listen_pid: bool,
    directory: Option<CString>,
    /// Which descriptor each of 0, 1, 2, ... is to be a copy of; its own number: as it is.
    sources: Vec<RawFd>,
    status: RawFd,
    is_detached: bool,
    ignores_hangup: bool,
    /// One more than the largest descriptor the process may have.
    last_fd: RawFd,
    _strings: Vec<CString>,
}

impl Script {
    /// Writes down how `command` is run. `sources` are the descriptors behind 0, 1, 2, ...;
    /// trouble is told to `status`.
    pub(super) fn new(command: &Command, sources: Vec<RawFd>, status: RawFd) -> Self {
        let mut environment = command.variables();
        let has_listen_pid = !command.listen.is_empty();
        let mut listen_pid = LISTEN_PID.to_vec();
        listen_pid.resize(LISTEN_PID.len() + DIGITS, 0);
        let mut envp: Vec<_> = environment.iter().map(|text| text.as_ptr()).collect();
        if has_listen_pid {
            envp.push(listen_pid.as_ptr().cast());
        }
        envp.push(ptr::null());
        let mut strings = command.args.clone();
        let mut argv: Vec<_> = strings.iter().map(|text| text.as_ptr()).collect();
        argv.push(ptr::null());
        let paths = command.candidates(&environment);
        strings.append(&mut environment);
        Script {
            paths,
            argv,
            envp,
            listen_pid,
            has_listen_pid,
            directory: command.directory.clone(),
            sources,
            status,
            is_detached: command.is_detached,
            ignores_hangup: false,
            last_fd: last_fd(),
            _strings: strings,
        }
    }

    /// Forks a process that runs the plan; its number.
    pub(super) fn run(&mut self) -> io::Result<i32> {
        // No handler of ours may run in the child before it has the default ones.
        let before = SigSet::all().block();
        // SAFETY: the child makes only calls that are allowed there, and never returns.
        let result = match unsafe { libc::fork() } {
            0 => self.become_program(),
            -1 => Err(io::Error::last_os_error()),
            pid => Ok(pid),
        };
        before.restore();
        result
    }

    /// Forks a process that forks the one which runs the plan, tells its number, and ends; the
    /// number of the one in between.
    pub(super) fn run_detached(&mut self) -> io::Result<i32> {
        let before = SigSet::all().block();
        // SAFETY: as above.
        let result = match unsafe { libc::fork() } {
            0 => self.become_parent(),
            -1 => Err(io::Error::last_os_error()),
            pid => Ok(pid),
        };
        before.restore();
        result
    }

    /// The process in between: a session of its own, and the program in it, who does not lead it
    /// and so never gets a terminal.
    fn become_parent(&mut self) -> ! {
        self.is_detached = false;
        self.ignores_hangup = true;
        // SAFETY: only calls that are allowed after fork; both processes end here.
        unsafe {
            if libc::setsid() < 0 {
                self.fail(Stage::Session);
            }
            match libc::fork() {
                0 => self.become_program(),
                -1 => self.fail(Stage::Fork),
                pid => {
                    self.tell([0, pid]);
                    libc::_exit(0)
                }
            }
        }
    }

    fn become_program(&mut self) -> ! {
        // What was ignored would stay so in the new program.
        reset_actions();
        // SAFETY: only calls that are allowed after fork, with pointers to what `self` holds.
        unsafe {
            if self.ignores_hangup {
                libc::signal(libc::SIGHUP, libc::SIG_IGN);
            }
            if self.is_detached && libc::setsid() < 0 {
                self.fail(Stage::Session);
            }
            if let Some(directory) = &self.directory
                && libc::chdir(directory.as_ptr()) < 0
            {
                self.fail(Stage::Directory);
            }
            if self.place_descriptors().is_none() {
                self.fail(Stage::Descriptors);
            }
            if self.has_listen_pid {
                write_pid(&mut self.listen_pid, libc::getpid());
            }
        }
        SigSet::none().restore();
        self.exec()
    }

    /// Puts the descriptors in their places, and has all others closed by exec.
    fn place_descriptors(&mut self) -> Option<()> {
        let limit = self.sources.len() as RawFd;
        // Out of the way first: one place may be another's source.
        self.status = above(self.status, limit)?;
        for (place, source) in self.sources.iter_mut().enumerate() {
            if *source != place as RawFd {
                *source = above(*source, limit)?;
            }
        }
        for (place, source) in self.sources.iter().enumerate() {
            let place = place as RawFd;
            // SAFETY: plain numbers. One that stays may be closed: then it stays closed.
            unsafe {
                if *source == place {
                    libc::fcntl(place, libc::F_SETFD, 0);
                } else if libc::dup2(*source, place) < 0 {
                    return None;
                }
            }
        }
        close_by_exec(limit, self.last_fd);
        Some(())
    }

    /// As execvp: what cannot be found or entered lets the next one be tried.
    fn exec(&self) -> ! {
        let (mut denied, mut last) = (false, libc::ENOENT);
        for path in &self.paths {
            // SAFETY: strings and lists that end as C wants it.
            unsafe { libc::execve(path.as_ptr(), self.argv.as_ptr(), self.envp.as_ptr()) };
            match errno() {
                libc::EACCES => denied = true,
                code @ (libc::ENOENT | libc::ENOTDIR) => last = code,
                _ => self.fail(Stage::Exec),
            }
        }
        let code = if denied { libc::EACCES } else { last };
        self.leave([Stage::Exec as i32, code])
    }

    fn fail(&self, stage: Stage) -> ! {
        self.leave([stage as i32, errno()])
    }

    fn leave(&self, record: Record) -> ! {
        self.tell(record);
        // SAFETY: ends the process without running anything of the parent's.
        unsafe { libc::_exit(127) }
    }

    fn tell(&self, record: Record) {
        // SAFETY: so many bytes are there; a pipe takes them whole. If nobody listens any more,
        // nobody is to be told.
        unsafe { libc::write(self.status, record.as_ptr().cast(), size_of::<Record>()) };
    }
}

/// A copy of `fd` that is not below `limit`, or `fd` itself.
fn above(fd: RawFd, limit: RawFd) -> Option<RawFd> {
    if fd >= limit {
        return Some(fd);
    }
    // SAFETY: plain numbers.
    let copy = unsafe { libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, limit) };
    (copy >= 0).then_some(copy)
}

/// Has every descriptor from `first` on closed by exec.
fn close_by_exec(first: RawFd, last: RawFd) {
    #[cfg(target_os = "linux")]
    {
        const CLOSE_RANGE_CLOEXEC: libc::c_uint = 1 << 2;
        let first = first as libc::c_uint;
        // SAFETY: plain numbers; closes nothing yet.
        let done = unsafe {
            libc::syscall(libc::SYS_close_range, first, libc::c_uint::MAX, CLOSE_RANGE_CLOEXEC)
        };
        if done == 0 {
            return;
        }
    }
    for fd in first..last {
        // SAFETY: as above; most are not open at all.
        unsafe { libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC) };
    }
}

/// One more than the largest descriptor that this process may have.
fn last_fd() -> RawFd {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: fills in a value of ours.
    unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) };
    RawFd::try_from(limit.rlim_cur).unwrap_or(RawFd::MAX).min(limits::LAST_FD)
}

fn errno() -> i32 {
    io::Error::last_os_error().raw_os_error().unwrap_or(libc::EIO)
}

/// Writes the digits of `pid` behind the name of the variable.
fn write_pid(variable: &mut [u8], pid: i32) {
    let mut left = pid.unsigned_abs();
    let mut count = 1;
    while count < 10 && left >= 10_u32.pow(count) {
        count += 1;
    }
    for at in (0..count as usize).rev() {
        if let Some(place) = variable.get_mut(LISTEN_PID.len() + at) {
            *place = b'0' + (left % 10) as u8;
        }
        left /= 10;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pid_is_written_as_people_do() {
        for pid in [1, 9, 10, 99, 100, 4_194_304, 999_999_999, 1_000_000_000, i32::MAX] {
            let mut variable = LISTEN_PID.to_vec();
            variable.resize(LISTEN_PID.len() + DIGITS, 0);
            write_pid(&mut variable, pid);
            let text = variable.split(|byte| *byte == 0).next().unwrap();
            assert_eq!(text, format!("LISTEN_PID={pid}").as_bytes());
        }
    }
}

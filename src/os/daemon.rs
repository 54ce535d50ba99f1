//! Becoming a daemon: a process of its own session, without a terminal, that the shell waits for
//! until it is up.
//!
//! ```text
//!  shell's process:  check, lock --> fork --> wait for word --> exit 0, or 1 and the reason
//!  in between:                         `--> session --> fork --> exit
//!  daemon:                                                `--> place descriptors --> "up"
//! ```
//!
//! A forked process has one thread only and everybody's locks, so who has threads is refused.
#![allow(unsafe_code)]

mod notify;
mod pid_file;
mod threads;

use std::fs::{self, OpenOptions};
use std::io::{self, IoSlice, Read, Write};
use std::os::fd::{AsRawFd, IntoRawFd, OwnedFd, RawFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::ptr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::base::error::Code;
use crate::base::limits;
use crate::os::process::{Standing, standing};
use crate::os::sigset::{SigSet, ignore, reset_actions};
use crate::os::{clock, log, pipe, process};

pub use notify::notify;
use pid_file::PidFile;

/// What a daemon says when it is up.
const UP: &[u8] = b"up";

/// How a process becomes a daemon.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Mode bits that new files do not get; kept when none are given.
    pub umask: Option<u32>,
    /// The file with the daemon's number, locked while it lives.
    pub pid_file: Option<PathBuf>,
    /// The directory that it works in; when none is given, that of [`set_directory`], or ours.
    pub directory: Option<PathBuf>,
    /// Files that standard output and error are appended to, instead of being lost.
    pub output: Option<PathBuf>,
    /// As above.
    pub error: Option<PathBuf>,
    /// The shell waits until [`ready`] is called, so long.
    pub waits: Option<Duration>,
}

/// Why a process did not become a daemon. Nothing has changed then.
#[derive(Debug)]
pub struct Failure {
    /// In words.
    pub words: String,
    /// As a number.
    pub code: Code,
}

/// What this process is, once it is a daemon.
struct Daemon {
    /// Who waits for word: the other end is the shell's process.
    shell: Option<OwnedFd>,
    /// Where standard output and error go once there is word.
    later: Option<[OwnedFd; 2]>,
    _pid_file: Option<PidFile>,
}

static DAEMON: Mutex<Option<Daemon>> = Mutex::new(None);

static DIRECTORY: Mutex<Option<PathBuf>> = Mutex::new(None);

/// Names the directory that a daemon of this process will work in.
pub fn set_directory(path: PathBuf) {
    *DIRECTORY.lock().unwrap_or_else(PoisonError::into_inner) = Some(path);
}

/// Makes a daemon of this process: who returns is the daemon. It has so many `engines`.
///
/// # Errors
///
/// Engines or threads exist, another instance holds the pid file, a file or the directory cannot
/// be opened, there is no room for a process.
pub fn daemonize(options: &Options, engines: usize) -> Result<(), Failure> {
    refuse(engines)?;
    fill_standard()?;
    let remembered = || DIRECTORY.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let directory = options.directory.clone().or_else(remembered);
    if let Some(directory) = &directory {
        fs::metadata(directory.join(".")).map_err(|error| failed("enter", directory, &error))?;
    }
    let output = open(options.output.as_deref())?;
    let error = open(options.error.as_deref())?;
    let input = process::null().map_err(|error| null_failed(&error))?;
    let mut pid_file = options.pid_file.as_deref().map(PidFile::lock).transpose()?;
    let broken = |error: &io::Error| Failure::from_io("cannot start the daemon", error);
    let (reader, writer) = pipe::pair().map_err(|error| broken(&error))?;
    // Where threads cannot be counted the log's may run: its lines are not the daemon's.
    let _ = log::flush(limits::LOG_DRAIN);
    // What is in C's buffers would be written twice, or never.
    // SAFETY: null means all streams.
    unsafe { libc::fflush(ptr::null_mut()) };
    // The handlers of this process write to sockets that the daemon will have.
    let before = SigSet::all().block();
    // SAFETY: this is the only thread, so the child may do anything.
    match unsafe { libc::fork() } {
        -1 => {
            let error = io::Error::last_os_error();
            before.restore();
            return Err(broken(&error));
        }
        0 => drop(reader),
        between => {
            reset_actions();
            before.restore();
            drop(writer);
            process::reap(between);
            wait_for_word(reader, options.waits);
        }
    }
    if let Err(error) = leave_session(options.umask, directory.as_deref(), pid_file.as_mut()) {
        drop(pid_file);
        write(&writer, error.words.as_bytes());
        leave(1);
    }
    before.restore();
    let mut daemon = Daemon { shell: Some(writer), later: None, _pid_file: pid_file };
    place(&input, 0);
    if options.waits.is_none() {
        daemon.get_up([output, error]);
    } else {
        daemon.later = Some([output, error]);
    }
    *lock() = Some(daemon);
    Ok(())
}

/// Tells the shell that the daemon is up; false when nobody waits for that.
pub fn ready() -> bool {
    let mut daemon = lock();
    let Some(daemon) = daemon.as_mut() else {
        return false;
    };
    let waited = daemon.shell.is_some();
    if let Some(later) = daemon.later.take() {
        daemon.get_up(later);
    }
    waited
}

impl Daemon {
    /// From here on nothing reaches the terminal.
    fn get_up(&mut self, [output, error]: [OwnedFd; 2]) {
        // SAFETY: null means all streams.
        unsafe { libc::fflush(ptr::null_mut()) };
        place(&output, 1);
        place(&error, 2);
        if let Some(shell) = self.shell.take() {
            write(&shell, UP);
        }
    }
}

impl Failure {
    fn from_io(what: &str, error: &io::Error) -> Self {
        let code = Code(error.raw_os_error().unwrap_or(libc::EIO));
        Failure { words: format!("{what}: {}", code.message()), code }
    }
}

fn failed(verb: &str, path: &Path, error: &io::Error) -> Failure {
    Failure::from_io(&format!("cannot {verb} \"{}\"", path.display()), error)
}

fn refuse(engines: usize) -> Result<(), Failure> {
    let (words, code) = if lock().is_some() {
        ("this process is a daemon already".to_owned(), Code::ALREADY)
    } else if engines > 0 {
        (format!("{engines} engine(s) exist: daemonize before the first one"), Code::BUSY)
    } else if let Some(words) = threads::others() {
        (words, Code::BUSY)
    } else {
        return Ok(());
    };
    Err(Failure { words, code })
}

/// Gives this process the standard descriptors that it was started without, or else what is
/// opened from here on would have their places, and lose them to the daemon's own.
fn fill_standard() -> Result<(), Failure> {
    for number in 0..3 {
        match standing(number) {
            Standing::Inherited => {}
            Standing::Taken => {
                let words = format!(
                    "descriptor {number} was closed, and is something else by now: start the \
                     program with it, or daemonize earlier"
                );
                return Err(Failure { words, code: Code::BUSY });
            }
            Standing::Closed => {
                let null = process::null().map_err(|error| null_failed(&error))?;
                // It has taken this number, the lowest that is free: then it is to stay.
                let null = null.into_raw_fd();
                // SAFETY: plain numbers, of a descriptor that nobody else has.
                unsafe { libc::fcntl(null, libc::F_SETFD, 0) };
            }
        }
    }
    Ok(())
}

fn null_failed(error: &io::Error) -> Failure {
    Failure::from_io("cannot open /dev/null", error)
}

/// The second fork, and what a daemon has that its parent had not.
fn leave_session(
    umask: Option<u32>,
    directory: Option<&Path>,
    pid_file: Option<&mut PidFile>,
) -> Result<(), Failure> {
    let last = |what: &str| Failure::from_io(what, &io::Error::last_os_error());
    // SAFETY: plain numbers, and valid actions. This is the only thread.
    unsafe {
        if libc::setsid() < 0 {
            return Err(last("no session for the daemon"));
        }
        ignore(libc::SIGHUP);
        match libc::fork() {
            -1 => return Err(last("cannot start the daemon")),
            0 => {}
            _ => leave(0),
        }
        if let Some(mask) = umask {
            libc::umask(mask as libc::mode_t);
        }
    }
    if let Some(pid_file) = pid_file {
        pid_file.sign().map_err(|error| failed("write", pid_file.path(), &error))?;
    }
    if let Some(directory) = directory {
        std::env::set_current_dir(directory).map_err(|e| failed("enter", directory, &e))?;
    }
    Ok(())
}

/// The shell's process: ends with the daemon's word.
fn wait_for_word(reader: OwnedFd, limit: Option<Duration>) -> ! {
    let word = match limit.map(|limit| waits(&reader, limit)) {
        Some(false) => Err("the daemon is not ready in time".to_owned()),
        _ => {
            let mut word = Vec::new();
            // What cannot be read is no word.
            let _ = fs::File::from(reader).read_to_end(&mut word);
            match word.as_slice() {
                UP => Ok(()),
                b"" => Err("the daemon ended before it was ready".to_owned()),
                reason => Err(String::from_utf8_lossy(reason).into_owned()),
            }
        }
    };
    if let Err(reason) = &word {
        // Without a standard error there is nobody left to tell.
        let _ = writeln!(io::stderr(), "chuck: {reason}");
    }
    leave(i32::from(word.is_err()))
}

/// Whether there is word, or an end, within `limit`.
fn waits(reader: &OwnedFd, limit: Duration) -> bool {
    let until = clock::now() + limit;
    loop {
        let left = until.saturating_duration_since(clock::now());
        let left = Timespec::try_from(left).ok();
        match poll(&mut [PollFd::new(reader, PollFlags::IN)], left.as_ref()) {
            Ok(0) => return false,
            Ok(_) => return true,
            Err(rustix::io::Errno::INTR) => {}
            Err(_) => return false,
        }
    }
}

/// A file to append to, or the one in which everything is lost.
fn open(path: Option<&Path>) -> Result<OwnedFd, Failure> {
    match path {
        None => process::null().map_err(|error| null_failed(&error)),
        Some(path) => {
            let mut how = OpenOptions::new();
            let file = how.append(true).create(true).mode(0o640).open(path);
            Ok(file.map_err(|error| failed("open", path, &error))?.into())
        }
    }
}

/// Makes `fd` a standard descriptor.
fn place(fd: &OwnedFd, number: RawFd) {
    // SAFETY: plain numbers. It cannot fail: both are valid.
    unsafe { libc::dup2(fd.as_raw_fd(), number) };
}

fn write(shell: &OwnedFd, word: &[u8]) {
    // Who does not wait any more is not told.
    let _ = pipe::write(shell, &[IoSlice::new(word)]);
}

/// Ends this process, and runs nothing that belongs to the daemon.
fn leave(status: i32) -> ! {
    // SAFETY: always allowed.
    unsafe { libc::_exit(status) }
}

fn lock() -> MutexGuard<'static, Option<Daemon>> {
    DAEMON.lock().unwrap_or_else(PoisonError::into_inner)
}

//! Starting programs: fork and exec, so that only what is named is handed on.
//!
//! ```text
//! us:     write the plan down --> fork --> read the status pipe: its end, or stage and errno
//! child:                          `--> signals, session, directory, descriptors --> exec
//! ```
//!
//! The status pipe is closed by a successful exec, so its end is the good news. The standard
//! library's own way to start a program hands on every descriptor without close-on-exec, which
//! files opened by Lua are, and cannot place more than three.
#![allow(unsafe_code)]

mod child;
mod script;

use std::env;
use std::ffi::CString;
use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStringExt;
use std::sync::Arc;

use crate::base::error::Code;
use crate::os::pipe;

pub(super) use child::wait as reap;
pub use child::{Child, Exit};
use script::{Record, Script};

/// Where programs are looked for when the environment has no PATH.
const DEFAULT_PATH: &[u8] = b"/usr/local/bin:/usr/bin:/bin";

/// Standard input, output and error.
const STANDARD: usize = 3;

/// Where a standard descriptor of a new process comes from.
#[derive(Clone, Debug)]
pub enum Source {
    /// Ours.
    Inherit,
    /// Nothing: reads end at once, what is written is lost.
    Null,
    /// A new pipe, whose other end we get.
    Pipe,
    /// A copy of a descriptor of ours.
    Copy(Arc<OwnedFd>),
    /// A copy of our own standard descriptor of this number.
    Standard(RawFd),
    /// Of standard error: wherever standard output goes.
    Output,
}

/// A program to start, and in what surroundings.
#[derive(Debug)]
pub struct Command {
    /// The program and its arguments.
    pub args: Vec<CString>,
    /// Where the program is, if that is not to be looked up by its name.
    pub path: Option<CString>,
    /// `NAME=value`, instead of our environment or on top of it.
    pub variables: Vec<CString>,
    /// Our environment is handed on.
    pub inherits_variables: bool,
    /// The directory that it begins in; relative paths are seen from there.
    pub directory: Option<CString>,
    /// Standard input, output and error.
    pub sources: [Source; STANDARD],
    /// Descriptors that become 3, 4, ..., with names, as systemd hands them over.
    pub listen: Vec<(Vec<u8>, Arc<OwnedFd>)>,
    /// It gets a session of its own, out of the terminal's reach.
    pub is_detached: bool,
}

/// A process that was started.
#[derive(Debug)]
pub struct Spawned {
    /// The process.
    pub child: Child,
    /// Our ends of the pipes to its standard descriptors.
    pub pipes: [Option<OwnedFd>; STANDARD],
}

/// How far a start came.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(i32)]
pub enum Stage {
    /// Before there was a process.
    Fork = 1,
    /// It was to get a session of its own.
    Session,
    /// It was to enter its directory.
    Directory,
    /// It was to get its descriptors.
    Descriptors,
    /// It was to become the program.
    Exec,
}

/// Why a program was not started. There is no process then.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Failure {
    /// When.
    pub stage: Stage,
    /// Why.
    pub code: Code,
}

impl Failure {
    /// One line for people: `cannot execute "cat": no such file or directory`.
    pub fn words(&self, command: &Command) -> String {
        let show = |text: Option<&CString>| text.map(|text| text.to_string_lossy().into_owned());
        let program = show(command.path.as_ref().or(command.args.first())).unwrap_or_default();
        let reason = self.code.message();
        match self.stage {
            Stage::Fork => format!("cannot start \"{program}\": {reason}"),
            Stage::Session => format!("no session for \"{program}\": {reason}"),
            Stage::Directory => {
                let directory = show(command.directory.as_ref()).unwrap_or_default();
                format!("cannot enter \"{directory}\" to run \"{program}\": {reason}")
            }
            Stage::Descriptors => format!("no descriptors for \"{program}\": {reason}"),
            Stage::Exec => format!("cannot execute \"{program}\": {reason}"),
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Failure { stage: Stage::Fork, code: error.into() }
    }
}

impl Command {
    /// A program that is looked up by its name, with everything as we have it.
    pub fn new(args: Vec<CString>) -> Self {
        Command {
            args,
            path: None,
            variables: Vec::new(),
            inherits_variables: true,
            directory: None,
            sources: [Source::Inherit, Source::Inherit, Source::Inherit],
            listen: Vec::new(),
            is_detached: false,
        }
    }

    /// Starts the program; it is a child of ours. Waits until it is the program.
    ///
    /// # Errors
    ///
    /// The program is not there or cannot be executed, the directory cannot be entered, the
    /// arguments are too long, we are out of descriptors or processes.
    pub fn spawn(&self) -> Result<Spawned, Failure> {
        let wiring = Wiring::new(self)?;
        let (reader, writer) = pipe::pair()?;
        let mut script = Script::new(self, wiring.places(self), writer.as_raw_fd());
        let pid = script.run()?;
        drop(writer);
        drop(wiring.theirs);
        let told = follow(reader).inspect_err(|_| child::end(pid))?;
        if let Some(failure) = told.failure {
            child::wait(pid);
            return Err(failure);
        }
        let child = Child::watch(pid).inspect_err(|_| child::end(pid))?;
        Ok(Spawned { child, pipes: wiring.ours })
    }

    /// Starts the program as nobody's child, in a session of its own, with SIGHUP ignored; its
    /// number.
    ///
    /// # Errors
    ///
    /// As [`Self::spawn`].
    pub fn spawn_detached(&self) -> Result<i32, Failure> {
        let wiring = Wiring::new(self)?;
        let (reader, writer) = pipe::pair()?;
        let mut script = Script::new(self, wiring.places(self), writer.as_raw_fd());
        let between = script.run_detached()?;
        drop(writer);
        let told = follow(reader);
        child::wait(between);
        match told? {
            Told { failure: Some(failure), .. } => Err(failure),
            Told { pid: Some(pid), .. } => Ok(pid),
            // Somebody has killed the process in between.
            Told { .. } => Err(Failure { stage: Stage::Fork, code: Code::NO_PROCESS }),
        }
    }

    /// The environment, but for LISTEN_PID, which only the process itself knows.
    fn variables(&self) -> Vec<CString> {
        let mut all = Vec::new();
        if !self.listen.is_empty() {
            let names: Vec<&[u8]> = self.listen.iter().map(|(name, _)| name.as_slice()).collect();
            let count = self.listen.len().to_string();
            all.push(variable(b"LISTEN_FDS", count.as_bytes()));
            all.push(variable(b"LISTEN_FDNAMES", &names.join(&b':')));
        }
        let is_free = |all: &[CString], name: &[u8]| {
            let is_pid = !self.listen.is_empty() && name == b"LISTEN_PID";
            !is_pid && value_of(all, name).is_none()
        };
        for given in &self.variables {
            let name = given.as_bytes().split(|byte| *byte == b'=').next().unwrap_or_default();
            if is_free(&all, name) {
                all.push(given.clone());
            }
        }
        if self.inherits_variables {
            for (name, value) in env::vars_os() {
                let (name, value) = (name.into_vec(), value.into_vec());
                if is_free(&all, &name) {
                    all.push(variable(&name, &value));
                }
            }
        }
        all
    }

    /// Every path that may be the program, first things first.
    fn candidates(&self, environment: &[CString]) -> Vec<CString> {
        if let Some(path) = &self.path {
            return vec![path.clone()];
        }
        let Some(name) = self.args.first() else {
            return Vec::new();
        };
        if name.as_bytes().contains(&b'/') || name.is_empty() {
            return vec![name.clone()];
        }
        let path = value_of(environment, b"PATH").unwrap_or(DEFAULT_PATH);
        let below = |folder: &[u8]| match folder {
            b"" => c_string(name.to_bytes().to_vec()),
            folder => c_string([folder, b"/", name.to_bytes()].concat()),
        };
        path.split(|byte| *byte == b':').map(below).collect()
    }
}

/// The descriptors of a process to be.
struct Wiring {
    /// What is closed here once the process has it.
    theirs: Vec<OwnedFd>,
    ours: [Option<OwnedFd>; STANDARD],
    /// The descriptors behind its standard ones.
    standard: [RawFd; STANDARD],
}

impl Wiring {
    fn new(command: &Command) -> io::Result<Self> {
        // Before anything is opened: what is opened first takes the place of what is not open.
        let is_standard = [0, 1, 2].map(|number| standing(number) == Standing::Inherited);
        let mut wiring =
            Wiring { theirs: Vec::new(), ours: [None, None, None], standard: [0, 1, 2] };
        for (place, source) in command.sources.iter().enumerate() {
            wiring.standard[place] = match source {
                Source::Inherit if is_standard[place] => place as RawFd,
                Source::Inherit => wiring.keep(null()?),
                Source::Standard(number) => {
                    let is_there = is_standard.get(*number as usize).copied().unwrap_or(false);
                    let missing = io::Error::from_raw_os_error(libc::EBADF);
                    if is_there { *number } else { return Err(missing) }
                }
                Source::Output => wiring.standard[1],
                Source::Copy(fd) => fd.as_raw_fd(),
                Source::Null => wiring.keep(null()?),
                Source::Pipe => {
                    let (reader, writer) = pipe::pair()?;
                    let (theirs, ours) =
                        if place == 0 { (reader, writer) } else { (writer, reader) };
                    wiring.ours[place] = Some(ours);
                    wiring.keep(theirs)
                }
            };
        }
        Ok(wiring)
    }

    /// The descriptors behind 0, 1, 2, 3, ...
    fn places(&self, command: &Command) -> Vec<RawFd> {
        let listen = command.listen.iter().map(|(_, fd)| fd.as_raw_fd());
        self.standard.iter().copied().chain(listen).collect()
    }

    fn keep(&mut self, fd: OwnedFd) -> RawFd {
        let number = fd.as_raw_fd();
        self.theirs.push(fd);
        number
    }
}

/// What a process has told until it was the program, or ended.
#[derive(Default)]
struct Told {
    pid: Option<i32>,
    failure: Option<Failure>,
}

fn follow(status: OwnedFd) -> io::Result<Told> {
    let mut bytes = Vec::new();
    File::from(status).read_to_end(&mut bytes)?;
    let mut told = Told::default();
    for record in bytes.chunks_exact(size_of::<Record>()) {
        let number = |at: usize| {
            let bytes = record.get(at..at + 4).and_then(|bytes| bytes.try_into().ok());
            bytes.map_or(0, i32::from_ne_bytes)
        };
        match Stage::from_number(number(0)) {
            None => told.pid = Some(number(4)),
            Some(stage) => told.failure = Some(Failure { stage, code: Code(number(4)) }),
        }
    }
    Ok(told)
}

impl Stage {
    fn from_number(number: i32) -> Option<Self> {
        use Stage::{Descriptors, Directory, Exec, Fork, Session};
        [Fork, Session, Directory, Descriptors, Exec]
            .into_iter()
            .find(|stage| *stage as i32 == number)
    }
}

/// Sends a signal to a process or, by a negative number, to a group of them.
///
/// # Errors
///
/// There is none, it is not ours to signal, or there is no such signal.
pub fn kill(pid: i32, signal: i32) -> Result<(), Code> {
    // SAFETY: plain numbers.
    match unsafe { libc::kill(pid, signal) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error().into()),
    }
}

/// The number of this process, and of its parent.
pub fn pids() -> (i32, i32) {
    // SAFETY: asks only.
    unsafe { (libc::getpid(), libc::getppid()) }
}

/// The file in which everything is lost.
pub(super) fn null() -> io::Result<OwnedFd> {
    Ok(OpenOptions::new().read(true).write(true).open("/dev/null")?.into())
}

/// What is behind the number of a standard descriptor.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::os) enum Standing {
    /// Nothing.
    Closed,
    /// What whoever has started us meant.
    Inherited,
    /// Something of ours that has taken the place of what was closed: it closes on exec.
    Taken,
}

/// What is behind the number `fd`, one of the standard descriptors.
pub(in crate::os) fn standing(fd: RawFd) -> Standing {
    // SAFETY: asks only.
    match unsafe { libc::fcntl(fd, libc::F_GETFD) } {
        ..0 => Standing::Closed,
        flags if flags & libc::FD_CLOEXEC == 0 => Standing::Inherited,
        _ => Standing::Taken,
    }
}

fn variable(name: &[u8], value: &[u8]) -> CString {
    c_string([name, b"=", value].concat())
}

fn value_of<'a>(environment: &'a [CString], name: &[u8]) -> Option<&'a [u8]> {
    let value =
        |text: &'a CString| text.as_bytes().strip_prefix(name)?.strip_prefix(b"=".as_slice());
    environment.iter().find_map(value)
}

/// What came from C strings has no zero in it.
fn c_string(bytes: Vec<u8>) -> CString {
    CString::new(bytes).unwrap_or_default()
}

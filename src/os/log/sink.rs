//! A file that lines are appended to: opened when there is a first line, put away when it is
//! large or the day is over, opened anew when it has gone.
//!
//! ```text
//! server.log                            what is written to
//! server-2026-11-22-15.32.29.032.log    put away, named by its last line
//! ```

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use super::console::{self, Echo};
use super::line::{self, Fields, Format, Head, Level};
use super::queue::{Chunk, Report, Work};
use super::{Console, Settings, stamp, thread};
use crate::base::error::Code;
use crate::base::limits;
use crate::os::clock;

/// The writer's side of one file.
pub struct Sink {
    path: PathBuf,
    settings: Arc<Settings>,
    open: Option<Open>,
    /// When it was last seen to be where it was.
    looked: Option<Instant>,
    /// The time in the name of the file that was put away last: names follow the order of lines.
    named: i64,
    /// The pause before the next attempt.
    pause: Duration,
    /// It was said what is wrong; nothing more is said until all is well.
    has_complained: bool,
}

/// A file that is open.
struct Open {
    file: File,
    /// Who it is, should its path become another's.
    identity: (u64, u64),
    is_regular: bool,
    size: u64,
    /// The local day of what it holds.
    day: i64,
    /// When its last line was logged.
    latest: i64,
}

impl Sink {
    /// Nothing is opened yet.
    pub fn new(path: PathBuf, settings: Arc<Settings>) -> Self {
        Sink {
            path,
            settings,
            open: None,
            looked: None,
            named: i64::MIN,
            pause: limits::LOG_RETRY,
            has_complained: false,
        }
    }

    /// Whether it has a descriptor.
    pub fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// Closes the file until there is more for it. Readers of a pipe would take that for the end.
    pub fn rest(&mut self) {
        self.open.take_if(|open| open.is_regular);
    }

    /// Writes what there is for the file.
    pub fn work(&mut self, work: Work, now: Instant, echo: &mut Echo) -> Report {
        let Work { path, settings, chunks, lost, reopen, .. } = work;
        if path != self.path {
            *self = Sink::new(path, settings.clone());
        }
        self.settings = settings;
        if reopen {
            self.open = None;
        }
        self.look(now);
        let mut report = Report { left: chunks, lost, ..Report::default() };
        self.show(&mut report.left, echo);
        match self.write_all(&mut report) {
            Ok(()) if report.errors == 0 => {
                (self.pause, self.has_complained) = (limits::LOG_RETRY, false);
            }
            Ok(()) => {}
            Err(code) => {
                report.errors += 1;
                report.failing = Some((code, now + self.pause));
                self.pause = (self.pause * 2).min(limits::LOG_RETRY_MAX);
                self.complain("cannot be written", code);
            }
        }
        report
    }

    /// Echoes what was not shown yet; whether the file can be written makes no difference.
    fn show(&self, chunks: &mut VecDeque<Chunk>, echo: &mut Echo) {
        let shows = match self.settings.console {
            Console::On => true,
            Console::Off => false,
            Console::Terminal => console::is_terminal(),
        };
        for chunk in chunks.iter_mut().filter(|chunk| shows && !chunk.is_shown) {
            echo.show(&chunk.bytes);
            chunk.is_shown = true;
        }
    }

    /// Lets go of a file that was removed or moved away.
    fn look(&mut self, now: Instant) {
        if self.looked.is_some_and(|looked| now < looked + limits::LOG_LOOK) {
            return;
        }
        self.looked = Some(now);
        if self.open.is_some() && !self.is_there() {
            self.open = None;
        }
    }

    fn is_there(&self) -> bool {
        self.open.as_ref().is_some_and(|open| open.is_at(&self.path))
    }

    /// Writes everything, and a note of what was dropped. What is left says how far it came.
    fn write_all(&mut self, report: &mut Report) -> Result<(), Code> {
        while let Some(mut chunk) = report.left.pop_front() {
            if let Err(code) = self.write(&mut chunk, report) {
                report.written += forget_written(&mut chunk);
                report.left.push_front(chunk);
                return Err(code);
            }
            report.written += chunk.lines;
            chunk.bytes.clear();
            report.spare.push(chunk.bytes);
        }
        if report.lost > 0 {
            self.write(&mut note(report.lost, self.settings.format), report)?;
            report.lost = 0;
        }
        Ok(())
    }

    /// Writes what is left of a chunk.
    fn write(&mut self, chunk: &mut Chunk, report: &mut Report) -> Result<(), Code> {
        while chunk.done < chunk.bytes.len() {
            let open = match &mut self.open {
                Some(open) => open,
                None => {
                    // A line that a former file has a part of is written whole.
                    chunk.done = record_end(&chunk.bytes, chunk.done).unwrap_or(0);
                    self.open.insert(Open::new(&self.path)?)
                }
            };
            let Some(end) = open.portion(chunk, &self.settings) else {
                self.put_away(report);
                continue;
            };
            match open.file.write(&chunk.bytes[chunk.done..end]) {
                Ok(0) => return Err(Code(libc::EIO)),
                Ok(n) => {
                    chunk.done += n;
                    open.size += n as u64;
                    // A thread's late line, or a clock set right, does not end a day twice.
                    open.day = if chunk.day + 1 == open.day { open.day } else { chunk.day };
                    open.latest = chunk.latest;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    if !open.is_regular || !self.is_there() {
                        self.open = None;
                    }
                    return Err(error.into());
                }
            }
        }
        Ok(())
    }

    /// Gives the file another name, and removes the oldest of those that have one.
    fn put_away(&mut self, report: &mut Report) {
        let Some(mut open) = self.open.take() else { return };
        let renamed = open.lock().and_then(|()| self.rename(&open));
        open.unlock();
        if let Err(error) = renamed {
            // Lines matter more than the size of a file: it may grow by as much again.
            open.size = 0;
            self.open = Some(open);
            report.errors += 1;
            self.complain("cannot be put away", error.into());
            return;
        }
        if self.settings.keep > 0
            && let Err(error) = remove_oldest(&self.path, self.settings.keep)
        {
            report.errors += 1;
            self.complain("has old ones that cannot be removed", error.into());
        }
    }

    /// Renames the file, which is locked, unless another process has done so before.
    fn rename(&mut self, open: &Open) -> io::Result<()> {
        if open.is_at(&self.path) {
            let (at, name) = free_name(&self.path, open.latest.max(self.named.saturating_add(1)));
            fs::rename(&self.path, name)?;
            self.named = at;
        }
        Ok(())
    }

    fn complain(&mut self, what: &str, code: Code) {
        if self.has_complained {
            return;
        }
        self.has_complained = true;
        let (path, words) = (self.path.display(), code.message());
        let name = code.name().unwrap_or("EIO");
        console::complain(&format!(
            "chuck: log file {path} {what}: {words} ({name}, {})\n",
            code.0
        ));
    }
}

impl Open {
    fn new(path: &Path) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        // A pipe without a reader is an error here, not a wait.
        let flags = libc::O_NONBLOCK | libc::O_NOCTTY;
        let file = options.append(true).create(true).mode(0o640).custom_flags(flags).open(path)?;
        let found = file.metadata()?;
        let latest = found.mtime() * 1000 + found.mtime_nsec() / 1_000_000;
        Ok(Open {
            file,
            identity: identity(&found),
            is_regular: found.is_file(),
            size: found.len(),
            day: stamp::local(latest).0.day,
            latest,
        })
    }

    /// Whether it is what `path` leads to.
    fn is_at(&self, path: &Path) -> bool {
        fs::metadata(path).is_ok_and(|found| identity(&found) == self.identity)
    }

    /// Keeps other processes that log to the file from renaming it: both would look for a free
    /// name, take the same one, and what was there would be gone.
    fn lock(&self) -> io::Result<()> {
        for _ in 0..limits::LOG_LOCK_TRIES {
            match flock(&self.file, FlockOperation::NonBlockingLockExclusive) {
                Err(Errno::WOULDBLOCK) => std::thread::sleep(limits::LOG_LOCK_PAUSE),
                // Where there are no locks we are most likely alone.
                _ => return Ok(()),
            }
        }
        Err(Errno::WOULDBLOCK.into())
    }

    /// Closing is not enough: a child of a fork may have the file, too.
    fn unlock(&self) {
        let _ = flock(&self.file, FlockOperation::Unlock);
    }

    /// How far the chunk may be written to this file; nothing when it is to be put away first.
    fn portion(&self, chunk: &Chunk, settings: &Settings) -> Option<usize> {
        let (bytes, done) = (&chunk.bytes, chunk.done);
        if !self.is_regular {
            return Some(bytes.len());
        }
        let may_end = self.size > 0 && (done == 0 || record_end(bytes, done) == Some(done));
        if may_end && settings.daily && self.day < chunk.day {
            return None;
        }
        let room = settings.max_bytes.saturating_sub(self.size);
        if settings.max_bytes == 0 || (bytes.len() - done) as u64 <= room {
            return Some(bytes.len());
        }
        let fits = record_end(bytes, done + room as usize).filter(|end| *end > done);
        match fits {
            None if may_end => None,
            None => Some(first_record_end(bytes, done)),
            fits => fits,
        }
    }
}

fn identity(found: &Metadata) -> (u64, u64) {
    (found.dev(), found.ino())
}

/// The line that tells of dropped ones.
fn note(lost: u64, format: Format) -> Chunk {
    let at = clock::unix_millis();
    let head = Head { at, level: Level::Warn, thread: thread::number() };
    let words = if lost == 1 { "line was" } else { "lines were" };
    let text = format!("{lost} {words} dropped here: the queue of the log was full");
    let mut bytes = Vec::new();
    let day = line::render(&mut bytes, head, text.as_bytes(), &Fields::new(format));
    Chunk { bytes, day, latest: at, ..Chunk::default() }
}

/// Whether a record ends before `at`: what is indented belongs to the line before.
fn is_record_end(bytes: &[u8], at: usize) -> bool {
    at > 0 && bytes[at - 1] == b'\n' && bytes.get(at) != Some(&b'\t')
}

/// Where the last record ends that is whole in the first `most` bytes.
fn record_end(bytes: &[u8], most: usize) -> Option<usize> {
    (1..=most.min(bytes.len())).rev().find(|at| is_record_end(bytes, *at))
}

/// Takes away what is written whole; how many lines that are.
fn forget_written(chunk: &mut Chunk) -> u64 {
    let end = record_end(&chunk.bytes, chunk.done).unwrap_or(0);
    let lines = (1..=end).filter(|at| is_record_end(&chunk.bytes, *at)).count() as u64;
    chunk.bytes.drain(..end);
    chunk.done -= end;
    chunk.lines -= lines;
    lines
}

/// Where the record ends that `from` is in.
fn first_record_end(bytes: &[u8], from: usize) -> usize {
    (from + 1..bytes.len()).find(|at| is_record_end(bytes, *at)).unwrap_or(bytes.len())
}

/// What names of files that were put away begin and end with.
fn parts(path: &Path) -> (OsString, OsString) {
    let mut head = path.file_stem().unwrap_or_default().to_owned();
    head.push("-");
    let mut tail = OsString::new();
    if let Some(extension) = path.extension() {
        tail.push(".");
        tail.push(extension);
    }
    (head, tail)
}

/// A name beside `path` that nothing has, by the time of its last line; and that time.
fn free_name(path: &Path, latest: i64) -> (i64, PathBuf) {
    let (head, tail) = parts(path);
    let mut at = latest;
    loop {
        let (second, millis) = stamp::local(at);
        let time = String::from_utf8_lossy(&second.text).replace(':', ".");
        let mut name = head.clone();
        name.push(format!("{time}.{millis:03}"));
        name.push(&tail);
        let path = path.with_file_name(name);
        if fs::symlink_metadata(&path).is_err() {
            return (at, path);
        }
        at += 1;
    }
}

/// Leaves the latest `keep` of the files that were put away: those that were written to last.
/// Names do not tell, for local time goes back when summer ends, and when a clock is set.
fn remove_oldest(path: &Path, keep: usize) -> io::Result<()> {
    let (head, tail) = parts(path);
    let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let mut found = Vec::new();
    for entry in fs::read_dir(folder.unwrap_or(Path::new(".")))? {
        let entry = entry?;
        let name = entry.file_name();
        let middle = name.as_bytes().strip_prefix(head.as_bytes());
        let middle = middle.and_then(|rest| rest.strip_suffix(tail.as_bytes()));
        // Another process may have removed it by now.
        if middle.is_some_and(is_time)
            && let Ok(of) = entry.metadata()
        {
            found.push(((of.mtime(), of.mtime_nsec()), name));
        }
    }
    found.sort();
    let old = found.len().saturating_sub(keep);
    for (_, name) in &found[..old] {
        match fs::remove_file(path.with_file_name(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// Whether it is `YYYY-MM-DD-HH.MM.SS.mmm`: nothing else is ever removed.
fn is_time(text: &[u8]) -> bool {
    const SHAPE: &[u8] = b"0000-00-00-00.00.00.000";
    let fits = |(byte, shape): (&u8, &u8)| match shape {
        b'0' => byte.is_ascii_digit(),
        shape => byte == shape,
    };
    text.len() == SHAPE.len() && text.iter().zip(SHAPE).all(fits)
}

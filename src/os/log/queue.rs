//! What waits for the writer: per file, whole lines in buffers that are ready to be written.
//!
//! ```text
//! push (any thread) --> entry.chunks --take--> the writer --put_back--> what it could not write
//! ```
//!
//! Nobody waits for room: a line that does not fit is dropped and counted, and so is every
//! line of that file until the writer has come by, so that the gap is one gap with one number.

use std::collections::{HashMap, VecDeque};
use std::mem;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Instant;

use super::Settings;
use super::line::Level;
use crate::base::error::Code;
use crate::base::limits;

/// Lines that leave by one call.
#[derive(Debug, Default)]
pub struct Chunk {
    /// Whole lines.
    pub bytes: Vec<u8>,
    /// How much of them is written.
    pub done: usize,
    /// How many there are.
    pub lines: u64,
    /// The local day that all of them belong to.
    pub day: i64,
    /// When the latest was logged, in milliseconds since 1970.
    pub latest: i64,
    /// Whether the console has shown them.
    pub is_shown: bool,
}

/// What the log has done so far.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Stats {
    /// Lines that the kernel took.
    pub written: u64,
    /// Lines that found the queue full.
    pub dropped: u64,
    /// Times that a file could not be opened, written or put away.
    pub errors: u64,
    /// Lines that wait.
    pub queued: u64,
}

/// A file with what waits for it.
#[derive(Debug)]
struct Entry {
    path: PathBuf,
    settings: Arc<Settings>,
    /// Of the settings, for who renders lines without looking here.
    format: Arc<AtomicU8>,
    /// Who may still log to it.
    handles: usize,
    chunks: VecDeque<Chunk>,
    /// In `chunks`.
    bytes: usize,
    /// With the writer.
    taken: usize,
    /// In `chunks`, and with the writer.
    lines: u64,
    /// Dropped since the writer came by.
    lost: u64,
    /// When what waits is to be written.
    due: Option<Instant>,
    /// It is not to wait until then.
    is_urgent: bool,
    /// Why it cannot be written, and when that is tried again.
    failing: Option<(Code, Instant)>,
    reopen: bool,
    stats: Stats,
}

/// A line on its way in.
#[derive(Clone, Copy, Debug)]
pub struct Line<'a> {
    /// With its line feed.
    pub bytes: &'a [u8],
    /// How much it matters.
    pub level: Level,
    /// When it was logged, in milliseconds since 1970.
    pub at: i64,
    /// The local day of that.
    pub day: i64,
}

/// What became of it.
#[derive(Clone, Copy, Debug)]
pub struct Pushed {
    /// There was room.
    pub fits: bool,
    /// The writer is to be woken.
    pub wake: bool,
}

/// What the writer is to do for one file.
#[derive(Debug)]
pub struct Work {
    /// Which file.
    pub slot: usize,
    /// Where it is.
    pub path: PathBuf,
    /// How it is written.
    pub settings: Arc<Settings>,
    /// What is written, in order.
    pub chunks: VecDeque<Chunk>,
    /// What was dropped after that.
    pub lost: u64,
    /// The file is to be opened anew.
    pub reopen: bool,
}

/// What became of it.
#[derive(Debug, Default)]
pub struct Report {
    /// What is not written, in order.
    pub left: VecDeque<Chunk>,
    /// What was dropped, and could not be noted in the file.
    pub lost: u64,
    /// Lines written.
    pub written: u64,
    /// What went wrong.
    pub errors: u64,
    /// Why it cannot be written, and when to try again.
    pub failing: Option<(Code, Instant)>,
    /// Buffers that are empty now.
    pub spare: Vec<Vec<u8>>,
}

/// When the writer looks at the queue again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sleep {
    /// It works; it will look.
    Awake,
    /// Then.
    Until(Instant),
    /// When it is told to.
    Forever,
}

/// Everything that waits.
#[derive(Debug)]
pub struct Queue {
    entries: Vec<Option<Entry>>,
    names: HashMap<PathBuf, usize>,
    /// What new files are given.
    pub defaults: Settings,
    /// Whether this process has a writer.
    pub is_started: bool,
    /// Set in a child: what waits here is the parent's.
    pub is_forked: bool,
    /// When the writer wakes up.
    pub sleep: Sleep,
    /// The round that somebody waits for, and the latest that is over.
    pub wanted: u64,
    /// See `wanted`.
    pub done: u64,
    /// Why a file could not be written in that one, for who waits: by the time he looks, the
    /// files may have been told to try again.
    pub outcome: Option<Code>,
    /// In all entries, and with the writer.
    bytes: usize,
    spare: Vec<Vec<u8>>,
    /// Of files that are closed.
    past: Stats,
}

impl Queue {
    /// With nothing in it.
    pub fn new() -> Self {
        Queue {
            entries: Vec::new(),
            names: HashMap::new(),
            defaults: Settings::default(),
            is_started: false,
            is_forked: false,
            sleep: Sleep::Awake,
            wanted: 0,
            done: 0,
            outcome: None,
            bytes: 0,
            spare: Vec::new(),
            past: Stats::default(),
        }
    }

    /// Forgets what the parent will write.
    pub fn settle_in_child(&mut self) {
        if !mem::take(&mut self.is_forked) {
            return;
        }
        self.is_started = false;
        self.sleep = Sleep::Awake;
        self.done = self.wanted;
        self.bytes = 0;
        self.past = Stats::default();
        for entry in self.entries.iter_mut().flatten() {
            entry.chunks.clear();
            (entry.bytes, entry.taken, entry.lines, entry.lost) = (0, 0, 0, 0);
            (entry.due, entry.failing, entry.stats) = (None, None, Stats::default());
        }
    }

    /// The slot and the format of the file at `path`; the same for the same path. `settings`
    /// replace those that it has.
    pub fn open(&mut self, path: PathBuf, settings: Option<Settings>) -> (usize, Arc<AtomicU8>) {
        if let Some(slot) = self.names.get(&path).copied()
            && let Some(entry) = self.entries.get_mut(slot).and_then(Option::as_mut)
        {
            entry.handles += 1;
            if let Some(settings) = settings {
                entry.change(settings);
            }
            return (slot, entry.format.clone());
        }
        let settings = settings.unwrap_or_else(|| self.defaults.clone());
        let format = Arc::new(AtomicU8::new(settings.format as u8));
        let entry = Entry {
            path: path.clone(),
            settings: Arc::new(settings),
            format: format.clone(),
            handles: 1,
            chunks: VecDeque::new(),
            bytes: 0,
            taken: 0,
            lines: 0,
            lost: 0,
            due: None,
            is_urgent: false,
            failing: None,
            reopen: false,
            stats: Stats::default(),
        };
        let free = self.entries.iter().position(Option::is_none);
        let slot = free.unwrap_or(self.entries.len());
        if free.is_none() {
            self.entries.push(None);
        }
        self.entries[slot] = Some(entry);
        self.names.insert(path, slot);
        (slot, format)
    }

    /// Gives a file another place and other settings.
    pub fn change(&mut self, slot: usize, path: PathBuf, settings: Settings) {
        let Some(entry) = self.entries.get_mut(slot).and_then(Option::as_mut) else { return };
        if entry.path != path {
            if self.names.get(&entry.path) == Some(&slot) {
                self.names.remove(&entry.path);
            }
            self.names.entry(path.clone()).or_insert(slot);
            entry.path = path;
            entry.failing = None;
            entry.reopen = true;
        }
        entry.change(settings);
    }

    /// One who logs to the file less. What waits is still written.
    pub fn close(&mut self, slot: usize) {
        if let Some(entry) = self.entries.get_mut(slot).and_then(Option::as_mut) {
            entry.handles -= 1;
        }
        if !self.is_started {
            // No writer has it open.
            self.put_back(slot, Report::default());
        }
    }

    /// Has every file opened anew.
    pub fn reopen(&mut self) {
        for entry in self.entries.iter_mut().flatten() {
            entry.reopen = true;
            entry.failing = None;
        }
    }

    /// Adds a line of `slot`. `now` is asked for when the file had nothing.
    pub fn push(&mut self, slot: usize, line: &Line<'_>, now: fn() -> Instant) -> Pushed {
        let Some(entry) = self.entries.get_mut(slot).and_then(Option::as_mut) else {
            return Pushed { fits: false, wake: false };
        };
        if entry.due.is_none() {
            entry.due = Some(now() + entry.settings.flush);
        }
        let len = line.bytes.len();
        let fits = entry.lost == 0
            && self.bytes + len <= limits::LOG_QUEUE
            && (entry.failing.is_none() || entry.bytes + len <= limits::LOG_QUEUE_FAILING);
        if fits {
            entry.append(line, &mut self.spare);
            self.bytes += len;
        } else {
            entry.lost += 1;
            entry.stats.dropped += 1;
        }
        // Who reads the log because of it wants it there, whatever comes next.
        entry.is_urgent |= line.level >= Level::Error;
        let wake = match self.sleep {
            Sleep::Awake => false,
            Sleep::Forever => true,
            Sleep::Until(then) => entry.is_pressing() || entry.deadline().is_some_and(|d| d < then),
        };
        if wake {
            self.sleep = Sleep::Awake;
        }
        Pushed { fits, wake }
    }

    /// Hands out what is to be done by now, or everything when somebody waits for it; and the
    /// round that this makes.
    pub fn take(&mut self, now: Instant) -> (Vec<Work>, u64) {
        let everything = self.wanted > self.done;
        let entries = self.entries.iter_mut().enumerate();
        let ready = entries.filter_map(|(slot, entry)| Some((slot, entry.as_mut()?)));
        let works = ready
            .filter(|(_, entry)| entry.is_ready(now) || (everything && entry.has_work()))
            .map(|(slot, entry)| entry.take(slot))
            .collect();
        (works, self.wanted)
    }

    /// Takes back what the writer has for the file in `slot`. True: the file is closed now.
    pub fn put_back(&mut self, slot: usize, report: Report) -> bool {
        for spare in report.spare {
            if self.spare.len() < limits::LOG_SPARE {
                self.spare.push(spare);
            }
        }
        let Some(entry) = self.entries.get_mut(slot).and_then(Option::as_mut) else {
            return true;
        };
        let before = entry.bytes + entry.taken;
        entry.put_back(report.left, report.failing);
        entry.lines -= report.written;
        entry.lost += report.lost;
        entry.stats.written += report.written;
        entry.stats.errors += report.errors;
        let is_over = entry.handles == 0 && (entry.failing.is_some() || !entry.has_lines());
        if is_over {
            entry.trim(0);
        }
        self.bytes -= before - entry.bytes;
        if is_over {
            self.past.written += entry.stats.written;
            self.past.dropped += entry.stats.dropped;
            self.past.errors += entry.stats.errors;
            if self.names.get(&entry.path) == Some(&slot) {
                self.names.remove(&entry.path);
            }
            self.entries[slot] = None;
        }
        is_over
    }

    /// Whether there is something to do by now.
    pub fn has_work(&self, now: Instant) -> bool {
        self.entries.iter().flatten().any(|entry| entry.is_ready(now))
    }

    /// When there is something to do if nothing happens.
    pub fn deadline(&self) -> Option<Instant> {
        self.entries.iter().flatten().filter_map(Entry::deadline).min()
    }

    /// Why a file cannot be written, if one cannot.
    pub fn failure(&self) -> Option<Code> {
        self.entries.iter().flatten().find_map(|entry| entry.failing).map(|(code, _)| code)
    }

    /// What one file has done, or all of them.
    pub fn stats(&self, slot: Option<usize>) -> Stats {
        if let Some(slot) = slot {
            let entry = self.entries.get(slot).and_then(Option::as_ref);
            return entry.map_or(Stats::default(), Entry::stats);
        }
        self.entries.iter().flatten().map(Entry::stats).fold(self.past, |sum, of| Stats {
            written: sum.written + of.written,
            dropped: sum.dropped + of.dropped,
            errors: sum.errors + of.errors,
            queued: sum.queued + of.queued,
        })
    }
}

impl Entry {
    fn change(&mut self, settings: Settings) {
        self.format.store(settings.format as u8, Ordering::Relaxed);
        self.settings = Arc::new(settings);
    }

    /// Whether it should not wait for more.
    fn is_pressing(&self) -> bool {
        self.failing.is_none() && (self.is_urgent || self.bytes >= limits::LOG_CHUNK)
    }

    fn is_ready(&self, now: Instant) -> bool {
        match self.failing {
            Some((_, again)) => again <= now || self.handles == 0 || self.reopen,
            None => {
                self.due.is_some_and(|due| due <= now)
                    || self.is_pressing()
                    || self.handles == 0
                    || self.reopen
            }
        }
    }

    /// When it will be ready if nothing happens.
    fn deadline(&self) -> Option<Instant> {
        self.failing.map(|(_, again)| again).or(self.due)
    }

    fn has_lines(&self) -> bool {
        !self.chunks.is_empty() || self.lost > 0
    }

    fn has_work(&self) -> bool {
        self.has_lines() || self.reopen
    }

    fn append(&mut self, line: &Line<'_>, spare: &mut Vec<Vec<u8>>) {
        let fits = |chunk: &Chunk| {
            chunk.bytes.len() + line.bytes.len() <= limits::LOG_CHUNK && chunk.day >= line.day
        };
        if !self.chunks.back().is_some_and(fits) {
            let bytes = spare.pop().unwrap_or_default();
            self.chunks.push_back(Chunk { bytes, day: line.day, ..Chunk::default() });
        }
        if let Some(chunk) = self.chunks.back_mut() {
            chunk.bytes.extend_from_slice(line.bytes);
            chunk.lines += 1;
            chunk.latest = chunk.latest.max(line.at);
        }
        self.bytes += line.bytes.len();
        self.lines += 1;
    }

    fn take(&mut self, slot: usize) -> Work {
        self.taken = mem::take(&mut self.bytes);
        self.due = None;
        self.is_urgent = false;
        Work {
            slot,
            path: self.path.clone(),
            settings: self.settings.clone(),
            chunks: mem::take(&mut self.chunks),
            lost: mem::take(&mut self.lost),
            reopen: mem::take(&mut self.reopen),
        }
    }

    fn put_back(&mut self, mut left: VecDeque<Chunk>, failing: Option<(Code, Instant)>) {
        self.taken = 0;
        self.bytes += left.iter().map(|chunk| chunk.bytes.len()).sum::<usize>();
        left.append(&mut self.chunks);
        self.chunks = left;
        self.failing = failing;
        if failing.is_some() {
            self.trim(limits::LOG_QUEUE_FAILING);
        }
    }

    /// Drops the latest lines until no more than `most` bytes wait.
    fn trim(&mut self, most: usize) {
        while self.bytes > most
            && let Some(chunk) = self.chunks.pop_back()
        {
            self.bytes -= chunk.bytes.len();
            self.lines -= chunk.lines;
            self.lost += chunk.lines;
            self.stats.dropped += chunk.lines;
        }
    }

    fn stats(&self) -> Stats {
        Stats { queued: self.lines, ..self.stats }
    }
}

#[cfg(test)]
#[path = "queue_tests.rs"]
mod tests;

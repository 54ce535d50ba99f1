//! Log files that any thread writes to and nobody waits for.
//!
//! ```text
//! File::log --> line.rs: one line --> queue.rs: a buffer per file --> writer.rs: one thread
//!                                                                 --> sink.rs: the file
//! ```
//!
//! A caller renders its line, appends it to the buffer of its file under a lock that nobody
//! holds for long, and goes on. The writer takes whole buffers and writes each by one call.

mod console;
mod line;
mod queue;
mod sink;
mod stamp;
mod thread;
mod writer;

use std::cell::Cell;
use std::env;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crate::base::error::Code;
use crate::base::limits;
use crate::os::clock;

pub use line::{Fields, Format, Level, Value};
pub use queue::Stats;

use line::Head;
use queue::{Line, Queue};

/// Whether lines are also shown on standard output.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Console {
    /// When that is a terminal.
    #[default]
    Terminal,
    /// Always.
    On,
    /// Never.
    Off,
}

/// How a log file is written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Settings {
    /// Where files with a relative name are; nothing: the current directory.
    pub directory: Option<PathBuf>,
    /// The file itself, in place of what its name would make.
    pub path: Option<PathBuf>,
    /// Size from which a file is put away, in bytes; 0: never.
    pub max_bytes: u64,
    /// Whether a file is put away when the day is over.
    pub daily: bool,
    /// How many files that were put away are left; 0: all.
    pub keep: usize,
    /// Whether lines are shown.
    pub console: Console,
    /// How lines look.
    pub format: Format,
    /// How long a line may wait for others.
    pub flush: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            directory: None,
            path: None,
            max_bytes: limits::LOG_FILE,
            daily: false,
            keep: 0,
            console: Console::default(),
            format: Format::default(),
            flush: limits::LOG_FLUSH,
        }
    }
}

impl Settings {
    /// Where the file of that name is: as absolute as it can be made, for a daemon goes elsewhere.
    fn place(&self, name: &Path) -> PathBuf {
        let path = self.path.clone().unwrap_or_else(|| {
            let mut file = name.as_os_str().to_owned();
            if name.extension().is_none_or(|extension| extension != "log") {
                file.push(".log");
            }
            self.directory.as_deref().unwrap_or(Path::new("")).join(file)
        });
        env::current_dir().map_or(path.clone(), |current| current.join(path))
    }
}

/// Lines below this are not logged.
static THRESHOLD: AtomicU8 = AtomicU8::new(Level::Info as u8);

/// Lets lines below `level` go unlogged, in the whole process.
pub fn set_threshold(level: Level) {
    THRESHOLD.store(level as u8, Ordering::Relaxed);
}

/// Whether lines of that level are logged.
#[inline]
pub fn is_enabled(level: Level) -> bool {
    level as u8 >= THRESHOLD.load(Ordering::Relaxed)
}

/// A log file. Nothing is created before the first line; when the last `File` of a path is
/// dropped it is closed, after what was logged is written.
#[derive(Debug)]
pub struct File {
    slot: usize,
    format: Arc<AtomicU8>,
}

impl File {
    /// The file of that name. `settings` replace those it has when it is in use already;
    /// without, a new one gets what [`configure`] was given.
    pub fn open(name: &Path, settings: Option<Settings>) -> Self {
        let mut queue = writer::queue();
        let path = settings.as_ref().unwrap_or(&queue.defaults).place(name);
        let (slot, format) = queue.open(path, settings);
        File { slot, format }
    }

    /// How its lines look.
    pub fn format(&self) -> Format {
        let is_json = self.format.load(Ordering::Relaxed) == Format::Json as u8;
        if is_json { Format::Json } else { Format::Text }
    }

    /// Logs a line; false when the queue was full, and it is dropped. A text with line breaks
    /// stays one record. The fields are of the file's [`Self::format`].
    pub fn log(&self, level: Level, text: &[u8], fields: Option<&Fields>) -> bool {
        !is_enabled(level) || self.log_at(clock::unix_millis(), level, text, fields)
    }

    /// As [`Self::log`], whatever the level, at a time in milliseconds since 1970.
    pub fn log_at(&self, at: i64, level: Level, text: &[u8], fields: Option<&Fields>) -> bool {
        let none;
        let fields = match fields {
            Some(fields) => fields,
            None => {
                none = Fields::new(self.format());
                &none
            }
        };
        // Taken, not borrowed: at the end of a thread there may be none.
        let mut bytes = LINE.try_with(Cell::take).unwrap_or_default();
        bytes.clear();
        let head = Head { at, level, thread: thread::number() };
        let day = line::render(&mut bytes, head, text, fields);
        let fits = writer::push(self.slot, &Line { bytes: &bytes, level, at, day });
        let _ = LINE.try_with(|line| line.set(bytes));
        fits
    }

    /// What it has done.
    pub fn stats(&self) -> Stats {
        writer::queue().stats(Some(self.slot))
    }
}

thread_local! {
    /// Where this thread's lines are made.
    static LINE: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

impl Drop for File {
    fn drop(&mut self) {
        writer::change(|queue| queue.close(self.slot));
    }
}

static SYSTEM: OnceLock<File> = OnceLock::new();
static IS_SYSTEM_USED: AtomicBool = AtomicBool::new(false);

/// The log of the process, named `syslog`.
pub fn system() -> &'static File {
    IS_SYSTEM_USED.store(true, Ordering::Relaxed);
    SYSTEM.get_or_init(|| File::open(Path::new("syslog"), None))
}

/// Whether the program uses the log of the process: it was logged to, or configured.
pub fn is_system_used() -> bool {
    IS_SYSTEM_USED.load(Ordering::Relaxed)
}

/// What files are given that are opened without settings, and what [`configure`] begins from.
pub fn defaults() -> Settings {
    writer::queue().defaults.clone()
}

/// Gives the log of the process its settings, and all files that are opened without any later.
pub fn configure(settings: Settings) {
    let slot = system().slot;
    let path = settings.place(Path::new("syslog"));
    writer::change(|queue| {
        queue.change(slot, path, settings.clone());
        queue.defaults = Settings { path: None, ..settings };
    });
}

/// Has every file opened anew, for programs that move log files away.
pub fn reopen() {
    writer::change(Queue::reopen);
}

/// What all files have done.
pub fn stats() -> Stats {
    writer::queue().stats(None)
}

/// Waits until everything that was logged before is written.
///
/// # Errors
///
/// `ETIMEDOUT` after `limit`, or why one of the files cannot be written.
pub fn flush(limit: Duration) -> Result<(), Code> {
    writer::drain(limit)
}

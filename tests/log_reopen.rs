//! A flush beside reopening: it says what became of its lines, not what may become of them.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use chuck_core::os::log::{self, Console, File, Level, Settings};

#[test]
fn a_flush_that_could_not_write_says_so_while_others_reopen() {
    let folder = std::env::temp_dir().join(format!("chuck-reopen-{}/missing", std::process::id()));
    let settings =
        Settings { directory: Some(folder), console: Console::Off, ..Settings::default() };
    let file = File::open(Path::new("never"), Some(settings));
    assert!(file.log(Level::Info, b"waits", None));
    let busy = AtomicBool::new(true);
    let flushed = thread::scope(|scope| {
        scope.spawn(|| {
            while busy.load(Ordering::Relaxed) {
                log::reopen();
            }
        });
        let rounds = (0..2000).map(|_| log::flush(Duration::from_secs(20)));
        let flushed = rounds.filter(Result::is_ok).count();
        busy.store(false, Ordering::Relaxed);
        flushed
    });
    assert_eq!((flushed, file.stats().queued), (0, 1));
}

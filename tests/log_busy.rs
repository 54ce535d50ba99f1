//! A process that flushes or ends while its threads log: it does not give up on a busy machine.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use chuck_core::os::log::{self, Console, File, Level, Settings};

#[test]
fn a_flush_waits_its_turn_while_many_threads_log() {
    // More threads than any machine of ours has cores: some wait for their turn with the lock held.
    const THREADS: usize = 16;
    let path = std::env::temp_dir().join(format!("chuck-busy-{}.log", std::process::id()));
    let settings =
        Settings { path: Some(path.clone()), console: Console::Off, ..Settings::default() };
    let file = File::open(Path::new("busy"), Some(settings));
    let busy = AtomicBool::new(true);
    let outcomes: Vec<_> = thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                while busy.load(Ordering::Relaxed) {
                    file.log(Level::Info, b"x", None);
                }
            });
        }
        let end = Instant::now() + Duration::from_secs(2);
        let rounds = std::iter::repeat_with(|| log::flush(Duration::from_secs(20)));
        let outcomes = rounds.take_while(|_| Instant::now() < end).collect();
        busy.store(false, Ordering::Relaxed);
        outcomes
    });
    fs::remove_file(&path).unwrap();
    let failed: Vec<_> = outcomes.iter().filter(|outcome| outcome.is_err()).collect();
    assert!(failed.is_empty(), "{failed:?} of {}", outcomes.len());
}

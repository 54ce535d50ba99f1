//! A process that forks while it logs: each line is written once, by the process that logged it.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use chuck_core::os::log::{self, Console, File, Level, Settings};

#[test]
fn a_child_writes_its_own_lines_and_no_others() {
    const LINES: usize = 1000;
    let path = std::env::temp_dir().join(format!("chuck-fork-{}.log", std::process::id()));
    let settings = Settings {
        path: Some(path.clone()),
        console: Console::Off,
        // What is logged is still there when we fork.
        flush: Duration::from_millis(500),
        ..Settings::default()
    };
    let file = File::open(Path::new("fork"), Some(settings));
    let write = |who: &str| {
        for n in 0..LINES {
            assert!(file.log(Level::Info, format!("{who} {n}").as_bytes(), None));
        }
    };
    write("parent");
    // Another thread has the queue in use most of the time.
    let busy = AtomicBool::new(true);
    thread::scope(|scope| {
        scope.spawn(|| {
            while busy.load(Ordering::Relaxed) {
                let _ = file.stats();
            }
        });
        // SAFETY: the child logs, which is made for that, and ends.
        let child = unsafe { libc::fork() };
        assert!(child >= 0);
        if child == 0 {
            write("child");
            // SAFETY: ends the process as a program does: what is logged is written.
            unsafe { libc::exit(0) };
        }
        let mut status = 0;
        // SAFETY: the status is written to where it is pointed at.
        assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
        assert_eq!(status, 0);
        busy.store(false, Ordering::Relaxed);
    });
    log::flush(Duration::from_secs(20)).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    fs::remove_file(&path).unwrap();
    for who in ["parent", "child"] {
        let of = text.lines().filter_map(|line| line.split_once("]:").unwrap().1.split_once(' '));
        let numbers: Vec<usize> =
            of.filter(|(by, _)| *by == who).map(|(_, n)| n.parse().unwrap()).collect();
        assert_eq!(numbers, (0..LINES).collect::<Vec<_>>(), "{who}");
    }
    // The child's thread has a number of its own.
    let thread = |who: &str| {
        let line = text.lines().find(|line| line.contains(who)).unwrap();
        line.split('[').nth(2).unwrap().split(']').next().unwrap().to_owned()
    };
    assert_ne!(thread("parent"), thread("child"));
}

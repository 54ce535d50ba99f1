//! An end to every run, and room for many descriptors.

use std::io;
use std::thread;
use std::time::Duration;

use rustix::process::{Resource, getrlimit, setrlimit};

/// Ends the process with status 3 once `life` has passed, whatever it is doing.
///
/// A separate thread sleeps, so the measured loop pays nothing for it.
pub fn end_after(life: Duration) {
    thread::spawn(move || {
        thread::sleep(life);
        eprintln!("ended by its own time limit of {} s", life.as_secs());
        std::process::exit(3);
    });
}

/// Raises the limit of open descriptors to what the system allows.
///
/// # Errors
///
/// What `setrlimit` says.
pub fn raise_descriptor_limit() -> io::Result<()> {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    Ok(setrlimit(Resource::Nofile, limit)?)
}

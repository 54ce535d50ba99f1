//! `daemon`: this process in the background, and word to who started it.

use std::ffi::{CString, OsString};
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;
use std::time::Duration;

use super::command::{self, Options};
use super::convert;
use super::process::argument;
use super::raw::{Call, Fail, Outcome, function};
use crate::base::error::Code;
use crate::base::limits;
use crate::engine;
use crate::os::daemon;
use crate::os::process::pids;

/// What `daemonize` understands.
const OPTIONS: &[&str] = &["umask", "pid_file", "workdir", "stdout", "stderr", "notify", "timeout"];

/// Pushes the module's table.
pub fn push_module(call: &Call) {
    call.push_functions(&[
        (c"set_workdir", function(set_workdir)),
        (c"daemonize", function(daemonize)),
        (c"ready", function(ready)),
        (c"notify", function(notify)),
    ]);
}

fn set_workdir(call: &Call) -> Outcome {
    daemon::set_directory(path(argument(call, 1)?));
    call.push_boolean(true);
    Ok(1)
}

fn daemonize(call: &Call) -> Outcome {
    let options = if call.is_absent(1) { daemon::Options::default() } else { read(call)? };
    match daemon::daemonize(&options, engine::alive()) {
        Ok(()) => {
            call.push_boolean(true);
            Ok(1)
        }
        Err(failure) => convert::refusal(call, &failure.words, failure.code),
    }
}

fn read(call: &Call) -> Result<daemon::Options, Fail> {
    let options = Options::new(call, 1, OPTIONS)?;
    let file = |name| Ok(options.get(name, command::text)?.map(path));
    let timeout = options.get(c"timeout", |call, n| {
        let ms = call.to_integer(n).filter(|ms| (0..=limits::TIMER_MAX_MS as i64).contains(ms));
        ms.ok_or_else(|| "a time in milliseconds expected".to_owned())
    })?;
    let limit = timeout.map_or(limits::DAEMON_READY, |ms| Duration::from_millis(ms as u64));
    let waits = options.get(c"notify", command::boolean)?.unwrap_or(false);
    Ok(daemon::Options {
        umask: options.get(c"umask", convert::permissions)?,
        pid_file: file(c"pid_file")?,
        directory: file(c"workdir")?,
        output: file(c"stdout")?,
        error: file(c"stderr")?,
        waits: waits.then_some(limit),
    })
}

/// The shell's process may end, and the service manager is told.
fn ready(call: &Call) -> Outcome {
    daemon::ready();
    let state = format!("MAINPID={}\nREADY=1", pids().0);
    match daemon::notify(state.as_bytes()) {
        Ok(()) | Err(Code::NO_DESTINATION) => {
            call.push_boolean(true);
            Ok(1)
        }
        Err(code) => convert::failure(call, code),
    }
}

fn notify(call: &Call) -> Outcome {
    match daemon::notify(call.bytes(1)?) {
        Ok(()) => {
            call.push_boolean(true);
            Ok(1)
        }
        Err(Code::NO_DESTINATION) => {
            convert::refusal(call, "NOTIFY_SOCKET is not set: nobody asks", Code::NO_DESTINATION)
        }
        Err(code) => convert::failure(call, code),
    }
}

fn path(text: CString) -> PathBuf {
    OsString::from_vec(text.into_bytes()).into()
}

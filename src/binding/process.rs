//! `process`: other programs, and signals to them.

use std::ffi::{CString, c_int};

use super::child;
use super::command::{self, Wishes};
use super::convert;
use super::engine::EngineObject;
use super::raw::{Call, Fail, Outcome, function};
use crate::base::error::Code;
use crate::os::process::{self, Command, Source};

/// Pushes the module's table.
pub fn push_module(call: &Call) {
    call.push_functions(&[
        (c"fork", function(fork)),
        (c"spawn", function(spawn)),
        (c"kill", function(kill)),
        (c"pid", function(pid)),
        (c"ppid", function(ppid)),
    ]);
    // Those that no signaler can catch, and so are not in `signal`.
    for (name, number) in [(c"SIGKILL", libc::SIGKILL), (c"SIGSTOP", libc::SIGSTOP)] {
        call.push_integer(number.into());
        call.set_field(-2, name);
    }
}

/// `fork(path, ...)`: a program that has nothing to do with us any more; its number.
fn fork(call: &Call) -> Outcome {
    let args = (1..=call.top().max(1)).map(|n| argument(call, n)).collect::<Result<Vec<_>, _>>()?;
    let mut command = Command::new(args);
    command.path = command.args.first().cloned();
    command.sources = [Source::Null, Source::Null, Source::Null];
    match command.spawn_detached() {
        Ok(pid) => {
            call.push_integer(pid.into());
            Ok(1)
        }
        Err(failure) => convert::refusal(call, &failure.words(&command), failure.code),
    }
}

/// `spawn(engine, options[, on_exit])`
fn spawn(call: &Call) -> Outcome {
    let core = call.object::<EngineObject>(1)?.core().clone();
    let mut wishes = Wishes::read(call, 2)?;
    call.optional_function(3)?;
    if core.is_closed() {
        return convert::failure(call, Code::ENGINE_CLOSED);
    }
    let command = match wishes.command() {
        Ok(command) => command,
        Err(code) => return convert::failure(call, code),
    };
    let spawned = match command.spawn() {
        Ok(spawned) => spawned,
        Err(failure) => return convert::refusal(call, &failure.words(command), failure.code),
    };
    wishes.hand_over();
    let (framing, recv_size) = (wishes.framing, wishes.recv_size);
    match child::push(call, &core, spawned, framing, recv_size) {
        Ok(()) => Ok(1),
        Err(code) => convert::failure(call, code),
    }
}

/// `kill(pid, signal)`: `0`, or a negative error number.
fn kill(call: &Call) -> Outcome {
    let (pid, signal) = (convert::descriptor(call, 1)?, convert::descriptor(call, 2)?);
    convert::status(call, process::kill(pid, signal))
}

fn pid(call: &Call) -> Outcome {
    call.push_integer(process::pids().0.into());
    Ok(1)
}

fn ppid(call: &Call) -> Outcome {
    call.push_integer(process::pids().1.into());
    Ok(1)
}

/// Argument `n`, a string without a zero in it.
pub fn argument(call: &Call, n: c_int) -> Result<CString, Fail> {
    call.bytes(n)?;
    command::text(call, n).map_err(|why| Fail::argument(n, why))
}

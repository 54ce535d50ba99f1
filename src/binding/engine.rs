//! `engine`: the event loop object.

use std::ffi::{CStr, c_int};
use std::rc::Rc;

use super::anchor;
use super::convert;
use super::place;
use super::raw::{Call, Class, Fail, Outcome, function};
use super::run::Core;

/// What Lua holds. When it is collected, everything registered is closed without a word.
pub struct EngineObject(Rc<Core>);

impl Class for EngineObject {
    const NAME: &'static CStr = c"engine";
    const INDEX: usize = place::ENGINE;
    const USER_VALUES: c_int = 1;
}

impl EngineObject {
    /// The engine behind the object.
    pub fn core(&self) -> &Rc<Core> {
        &self.0
    }
}

impl Drop for EngineObject {
    fn drop(&mut self) {
        self.0.shut_down(None);
    }
}

/// Makes the class known.
pub fn register(call: &Call) {
    call.register::<EngineObject>(
        &[
            (c"Run", function(run)),
            (c"Stop", function(stop)),
            (c"Close", function(close)),
            (c"Post", function(post)),
            (c"SetErrorHandler", function(set_error_handler)),
            (c"Stats", function(stats)),
        ],
        &[],
    );
}

/// `engine()`
pub fn new(call: &Call) -> Outcome {
    let id = call.new_id();
    match Core::new(id) {
        Ok(core) => call.push_object(EngineObject(core)),
        Err(code) => return convert::failure(call, code),
    }
    anchor::attach(call, id);
    Ok(1)
}

fn run(call: &Call) -> Outcome {
    let core = call.object::<EngineObject>(1)?.core().clone();
    let limit = if call.is_absent(2) { None } else { Some(convert::millis(call, 2)?) };
    if core.is_running() {
        return Err(Fail::new("engine is already running"));
    }
    call.set_top(1);
    let result = core.run(call, limit);
    convert::status(call, result)
}

fn stop(call: &Call) -> Outcome {
    call.object::<EngineObject>(1)?.core().stop();
    Ok(0)
}

fn close(call: &Call) -> Outcome {
    let core = call.object::<EngineObject>(1)?.core().clone();
    core.close(call);
    Ok(0)
}

fn post(call: &Call) -> Outcome {
    let core = call.object::<EngineObject>(1)?.core().clone();
    call.function(2)?;
    if core.is_closed() {
        return Ok(0);
    }
    let place = core.post();
    call.set_top(2);
    call.user_value(1);
    call.raw_get(-1, anchor::POSTS);
    call.push_value(2);
    call.raw_set(-2, place);
    Ok(0)
}

fn set_error_handler(call: &Call) -> Outcome {
    call.object::<EngineObject>(1)?;
    let given = call.optional_function(2)?;
    call.set_top(2);
    call.user_value(1);
    if given {
        call.push_value(2);
    } else {
        call.push_boolean(false);
    }
    call.raw_set(-2, anchor::HANDLER);
    Ok(0)
}

fn stats(call: &Call) -> Outcome {
    let core = call.object::<EngineObject>(1)?.core().clone();
    let (open, timers) = core.population();
    let stats = &core.stats;
    let counters: [(&CStr, u64); 8] = [
        (c"turns", stats.turns.get()),
        (c"wakes", stats.wakes.get()),
        (c"bytes_in", stats.bytes_in.get()),
        (c"bytes_out", stats.bytes_out.get()),
        (c"accepted", stats.accepted.get()),
        (c"open", open as u64),
        (c"timers", timers as u64),
        (c"longest_callback_us", stats.longest.get().as_micros() as u64),
    ];
    call.push_table(0, counters.len());
    for (name, value) in counters {
        call.push_integer(value as i64);
        call.set_field(-2, name);
    }
    Ok(1)
}

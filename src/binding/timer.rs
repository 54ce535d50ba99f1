//! `RegTimer`, `TimingWheel`, `systick`: intervals in milliseconds, callbacks that say when next.

use std::cell::RefCell;
use std::ffi::{CStr, c_int};
use std::time::{Duration, Instant};

use super::anchor;
use super::convert;
use super::engine::EngineObject;
use super::place;
use super::raw::{Call, Class, Fail, Outcome, function};
use super::report::complain;
use crate::engine::wheel::{TimerId, Wheel};
use crate::os::clock;

/// Names a timer of an engine or a wheel. Dropping it changes nothing: the timer runs on.
struct Timer {
    /// The anchors of its owner.
    owner: u32,
    id: TimerId,
}

impl Class for Timer {
    const NAME: &'static CStr = c"timer";
    const INDEX: usize = place::TIMER;

    fn is_plain(&mut self) -> bool {
        true
    }
}

/// A wheel that moves only when it is told to.
struct TimingWheel {
    id: u32,
    wheel: RefCell<Wheel<Duration>>,
    origin: Instant,
}

impl Class for TimingWheel {
    const NAME: &'static CStr = c"TimingWheel";
    const INDEX: usize = place::WHEEL;
    const USER_VALUES: c_int = 1;
}

/// Makes the classes known.
pub fn register(call: &Call) {
    call.register::<Timer>(&[(c"UnRegister", function(unregister))], &[]);
    call.register::<TimingWheel>(
        &[(c"Register", function(wheel_register)), (c"Tick", function(wheel_tick))],
        &[],
    );
}

/// `RegTimer(engine, ms, callback)`
pub fn reg_timer(call: &Call) -> Outcome {
    let core = call.object::<EngineObject>(1)?.core();
    let interval = interval(call, 2)?;
    call.function(3)?;
    let id = match core.add_timer(interval) {
        Ok(id) => id,
        Err(code) => return convert::failure(call, code),
    };
    push_timer(call, core.id, id)
}

/// `systick()`
pub fn systick(call: &Call) -> Outcome {
    call.push_integer(clock::millis() as i64);
    Ok(1)
}

/// `TimingWheel()`
pub fn wheel(call: &Call) -> Outcome {
    let id = call.new_id();
    let wheel = TimingWheel { id, wheel: RefCell::default(), origin: clock::now() };
    call.push_object(wheel);
    anchor::attach(call, id);
    Ok(1)
}

fn wheel_register(call: &Call) -> Outcome {
    let this = call.object::<TimingWheel>(1)?;
    let interval = interval(call, 2)?;
    call.function(3)?;
    let at = this.after(interval);
    let id = this.wheel.borrow_mut().insert(at, interval);
    push_timer(call, this.id, id)
}

/// Calls everything back whose time has come when it begins, once each.
fn wheel_tick(call: &Call) -> Outcome {
    let this = call.object::<TimingWheel>(1)?;
    let now = this.now();
    call.set_top(1);
    call.reserve(8);
    call.push_handler();
    call.user_value(1);
    call.raw_get(3, anchor::TIMERS);
    loop {
        let Some((id, interval)) = this.wheel.borrow_mut().fire(now) else {
            return Ok(0);
        };
        call.raw_get(4, anchor::index(id.slot as usize));
        let next = if call.protected(0, 1, 2) {
            convert::next_interval(call, interval)
        } else {
            call.push_traceback();
            complain("callback", call, -2, call.to_bytes(-1));
            None
        };
        call.set_top(4);
        match next {
            Some(next) => {
                let at = this.after(next);
                this.wheel.borrow_mut().rearm(id, at, next);
            }
            None => {
                if this.wheel.borrow_mut().remove(id).is_some() {
                    call.push_nil();
                    call.raw_set(4, anchor::index(id.slot as usize));
                }
            }
        }
    }
}

fn unregister(call: &Call) -> Outcome {
    let &Timer { owner, id } = call.object::<Timer>(1)?;
    if !anchor::push(call, owner) {
        return Ok(0);
    }
    call.raw_get(-1, anchor::OWNER);
    let removed = match (call.try_object::<EngineObject>(-1), call.try_object::<TimingWheel>(-1)) {
        (Some(engine), _) => engine.core().remove_timer(id),
        (_, Some(this)) => this.wheel.borrow_mut().remove(id).is_some(),
        _ => false,
    };
    if removed {
        call.raw_get(-2, anchor::TIMERS);
        call.push_nil();
        call.raw_set(-2, anchor::index(id.slot as usize));
    }
    Ok(0)
}

/// Anchors the callback, argument 3, with the owner, argument 1, and pushes the timer.
fn push_timer(call: &Call, owner: u32, id: TimerId) -> Outcome {
    call.reserve(8);
    call.push_value(3);
    anchor::set(call, 1, anchor::TIMERS, id.slot as usize);
    call.push_object(Timer { owner, id });
    Ok(1)
}

/// Argument `n`, an interval: zero counts as one millisecond.
fn interval(call: &Call, n: c_int) -> Result<Duration, Fail> {
    Ok(convert::millis(call, n)?.max(Duration::from_millis(1)))
}

impl TimingWheel {
    /// The first tick that is not before `interval` has passed.
    fn after(&self, interval: Duration) -> u64 {
        let at = clock::now().duration_since(self.origin) + interval;
        at.as_secs() * 1000 + u64::from(at.subsec_nanos().div_ceil(1_000_000))
    }

    fn now(&self) -> u64 {
        clock::now().duration_since(self.origin).as_millis() as u64
    }
}

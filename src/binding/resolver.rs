//! `resolver`: addresses of hosts, without waiting.

use std::cell::{Cell, RefCell};
use std::ffi::{CStr, c_int};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::anchor;
use super::convert;
use super::engine::EngineObject;
use super::place;
use super::raw::{Call, Class, Fail, Outcome, function};
use super::run::{Core, Owner};
use super::seat::Seat;
use super::stage::Stage;
use crate::base::error::Code;
use crate::base::limits;
use crate::engine::Ready;
use crate::engine::key::Key;
use crate::os::resolve::pool::{self, Waiter};
use crate::os::resolve::{self, Answer, Failure, Family, Question};

/// What Lua holds.
pub struct Query(Rc<Handle>);

impl Class for Query {
    const NAME: &'static CStr = c"query";
    const INDEX: usize = place::QUERY;
}

/// A query that was not answered yet, while `seat` is there.
struct Handle {
    /// `None` for a question that could not be asked.
    question: Option<Question>,
    /// What is known already.
    answer: RefCell<Option<Answer>>,
    /// Gets the answer from another thread.
    waiter: RefCell<Option<Arc<Waiter>>>,
    timeout: Duration,
    deadline: Cell<Option<Instant>>,
    seat: Seat,
}

/// Makes the class known.
pub fn register(call: &Call) {
    call.register::<Query>(&[(c"Cancel", function(cancel))], &[]);
}

/// Pushes the module's table.
pub fn push_module(call: &Call) {
    call.push_functions(&[
        (c"resolve", function(resolve)),
        (c"configure", function(configure)),
        (c"flush", function(flush)),
    ]);
}

/// What the options of `resolve` say.
struct Options {
    family: Family,
    timeout: Duration,
    cached: bool,
}

impl Options {
    fn read(call: &Call, n: c_int) -> Result<Self, Fail> {
        let mut options =
            Options { family: Family::Any, timeout: limits::RESOLVE_TIMEOUT, cached: true };
        if call.optional_table(n)? {
            if let Some(family) = convert::option(call, n, c"family", family)? {
                options.family = family;
            }
            if let Some(timeout) = convert::option(call, n, c"timeout_ms", convert::millis)? {
                options.timeout = timeout;
            }
            if let Some(cached) = convert::option(call, n, c"cache", Call::switch)? {
                options.cached = cached;
            }
        }
        Ok(options)
    }
}

fn family(call: &Call, n: c_int) -> Result<Family, Fail> {
    match call.bytes(n)? {
        b"inet" => Ok(Family::Inet),
        b"inet6" => Ok(Family::Inet6),
        _ => Err(Fail::argument(n, "\"inet\" or \"inet6\" expected")),
    }
}

/// `resolve(engine, host, callback[, options])`
fn resolve(call: &Call) -> Outcome {
    let core = call.object::<EngineObject>(1)?.core().clone();
    let host = call.bytes(2)?;
    call.function(3)?;
    let options = Options::read(call, 4)?;
    let (question, answer) = match Question::new(host, options.family) {
        Ok(question) => (Some(question), None),
        Err(failure) => (None, Some(Err(failure))),
    };
    let handle = Rc::new(Handle {
        question,
        answer: RefCell::new(answer),
        waiter: RefCell::new(None),
        timeout: options.timeout,
        deadline: Cell::new(None),
        seat: Seat::default(),
    });
    call.set_top(3);
    call.reserve(4);
    call.push_object(Query(handle.clone()));
    let key = match handle.sit_down(&core, options.cached) {
        Ok(key) => key,
        Err(code) => return convert::failure(call, code),
    };
    for (value, list) in [(4, anchor::OBJECTS), (3, anchor::CALLBACKS)] {
        call.push_value(value);
        anchor::set(call, 1, list, key.slot());
    }
    Ok(1)
}

/// True when the callback was still to be called.
fn cancel(call: &Call) -> Outcome {
    let handle = call.object::<Query>(1)?.0.clone();
    handle.forget();
    call.push_boolean(handle.seat.leave(call, None));
    Ok(1)
}

/// `configure(options)`
fn configure(call: &Call) -> Outcome {
    if !call.optional_table(1)? {
        return Err(call.expected(1, "table"));
    }
    let number = |name: &CStr, least: usize, most: usize| {
        let read = |call: &Call, at: c_int| call.integer_in(at, least as i64, most as i64);
        convert::option(call, 1, name, read).map(|number| number.map(|number| number as usize))
    };
    let threads = number(c"threads", 1, limits::RESOLVE_THREADS_MAX)?;
    let capacity = number(c"cache_size", 0, limits::RESOLVE_CACHE_MAX)?;
    let known = convert::option(call, 1, c"cache_ms", convert::millis)?;
    let unknown = convert::option(call, 1, c"negative_ms", convert::millis)?;
    pool::system().configure(|most, bounds| {
        *most = threads.unwrap_or(*most);
        bounds.capacity = capacity.unwrap_or(bounds.capacity);
        bounds.known = known.unwrap_or(bounds.known);
        bounds.unknown = unknown.unwrap_or(bounds.unknown);
    });
    Ok(0)
}

fn flush(_call: &Call) -> Outcome {
    pool::system().flush();
    Ok(0)
}

impl Handle {
    /// Registers and asks. What is known at once is told in the next pass.
    fn sit_down(self: &Rc<Self>, core: &Rc<Core>, cached: bool) -> Result<Key, Code> {
        let (bell, key) = core.seat(self.clone())?;
        self.seat.take(core, key);
        let now = core.now();
        if let Some(question) = &self.question {
            let waiter = Waiter::new(bell, key);
            *self.answer.borrow_mut() = pool::system().ask(question, cached, &waiter, now);
            *self.waiter.borrow_mut() = Some(waiter);
        }
        if self.answer.borrow().is_some() {
            core.wake_again(key);
        } else if !self.timeout.is_zero() {
            self.deadline.set(Some(now + self.timeout));
            core.arm(key, self.deadline.get());
        }
        Ok(key)
    }

    /// Ends the wait; the thread that looks it up goes on by itself.
    fn forget(&self) {
        *self.waiter.borrow_mut() = None;
        *self.answer.borrow_mut() = None;
    }

    /// The answer, or that it is too late for one.
    fn poll(&self, now: Instant) -> Option<Answer> {
        if let Some(answer) = self.answer.borrow_mut().take() {
            return Some(answer);
        }
        if let Some(answer) = self.waiter.borrow().as_ref().and_then(|waiter| waiter.answer()) {
            return Some(answer);
        }
        let question = self.question.as_ref()?;
        let is_late = self.deadline.get().is_some_and(|at| at <= now);
        is_late.then(|| Err(question.too_late(self.timeout.as_millis())))
    }

    /// Ends the registration and tells the answer.
    fn deliver(&self, answer: &Answer, key: Key, stage: &Stage<'_>) {
        self.forget();
        self.seat.clear();
        stage.core.release(key, None);
        let call = stage.call;
        stage.push_callback(key);
        stage.forget(key);
        let arguments = match answer {
            Ok(found) => {
                call.push_table(found.len(), 0);
                for (at, addr) in found.iter().enumerate() {
                    call.push_bytes(resolve::text(addr).as_bytes());
                    call.raw_set(-2, at as i64 + 1);
                }
                1
            }
            Err(failure) => {
                call.push_nil();
                call.push_bytes(failure.message.as_bytes());
                call.push_bytes(failure.code.name().unwrap_or("EIO").as_bytes());
                3
            }
        };
        stage.invoke(arguments, 0);
    }
}

impl Owner for Handle {
    fn wake(&self, _ready: Ready, _core: &Core) {}

    fn tell(&self, key: Key, stage: &Stage<'_>) {
        if stage.core.is_stopping() {
            return;
        }
        if let Some(answer) = self.poll(stage.core.began()) {
            self.deliver(&answer, key, stage);
        }
    }

    fn settle(&self, key: Key, stage: &Stage<'_>) {
        if !self.seat.is_taken() {
            return;
        }
        stage.core.arm(key, self.deadline.get());
        if stage.core.is_stopping() {
            stage.core.wake_again(key);
        }
    }

    fn abandon(&self, key: Key, stage: Option<&Stage<'_>>) {
        match stage {
            Some(stage) => {
                let code = Code::ENGINE_CLOSED;
                self.deliver(&Err(Failure::new(code, &code.message())), key, stage);
            }
            None => {
                self.forget();
                self.seat.clear();
            }
        }
    }
}

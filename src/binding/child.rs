//! What `process.spawn` returns: a child of this process, told of when it ends.

use std::cell::{Cell, RefCell};
use std::ffi::{CStr, c_int};
use std::os::fd::AsFd;
use std::rc::Rc;
use std::time::Instant;

use super::anchor;
use super::connection;
use super::convert;
use super::place;
use super::raw::{Call, Class, Kind, Outcome, function};
use super::run::{Core, Owner};
use super::seat::Seat;
use super::stage::Stage;
use crate::base::error::Code;
use crate::base::limits;
use crate::conn::framing::Framing;
use crate::engine::Ready;
use crate::engine::key::Key;
use crate::net::stream::Stream;
use crate::os::clock;
use crate::os::process::{Child, Exit, Spawned};

/// What Lua holds. Its user value is the list of its pipes.
pub struct ChildObject(Rc<Handle>);

impl Class for ChildObject {
    const NAME: &'static CStr = c"child";
    const INDEX: usize = place::CHILD;
    const USER_VALUES: c_int = 1;
}

struct Handle {
    pid: i32,
    /// `None` once its end was told, or is not to be told.
    child: RefCell<Option<Child>>,
    seat: Seat,
    /// It was asked to end, and is killed then.
    deadline: Cell<Option<Instant>>,
}

/// Makes the class known.
pub fn register(call: &Call) {
    call.register::<ChildObject>(
        &[
            (c"Pid", function(pid)),
            (c"Kill", function(kill)),
            (c"Terminate", function(terminate)),
            (c"Stdin", function(|call| pipe(call, 1))),
            (c"Stdout", function(|call| pipe(call, 2))),
            (c"Stderr", function(|call| pipe(call, 3))),
            (c"Close", function(close)),
        ],
        &[],
    );
}

/// Pushes the object of a process that was started, registered with the engine at argument 1,
/// which keeps the callback at argument 3.
///
/// # Errors
///
/// The engine does not take it: the process is killed.
pub fn push(
    call: &Call,
    core: &Rc<Core>,
    spawned: Spawned,
    framing: Framing,
    recv_size: usize,
) -> Result<(), Code> {
    let Spawned { child, pipes: [input, output, error] } = spawned;
    let handle = Rc::new(Handle {
        pid: child.pid(),
        child: RefCell::new(Some(child)),
        seat: Seat::default(),
        deadline: Cell::new(None),
    });
    let pipes = [
        input.map(Stream::writer).transpose(),
        output.map(Stream::reader).transpose(),
        error.map(Stream::reader).transpose(),
    ];
    let key = handle.sit_down(core).inspect_err(|_| handle.let_go(true))?;
    call.set_top(3);
    call.reserve(8);
    call.push_object(ChildObject(handle));
    call.push_table(3, 0);
    let mut framing = Some(framing);
    for (at, pipe) in (1..).zip(pipes) {
        // What the program says about itself is not in the frames of what it computes.
        let framing = framing.take_if(|_| at == 2).unwrap_or(Framing::Raw);
        match pipe.ok().flatten() {
            Some(pipe) => connection::push(call, pipe, recv_size, framing),
            None => call.push_boolean(false),
        }
        call.raw_set(-2, at);
    }
    call.set_user_value(-2);
    for (value, list) in [(4, anchor::OBJECTS), (3, anchor::CALLBACKS)] {
        call.push_value(value);
        anchor::set(call, 1, list, key.slot());
    }
    Ok(())
}

fn pid(call: &Call) -> Outcome {
    let pid = call.object::<ChildObject>(1)?.0.pid;
    call.push_integer(pid.into());
    Ok(1)
}

fn kill(call: &Call) -> Outcome {
    let handle = call.object::<ChildObject>(1)?.0.clone();
    let signal = convert::descriptor(call, 2)?;
    convert::status(call, handle.kill(signal))
}

fn terminate(call: &Call) -> Outcome {
    let handle = call.object::<ChildObject>(1)?.0.clone();
    let grace = if call.is_absent(2) { limits::GRACE } else { convert::millis(call, 2)? };
    let result = handle.kill(libc::SIGTERM);
    if result.is_ok() {
        let deadline = Some(clock::now() + grace);
        handle.deadline.set(deadline);
        handle.seat.with(|seat| seat.core.arm(seat.key, deadline));
    }
    convert::status(call, result)
}

fn pipe(call: &Call, at: i64) -> Outcome {
    call.object::<ChildObject>(1)?;
    call.reserve(4);
    call.user_value(1);
    call.raw_get(-1, at);
    if call.kind(-1) == Kind::Boolean {
        call.push_nil();
    }
    Ok(1)
}

fn close(call: &Call) -> Outcome {
    let handle = call.object::<ChildObject>(1)?.0.clone();
    handle.seat.leave(call, handle.child.borrow().as_ref().map(AsFd::as_fd));
    handle.let_go(false);
    Ok(0)
}

impl Handle {
    fn sit_down(self: &Rc<Self>, core: &Rc<Core>) -> Result<Key, Code> {
        let child = self.child.borrow();
        let child = child.as_ref().ok_or(Code::SOCKET_CLOSED)?;
        let key = core.register(child.as_fd(), self.clone())?;
        self.seat.take(core, key);
        Ok(key)
    }

    fn kill(&self, signal: i32) -> Result<(), Code> {
        let mut child = self.child.borrow_mut();
        let child = child.as_mut().ok_or(Code::NO_PROCESS)?;
        // It may have ended without our having been told.
        child.poll();
        child.kill(signal)
    }

    /// Nobody watches the child any more. One that is about to be killed is killed now.
    fn let_go(&self, kill: bool) {
        if kill || self.deadline.take().is_some() {
            // It fails when the child has ended, which is what we want.
            let _ = self.kill(libc::SIGKILL);
        }
        *self.child.borrow_mut() = None;
    }

    fn deliver(&self, exit: Exit, key: Key, stage: &Stage<'_>) {
        let call = stage.call;
        let child = self.child.borrow_mut().take();
        self.seat.clear();
        stage.core.release(key, child.as_ref().map(AsFd::as_fd));
        drop(child);
        let top = call.top();
        stage.push_callback(key);
        stage.push_object(key);
        stage.forget(key);
        if call.kind(top + 1) == Kind::Function {
            for number in [exit.status, exit.signal] {
                match number {
                    Some(number) => call.push_integer(number.into()),
                    None => call.push_nil(),
                }
            }
            stage.invoke(3, 0);
        }
        call.set_top(top);
    }
}

impl Owner for Handle {
    fn wake(&self, _ready: Ready, _core: &Core) {}

    fn tell(&self, key: Key, stage: &Stage<'_>) {
        if stage.core.is_stopping() {
            return;
        }
        let exit = self.child.borrow_mut().as_mut().and_then(Child::poll);
        if let Some(exit) = exit {
            self.deliver(exit, key, stage);
        } else if self.deadline.get().is_some_and(|at| at <= stage.core.now()) {
            self.deadline.set(None);
            // It has ended a moment ago, or ends now.
            let _ = self.kill(libc::SIGKILL);
        }
    }

    fn settle(&self, key: Key, stage: &Stage<'_>) {
        if self.child.borrow().is_none() {
            return;
        }
        stage.core.arm(key, self.deadline.get());
        if stage.core.is_stopping() {
            stage.core.wake_again(key);
        }
    }

    fn abandon(&self, key: Key, stage: Option<&Stage<'_>>) {
        if let Some(stage) = stage {
            stage.forget(key);
        }
        self.seat.clear();
        self.let_go(false);
    }
}

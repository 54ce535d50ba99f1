//! `cthread`: threads with a Lua state of their own, and mail between them.

use std::ffi::CString;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use super::anchor;
use super::convert;
use super::engine::EngineObject;
use super::mailbox::{self, Mailbox};
use super::raw::{Call, Fail, Kind, Outcome, function};
use super::seat;
use super::thread::{self, Handle, Member, ROSTER};
use crate::base::error::Code;
use crate::engine::postbox::Refused;
use crate::os;
use crate::os::clock;
use crate::os::thread::Missed;

/// Makes the classes known.
pub fn register(call: &Call) {
    mailbox::register(call);
    call.register::<Handle>(&[], &[(c"__eq", function(equal)), (c"__tostring", function(text))]);
}

/// Pushes the module's table.
pub fn push_module(call: &Call) {
    call.push_functions(&[
        (c"new", function(new)),
        (c"join", function(join)),
        (c"tid", function(tid)),
        (c"selftid", function(own_tid)),
        (c"findbytid", function(find_by_tid)),
        (c"self", function(own)),
        (c"process_mail", function(process_mail)),
        (c"sendmail", function(send_mail)),
        (c"broadcast", function(broadcast)),
    ]);
}

fn mailbox_of(call: &Call) -> Result<Rc<Mailbox>, Fail> {
    Mailbox::of(call, Member::root)
}

/// `new(file, ...)`
fn new(call: &Call) -> Outcome {
    let path = call.bytes(1)?;
    let nul = |_| Fail::argument(1, "a path has no NUL in it");
    let path = CString::new(path).map_err(nul)?;
    let mailbox = mailbox_of(call)?;
    let paths = call.module_paths();
    let result = mailbox::with_outgoing(&mailbox, |outgoing| {
        for n in 2..=call.top() {
            outgoing.pack(call, n).map_err(|unfit| {
                Fail::argument(n, unfit.message(&format!("argument {}", n - 1)))
            })?;
        }
        Ok(thread::launch(&mailbox.me, path, paths, outgoing))
    })?;
    match result {
        Ok(member) => {
            Handle::push(call, &member);
            Ok(1)
        }
        Err(failure) => convert::refusal(call, &failure.text, failure.code),
    }
}

/// `join(handle[, timeout_ms])`
fn join(call: &Call) -> Outcome {
    let member = call.object::<Handle>(1)?.member().clone();
    let wait = if call.is_absent(2) { None } else { Some(convert::millis(call, 2)?) };
    let me = mailbox_of(call)?.me.id;
    if member.is_root() {
        return convert::refusal(call, "it was not made by new", Code::INVALID);
    }
    // Who waits for a time is nobody's dead end.
    let is_noted = wait.is_none() && me != member.id;
    if me == member.id || is_noted && !ROSTER.begin_wait(me, member.id) {
        return convert::refusal(call, "the thread would wait for itself", Code::DEADLOCK);
    }
    let left = member.life.join(wait.map(|wait| clock::now() + wait));
    if is_noted {
        ROSTER.end_wait(me);
    }
    match left {
        Ok(Ok(mut parcel)) => match parcel.push(call) {
            0 => {
                call.push_boolean(true);
                Ok(1)
            }
            count => Ok(count),
        },
        Ok(Err(failure)) => convert::refusal(call, &failure.text, failure.code),
        Err(Missed::TimedOut) => convert::refusal(call, "the thread still runs", Code::TIMED_OUT),
        Err(Missed::Taken) => {
            convert::refusal(call, "the thread was joined before", Code::NO_PROCESS)
        }
        Err(Missed::Interrupted) => {
            convert::refusal(call, "this thread is told to end", Code::INTERRUPTED)
        }
    }
}

fn tid(call: &Call) -> Outcome {
    let tid = call.object::<Handle>(1)?.member().tid();
    call.push_integer(tid as i64);
    Ok(1)
}

fn own_tid(call: &Call) -> Outcome {
    call.push_integer(os::thread::tid() as i64);
    Ok(1)
}

fn find_by_tid(call: &Call) -> Outcome {
    let wanted = call.integer(1)?;
    // Who asks can be found, whether or not it has asked for anything before.
    mailbox_of(call)?;
    let is_meant = |member: &Member| wanted > 0 && member.tid() == wanted as u64;
    match ROSTER.find(is_meant).first() {
        Some(member) => Handle::push(call, member),
        None => call.push_nil(),
    }
    Ok(1)
}

fn own(call: &Call) -> Outcome {
    Handle::push(call, &mailbox_of(call)?.me);
    Ok(1)
}

/// `process_mail(engine, callback)`
fn process_mail(call: &Call) -> Outcome {
    let core = call.object::<EngineObject>(1)?.core().clone();
    call.function(2)?;
    let mailbox = mailbox_of(call)?;
    call.set_top(2);
    call.reserve(8);
    if let Some(key) = mailbox.key_at(&core) {
        anchor::set(call, 1, anchor::CALLBACKS, key.slot());
        mailbox.note_callback();
        return convert::truth(call, Ok(()));
    }
    call.push_resident();
    call.insert(1);
    seat::take(call, |core| mailbox.sit_down(call, core))
}

/// `sendmail(handle, mail[, timeout_ms])`
fn send_mail(call: &Call) -> Outcome {
    let handle = call.object::<Handle>(1)?;
    let to = handle.member();
    if call.kind(2) == Kind::None {
        return Err(call.expected(2, "mail"));
    }
    let wait = convert::optional_millis(call, 3)?;
    let mailbox = mailbox_of(call)?;
    let me = &mailbox.me;
    let is_self = Arc::ptr_eq(to, me);
    let patience = if is_self { Duration::ZERO } else { wait };
    let result = mailbox::with_outgoing(&mailbox, |outgoing| {
        outgoing.pack(call, 2).map_err(|unfit| Fail::argument(2, unfit.message("mail")))?;
        Ok(to.inbox.post(outgoing.weight(), patience, |batch| outgoing.deliver(me, batch)))
    })?;
    let code = match result {
        Ok(()) => {
            call.push_boolean(true);
            return Ok(1);
        }
        Err(Refused::Closed) => {
            let text = format!("{} has ended", handle.text());
            return convert::refusal(call, &text, Code::MAILBOX_CLOSED);
        }
        Err(Refused::Full) if wait.is_zero() => Code::WOULD_BLOCK,
        // Nobody reads it while we wait.
        Err(Refused::Full) if is_self => Code::DEADLOCK,
        Err(Refused::Full) => Code::TIMED_OUT,
    };
    let (mails, bytes) = to.inbox.limits();
    let text = format!("inbox is full: {mails} mails or {bytes} bytes are in it");
    convert::refusal(call, &text, code)
}

/// `broadcast(mail)`: how many have got it, and how many have not because their inbox is full.
fn broadcast(call: &Call) -> Outcome {
    if call.kind(1) == Kind::None {
        return Err(call.expected(1, "mail"));
    }
    let mailbox = mailbox_of(call)?;
    let me = &mailbox.me;
    let (reached, full) = mailbox::with_outgoing(&mailbox, |outgoing| {
        outgoing.pack(call, 1).map_err(|unfit| Fail::argument(1, unfit.message("mail")))?;
        if outgoing.has_claims() {
            let why = "a connection or an acceptor cannot be sent to many";
            return Err(Fail::argument(1, why));
        }
        let (mut reached, mut full) = (0, 0);
        for member in ROSTER.find(|member| member.id != me.id) {
            let post = |batch: &mut _| outgoing.deliver_copy(me, batch);
            match member.inbox.post(outgoing.weight(), Duration::ZERO, post) {
                Ok(()) => reached += 1,
                Err(Refused::Full) => full += 1,
                Err(Refused::Closed) => {}
            }
        }
        Ok((reached, full))
    })?;
    call.push_integer(reached);
    call.push_integer(full);
    Ok(2)
}

fn equal(call: &Call) -> Outcome {
    let one = call.object::<Handle>(1)?.member();
    let same = call.try_object::<Handle>(2).is_some_and(|other| Arc::ptr_eq(one, other.member()));
    call.push_boolean(same);
    Ok(1)
}

fn text(call: &Call) -> Outcome {
    let text = call.object::<Handle>(1)?.text();
    call.push_bytes(text.as_bytes());
    Ok(1)
}

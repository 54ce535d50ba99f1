//! The mailbox of a state: where its inbox is read, in the loop of an engine.

use std::cell::{Cell, RefCell};
use std::ffi::CStr;
use std::hint;
use std::mem;
use std::rc::Rc;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use super::lookout::Lookout;
use super::mail::{Batch, Outgoing};
use super::place;
use super::raw::{self, Call, Class, Fail};
use super::run::{Core, Owner};
use super::seat::Seat;
use super::stage::Stage;
use super::thread::Member;
use crate::base::error::Code;
use crate::base::limits;
use crate::engine::Ready;
use crate::engine::key::Key;
use crate::os::clock;

/// Looks at the inbox between two looks at the clock.
const LOOKS: usize = 32;

/// What the state keeps. Never seen by a program.
pub struct MailboxObject(Rc<Mailbox>);

impl Class for MailboxObject {
    const NAME: &'static CStr = c"mailbox";
    const INDEX: usize = place::MAILBOX;
}

impl Drop for MailboxObject {
    fn drop(&mut self) {
        self.0.me.leave();
    }
}

/// Who this state is to others, and where it gets what they send.
pub struct Mailbox {
    /// Who we are.
    pub me: Arc<Member>,
    /// Where mails are packed.
    pub outgoing: RefCell<Outgoing>,
    seat: Seat,
    /// Collected, and told mail by mail; `None` while a mail is made, when a finalizer may run.
    hand: RefCell<Option<Box<Batch>>>,
    /// The callback is another one since the last mail.
    is_replaced: Cell<bool>,
    /// When the kernel was asked last.
    asked: Cell<Option<Instant>>,
    /// Whether the loop waits for us too.
    asleep: Cell<bool>,
    habit: Habit,
}

/// Makes the class known.
pub fn register(call: &Call) {
    call.register::<MailboxObject>(&[], &[]);
}

impl Mailbox {
    /// The mailbox of this state; one that `make` names when there is none yet.
    ///
    /// # Errors
    ///
    /// The state is being closed.
    pub fn of(call: &Call, make: impl FnOnce() -> Arc<Member>) -> Result<Rc<Self>, Fail> {
        call.reserve(4);
        call.push_resident();
        if call.is_absent(-1) {
            call.pop(1);
            // A finalizer that runs while it is made may be the first to need one.
            let new = || MailboxObject(Rc::new(Mailbox::new(make())));
            if call.push_made(|| (!call.has_resident()).then(new)) {
                call.push_value(-1);
                call.keep_resident();
            } else {
                call.push_resident();
            }
        }
        let found = call.try_object::<MailboxObject>(-1).map(|object| object.0.clone());
        call.pop(1);
        found.ok_or_else(|| Fail::new("this thread is ending"))
    }

    fn new(me: Arc<Member>) -> Self {
        Mailbox {
            me,
            outgoing: RefCell::default(),
            seat: Seat::default(),
            hand: RefCell::new(Some(Box::default())),
            is_replaced: Cell::new(false),
            asked: Cell::new(None),
            asleep: Cell::new(false),
            habit: Habit::default(),
        }
    }

    /// The key under which it is served by `core`.
    pub fn key_at(&self, core: &Core) -> Option<Key> {
        self.seat.with(|seat| (seat.core.id == core.id).then_some(seat.key)).flatten()
    }

    /// Has the mails that are left of a batch told to another callback.
    pub fn note_callback(&self) {
        self.is_replaced.set(true);
    }

    /// Is served by `core` from now on, and no more where it was.
    ///
    /// # Errors
    ///
    /// The engine is closed, or out of descriptors; it stays where it was.
    pub fn sit_down(self: &Rc<Self>, call: &Call, core: &Rc<Core>) -> Result<Key, Code> {
        let (bell, key) = core.seat(self.clone())?;
        if let Some(old) = self.seat.take(core, key) {
            old.core.lookout.take();
            old.leave(call, None);
        }
        self.me.inbox.listen(Some((bell, key)));
        core.lookout.replace(Some((key, self.clone())));
        if self.has_rest() {
            core.wake_again(key);
        }
        Ok(key)
    }

    /// Whether something was collected and not told yet.
    fn has_rest(&self) -> bool {
        self.hand.borrow().as_ref().is_some_and(|batch| !batch.is_read())
    }

    fn is_making(&self) -> bool {
        self.hand.borrow().is_none()
    }

    /// Calls the callback for up to [`limits::MAIL_BATCH`] mails.
    fn tell_batch(&self, key: Key, stage: &Stage<'_>) {
        let mut left = limits::MAIL_BATCH;
        loop {
            self.is_replaced.set(false);
            // What Lua raises while a mail is made leaves the batch here.
            let mut held = None;
            let mut next = |call: &Call| {
                let is_told = left > 0 && !stage.core.is_stopping() && !self.is_replaced.get();
                if !is_told || !self.seat.is_at(key, stage.core) {
                    return None;
                }
                left -= 1;
                call.reserve(8);
                call.push_value(raw::FIRST);
                held = self.hand.take();
                let is_made = held.as_mut().is_some_and(|batch| batch.push_next(call));
                self.hand.replace(held.take());
                if !is_made {
                    call.pop(1);
                }
                is_made.then_some(2)
            };
            stage.push_callback(key);
            let is_fine = stage.call.protected_each(1, stage.handler, &mut next);
            if held.is_some() {
                self.hand.replace(held);
            }
            if !is_fine {
                stage.report();
            } else if !self.is_replaced.get() {
                return;
            }
        }
    }
}

impl Lookout for Mailbox {
    /// The loop is about to wait for `limit`: whether there is something to tell instead. Before
    /// it waits in earnest it looks for a while.
    fn look(&self, limit: Option<Duration>) -> bool {
        self.asleep.set(false);
        if self.is_making() || self.has_rest() {
            // The rest has its wake already.
            return false;
        }
        let inbox = &self.me.inbox;
        if inbox.has_mail() {
            return true;
        }
        if limit.is_some_and(|limit| limit.is_zero()) {
            return false;
        }
        if self.habit.is_to_look() {
            let found = look_around(|| inbox.has_mail());
            self.habit.note_look(found);
            if found {
                return true;
            }
        }
        self.asleep.set(inbox.fall_asleep());
        !self.asleep.get()
    }

    /// Whether the kernel need not be asked again, for sockets and timers wait no longer than
    /// they would for a look.
    fn is_fresh(&self) -> bool {
        self.asked.get().is_some_and(|asked| clock::now() < asked + limits::MAIL_SPIN)
    }

    fn slept(&self, now: Instant, time: Duration) {
        self.asked.set(Some(now));
        if self.asleep.get() {
            self.habit.note_sleep(time, self.me.inbox.has_mail());
        }
    }
}

impl Owner for Mailbox {
    fn wake(&self, _ready: Ready, _core: &Core) {}

    fn tell(&self, key: Key, stage: &Stage<'_>) {
        if !self.seat.is_at(key, stage.core) {
            return;
        }
        let Some(mut batch) = self.hand.take() else {
            return;
        };
        if batch.is_read() {
            batch.clear();
            self.me.inbox.collect(&mut batch);
        }
        self.hand.replace(Some(batch));
        self.tell_batch(key, stage);
        let is_read = !self.has_rest();
        if let Some(batch) = self.hand.borrow_mut().as_mut().filter(|_| is_read) {
            batch.clear();
        }
        // A finalizer may have moved us where nothing is known of the rest.
        if !is_read && !self.seat.is_at(key, stage.core) {
            self.seat.with(|seat| seat.core.wake_again(seat.key));
        }
    }

    fn settle(&self, key: Key, stage: &Stage<'_>) {
        if self.has_rest() && self.seat.is_at(key, stage.core) {
            stage.core.wake_again(key);
        }
    }

    fn abandon(&self, key: Key, stage: Option<&Stage<'_>>) {
        if let Some(stage) = stage {
            stage.forget(key);
        }
        self.me.inbox.listen(None);
        if let Some(seat) = self.seat.clear() {
            let gone = seat.core.lookout.borrow_mut().take();
            drop(gone);
        }
    }
}

/// Whether looking at the inbox for a moment, before sleeping, has paid of late.
///
/// To be woken costs several microseconds and two system calls. Where answers come faster than
/// that, a look finds them; where mails are rare, nobody looks, and an idle loop sleeps at once.
#[derive(Default)]
struct Habit {
    /// -16 ..= 16; looks pay while it is positive.
    score: Cell<i8>,
}

impl Habit {
    fn is_to_look(&self) -> bool {
        self.score.get() > 0
    }

    fn note_look(&self, found: bool) {
        let score = self.score.get();
        // One failure outweighs several successes: it has cost more than each of them has saved.
        self.score.set(if found { (score + 1).min(16) } else { (score - 8).max(-16) });
    }

    fn note_sleep(&self, time: Duration, by_mail: bool) {
        let was_short = by_mail && time < 2 * limits::MAIL_SPIN && has_cores();
        let score =
            if was_short { (self.score.get() + 1).min(16) } else { self.score.get().min(0) };
        self.score.set(score);
    }
}

/// Asks again and again, but not for long.
fn look_around(found: impl Fn() -> bool) -> bool {
    let until = clock::now() + limits::MAIL_SPIN;
    loop {
        for _ in 0..LOOKS {
            if found() {
                return true;
            }
            hint::spin_loop();
        }
        if clock::now() >= until {
            return false;
        }
    }
}

/// Whether somebody can send while we look.
fn has_cores() -> bool {
    static CORES: OnceLock<bool> = OnceLock::new();
    *CORES.get_or_init(|| std::thread::available_parallelism().is_ok_and(|cores| cores.get() > 1))
}

/// Has `f` work with the place where mails are packed, which is empty before and after.
pub fn with_outgoing<R>(mailbox: &Mailbox, f: impl FnOnce(&mut Outgoing) -> R) -> R {
    let mut outgoing = mem::take(&mut *mailbox.outgoing.borrow_mut());
    let result = f(&mut outgoing);
    outgoing.clear();
    mailbox.outgoing.replace(outgoing);
    result
}

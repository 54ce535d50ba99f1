//! The driver: the only loop. It asks what happened, and tells Lua.
//!
//! ```text
//! pass:  wait -> sockets (wake, tell) -> timers -> posts -> settle everything touched
//! ```
//!
//! A callback may call any method of any object. The call changes state, marks the key as
//! touched and returns; what follows from it is told later in the same pass, or in the next.

use std::cell::{Cell, RefCell};
use std::mem;
use std::os::fd::BorrowedFd;
use std::rc::Rc;
use std::time::{Duration, Instant};

use super::convert;
use super::lookout;
use super::raw::Call;
use super::stage::Stage;
use super::stats::{Stats, add};
use crate::base::error::Code;
use crate::engine::bell::Bell;
use crate::engine::key::Key;
use crate::engine::wheel::TimerId;
use crate::engine::{Due, Engine, Ready, Wake};
use crate::os::clock;
use crate::os::thread::Watch;

/// What is registered with an engine.
pub trait Owner {
    /// Something happened to the socket; nobody is told yet.
    fn wake(&self, ready: Ready, core: &Core);
    /// Tells what there is to tell, until [`Core::is_stopping`].
    fn tell(&self, key: Key, stage: &Stage<'_>);
    /// The pass ends: flush, put away, say when to be woken.
    fn settle(&self, key: Key, stage: &Stage<'_>);
    /// The engine is being closed. With a stage, the callback is told.
    fn abandon(&self, key: Key, stage: Option<&Stage<'_>>);
}

/// An engine as the binding knows it. Shared by the engine object and what is registered.
pub struct Core {
    /// Its name in the directory of anchors.
    pub id: u32,
    /// Counters.
    pub stats: Stats,
    /// `None` once closed.
    engine: RefCell<Option<Engine<Rc<dyn Owner>>>>,
    /// Wakes that were reported and not told yet.
    wakes: RefCell<Vec<Wake>>,
    touched: RefCell<Vec<Key>>,
    /// Places in the list of posted functions: the first one not run yet, the next free one.
    posts: Cell<(i64, i64)>,
    now: Cell<Instant>,
    /// When this pass had waited: what is late by then is late, whatever its callbacks take.
    began: Cell<Instant>,
    /// Whose socket woke us, while its callbacks run.
    telling: Cell<Option<Key>>,
    /// In this pass, and in the one before, somebody sent to another than who woke us.
    crossing: Cell<bool>,
    crossed: Cell<bool>,
    running: Cell<bool>,
    stopping: Cell<bool>,
    closing: Cell<bool>,
    /// The mailbox of this state, while it is served here.
    pub lookout: lookout::Place,
}

impl Core {
    /// An engine with nothing registered.
    pub fn new(id: u32) -> Result<Rc<Self>, Code> {
        let now = clock::now();
        Ok(Rc::new(Core {
            id,
            stats: Stats::default(),
            engine: RefCell::new(Some(Engine::new(now)?)),
            wakes: RefCell::default(),
            touched: RefCell::default(),
            posts: Cell::new((1, 1)),
            now: Cell::new(now),
            began: Cell::new(now),
            telling: Cell::new(None),
            crossing: Cell::new(false),
            crossed: Cell::new(false),
            running: Cell::new(false),
            stopping: Cell::new(false),
            closing: Cell::new(false),
            lookout: lookout::Place::default(),
        }))
    }

    /// The time: of this pass while the loop runs, else by the clock.
    pub fn now(&self) -> Instant {
        if self.running.get() { self.now.get() } else { clock::now() }
    }

    /// The time at which this pass had waited.
    pub fn began(&self) -> Instant {
        self.began.get()
    }

    /// Registers a socket for `owner`.
    pub fn register(&self, fd: BorrowedFd<'_>, owner: Rc<dyn Owner>) -> Result<Key, Code> {
        if self.closing.get() {
            return Err(Code::ENGINE_CLOSED);
        }
        let mut engine = self.engine.borrow_mut();
        let engine = engine.as_mut().ok_or(Code::ENGINE_CLOSED)?;
        Ok(engine.register(fd, owner)?)
    }

    /// Registers `owner` without a socket: the bell or a deadline wakes it.
    pub fn seat(&self, owner: Rc<dyn Owner>) -> Result<(Bell, Key), Code> {
        if self.closing.get() {
            return Err(Code::ENGINE_CLOSED);
        }
        let mut engine = self.engine.borrow_mut();
        let engine = engine.as_mut().ok_or(Code::ENGINE_CLOSED)?;
        Ok((engine.bell()?, engine.seat(owner)))
    }

    fn bell(&self) -> Result<Bell, Code> {
        let mut engine = self.engine.borrow_mut();
        Ok(engine.as_mut().ok_or(Code::ENGINE_CLOSED)?.bell()?)
    }

    /// Ends a registration.
    pub fn release(&self, key: Key, fd: Option<BorrowedFd<'_>>) {
        // The owner is dropped after the borrow has ended.
        let _owner = self.engine.borrow_mut().as_mut().and_then(|engine| engine.release(key, fd));
    }

    /// Takes note that `key` was sent something, and has it settled.
    pub fn sends_to(&self, key: Key) {
        let answers = self.telling.get() == Some(key);
        if !answers {
            self.crossing.set(true);
        }
        // Who answers is settled as soon as its callbacks have ended.
        if !answers || self.crossed.get() {
            self.touch(key);
        }
    }

    /// Has `key` settled, once, at the end of this pass or in the next.
    pub fn touch(&self, key: Key) {
        let mut engine = self.engine.borrow_mut();
        if engine.as_mut().is_some_and(|engine| engine.mark(key, true)) {
            self.touched.borrow_mut().push(key);
        }
    }

    /// Has `key` woken in the next pass, though the kernel will not say so.
    pub fn wake_again(&self, key: Key) {
        self.wakes.borrow_mut().push(Wake { key, ready: Ready::default() });
    }

    /// Has `key` told no later than `deadline`.
    pub fn arm(&self, key: Key, deadline: Option<Instant>) {
        if let Some(engine) = self.engine.borrow_mut().as_mut() {
            engine.arm(key, deadline);
        }
    }

    /// Adds a timer. Its interval counts from now, not from when the pass began.
    pub fn add_timer(&self, interval: Duration) -> Result<TimerId, Code> {
        let now = clock::now();
        let mut engine = self.engine.borrow_mut();
        Ok(engine.as_mut().ok_or(Code::ENGINE_CLOSED)?.add_timer(now, interval))
    }

    /// Removes a timer; false when it was removed before.
    pub fn remove_timer(&self, id: TimerId) -> bool {
        self.engine.borrow_mut().as_mut().is_some_and(|engine| engine.remove_timer(id))
    }

    /// Counts a posted function; the place it gets in its list.
    pub fn post(&self) -> i64 {
        let (first, free) = self.posts.get();
        self.posts.set((first, free + 1));
        free
    }

    fn has_posts(&self) -> bool {
        let (first, free) = self.posts.get();
        first < free
    }

    /// Numbers of registered sockets and of timers.
    pub fn population(&self) -> (usize, usize) {
        let engine = self.engine.borrow();
        engine.as_ref().map_or((0, 0), |engine| (engine.open(), engine.timers()))
    }

    /// Lets the loop end as soon as the current callback has.
    pub fn stop(&self) {
        self.stopping.set(true);
    }

    /// Whether nobody is to be told anything more for now.
    #[inline]
    pub fn is_stopping(&self) -> bool {
        self.stopping.get()
    }

    /// Whether the loop runs.
    pub fn is_running(&self) -> bool {
        self.running.get()
    }

    /// Whether it was closed, or is about to be.
    pub fn is_closed(&self) -> bool {
        self.closing.get()
    }

    /// Runs the loop: until it is stopped, or for `limit`.
    pub fn run(self: &Rc<Self>, call: &Call, limit: Option<Duration>) -> Result<(), Code> {
        if self.closing.get() {
            return Err(Code::ENGINE_CLOSED);
        }
        let watch = Watch::begin(|| self.bell())?;
        let _running = Running::start(self);
        let stage = Stage::new(call, self);
        let until = limit.map(|limit| clock::now() + limit);
        let mut result = Ok(());
        while result.is_ok() && !self.stopping.get() {
            let left = until.map(|until| until.saturating_duration_since(clock::now()));
            let is_over = watch.is_over();
            result = if is_over { Err(Code::ENGINE_CLOSED) } else { self.pass(&stage, left) };
            if left.is_some_and(|left| left.is_zero()) {
                break;
            }
        }
        self.stopping.set(false);
        if self.closing.get() {
            self.shut_down(Some(&stage));
        }
        result
    }

    /// Closes the engine, at the end of the pass if it runs. Callbacks are told.
    pub fn close(self: &Rc<Self>, call: &Call) {
        if self.closing.replace(true) {
            return;
        }
        if self.running.get() {
            self.stop();
        } else {
            let _running = Running::start(self);
            self.shut_down(Some(&Stage::new(call, self)));
        }
    }

    /// Closes everything that is registered.
    pub fn shut_down(&self, stage: Option<&Stage<'_>>) {
        self.closing.set(true);
        self.stopping.set(false);
        let keys = self.engine.borrow().as_ref().map_or(Vec::new(), Engine::keys);
        for key in keys {
            if let Some(owner) = self.owner(key) {
                owner.abandon(key, stage);
            }
            self.release(key, None);
        }
        self.stopping.set(false);
        if let Some(stage) = stage {
            stage.forget_all();
        }
        let engine = self.engine.borrow_mut().take();
        drop(engine);
    }

    fn pass(&self, stage: &Stage<'_>, limit: Option<Duration>) -> Result<(), Code> {
        self.wait(limit)?;
        self.tell_wakes(stage);
        self.tell_timers(stage);
        self.run_posts(stage);
        self.settle(stage);
        Ok(())
    }

    fn wait(&self, limit: Option<Duration>) -> Result<(), Code> {
        let mut wakes = self.wakes.borrow_mut();
        let idle = wakes.is_empty() && self.touched.borrow().is_empty() && !self.has_posts();
        let limit = if idle { limit } else { Some(Duration::ZERO) };
        let known = wakes.len();
        let limit = lookout::look(&self.lookout, limit, &mut wakes);
        self.now.set(clock::now());
        if let Some(limit) = limit {
            let asked = self.now.get();
            if let Some(engine) = self.engine.borrow_mut().as_mut() {
                engine.turn(asked, limit, &mut wakes)?;
            }
            self.now.set(clock::now());
            lookout::slept(&self.lookout, self.now.get(), self.now.get() - asked);
            add(&self.stats.turns, 1);
        }
        self.began.set(self.now.get());
        self.crossed.set(self.crossing.replace(false));
        add(&self.stats.wakes, wakes.len() - known);
        Ok(())
    }

    fn tell_wakes(&self, stage: &Stage<'_>) {
        let mut wakes = mem::take(&mut *self.wakes.borrow_mut());
        let mut told = 0;
        for wake in &wakes {
            if self.stopping.get() {
                break;
            }
            told += 1;
            if let Some(owner) = self.owner(wake.key) {
                owner.wake(wake.ready, self);
                self.telling.set(Some(wake.key));
                self.watch(|| owner.tell(wake.key, stage));
                self.telling.set(None);
                // Who only answers is settled while everything about it is at hand. Where all
                // send to all, one write at the end of the pass serves better.
                if self.crossed.get() {
                    self.touch(wake.key);
                } else {
                    owner.settle(wake.key, stage);
                }
            }
        }
        // What was not told comes first in the next run.
        wakes.drain(..told);
        let mut later = self.wakes.borrow_mut();
        wakes.append(&mut later);
        *later = wakes;
    }

    fn tell_timers(&self, stage: &Stage<'_>) {
        // Not a moving time: timers which are late again at once cannot hold the loop, and who
        // is late only since sockets were looked at is looked at again first.
        let now = self.began.get();
        while !self.stopping.get() {
            let due = self.engine.borrow_mut().as_mut().and_then(|engine| engine.due(now));
            match due {
                None => break,
                Some(Due::Timer(id, interval)) => self.fire(id, interval, stage),
                Some(Due::Deadline(key)) => {
                    if let Some(owner) = self.owner(key) {
                        self.watch(|| owner.tell(key, stage));
                        self.touch(key);
                    }
                }
            }
        }
    }

    /// Calls a timer back; what it returns says when next.
    fn fire(&self, id: TimerId, interval: Duration, stage: &Stage<'_>) {
        stage.push_timer(id);
        let next = if self.watch(|| stage.invoke(0, 1)) {
            let answer = convert::next_interval(stage.call, interval);
            stage.call.pop(1);
            answer
        } else {
            None
        };
        match next {
            Some(next) => {
                if let Some(engine) = self.engine.borrow_mut().as_mut() {
                    engine.rearm_timer(id, self.now.get(), next);
                }
            }
            None => {
                if self.remove_timer(id) {
                    stage.forget_timer(id);
                }
            }
        }
    }

    /// Runs what was posted before this; what is posted meanwhile waits for the next pass.
    fn run_posts(&self, stage: &Stage<'_>) {
        let (_, end) = self.posts.get();
        while !self.stopping.get() {
            let (first, free) = self.posts.get();
            if first == end {
                break;
            }
            // The list starts anew when it is empty, so that it never grows without need.
            self.posts.set(if first + 1 == free { (1, 1) } else { (first + 1, free) });
            stage.take_post(first);
            self.watch(|| stage.invoke(0, 0));
            if first + 1 == end {
                break;
            }
        }
    }

    fn settle(&self, stage: &Stage<'_>) {
        let mut touched = mem::take(&mut *self.touched.borrow_mut());
        for key in touched.drain(..) {
            if let Some(owner) = self.owner(key) {
                if let Some(engine) = self.engine.borrow_mut().as_mut() {
                    engine.mark(key, false);
                }
                owner.settle(key, stage);
            }
        }
        let mut next = self.touched.borrow_mut();
        touched.append(&mut next);
        *next = touched;
    }

    fn owner(&self, key: Key) -> Option<Rc<dyn Owner>> {
        self.engine.borrow().as_ref()?.owner(key).cloned()
    }

    /// Moves the time on and remembers the longest call.
    fn watch<R>(&self, work: impl FnOnce() -> R) -> R {
        let result = work();
        let now = clock::now();
        let took = now - self.now.replace(now);
        if took > self.stats.longest.get() {
            self.stats.longest.set(took);
        }
        result
    }
}

/// The mark that the loop runs, taken away however it ends.
struct Running<'a>(&'a Core);

impl<'a> Running<'a> {
    fn start(core: &'a Core) -> Self {
        core.now.set(clock::now());
        core.began.set(core.now.get());
        core.running.set(true);
        Running(core)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.running.set(false);
    }
}

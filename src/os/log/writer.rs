//! The one writer of a process: a thread that is started by the first line and sleeps while
//! there is nothing to write.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::{Condvar, LazyLock, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::{Duration, Instant};

use super::console::Echo;
use super::queue::{Line, Queue, Report, Sleep, Work};
use super::sink::Sink;
use super::thread::{self, Hooks};
use crate::base::error::Code;
use crate::base::limits;
use crate::os::clock;
use crate::os::sigset::quiet_thread;

static QUEUE: LazyLock<Mutex<Queue>> = LazyLock::new(|| {
    thread::install(&HOOKS);
    Mutex::new(Queue::new())
});

/// The writer waits for work here.
static WORK: Condvar = Condvar::new();

/// Here others wait for the writer.
static DONE: Condvar = Condvar::new();

static HOOKS: Hooks = Hooks {
    before_fork: hold_queue,
    in_parent: || drop(release_queue()),
    in_child: || {
        if let Some(mut queue) = release_queue() {
            queue.is_forked = true;
        }
    },
    // Who ends has nobody to tell that it took too long.
    at_exit: || {
        let _ = drain(limits::LOG_DRAIN);
    },
    at_panic: || {
        let _ = drain(limits::LOG_DRAIN_PANIC);
    },
};

thread_local! {
    /// The queue while this thread forks: the child must not inherit it in use by another.
    static HELD: RefCell<Option<MutexGuard<'static, Queue>>> = const { RefCell::new(None) };
}

fn hold_queue() {
    let guard = QUEUE.lock().unwrap_or_else(PoisonError::into_inner);
    let _ = HELD.try_with(|held| *held.borrow_mut() = Some(guard));
}

fn release_queue() -> Option<MutexGuard<'static, Queue>> {
    HELD.try_with(|held| held.borrow_mut().take()).ok().flatten()
}

/// The queue of this process.
pub fn queue() -> MutexGuard<'static, Queue> {
    let mut queue = QUEUE.lock().unwrap_or_else(PoisonError::into_inner);
    queue.settle_in_child();
    queue
}

/// Adds a line of the file in `slot`; false when it is dropped.
pub fn push(slot: usize, line: &Line<'_>) -> bool {
    let mut queue = queue();
    let pushed = queue.push(slot, line, clock::now);
    if !queue.is_started {
        queue.is_started = quiet_thread("chuck-log", run).is_ok();
    } else if pushed.wake {
        drop(queue);
        WORK.notify_one();
    }
    pushed.fits
}

/// Changes the queue, and has the writer look at it.
pub fn change(work: impl FnOnce(&mut Queue)) {
    work(&mut queue());
    WORK.notify_one();
}

/// Waits until everything that was logged before is written, for at most `limit`.
///
/// # Errors
///
/// `ETIMEDOUT`, or why one of the files cannot be written.
pub fn drain(limit: Duration) -> Result<(), Code> {
    let deadline = clock::now() + limit;
    let late = Err(Code(libc::ETIMEDOUT));
    let Some(mut queue) = patiently(deadline) else { return late };
    queue.settle_in_child();
    if !queue.is_started {
        // A line would have started one, if the process may have one more thread.
        return if queue.stats(None).queued == 0 { Ok(()) } else { Err(Code(libc::EAGAIN)) };
    }
    queue.wanted += 1;
    let round = queue.wanted;
    WORK.notify_one();
    while queue.done < round {
        let left = deadline.saturating_duration_since(clock::now());
        if left.is_zero() {
            return late;
        }
        queue = DONE.wait_timeout(queue, left).unwrap_or_else(PoisonError::into_inner).0;
    }
    queue.outcome.map_or(Ok(()), Err)
}

/// The queue, unless it is in use until `deadline`: by this thread, should it panic there. Others
/// have it for a moment, but a busy machine may leave one of them waiting for its turn just then.
fn patiently(deadline: Instant) -> Option<MutexGuard<'static, Queue>> {
    loop {
        for _ in 0..100 {
            match QUEUE.try_lock() {
                Ok(queue) => return Some(queue),
                Err(TryLockError::Poisoned(broken)) => return Some(broken.into_inner()),
                Err(TryLockError::WouldBlock) => std::thread::yield_now(),
            }
        }
        if deadline <= clock::now() {
            return None;
        }
        std::thread::sleep(limits::LOG_LOCK_PAUSE);
    }
}

/// What the thread does.
fn run() {
    let mut sinks: HashMap<usize, Sink> = HashMap::new();
    let mut queue = queue();
    loop {
        let now = clock::now();
        let (works, round) = queue.take(now);
        if !works.is_empty() {
            drop(queue);
            let reports = work_on(works, &mut sinks, now);
            queue = self::queue();
            for (slot, report) in reports {
                if queue.put_back(slot, report) {
                    sinks.remove(&slot);
                }
            }
        }
        if queue.done < round {
            queue.done = round;
            queue.outcome = queue.failure();
            DONE.notify_all();
        }
        queue = sleep(queue);
    }
}

/// Writes to each file what there is for it.
fn work_on(
    works: Vec<Work>,
    sinks: &mut HashMap<usize, Sink>,
    now: Instant,
) -> Vec<(usize, Report)> {
    let mut reports = Vec::with_capacity(works.len());
    let mut echo = Echo::new(now);
    let mut open = sinks.values().filter(|sink| sink.is_open()).count();
    for work in works {
        let slot = work.slot;
        let sink = sinks
            .entry(slot)
            .or_insert_with(|| Sink::new(work.path.clone(), work.settings.clone()));
        open -= usize::from(sink.is_open());
        let report = sink.work(work, now, &mut echo);
        if open >= limits::LOG_OPEN && report.failing.is_none() {
            // Opened for each round: the program needs descriptors, too.
            sink.rest();
        }
        open += usize::from(sink.is_open());
        reports.push((slot, report));
    }
    reports
}

/// Waits for the next thing to do.
fn sleep(mut queue: MutexGuard<'static, Queue>) -> MutexGuard<'static, Queue> {
    if queue.wanted > queue.done || queue.has_work(clock::now()) {
        return queue;
    }
    let deadline = queue.deadline();
    queue.sleep = deadline.map_or(Sleep::Forever, Sleep::Until);
    queue = match deadline {
        Some(deadline) => {
            let left = deadline.saturating_duration_since(clock::now());
            WORK.wait_timeout(queue, left).unwrap_or_else(PoisonError::into_inner).0
        }
        None => WORK.wait(queue).unwrap_or_else(PoisonError::into_inner),
    };
    queue.sleep = Sleep::Awake;
    queue
}

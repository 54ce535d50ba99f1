//! The queue without a writer, on a clock that is moved.

use std::time::Duration;

use super::*;
use crate::os::clock;

fn start() -> Instant {
    static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    *START.get_or_init(clock::now)
}

fn push(queue: &mut Queue, slot: usize, bytes: &[u8], level: Level) -> Pushed {
    queue.push(slot, &Line { bytes, level, at: 0, day: 0 }, start)
}

fn queue_of(name: &str) -> (Queue, usize) {
    let mut queue = Queue::new();
    queue.is_started = true;
    let (slot, _) = queue.open(PathBuf::from(name), None);
    (queue, slot)
}

#[test]
fn a_full_queue_drops_and_counts_until_the_writer_came_by() {
    let (mut queue, slot) = queue_of("a");
    let line = vec![b'x'; 65_536];
    let most = limits::LOG_QUEUE / line.len();
    for _ in 0..most {
        assert!(push(&mut queue, slot, &line, Level::Info).fits);
    }
    assert!(!push(&mut queue, slot, &line, Level::Info).fits);
    // A gap is one gap: a line that would fit does not get into it.
    let (works, _) = queue.take(start());
    assert_eq!((works.len(), works[0].lost), (1, 1));
    assert!(!push(&mut queue, slot, b"x", Level::Info).fits, "what is being written counts");
    let stats = Stats { written: 0, dropped: 2, errors: 0, queued: most as u64 };
    assert_eq!(queue.stats(Some(slot)), stats);
    let written = most as u64;
    assert!(!queue.put_back(slot, Report { written, ..Report::default() }));
    assert!(!push(&mut queue, slot, b"x", Level::Info).fits, "the second gap is not noted yet");
    let (works, _) = queue.take(start() + limits::LOG_FLUSH);
    assert_eq!((works[0].lost, works[0].chunks.len()), (2, 0));
    queue.put_back(slot, Report::default());
    assert!(push(&mut queue, slot, b"x", Level::Info).fits);
    assert_eq!(queue.stats(None), Stats { written, dropped: 3, errors: 0, queued: 1 });
}

#[test]
fn a_failing_file_keeps_its_oldest_lines_and_leaves_room_for_others() {
    let (mut queue, slot) = queue_of("a");
    let line = vec![b'x'; 65_536];
    for _ in 0..100 {
        push(&mut queue, slot, &line, Level::Info);
    }
    let (mut works, _) = queue.take(start());
    let work = works.remove(0);
    let failing = Some((Code(libc::ENOSPC), start() + Duration::from_secs(1)));
    queue.put_back(slot, Report { left: work.chunks, failing, errors: 1, ..Report::default() });
    let stats = queue.stats(Some(slot));
    assert_eq!((stats.queued, stats.dropped), (16, 84));
    assert!(!push(&mut queue, slot, b"x", Level::Error).fits);
    assert!(queue.take(start()).0.is_empty(), "it is not tried before its time");
    assert_eq!(queue.deadline(), failing.map(|(_, again)| again));
    let (other, _) = queue.open(PathBuf::from("b"), None);
    assert!(push(&mut queue, other, &line, Level::Info).fits);
    let (works, _) = queue.take(start() + Duration::from_secs(1));
    assert_eq!((works[0].lost, works[0].chunks.len()), (85, 4));
}

#[test]
fn the_writer_is_woken_once_for_a_burst_and_at_once_for_an_error() {
    let (mut queue, slot) = queue_of("a");
    queue.sleep = Sleep::Forever;
    assert!(push(&mut queue, slot, b"x", Level::Info).wake);
    assert!(!push(&mut queue, slot, b"x", Level::Info).wake);
    assert!(!queue.has_work(start()), "others may come");
    assert_eq!(queue.deadline(), Some(start() + limits::LOG_FLUSH));
    queue.sleep = Sleep::Until(start() + limits::LOG_FLUSH);
    assert!(!push(&mut queue, slot, b"x", Level::Warn).wake);
    assert!(push(&mut queue, slot, b"x", Level::Error).wake);
    assert!(queue.has_work(start()));
}

#[test]
fn a_child_forgets_what_its_parent_will_write() {
    let (mut queue, slot) = queue_of("a");
    push(&mut queue, slot, b"x", Level::Info);
    queue.is_forked = true;
    queue.settle_in_child();
    assert_eq!((queue.stats(None), queue.is_started), (Stats::default(), false));
    assert!(queue.take(start() + limits::LOG_FLUSH).0.is_empty());
    assert!(push(&mut queue, slot, b"x", Level::Info).fits);
}

#[test]
fn a_file_without_handles_is_gone_when_its_lines_are() {
    let (mut queue, slot) = queue_of("a");
    assert_eq!(queue.open(PathBuf::from("a"), None).0, slot);
    push(&mut queue, slot, b"x", Level::Info);
    queue.close(slot);
    assert!(!queue.has_work(start()));
    queue.close(slot);
    let (works, _) = queue.take(start());
    assert_eq!(works.len(), 1);
    assert!(queue.put_back(slot, Report { written: 1, ..Report::default() }));
    assert_eq!(queue.stats(None), Stats { written: 1, ..Stats::default() });
    assert_eq!(queue.open(PathBuf::from("b"), None).0, slot);
}

#[test]
fn lines_of_another_day_are_in_another_chunk() {
    let (mut queue, slot) = queue_of("a");
    for day in [1, 1, 2, 1, 2] {
        let line = Line { bytes: b"x", level: Level::Info, at: 0, day };
        queue.push(slot, &line, start);
    }
    let (works, _) = queue.take(start() + limits::LOG_FLUSH);
    let days: Vec<_> = works[0].chunks.iter().map(|chunk| (chunk.day, chunk.lines)).collect();
    assert_eq!(days, [(1, 2), (2, 3)]);
}

#[test]
fn reopening_while_the_writer_is_busy_has_a_failing_file_tried_at_once() {
    let (mut queue, slot) = queue_of("a");
    push(&mut queue, slot, b"x", Level::Info);
    let (mut works, _) = queue.take(start() + limits::LOG_FLUSH);
    queue.reopen();
    let failing = Some((Code(libc::ENOENT), start() + Duration::from_secs(10)));
    let left = works.remove(0).chunks;
    queue.put_back(slot, Report { left, failing, errors: 1, ..Report::default() });
    let (works, _) = queue.take(start() + limits::LOG_FLUSH);
    assert_eq!((works.len(), works[0].reopen), (1, true));
}

//! Files in a stream's queue: whole, in their turn, and bounded in what they hold up.

use std::fs;
use std::sync::Arc;

use chuck_core::base::error::Code;
use chuck_core::base::limits;
use chuck_core::codec::http1::Writer;
use chuck_core::conn::framing::Framing;
use chuck_core::conn::queue::{Span, Ticket};
use chuck_core::net::file::File;

use crate::support::drive::{Drive, Id, Said};
use crate::support::pair;
use crate::{MB, pattern};

/// A file with a pattern in it, removed at the end.
struct Sample {
    path: std::path::PathBuf,
    bytes: Vec<u8>,
}

impl Sample {
    fn new(name: &str, size: usize) -> Self {
        let path = std::env::temp_dir().join(format!("chuck-{name}-{}", std::process::id()));
        let bytes = pattern(size);
        fs::write(&path, &bytes).unwrap();
        Sample { path, bytes }
    }

    fn open(&self) -> Arc<File> {
        use std::os::unix::ffi::OsStrExt;
        Arc::new(File::open(None, self.path.as_os_str().as_bytes()).unwrap())
    }
}

impl Drop for Sample {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

fn send_file(
    drive: &mut Drive,
    id: Id,
    (file, at, len): (&Arc<File>, u64, usize),
    ticket: Option<Ticket>,
) -> Result<(), Code> {
    let now = drive.now();
    let span = Span { file: file.clone(), at, len };
    drive.stream(id).send_file(span, ticket, &mut Writer::default(), now)
}

#[test]
fn files_and_bytes_arrive_in_their_order_over_every_kind_of_socket() {
    let sample = Sample::new("order", 3 * MB);
    for make in [pair::half, pair::narrow, pair::still] {
        for copies in [false, true] {
            let mut drive = Drive::new();
            let (ours, mut peer) = make(&mut drive, Framing::Raw);
            let file = sample.open();
            if copies {
                file.set_copied();
            }
            drive.send(ours, b"first", None).unwrap();
            send_file(&mut drive, ours, (&file, 0, 3 * MB), Some(7)).unwrap();
            drive.send(ours, b"second", None).unwrap();
            send_file(&mut drive, ours, (&file, 5, 10), None).unwrap();
            assert_eq!(drive.stream(ours).queued(), 11 + 3 * MB + 10);
            let now = drive.now();
            drive.stream(ours).shutdown_write(now);
            let got = peer.read_to_end(4 * MB, &mut drive);
            let expected = [b"first", &sample.bytes[..], b"second", &sample.bytes[5..15]].concat();
            assert!(got == expected, "{} bytes", got.len());
            let said = drive.said(ours);
            assert!(said.contains(&Said::Sent(7)) && said.contains(&Said::Drained), "{said:?}");
        }
    }
}

#[test]
fn files_count_little_against_the_limit_and_wholly_as_queued() {
    let sample = Sample::new("limit", 2 * MB);
    let mut drive = Drive::new();
    let (ours, _peer) = pair::narrow(&mut drive, Framing::Raw);
    drive.stream(ours).set_high_water(MB, 10 * limits::FILE_COST);
    let file = sample.open();
    for _ in 0..10 {
        send_file(&mut drive, ours, (&file, 0, 2 * MB), None).unwrap();
    }
    assert_eq!(drive.stream(ours).queued(), 20 * MB);
    let refused = send_file(&mut drive, ours, (&file, 0, 2 * MB), None);
    assert_eq!(refused, Err(Code::NO_BUFFERS));
    assert_eq!(drive.send(ours, b"more", None), Err(Code::NO_BUFFERS));
}

#[test]
fn a_file_that_shrinks_ends_the_connection() {
    let sample = Sample::new("shrink", 8 * MB);
    for copies in [false, true] {
        fs::write(&sample.path, &sample.bytes).unwrap();
        let mut drive = Drive::new();
        let (ours, mut peer) = pair::narrow(&mut drive, Framing::Raw);
        let file = sample.open();
        if copies {
            file.set_copied();
        }
        send_file(&mut drive, ours, (&file, 0, 8 * MB), Some(1)).unwrap();
        drive.rest();
        fs::OpenOptions::new().write(true).open(&sample.path).unwrap().set_len(5 << 20).unwrap();
        drop(file);
        let got = peer.read_to_end(4 * MB, &mut drive);
        assert!(got.len() <= 5 << 20 && sample.bytes.starts_with(&got), "{} bytes", got.len());
        drive.until("the end", |drive| drive.is_over(ours));
        assert_eq!(drive.said(ours), [Said::Ended(Code(libc::EIO))]);
    }
}

#[test]
fn a_large_file_lets_others_have_their_turn() {
    let sample = Sample::new("turn", 8 * MB);
    let mut drive = Drive::new();
    let (ours, mut peer) = pair::half(&mut drive, Framing::Raw);
    send_file(&mut drive, ours, (&sample.open(), 0, 8 * MB), None).unwrap();
    let now = drive.now();
    let written = drive.stream(ours).flush(now);
    assert!(written <= limits::FILE_STEP, "{written} bytes in one step");
    assert!(drive.stream(ours).wants_turn() || written < limits::FILE_STEP);
    drive.stream(ours).shutdown_write(now);
    assert_eq!(peer.read_to_end(4 * MB, &mut drive).len(), 8 * MB);
}

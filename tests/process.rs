//! Programs that are started: what they get, what they do not, and that nothing is left of them.
#![cfg(unix)]

use std::ffi::CString;
use std::fs::{self, File};
use std::io::Read;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use chuck_core::base::error::Code;
use chuck_core::os::process::{Command, Exit, Failure, Source, Spawned, Stage};

/// No test waits longer for anything.
const DEADLINE: Duration = Duration::from_secs(30);

fn command(args: &[&str]) -> Command {
    let mut command = Command::new(args.iter().map(|arg| c(arg)).collect());
    command.sources = [Source::Null, Source::Pipe, Source::Inherit];
    command
}

fn c(text: &str) -> CString {
    CString::new(text).unwrap()
}

/// Runs a program to its end: what it printed, and how it ended.
fn run(command: &Command) -> (Vec<u8>, Exit) {
    let Spawned { mut child, pipes: [_, output, _] } = command.spawn().unwrap();
    let mut bytes = Vec::new();
    File::from(output.unwrap()).read_to_end(&mut bytes).unwrap();
    (bytes, wait(|| child.poll()))
}

fn wait<R>(mut ask: impl FnMut() -> Option<R>) -> R {
    let until = Instant::now() + DEADLINE;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < until, "waited in vain");
        thread::sleep(Duration::from_millis(1));
    }
}

fn exists(pid: i32) -> bool {
    chuck_core::os::process::kill(pid, 0).is_ok()
}

fn returned(status: i32) -> Exit {
    Exit { status: Some(status), signal: None }
}

#[test]
fn a_program_gets_its_arguments_and_returns_its_status() {
    let odd = "two words\n\u{1}$HOME";
    let script = "printf '%s|' \"$@\"; exit 7";
    let (output, exit) = run(&command(&["sh", "-c", script, "sh", "", odd, ""]));
    assert_eq!(output, format!("|{odd}||").as_bytes());
    assert_eq!(exit, returned(7));
}

#[test]
fn a_program_that_is_killed_tells_the_signal() {
    let (_, exit) = run(&command(&["sh", "-c", "kill -USR1 $$"]));
    assert_eq!(exit, Exit { status: None, signal: Some(libc::SIGUSR1) });
}

#[test]
fn what_cannot_be_executed_is_said_with_its_reason() {
    let file = std::env::temp_dir().join(format!("chuck-plain-{}", std::process::id()));
    fs::write(&file, "no program").unwrap();
    let mut elsewhere = command(&["true"]);
    elsewhere.directory = Some(c("/nonexistent"));
    let long = "x".repeat(1 << 20);
    let many: Vec<&str> = std::iter::once("true").chain((0..64).map(|_| long.as_str())).collect();
    let cases = [
        (command(&["chuck-no-such-program"]), Stage::Exec, libc::ENOENT),
        (command(&["/nonexistent/program"]), Stage::Exec, libc::ENOENT),
        (command(&[""]), Stage::Exec, libc::ENOENT),
        (command(&["/tmp"]), Stage::Exec, libc::EACCES),
        (command(&[file.to_str().unwrap()]), Stage::Exec, libc::EACCES),
        (command(&many), Stage::Exec, libc::E2BIG),
        (elsewhere, Stage::Directory, libc::ENOENT),
    ];
    for (command, stage, number) in cases {
        let failure = command.spawn().map(|_| ()).unwrap_err();
        assert_eq!(failure, Failure { stage, code: Code(number) }, "{:?}", command.args[0]);
        assert_eq!(command.spawn_detached().unwrap_err(), failure);
        assert!(!failure.words(&command).is_empty());
    }
    fs::remove_file(file).unwrap();
}

#[test]
fn the_environment_is_replaced_or_added_to() {
    let mut alone = command(&["/usr/bin/env"]);
    alone.inherits_variables = false;
    alone.variables = vec![c("EMPTY="), CString::new(b"BYTES=\xff=\x01".to_vec()).unwrap()];
    assert_eq!(run(&alone).0, b"EMPTY=\nBYTES=\xff=\x01\n");
    let mut more = command(&["sh", "-c", "echo $PATH; echo $CHUCK_MORE"]);
    more.variables = vec![c("CHUCK_MORE=yes")];
    let path = std::env::var("PATH").unwrap();
    assert_eq!(run(&more).0, format!("{path}\nyes\n").as_bytes());
}

#[test]
fn a_program_is_looked_for_in_the_path_that_it_will_have() {
    let mut command = command(&["sh", "-c", "echo found"]);
    command.inherits_variables = false;
    command.variables = vec![c("PATH=/nonexistent")];
    assert_eq!(command.spawn().map(|_| ()).unwrap_err().code, Code(libc::ENOENT));
    command.variables = vec![c("PATH=/nonexistent:/usr/bin:/bin")];
    assert_eq!(run(&command).0, b"found\n");
    command.variables.clear();
    assert_eq!(run(&command).0, b"found\n");
}

#[test]
fn no_descriptor_is_inherited_by_accident() {
    let file = File::open("/dev/null").unwrap();
    // As Lua opens its files: a child would inherit it.
    // SAFETY: changes the flags of a descriptor of ours.
    assert_eq!(unsafe { libc::fcntl(file.as_raw_fd(), libc::F_SETFD, 0) }, 0);
    let (output, _) = run(&command(&["sh", "-c", "ls /dev/fd/ | wc -l"]));
    // Three, and the one with which ls reads the folder.
    assert_eq!(String::from_utf8_lossy(&output).trim(), "4");
}

#[test]
fn signals_have_their_default_actions_in_a_program() {
    // Rust programs ignore SIGPIPE, and so does this one.
    let (output, _) = run(&command(&["grep", "-E", "^Sig(Blk|Ign)", "/proc/self/status"]));
    let text = String::from_utf8_lossy(&output).into_owned();
    for line in text.lines() {
        let mask = line.rsplit('\t').next().and_then(|mask| u64::from_str_radix(mask, 16).ok());
        // 32 and 33 are the C library's own, and it lets nobody touch them.
        assert_eq!(mask.unwrap() & !(3 << 31), 0, "{text}");
    }
    assert_eq!(text.lines().count(), 2);
}

#[test]
fn descriptors_are_placed_whatever_their_numbers_were() {
    // Standard output and error change places, and what is at 3 and 4 goes to 4 and 3.
    let mut command =
        command(&["sh", "-c", "echo out; echo err >&2; readlink /dev/fd/3 /dev/fd/4"]);
    let [one, two] = ["one", "two"].map(|name| {
        let path = std::env::temp_dir().join(format!("chuck-{}-{name}", std::process::id()));
        (path.clone(), Arc::new(OwnedFd::from(File::create(path).unwrap())))
    });
    let (reader, writer) = chuck_core::os::pipe::pair().unwrap();
    command.sources =
        [Source::Null, Source::Copy(Arc::new(writer.try_clone().unwrap())), Source::Output];
    command.listen = vec![(b"b".to_vec(), two.1.clone()), (b"a".to_vec(), one.1.clone())];
    let mut child = command.spawn().unwrap().child;
    drop(command);
    drop(writer);
    let mut text = String::new();
    File::from(reader).read_to_string(&mut text).unwrap();
    assert_eq!(text, format!("out\nerr\n{}\n{}\n", two.0.display(), one.0.display()));
    assert_eq!(wait(|| child.poll()), returned(0));
    for (path, _) in [one, two] {
        fs::remove_file(path).unwrap();
    }
}

#[test]
fn listening_descriptors_are_handed_over_as_systemd_does() {
    let path = std::env::temp_dir().join(format!("chuck-listen-{}", std::process::id()));
    let socket = Arc::new(OwnedFd::from(UnixListener::bind(&path).unwrap()));
    let script = "echo $LISTEN_FDS $LISTEN_FDNAMES; test $LISTEN_PID = $$ && echo mine; \
                  tr '\\0' '\\n' </proc/$$/environ | grep -c ^LISTEN_; \
                  test -S /dev/fd/3 && test -S /dev/fd/4 && echo sockets";
    let mut command = command(&["sh", "-c", script]);
    // Who looks for the first of a name, and who looks for the last, must find the same.
    command.variables = vec![c("LISTEN_PID=1"), c("LISTEN_FDS=9")];
    command.listen = vec![(b"web".to_vec(), socket.clone()), (b"admin".to_vec(), socket)];
    let (output, _) = run(&command);
    fs::remove_file(path).unwrap();
    assert_eq!(String::from_utf8_lossy(&output), "2 web:admin\nmine\n3\nsockets\n");
}

#[test]
fn programs_start_while_threads_hold_every_lock() {
    static BUSY: Mutex<Vec<Vec<u8>>> = Mutex::new(Vec::new());
    let stop = Arc::new(AtomicBool::new(false));
    let threads: Vec<_> = (0..4)
        .map(|seed| {
            let stop = stop.clone();
            thread::spawn(move || {
                let mut size = seed * 1000 + 17;
                while !stop.load(Ordering::Relaxed) {
                    size = size * 31 % 65_521;
                    let mut kept = BUSY.lock().unwrap();
                    kept.push(vec![1; size]);
                    if kept.len() > 100 {
                        kept.clear();
                    }
                }
            })
        })
        .collect();
    for turn in 0..100 {
        let (output, exit) = run(&command(&["echo", "here"]));
        assert_eq!((output.as_slice(), exit), (b"here\n".as_slice(), returned(0)), "turn {turn}");
        assert!(command(&["/nonexistent"]).spawn().is_err());
    }
    stop.store(true, Ordering::Relaxed);
    for thread in threads {
        thread.join().unwrap();
    }
}

#[test]
fn a_child_that_nobody_waits_for_is_reaped() {
    let mut pids = Vec::new();
    for _ in 0..20 {
        let child = command(&["sleep", "0.2"]).spawn().unwrap().child;
        pids.push(child.pid());
        // Dropped here, alive.
    }
    assert!(pids.iter().any(|pid| exists(*pid)));
    // A zombie would still be there.
    wait(|| pids.iter().all(|pid| !exists(*pid)).then_some(()));
}

#[test]
fn a_child_that_was_reaped_is_signalled_no_more() {
    let mut child = command(&["true"]).spawn().unwrap().child;
    wait(|| child.poll());
    assert_eq!(child.kill(0), Err(Code::NO_PROCESS));
    assert_eq!(child.poll(), Some(returned(0)));
}

#[test]
fn the_end_of_a_child_can_be_waited_for() {
    let mut child = command(&["sleep", "0.1"]).spawn().unwrap().child;
    assert_eq!(child.poll(), None);
    let mut watched =
        libc::pollfd { fd: child.as_fd().as_raw_fd(), events: libc::POLLIN, revents: 0 };
    // SAFETY: one valid entry.
    assert_eq!(unsafe { libc::poll(&raw mut watched, 1, 30_000) }, 1);
    assert_eq!(child.poll(), Some(returned(0)));
}

#[test]
fn a_detached_program_is_nobodys_child_and_has_its_number() {
    let path = std::env::temp_dir().join(format!("chuck-detached-{}", std::process::id()));
    let script = format!(
        "sleep 0.05; grep SigIgn /proc/self/status; ps -o pid=,sid=,tty= -p $$ > {0}.part; \
         mv {0}.part {0}",
        path.display()
    );
    let mut command = command(&["/bin/sh", "-c", &script]);
    command.path = Some(c("/bin/sh"));
    command.sources = [Source::Null, Source::Null, Source::Null];
    let pid = command.spawn_detached().unwrap();
    assert!(exists(pid));
    let text = wait(|| fs::read_to_string(PathBuf::from(&path)).ok());
    fs::remove_file(path).unwrap();
    let mut words = text.split_whitespace();
    assert_eq!(words.next(), Some(pid.to_string().as_str()));
    // The session is another one than its own process, which so can never get a terminal.
    assert_ne!(words.next(), Some(pid.to_string().as_str()));
    assert_eq!(words.next(), Some("?"));
    // SAFETY: plain numbers; there is no such child.
    assert_eq!(unsafe { libc::waitpid(pid, std::ptr::null_mut(), libc::WNOHANG) }, -1);
}

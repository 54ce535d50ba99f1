//! Log files on a real disk, without Lua: nothing is lost, whatever happens to the file.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use chuck_core::os::log::{self, Console, Fields, File, Format, Level, Settings, Value};

const LONG: Duration = Duration::from_secs(20);

/// A folder of its own for each test, removed at its end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("chuck-log-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    fn settings(&self) -> Settings {
        Settings { directory: Some(self.0.clone()), console: Console::Off, ..Settings::default() }
    }

    fn open(&self, name: &str) -> File {
        File::open(Path::new(name), Some(self.settings()))
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.0.join(name)).unwrap()
    }

    /// Names of what is there, sorted.
    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.0).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn info(file: &File, text: &str) {
    assert!(file.log(Level::Info, text.as_bytes(), None), "the queue is full");
}

/// Waits for lines to be on disk. Other tests' files may fail meanwhile.
fn settle(file: &File) {
    let end = Instant::now() + LONG;
    let _ = log::flush(LONG);
    while file.stats().queued > 0 {
        assert!(Instant::now() < end, "{:?}", file.stats());
        thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn a_million_lines_of_four_threads_are_all_there_and_each_threads_in_order() {
    const EACH: usize = 250_000;
    let folder = Folder::new("million");
    let file = folder.open("million");
    let begin = Instant::now();
    thread::scope(|scope| {
        for name in 0..4 {
            let file = &file;
            scope.spawn(move || {
                for n in 0..EACH {
                    file.log(Level::Info, format!("{name} {n} what is logged").as_bytes(), None);
                }
            });
        }
    });
    let pushed = begin.elapsed();
    settle(&file);
    println!("logged in {pushed:?}, written in {:?}: {:?}", begin.elapsed(), file.stats());
    assert_eq!(file.stats().written, 4 * EACH as u64, "{:?}", file.stats());
    let mut next = [0; 4];
    for line in folder.read("million.log").lines() {
        let mut words = line.split_once("]:").unwrap().1.split(' ');
        let name: usize = words.next().unwrap().parse().unwrap();
        let n: usize = words.next().unwrap().parse().unwrap();
        assert_eq!(n, next[name], "{line}");
        next[name] += 1;
    }
    assert_eq!(next, [EACH; 4]);
}

#[test]
fn a_line_has_the_layout_of_2015() {
    let folder = Folder::new("layout");
    let file = folder.open("layout");
    for (level, _) in Level::ALL {
        assert!(file.log_at(1_700_000_000_007, level, b"text", None));
    }
    settle(&file);
    let text = folder.read("layout.log");
    let heads = ["[    INFO]", "[   DEBUG]", "[    WARN]", "[   ERROR]", "[CRITICAL]"];
    for (line, head) in text.lines().zip(heads) {
        let rest = line.strip_prefix(head).unwrap();
        let (time, rest) = rest.split_at(23);
        assert!(time.starts_with("2023-11-1") && time.ends_with(":20.007"), "{time}");
        let thread = rest.strip_prefix('[').unwrap().strip_suffix("]:text").unwrap();
        assert!(thread.parse::<u64>().is_ok_and(|thread| thread > 0), "{line}");
    }
    assert_eq!(text.lines().count(), 5);
}

#[test]
fn a_full_disk_is_counted_and_what_fits_the_queue_is_written_once_there_is_room() {
    let folder = Folder::new("full");
    let link = folder.0.join("full.log");
    std::os::unix::fs::symlink("/dev/full", &link).unwrap();
    let file = folder.open("full");
    info(&file, "first");
    assert!(log::flush(LONG).is_err());
    let stats = file.stats();
    assert!(stats.errors > 0 && stats.written == 0 && stats.queued == 1, "{stats:?}");
    // More than a failing file may hold.
    let lines: u64 = 3000;
    let long = vec![b'x'; 1000];
    let taken = (0..lines).filter(|_| file.log(Level::Info, &long, None)).count() as u64;
    assert!((500..2000).contains(&taken), "{taken}");
    fs::remove_file(&link).unwrap();
    log::reopen();
    settle(&file);
    let stats = file.stats();
    assert_eq!((stats.written, stats.dropped), (1 + taken, lines - taken));
    let text = folder.read("full.log");
    let note =
        format!("]:{} lines were dropped here: the queue of the log was full", lines - taken);
    assert!(text.lines().next().unwrap().ends_with("]:first"));
    let last = text.lines().last().unwrap();
    assert!(last.starts_with("[    WARN]") && last.ends_with(&note), "{last}");
    info(&file, "again");
    settle(&file);
    assert!(folder.read("full.log").ends_with("]:again\n"));
}

#[test]
fn a_missing_folder_is_an_error_until_it_is_made() {
    let folder = Folder::new("missing");
    let file = folder.open("not/yet");
    info(&file, "kept");
    assert!(log::flush(LONG).is_err());
    assert_eq!((file.stats().queued, file.stats().dropped), (1, 0));
    fs::create_dir(folder.0.join("not")).unwrap();
    // Without a word from us: it is tried again.
    let end = Instant::now() + LONG;
    while file.stats().written == 0 {
        assert!(Instant::now() < end, "{:?}", file.stats());
        thread::sleep(Duration::from_millis(5));
    }
    assert!(folder.read("not/yet.log").ends_with("]:kept\n"));
}

#[test]
fn a_file_that_is_removed_or_moved_away_is_made_anew() {
    let folder = Folder::new("removed");
    let file = folder.open("removed");
    info(&file, "one");
    settle(&file);
    fs::rename(folder.0.join("removed.log"), folder.0.join("old")).unwrap();
    log::reopen();
    info(&file, "two");
    settle(&file);
    assert!(folder.read("old").ends_with("]:one\n"));
    assert!(folder.read("removed.log").ends_with("]:two\n"));
    fs::remove_file(folder.0.join("removed.log")).unwrap();
    let end = Instant::now() + LONG;
    while !folder.names().contains(&"removed.log".to_owned()) {
        assert!(Instant::now() < end, "nobody has noticed");
        info(&file, "three");
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_file_is_put_away_by_size_between_lines_and_only_the_latest_are_kept() {
    let folder = Folder::new("size");
    let settings = Settings { max_bytes: 1000, keep: 3, ..folder.settings() };
    let file = File::open(Path::new("size"), Some(settings));
    fs::write(folder.0.join("size-notes.log"), "not ours").unwrap();
    for n in 0..100 {
        info(&file, &format!("line {n:03}\nwith a second line"));
    }
    settle(&file);
    let names = folder.names();
    assert_eq!(names.len(), 5, "{names:?}");
    assert_eq!(names.last().unwrap(), "size.log");
    let mut next = None;
    for name in names.iter().filter(|name| *name != "size-notes.log") {
        let text = folder.read(name);
        assert!(text.len() <= 1000 && text.starts_with('['), "{name}: {text}");
        for line in text.lines().filter(|line| line.starts_with('[')) {
            let n: u32 = line.split_once("]:line ").unwrap().1.parse().unwrap();
            assert!(next.is_none_or(|next| next == n), "{name}: {line}");
            next = Some(n + 1);
        }
    }
    assert_eq!(next, Some(100));
}

#[test]
fn the_latest_files_are_kept_when_local_time_has_gone_back() {
    let folder = Folder::new("summer");
    let early = folder.0.join("summer-2023-10-29-02.50.00.000.log");
    fs::write(&early, "written before the end of summer time").unwrap();
    let hour_ago = SystemTime::now() - Duration::from_secs(3600);
    fs::File::options().append(true).open(&early).unwrap().set_modified(hour_ago).unwrap();
    let settings = Settings { max_bytes: 1, keep: 1, ..folder.settings() };
    let file = File::open(Path::new("summer"), Some(settings));
    // A day and more before what the name above says, in every time zone.
    for text in ["a", "b"] {
        file.log_at(1_698_400_000_000, Level::Info, text.as_bytes(), None);
    }
    settle(&file);
    let names = folder.names();
    assert_eq!(names.len(), 2, "{names:?}");
    assert!(!early.exists(), "{names:?}");
}

#[test]
fn a_file_is_put_away_when_the_day_of_its_lines_is_over() {
    const DAY: i64 = 86_400_000;
    let folder = Folder::new("daily");
    let settings = Settings { daily: true, ..folder.settings() };
    let file = File::open(Path::new("daily"), Some(settings));
    let noon = 1_700_000_000_000;
    for (at, text) in [(0, "a"), (1, "b"), (DAY, "c"), (DAY - 1, "late"), (2 * DAY, "d")] {
        file.log_at(noon + at, Level::Info, text.as_bytes(), None);
    }
    settle(&file);
    let texts = |name: &String| -> String {
        folder.read(name).lines().map(|line| line.split_once("]:").unwrap().1.to_owned()).collect()
    };
    let names = folder.names();
    assert_eq!(names.iter().map(texts).collect::<Vec<_>>(), ["ab", "clate", "d"]);
    assert!(names[0].starts_with("daily-2023-11-1") && names[0].ends_with(".20.001.log"));
}

#[test]
fn a_late_line_of_yesterday_makes_no_second_file_at_midnight() {
    const DAY: i64 = 86_400_000;
    let folder = Folder::new("midnight");
    let settings = Settings { daily: true, ..folder.settings() };
    let file = File::open(Path::new("midnight"), Some(settings));
    let noon = 1_700_000_000_000;
    for at in [0, DAY, 0, DAY + 1] {
        file.log_at(noon + at, Level::Info, b"x", None);
        settle(&file);
    }
    assert_eq!(folder.names().len(), 2, "{:?}", folder.names());
    // A clock that was a year ahead does not keep the next day from coming.
    for at in [400 * DAY, 2 * DAY, 3 * DAY] {
        file.log_at(noon + at, Level::Info, b"x", None);
        settle(&file);
    }
    assert_eq!(folder.names().len(), 4, "{:?}", folder.names());
}

#[test]
fn a_file_that_cannot_be_put_away_grows_on() {
    let folder = Folder::new("stays");
    let path = folder.0.join("inner");
    fs::create_dir(&path).unwrap();
    let settings =
        Settings { path: Some(path.join("stays.log")), max_bytes: 100, ..folder.settings() };
    let file = File::open(Path::new("stays"), Some(settings));
    info(&file, "one");
    settle(&file);
    let is_root = fs::metadata("/proc/self")
        .is_ok_and(|found| std::os::unix::fs::MetadataExt::uid(&found) == 0);
    if is_root {
        return; // Nothing is forbidden to root.
    }
    let mut forbidden = fs::metadata(&path).unwrap().permissions();
    std::os::unix::fs::PermissionsExt::set_mode(&mut forbidden, 0o500);
    fs::set_permissions(&path, forbidden.clone()).unwrap();
    for _ in 0..10 {
        info(&file, "more");
    }
    settle(&file);
    std::os::unix::fs::PermissionsExt::set_mode(&mut forbidden, 0o700);
    fs::set_permissions(&path, forbidden).unwrap();
    assert_eq!(file.stats().written, 11);
    assert!(file.stats().errors > 0);
}

#[test]
fn the_same_path_is_the_same_file_and_a_dropped_one_is_written_and_closed() {
    let folder = Folder::new("same");
    let (one, two) = (folder.open("same"), folder.open("same.log"));
    info(&one, "1");
    info(&two, "2");
    drop(one);
    info(&two, "3");
    settle(&two);
    drop(two);
    let end = Instant::now() + LONG;
    let fds = || {
        let links = fs::read_dir("/proc/self/fd").unwrap();
        let mut links = links.filter_map(|link| fs::read_link(link.unwrap().path()).ok());
        links.any(|link| link.starts_with(&folder.0))
    };
    while fs::metadata("/proc/self/fd").is_ok() && fds() {
        assert!(Instant::now() < end, "it is not closed");
        thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(folder.read("same.log").lines().count(), 3);
}

#[test]
fn json_lines_carry_their_fields() {
    let folder = Folder::new("json");
    let settings = Settings { format: Format::Json, ..folder.settings() };
    let file = File::open(Path::new("json"), Some(settings));
    let mut fields = Fields::new(file.format());
    fields.add(b"name", Value::Text(b"a \"b\"\n\xff"));
    fields.add(b"id", Value::Integer(-7));
    file.log(Level::Warn, b"what\0\x1b", Some(&fields));
    settle(&file);
    let text = folder.read("json.log");
    let (_, rest) = text.split_once("\"level\":\"WARN\",\"thread\":").unwrap();
    let rest = rest.trim_start_matches(|c: char| c.is_ascii_digit());
    let expected = ",\"message\":\"what\\u0000\\u001b\",\"fields\":\
        {\"name\":\"a \\\"b\\\"\\n\u{fffd}\",\"id\":-7}}\n";
    assert_eq!(rest, expected);
}

#[test]
fn a_panic_waits_for_what_was_logged() {
    let folder = Folder::new("panic");
    let settings = Settings { flush: LONG, ..folder.settings() };
    let file = File::open(Path::new("panic"), Some(settings));
    let crash = || {
        for _ in 0..1000 {
            info(&file, "before the crash");
        }
        panic!("on purpose");
    };
    thread::scope(|scope| scope.spawn(crash).join().unwrap_err());
    assert_eq!(folder.read("panic.log").lines().count(), 1000);
}

#[test]
fn what_is_logged_on_many_files_is_on_each() {
    let folder = Folder::new("many");
    let files: Vec<_> = (0..100).map(|n| folder.open(&n.to_string())).collect();
    for round in 0..10 {
        for file in &files {
            info(file, &round.to_string());
        }
    }
    files.iter().for_each(settle);
    for n in 0..100 {
        assert_eq!(folder.read(&format!("{n}.log")).lines().count(), 10);
    }
}

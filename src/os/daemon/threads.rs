//! The threads that a process must not have when it becomes a daemon.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use crate::base::limits;
use crate::os::clock;

/// Threads of our own, and since when a program has them.
const OURS: [(&str, &str); 4] = [
    ("chuck-log", "the log's, since its first line"),
    ("chuck-resolver", "the resolver's, for a while after each question"),
    ("chuck-reap", "of children that were closed, until they end"),
    ("chuck-wait", "of a child, until it ends"),
];

/// What is wrong when there are threads beside this one; where the system does not say, nothing.
pub(super) fn others() -> Option<String> {
    let until = clock::now() + limits::THREAD_GONE;
    loop {
        let names = names();
        if names.is_empty() {
            return None;
        }
        // Who was joined a moment ago is still counted, until the kernel has put it away.
        if clock::now() >= until {
            return Some(words(names));
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// The names of all threads but the first, or but one where that cannot be told.
fn names() -> Vec<String> {
    let Ok(tasks) = fs::read_dir("/proc/self/task") else {
        return Vec::new();
    };
    let tasks: Vec<PathBuf> = tasks.flatten().map(|task| task.path()).collect();
    let first = std::process::id().to_string();
    let name = |task: &PathBuf| {
        let name = fs::read_to_string(task.join("comm")).unwrap_or_default();
        name.trim_end().to_owned()
    };
    let others = tasks.iter().filter(|task| task.file_name().is_none_or(|it| *it != *first));
    others.map(name).collect()
}

fn words(mut names: Vec<String>) -> String {
    let count = names.len() + 1;
    names.sort();
    names.dedup();
    for name in &mut names {
        if let Some((_, what)) = OURS.iter().find(|(ours, _)| ours == name) {
            *name = format!("{name} ({what})");
        }
    }
    format!("{count} threads run, also {}: daemonize before the second one", names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_of_ours_are_explained_and_others_named() {
        let names = ["mail 2", "chuck-log", "mail 2"].map(str::to_owned).to_vec();
        assert_eq!(
            words(names),
            "4 threads run, also chuck-log (the log's, since its first line), mail 2: \
             daemonize before the second one"
        );
    }
}

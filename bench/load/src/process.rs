//! What the kernel says a process has used, read from `/proc`.

use std::fs;
use std::time::Instant;

/// Ticks per second in `/proc/stat`; Linux shows 100 on every machine.
const TICKS: f64 = 100.0;

/// The state of the server, of us and of the machine at one moment.
#[derive(Clone, Copy)]
pub struct Sample {
    at: Instant,
    server_cpu: f64,
    own_cpu: f64,
    busy: f64,
    stolen: f64,
    switches: u64,
}

/// What happened between two samples.
#[derive(Clone, Copy)]
pub struct Usage {
    /// Seconds between the two.
    pub secs: f64,
    /// CPU seconds of the server, all threads.
    pub server_cpu: f64,
    /// CPU seconds of the load generator.
    pub own_cpu: f64,
    /// CPU seconds of everything else on the machine.
    pub other_cpu: f64,
    /// CPU seconds the hypervisor gave to somebody else.
    pub stolen: f64,
    /// How often the server went to sleep, which is how often it had woken up.
    pub wakes: u64,
}

impl Sample {
    /// Reads the clocks now. A server of `None`, or one that is gone, counts as 0.
    pub fn take(server: Option<u32>) -> Sample {
        let (busy, stolen) = machine();
        Sample {
            at: Instant::now(),
            server_cpu: server.map_or(0.0, cpu),
            own_cpu: cpu(std::process::id()),
            busy,
            stolen,
            switches: server.map_or(0, switches),
        }
    }

    /// What was used from `earlier` until this sample.
    pub fn since(&self, earlier: &Sample) -> Usage {
        let server_cpu = self.server_cpu - earlier.server_cpu;
        let own_cpu = self.own_cpu - earlier.own_cpu;
        Usage {
            secs: self.at.duration_since(earlier.at).as_secs_f64(),
            server_cpu,
            own_cpu,
            other_cpu: self.busy - earlier.busy - server_cpu - own_cpu,
            stolen: self.stolen - earlier.stolen,
            wakes: self.switches - earlier.switches,
        }
    }
}

/// Resident bytes of a process; 0 when it is gone.
pub fn resident(pid: u32) -> u64 {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    named(&text, "VmRSS:") * 1024
}

/// CPU seconds of all threads, in the scheduler's nanoseconds.
fn cpu(pid: u32) -> f64 {
    tasks(pid, "schedstat").iter().map(|text| leading(text)).sum::<u64>() as f64 / 1e9
}

/// How often any thread went to sleep of its own will.
fn switches(pid: u32) -> u64 {
    tasks(pid, "status").iter().map(|text| named(text, "voluntary_ctxt_switches:")).sum()
}

/// One file of every thread; none when the process is gone.
fn tasks(pid: u32, file: &str) -> Vec<String> {
    let Ok(tasks) = fs::read_dir(format!("/proc/{pid}/task")) else {
        return Vec::new();
    };
    tasks.flatten().flat_map(|task| fs::read_to_string(task.path().join(file))).collect()
}

/// The number behind `name` in a `status` file; 0 when it is not there.
fn named(text: &str, name: &str) -> u64 {
    leading(text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default())
}

/// The number a text begins with; 0 when there is none.
fn leading(text: &str) -> u64 {
    text.split_whitespace().next().and_then(|word| word.parse().ok()).unwrap_or(0)
}

/// Seconds that all cores were busy, and that were stolen.
fn machine() -> (f64, f64) {
    let text = fs::read_to_string("/proc/stat").unwrap_or_default();
    let line = text.lines().next().unwrap_or_default();
    // user nice system idle iowait irq softirq steal
    let ticks: Vec<f64> = line.split_whitespace().skip(1).flat_map(str::parse).collect();
    let at = |column| ticks.get(column).copied().unwrap_or(0.0);
    let busy = at(0) + at(1) + at(2) + at(5) + at(6);
    (busy / TICKS, at(7) / TICKS)
}

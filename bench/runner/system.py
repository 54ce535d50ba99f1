"""Programs, cores and clocks: what is started, where it runs, and what it has used."""

import ctypes
import os
import resource
import select
import signal
import socket
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path

BENCH = Path(__file__).resolve().parent.parent
ROOT = BENCH.parent
TARGET = Path(os.environ.get("CARGO_TARGET_DIR") or BENCH / "load" / "target").resolve()

SERVER_CORE = "0"
LOAD_CORE = "1"
#: Seconds a server may take until it listens.
START = 10
#: Seconds a run may take beside its measured time.
SLACK = 120
#: Above this share of a core used by others, a run is not to be trusted.
BUSY = 0.3


class Failure(Exception):
    """Something did not work; the text says what, for people."""


def others_seconds(server):
    """CPU time of the machine but for our children, which were waited for, and a server."""
    with open("/proc/stat") as lines:
        user, nice, system, _, _, irq, softirq, steal = map(int, lines.readline().split()[1:9])
    machine = (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")
    ours = resource.getrusage(resource.RUSAGE_CHILDREN)
    return machine - ours.ru_utime - ours.ru_stime - (cpu_seconds(server) if server else 0)


def cpu_seconds(pid):
    """CPU time of all threads of a process, by the scheduler's clock."""
    found = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(file.read_text().split()[0]) for file in found) / 1e9


def pinned(core, *command):
    return ["taskset", "-c", core, *command]


def run(command, timeout, **options):
    """Standard output of a command that must succeed within `timeout` seconds."""
    try:
        result = subprocess.run(
            command, capture_output=True, text=True, timeout=timeout, **options
        )
    except subprocess.TimeoutExpired:
        raise Failure(f"no end within {timeout} s: {' '.join(command)}") from None
    if result.returncode:
        said = (result.stderr.strip() or result.stdout.strip())[-2000:]
        raise Failure(f"{command[0]} ended with {result.returncode}: {said}")
    return result.stdout


def die_with_parent():
    """Runs in the child: should this program be killed, the kernel ends the server too."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


@contextmanager
def listening(command, environment):
    """A running server and its port; killed at the end."""
    with tempfile.TemporaryFile("w+") as complaints:
        process = subprocess.Popen(
            command,
            cwd=BENCH,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=complaints,
            text=True,
            preexec_fn=die_with_parent,
        )
        try:
            yield process, port_of(process, complaints)
        finally:
            process.kill()
            process.wait()
            process.stdout.close()


def free_port():
    """A port where nobody listens now: redis-server cannot ask for one itself."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def port_of(process, complaints):
    """The number behind `listening` on the server's first line."""
    is_there, _, _ = select.select([process.stdout], [], [], START)
    words = process.stdout.readline().split() if is_there else []
    if len(words) == 2 and words[0] == "listening":
        return int(words[1])
    complaints.seek(0)
    raise Failure(f"server does not listen: {complaints.read().strip()[-2000:]}")

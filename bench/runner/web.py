"""The group http: wrk asks for some seconds, `web` to a number; each server is looked at first."""

import http.client
import json
import math
import shutil
import time

from . import system

#: Connections of wrk.
CONNECTIONS = 64
#: Seconds of wrk before those that count.
WARM = 1
#: Bytes of the file that is downloaded.
FILE_BYTES = 1 << 20
#: Where that file is, and what nginx writes.
FOLDER = system.TARGET / "http"


def words(side):
    """The words of a side with the names of the folder and the file in their places."""
    return [word.format(folder=FOLDER, file=FOLDER / "file") for word in side]


def prepare():
    """Looks for wrk and makes the file."""
    if not shutil.which("wrk"):
        raise system.Failure("wrk is missing: scripts/setup bench")
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / "file").write_bytes((b"chuck's file, " * (FILE_BYTES // 14 + 1))[:FILE_BYTES])


def look(port, path, posted, size):
    """Asks once, as soon as the server listens: wrk looks at no body."""
    deadline = time.monotonic() + system.START
    while True:
        try:
            status, found = asked(port, path, posted)
            break
        except ConnectionRefusedError:
            if deadline < time.monotonic():
                raise system.Failure(f"nobody listens on port {port}") from None
            time.sleep(0.02)
        except (OSError, http.client.HTTPException) as error:
            raise system.Failure(f"{path}: {error!r}") from None
    if status != 200 or found != size:
        raise system.Failure(f"{path}: status {status}, {found} bytes instead of {size}")


def asked(port, path, posted):
    """The status and the length of an answer."""
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=system.START)
    client.request("POST" if posted else "GET", path, b"x" * posted if posted else None)
    answer = client.getresponse()
    length = len(answer.read())
    client.close()
    return answer.status, length


def wrk(port, case, secs):
    """One run of wrk; returns requests, seconds and failed requests."""
    path, depth, posted, _ = case.wrk
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{math.ceil(secs)}s", "-s", "load/wrk.lua"]
    command += [f"http://127.0.0.1:{port}{path}", "--", str(depth), str(posted)]
    said = system.run(
        system.pinned(system.LOAD_CORE, *command), secs + system.SLACK, cwd=system.BENCH
    ).splitlines()[-1]
    requests, micros, failed = map(int, said.split())
    return requests, micros / 1e6, failed


def ask(bench, case, side, secs):
    """What a request costs the server, and how many a second there were."""
    path, _, posted, size = case.wrk
    with bench.server(case, side) as (process, port):
        look(port, path, posted, size)
        wrk(port, case, WARM)
        begin, others = time.monotonic(), system.others_seconds(process.pid)
        used = system.cpu_seconds(process.pid)
        requests, took, failed = wrk(port, case, secs)
        used = system.cpu_seconds(process.pid) - used
        share = (system.others_seconds(process.pid) - others) / (time.monotonic() - begin)
        look(port, path, posted, size)
    if failed:
        raise system.Failure(f"{failed} of {requests} requests failed")
    bench.busy_runs += share > system.BUSY
    return {"server_us_per_op": used / requests * 1e6, "rate": requests / took}


def watch(bench, case, side, secs):
    """Many connections that ask once, and what it costs to keep them."""
    with bench.server(case, side) as (process, port):
        look(port, "/hello", 0, 5)
        return counted(process.pid, port, *case.web, f"--secs={secs}")[-1]


def counted(pid, port, mode, *options, timeout=system.SLACK):
    """What `web` prints, line by line."""
    command = [str(system.TARGET / "release" / "web"), mode, f"--port={port}", f"--pid={pid}"]
    command = [part for word in command + list(options) for part in word.split("=")]
    lines = system.run(system.pinned(system.LOAD_CORE, *command), timeout).splitlines()
    return [json.loads(line) for line in lines]


def soak(bench, servers, requests, connections):
    """Millions of requests, then of connections, and the server's memory before and after."""
    kinds = [("keep", requests, "requests"), ("churn", connections, "connections")]
    for case in servers:
        with bench.server(case, "chuck") as (process, port):
            look(port, "/hello", 0, 5)
            for mode, count, unit in kinds:
                if count:
                    found = counted(process.pid, port, mode, f"--count={count}", timeout=3600)
                    yield told(case, unit, found)


def told(case, unit, found):
    """A line about a soak. The first tenth warms up and so does not count."""
    first, last = found[0], found[-1]
    most = max(part["rss"] for part in found[1:])
    cost = sum(part["us"] for part in found) / len(found)
    mebibytes = [f"{number / (1 << 20):.2f}" for number in (first["rss"], last["rss"], most)]
    return (
        f"{case.sides['chuck'][0]}: {last['done']:,} {unit}, {cost:.2f} us CPU each; memory"
        " {} MiB after a tenth, {} MiB at the end, {} MiB at most".format(*mebibytes)
    )

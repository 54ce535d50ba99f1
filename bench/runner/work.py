"""How it is measured: building, starting servers, driving the load, counting system calls."""

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

from . import web
from .system import (
    BENCH, BUSY, LOAD_CORE, ROOT, SERVER_CORE, SLACK, START, TARGET, Failure, cpu_seconds,
    die_with_parent, free_port, listening, others_seconds, pinned, run,
)

#: Groups that need none of the programs in Rust and C.
LUA_ALONE = {"tasks", "rpc", "redis"}
#: Programs for Lua 5.1 alone, whatever is measured.
ON_LUA_51 = {"micro/redis/redis_lua.lua"}
#: What a client of redis-server asks for, and how 1000 messages are published.
REDIS_DATA = """
for i = 0, 999 do redis.call("SET", "key:" .. i, string.rep("x", 16)) end
redis.call("SET", "big", string.rep("x", 1048576))
"""
REDIS_MESSAGES = """
for _ = 1, 1000 do redis.call("PUBLISH", "bench", string.rep("x", 16)) end
"""
class Bench:
    """One Lua, the built programs, and what went wrong so far."""

    def __init__(self, lua, sides, selected):
        self.name = lua if lua == "luajit" else f"lua{lua}"
        self.lua = shutil.which(self.name)
        self.node = shutil.which("node") or "node"
        self.failures = []
        self.runs = 0
        self.busy_runs = 0
        #: What a peer cannot do on this machine, for people.
        self.missing = set()
        if not self.lua:
            raise Failure(f"no {self.name} on this machine")
        if os.cpu_count() < 2:
            raise Failure("two cores are needed, one for the server and one for the load")
        if "chuck" in sides and not (ROOT / "build" / self.name / "chuck_core.so").exists():
            raise Failure(f"build/{self.name}/chuck_core.so is missing: make build LUA={lua}")
        if any(case.group not in LUA_ALONE for case in selected):
            build_load()
            build_walk(self.name)
        if "limit" in sides and any(case.redis for case in selected):
            build_hiredis()
        if any(case.group == "http" for case in selected):
            web.prepare()

    def run(self, case, side, secs):
        """One run of one side; returns its numbers by key."""
        self.runs += 1
        if case.clients:
            return self.converse(case, side)
        if case.redis:
            return self.ask_redis(case, side)
        if case.wrk:
            return web.ask(self, case, side, secs)
        if case.web:
            return web.watch(self, case, side, secs)
        if not case.load:
            return self.micro(case, side)
        with self.server(case, side) as (process, port):
            found = drive(case, process.pid, port, secs)
        self.busy_runs += found["other_cpu"] > BUSY
        return found

    def micro(self, case, side):
        program, *words = case.sides[side]
        cores = f"{SERVER_CORE},{LOAD_CORE}" if case.is_threaded else SERVER_CORE
        return self.numbers(pinned(cores, *self.command(program), *words))

    def command(self, program):
        """How a program in Lua, in node or of our own is started."""
        if program in ON_LUA_51:
            return [shutil.which("lua5.1") or "lua5.1", str(BENCH / program)]
        if program.endswith(".lua"):
            return [self.lua, str(BENCH / program)]
        if program.endswith(".js"):
            return [self.node, str(BENCH / program)]
        if program.endswith(".py"):
            return [sys.executable, str(BENCH / program)]
        return [str(TARGET / "release" / program)]

    def ask_redis(self, case, side):
        """A redis-server of its own, and a client on the other core."""
        row, count = case.redis
        with redis_server() as (process, port):
            client = pinned(LOAD_CORE, *self.command(*case.sides[side]), row, str(port), str(count))
            asked = ["redis-cli", "-p", str(port), "-r", str(count // 1000), "EVAL"]
            publish = shlex.join(pinned(SERVER_CORE, *asked, REDIS_MESSAGES, "0"))
            return self.numbers(client, process.pid, {"PUBLISH": f"{publish} >/dev/null 2>&1 &"})

    def converse(self, case, side):
        """A server, and a client in Lua of the same library; by key, with the server's CPU time."""
        script, *words = case.clients[side]
        core = SERVER_CORE if case.is_on_one_core else LOAD_CORE
        with self.server(case, side) as (process, port):
            command = pinned(core, self.lua, str(BENCH / script), str(port), *words)
            begin = cpu_seconds(process.pid)
            found = self.numbers(command, process.pid)
            used = cpu_seconds(process.pid) - begin
        found["cpu"] = found["client"] + used / found["total"] * 1e6
        return found

    def numbers(self, command, server=None, told=None):
        """What a program in Lua prints: a number by key. Counts the run if others were busy."""
        begin, before = time.monotonic(), others_seconds(server)
        result = run(command, SLACK, cwd=BENCH, env=self.environment() | (told or {}))
        share = (others_seconds(server) - before) / (time.monotonic() - begin)
        self.busy_runs += share > BUSY
        lines = [json.loads(line) for line in result.splitlines()]
        self.missing |= {line["why"] for line in lines if line["name"] == "missing"}
        return {line["name"]: line["rate"] for line in lines if "rate" in line}

    def calls(self, case, side):
        """System calls of the server by name, and the messages they served."""
        with self.server(case, side) as (process, port), traced(process.pid) as summary:
            found = drive(case, process.pid, port, 1.0)
        return summary, found["total"]

    def server(self, case, side):
        words = web.words(case.sides[side])
        if side == "limit" and not words[0].endswith(".lua"):
            command = [str(TARGET / "release" / "limit"), *words]
        else:
            command = [*self.command(words[0]), *words[1:]]
        return listening(pinned(SERVER_CORE, *command), self.environment())

    def environment(self):
        """Where this Lua finds chuck, the helpers of the servers, and walk."""
        plain = {key: value for key, value in os.environ.items() if not key.startswith("LUA_")}
        scripts = [ROOT / "lua/?.lua", ROOT / "lua/?/init.lua", BENCH / "servers/?.lua"]
        scripts += [BENCH / "micro/?.lua", BENCH / "clients/?.lua"]
        modules = [ROOT / "build" / self.name / "?.so", TARGET / self.name / "?.so"]
        plain["LUA_PATH"] = ";".join(map(str, scripts)) + ";;"
        plain["LUA_CPATH"] = ";".join(map(str, modules)) + ";;"
        return plain

    def notes(self):
        if self.busy_runs:
            note = f"{self.busy_runs} of {self.runs} runs"
            yield f"the machine was busy with something else in {note}"
        for why in sorted(self.missing):
            yield f"not measured: {why}"


def build_load():
    """The load generator and the limit."""
    manifest = str(BENCH / "load" / "Cargo.toml")
    run(["cargo", "build", "--release", "--locked", "--quiet", "--manifest-path", manifest], 600)


def build_walk(name):
    """The bare C-API walk, for one Lua; without a compiler its lines stay empty."""
    headers = Path("/usr/include") / ("luajit-2.1" if name == "luajit" else name)
    if not shutil.which("cc") or not headers.is_dir():
        return
    made = TARGET / name / "walk.so"
    made.parent.mkdir(parents=True, exist_ok=True)
    source = str(BENCH / "micro" / "walk.c")
    run(["cc", "-O2", "-shared", "-fPIC", f"-I{headers}", source, "-o", str(made)], 60)


def build_hiredis():
    """The limit of the group redis."""
    made = TARGET / "release" / "hiredis"
    made.parent.mkdir(parents=True, exist_ok=True)
    source = str(BENCH / "micro" / "redis" / "hiredis.c")
    run(["cc", "-O2", source, "-o", str(made), "-lhiredis"], 60)


def drive(case, pid, port, secs):
    """One run of the load generator; returns its JSON."""
    command = pinned(LOAD_CORE, str(TARGET / "release" / "load"), case.load[0])
    for word in case.load[1:] + [f"--port={port}", f"--pid={pid}", f"--secs={secs}"]:
        command += word.split("=")
    return json.loads(run(command, secs + SLACK))


@contextmanager
def redis_server():
    """A running redis-server with what clients ask for, and its port; killed at the end."""
    port = str(free_port())
    with tempfile.TemporaryDirectory() as folder:
        options = ["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", folder]
        # A subscriber may be slower than who publishes: what waits for it is not limited.
        options += ["--client-output-buffer-limit", "pubsub 0 0 0"]
        process = subprocess.Popen(
            pinned(SERVER_CORE, "redis-server", "--port", port, *options),
            stdout=subprocess.DEVNULL,
            preexec_fn=die_with_parent,
        )
        try:
            fill_redis(process, port)
            yield process, int(port)
        finally:
            process.kill()
            process.wait()


def fill_redis(process, port):
    """Waits until the server takes its data."""
    deadline = time.monotonic() + START
    while time.monotonic() < deadline and process.poll() is None:
        command = ["redis-cli", "-p", port, "EVAL", REDIS_DATA, "0"]
        if subprocess.run(command, capture_output=True, timeout=START).returncode == 0:
            return
        time.sleep(0.02)
    raise Failure(f"no redis-server on port {port}")


@contextmanager
def traced(pid):
    """Counts the system calls of a process meanwhile; the dictionary is filled at the end."""
    counts = {}
    with tempfile.NamedTemporaryFile("r") as summary:
        command = ["strace", "-c", "-f", "-p", str(pid), "-o", summary.name]
        tracer = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        try:
            if "attached" not in tracer.stderr.readline():
                raise Failure("strace cannot attach; it needs the right to trace processes")
            time.sleep(0.2)  # the other threads
            yield counts
        finally:
            tracer.send_signal(signal.SIGINT)
            tracer.communicate(timeout=START)
        counts.update(parse_summary(summary.read()))


def parse_summary(text):
    """`% time, seconds, usecs/call, calls, [errors,] syscall` to {syscall: calls}."""
    rows = (line.split() for line in text.splitlines())
    return {
        row[-1]: int(row[3])
        for row in rows
        if len(row) >= 5 and row[3].isdigit() and row[-1] != "total"
    }

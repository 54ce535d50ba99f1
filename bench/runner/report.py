"""How it is shown: lines of a table, and the files in bench/results/."""

import json
import platform
import subprocess
import time

from .cases import short
from .system import BENCH, ROOT

#: Widths of the columns; the first two are words, the rest numbers.
SHAPE = "{:<34} {:<21} {:>9} {:>9} {:>9} {:>8} {:>8}  {:<15} {}"
TITLES = ("case", "unit", "limit", "chuck", "peer", "c/limit", "c/peer", "target", "")
HEAD = SHAPE.format(*TITLES)

READS = {"read", "recv", "recvfrom", "recvmsg", "readv"}
WRITES = {"write", "send", "sendto", "sendmsg", "writev"}
WAITS = {"epoll_wait", "epoll_pwait", "epoll_pwait2", "poll", "ppoll"}
CONTROLS = {"epoll_ctl"}


def cells(figure):
    """The nine cells of a figure's line."""
    verdict = {True: "ok", False: "MISSED", None: ""}[figure.is_met()]
    numbers = [short(figure.median(side)) for side in ("limit", "chuck", "peer")]
    ratios = [factor(figure.ratio(side)) for side in ("limit", "peer")]
    return figure.title, figure.unit, *numbers, *ratios, str(figure.target or ""), verdict


def factor(ratio):
    return "-" if ratio is None else f"{ratio:.2f}"


def line(figure):
    return SHAPE.format(*cells(figure)).rstrip()


def calls(case, side, counts, messages):
    """System calls per message, sorted into what they are for."""
    def per_message(names):
        return sum(counts.get(name, 0) for name in names) / max(messages, 1)

    rest = set(counts) - READS - WRITES - WAITS - CONTROLS
    named = " ".join(f"{name}:{counts[name]}" for name in sorted(rest))
    return (
        f"{case.name:<34} {side:<6} {messages:>8} messages, per message:"
        f" read {per_message(READS):.3f}, write {per_message(WRITES):.3f},"
        f" wait {per_message(WAITS):.3f}, control {per_message(CONTROLS):.3f};"
        f" others in all: {named or 'none'}"
    )


def machine(bench):
    """What the numbers were measured on."""
    def said(*command):
        result = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
        # Lua 5.1 tells its version on standard error
        return (result.stdout or result.stderr).strip() if result.returncode == 0 else ""

    with open("/proc/cpuinfo") as lines:
        models = [text.split(":", 1)[1].strip() for text in lines if text.startswith("model name")]
    return {
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "cpu": f"{len(models)} x {models[0] if models else platform.machine()}",
        "kernel": f"{platform.system()} {platform.release()}",
        "lua": said(bench.lua, "-v"),
        "rustc": said("rustc", "--version"),
        "commit": said("git", "describe", "--always", "--dirty"),
    }


def save(bench, options, figures):
    """Writes NAME.json with every round and NAME.md with the table; returns their paths.

    A run of some groups only has their names in its own, and leaves the files of all as they are.
    """
    about = machine(bench) | {"rounds": options.rounds, "secs": options.secs}
    about |= {"busy_runs": bench.busy_runs, "failures": bench.failures}
    folder = BENCH / "results"
    folder.mkdir(exist_ok=True)
    numbers = [
        {"case": figure.title, "unit": figure.unit, "target": str(figure.target or ""),
         "is_met": figure.is_met(), "rounds": figure.rounds}
        for figure in figures
    ]
    name = "-".join([bench.name, *options.groups])
    whole = folder / f"{name}.json"
    whole.write_text(json.dumps({"about": about, "figures": numbers}, indent=1) + "\n")
    table = folder / f"{name}.md"
    table.write_text(markdown(bench, about, figures))
    return whole, table


def markdown(bench, about, figures):
    facts = "\n".join(f"- {name}: {value}" for name, value in about.items() if value)
    rows = [TITLES, ("---",) * 2 + ("---:",) * 5 + ("---",) * 2, *map(cells, figures)]
    table = "\n".join("| " + " | ".join(row) + " |" for row in rows)
    return f"# {bench.name}, medians of {about['rounds']} rounds\n\n{facts}\n\n{table}\n"

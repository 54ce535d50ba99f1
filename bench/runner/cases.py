"""What is measured: each case with the work of its sides, its figures and its targets.

A case runs the same work on up to three sides:

    limit   the bare server or channel in Rust, or the bare C API; hiredis for redis
    chuck   what we build
    peer    luv; lua-cjson for tables, node for threads; ioredis and redis-lua for redis;
            luv, node and nginx for http
"""

import statistics
from dataclasses import dataclass, field


@dataclass
class Target:
    """What the project's issue asks for.

    `of` names what `chuck` is compared with: "limit", "peer" or None for the number itself.
    """

    sign: str
    number: float
    of: str | None = None

    def __str__(self):
        if self.of:
            return f"{self.sign} {self.number:g} x {self.of}"
        return f"{self.sign} {short(self.number)}"

    def is_met(self, found):
        return found <= self.number if self.sign == "<=" else found >= self.number


@dataclass
class Figure:
    """One line of the table: a number per side and round."""

    title: str
    unit: str
    key: str
    target: Target | None = None
    rounds: dict = field(default_factory=dict)

    def add(self, side, value):
        self.rounds.setdefault(side, []).append(value)

    def median(self, side):
        values = [value for value in self.rounds.get(side, []) if value is not None]
        return statistics.median(values) if values else None

    def ratio(self, to):
        """The median of chuck's ratios to its neighbour of the same round."""
        pairs = zip(self.rounds.get("chuck", []), self.rounds.get(to, []))
        ratios = [ours / theirs for ours, theirs in pairs if ours is not None and theirs]
        return statistics.median(ratios) if ratios else None

    def is_met(self):
        """True or False; None without a target or without what it needs."""
        if not self.target:
            return None
        found = self.ratio(self.target.of) if self.target.of else self.median("chuck")
        return None if found is None else self.target.is_met(found)


@dataclass
class Case:
    """The same work for each side; see `work.Bench.run`."""

    group: str
    name: str
    sides: dict
    measures: list
    load: list | None = None
    #: The client of each side, a program in Lua, instead of the load.
    clients: dict | None = None
    #: The work of a client of redis-server, and how often.
    redis: tuple | None = None
    #: For wrk: the path, requests at once, bytes that are posted, bytes of an answer.
    wrk: tuple | None = None
    #: The words for `web`.
    web: list | None = None
    is_on_one_core: bool = False
    #: It has threads of its own, and so gets both cores.
    is_threaded: bool = False
    #: Its lines are shown only where the peer is installed and can do the work.
    is_for_peer: bool = False

    def figures(self):
        """Fresh figures, one for each measure."""
        return [Figure(f"{self.name}{title}", *rest) for title, *rest in self.measures]

    def has_line(self, figure, sides):
        return not self.is_for_peer or "peer" not in sides or figure.median("peer") is not None


def short(number):
    """A number as a reader wants it: 1234567 is 1.23 M."""
    if number is None:
        return "-"
    if number >= 1e6:
        return f"{number / 1e6:.2f} M"
    if number >= 1e4:
        return f"{number / 1e3:.1f} k"
    return f"{number:.3g}" if number < 1000 else f"{number:.0f}"


COST = "server_us_per_op"
PEER_ECHO = ["servers/luv_echo.lua"]


def echo(group, name, conns, size, most):
    return Case(
        group,
        name,
        {"limit": ["echo"], "chuck": ["servers/echo.lua"], "peer": PEER_ECHO},
        [("", "us CPU per message", COST, Target("<=", most, "limit")), RATE],
        ["echo", f"--conns={conns}", f"--size={size}"],
    )


def packet(bits):
    return Case(
        "packet",
        f"packet, {bits} bit, 16 under way",
        {
            "limit": [f"echo{bits}"],
            "chuck": ["servers/packet.lua", str(bits), "echo"],
            "peer": ["servers/luv_packet.lua", str(bits), "echo"],
        },
        [("", "us CPU per packet", COST, Target("<=", 1.5, "limit")), RATE],
        ["echo", f"--framing=be{bits}", "--conns=50", "--depth=16"],
    )


def datagram(name, conns, depth):
    return Case(
        "datagram",
        name,
        {
            "limit": ["datagram"],
            "chuck": ["servers/datagram.lua"],
            "peer": ["servers/luv_datagram.lua"],
        },
        [("", "us CPU per datagram", COST), RATE],
        ["datagram", f"--conns={conns}", f"--depth={depth}"],
    )


def idle(conns, sides):
    scripts = {
        "limit": ["echo"],
        "chuck": ["servers/idle.lua", str(conns)],
        "peer": ["servers/luv_idle.lua", str(conns)],
    }
    return Case(
        "idle",
        f"{conns} idle",
        {side: scripts[side] for side in sides},
        [
            ("", "bytes per connection", "bytes_per_conn", Target("<=", 500)),
            (": CPU", "share of a core", "server_cpu", Target("<=", 0)),
            (": wakes", "in the time watched", "server_wakes", Target("<=", 0)),
        ],
        ["idle", f"--conns={conns}"],
    )


def mail(kind, words):
    """Two threads; the limit is a channel and a Waker in Rust, the peer is node."""
    return Case(
        "threads",
        words,
        {"limit": ["mail", kind], "chuck": ["micro/mail.lua", kind], "peer": ["micro/mail.js", kind]},
        [
            (": round trips", "per second", "trips", Target(">=", 4, "peer")),
            (": one way", "per second", "way", Target(">=", 1.5, "peer")),
            (": one way", "per second", "way", Target(">=", 9e5)),
        ],
        is_threaded=True,
    )


def tasks(row, words, measures):
    """Tasks beside bare coroutines and cqueues; then beside copas, which has lines of its own."""
    def beside(limit, peer, suffix):
        names = {"limit": limit, "chuck": "chuck", "peer": peer}
        sides = {side: ["micro/tasks.lua", name, row] for side, name in names.items() if name}
        found = [m for m in measures if limit or len(m) < 4 or m[-1].of == "peer"]
        return Case("tasks", words + suffix, sides, found, is_for_peer=not limit)

    return [beside("bare", "cqueues", ""), beside(None, "copas", ", copas")]


def task_row(row, words, most=None):
    unit, beaten = "ns CPU each", Target("<=", 1, "peer")
    limit = [("", unit, row, Target("<=", most, "limit"))] if most else []
    return tasks(row, words, [*limit, ("", unit, row, beaten)])


def sleepers():
    beaten = Target("<=", 1, "peer")
    return tasks(
        "sleep",
        "100,000 sleeping",
        [
            (": start", "ns CPU each", "start", beaten),
            (": wake", "ns CPU each", "wake", beaten),
            (": memory", "bytes each", "memory"),
        ],
    )


#: Bytes of text in an echoed packet that make it as long as a call; see `servers/rpc.lua`.
CALL_BYTES = "20"


def rpc(words, depth, count, targets, is_on_one_core=False):
    """Calls of `add(a, b)`; the limit echoes packets of the same size, in callbacks."""
    often = [str(depth), str(count)]
    return Case(
        "rpc",
        words,
        {
            "limit": ["servers/packet.lua", "32", "echo"],
            "chuck": ["servers/rpc.lua"],
            "peer": ["servers/luv_rpc.lua"],
        },
        [
            *(("", "calls per second", "calls", target) for target in targets),
            ("", "us CPU, both sides", "cpu"),
        ],
        clients={
            "limit": ["clients/echo.lua", *often, CALL_BYTES],
            "chuck": ["clients/rpc.lua", *often],
            "peer": ["clients/luv_rpc.lua", *often],
        },
        is_on_one_core=is_on_one_core,
    )


def redis_row(row, words, unit, count, most=None):
    """Commands to redis-server; redis-lua, which is for Lua 5.1, has lines of its own."""
    def beside(limit, peer, suffix, target):
        names = {"limit": limit, "chuck": "micro/redis/chuck.lua", "peer": peer}
        sides = {side: [name] for side, name in names.items() if name}
        measures = [("", f"us CPU per {unit}", "cpu", target), (": rate", "per second", "rate")]
        return Case("redis", words + suffix, sides, measures,
                    redis=(row, count), is_for_peer=not limit)

    return [
        beside("hiredis", "micro/redis/ioredis.js", "", most and Target("<=", most, "limit")),
        beside(None, "micro/redis/redis_lua.lua", ", redis-lua", None),
    ]


SEED, SERVE = ["servers/http_seed.lua"], ["servers/http.lua", "{file}"]
LUV, NODE = ["servers/luv_http.lua"], ["servers/http_node.js", "{file}"]
NGINX = ["servers/nginx.py", "{folder}", "{file}"]


def http(words, chuck, peer, work, limit=None, targets=()):
    """Requests of wrk to one of chuck's servers, between the limit and a peer."""
    costs = [("", "us CPU per request", COST, target) for target in targets or [None]]
    sides = {"limit": limit, "chuck": chuck, "peer": peer}
    sides = {side: found for side, found in sides.items() if found}
    return Case("http", words, sides, [*costs, RATE], wrk=work)


def http_cases():
    """Seed level beside luv, tasks beside node, and nginx, which has lines of its own."""
    hello, pipelined = ("/hello", 1, 0, 5), ("/hello", 16, 0, 5)
    large, posted = ("/large", 1, 0, 65536), ("/post", 1, 65536, 5)
    seed, serve, beside = "seed level, luv", "http.serve, node", "http.serve, nginx"
    fixed, half = ["http:5"], Target("<=", 0.5, "peer")

    def most(number):
        return Target("<=", number, "limit")

    return [
        http(f"hello, {seed}", SEED, LUV, hello, fixed, [most(2.0)]),
        http(f"hello, {serve}", SERVE, NODE, hello, fixed, [most(2.6), half]),
        http(f"hello, {beside}", SERVE, NGINX, hello),
        http(f"16 at once, {seed}", SEED, LUV, pipelined, fixed, [most(6)]),
        http(f"16 at once, {serve}", SERVE, NODE, pipelined, fixed, [most(6)]),
        http(f"16 at once, {beside}", SERVE, NGINX, pipelined),
        http(f"64 KiB back, {serve}", SERVE, NODE, large, ["http:65536"]),
        http(f"64 KiB there, {serve}", SERVE, NODE, posted, fixed),
        http(f"1 MiB file, {serve}", SERVE, NODE, DOWNLOAD, ["download:{file}"]),
        http(f"1 MiB file, {beside}", SERVE, NGINX, DOWNLOAD, ["download:{file}"]),
        Case(
            "http",
            "10000 idle, nginx",
            {"chuck": SERVE, "peer": NGINX},
            [
                ("", "bytes per connection", "bytes_per_conn"),
                (": CPU", "share of a core", "server_cpu"),
                (": wakes", "in the time watched", "server_wakes"),
                (": memory", "bytes in all", "rss"),
            ],
            web=["idle", "--conns=10000"],
        ),
    ]


#: A file from the disk: what the system has in memory.
DOWNLOAD = ("/file", 1, 0, 1 << 20)

#: A call in at most 1.3 times the time of the echo.
SEQUENTIAL = Target(">=", round(1 / 1.3, 2), "limit")

RATE = (": rate", "per second", "rate")

CASES = [
    echo("echo", "64 B, 50 connections", 50, 64, 1.20),
    echo("echo", "64 B, 1000 connections", 1000, 64, 1.20),
    echo("large", "64 KiB, 8 connections", 8, 64 << 10, 1.25),
    echo("large", "256 KiB, 8 connections", 8, 256 << 10, 1.4),
    packet(16),
    packet(32),
    Case(
        "broadcast",
        "broadcast to 500",
        {
            "limit": ["broadcast32"],
            "chuck": ["servers/packet.lua", "32", "broadcast"],
            "peer": ["servers/luv_packet.lua", "32", "broadcast"],
        },
        [("", "us CPU per copy", COST), RATE],
        ["broadcast", "--framing=be32", "--conns=500"],
    ),
    Case(
        "churn",
        "connect, echo, close",
        {"limit": ["echo"], "chuck": ["servers/echo.lua"], "peer": PEER_ECHO},
        [("", "us CPU per cycle", COST), RATE],
        ["churn", "--conns=16"],
    ),
    datagram("64 B datagrams, 50 sockets", 50, 1),
    datagram("64 B datagrams, 4 sockets, 16 under way", 4, 16),
    Case(
        "timers",
        "timers",
        {"chuck": ["micro/timers.lua"], "peer": ["micro/luv_timers.lua"]},
        [
            (" added", "per CPU second", "add", Target(">=", 3e6)),
            (" cancelled", "per CPU second", "cancel", Target(">=", 5e6)),
            (" expired", "per CPU second", "expire", Target(">=", 3e6)),
        ],
    ),
    Case(
        "tables",
        "table",
        {side: ["micro/tables.lua", name] for side, name in
         (("limit", "walk"), ("chuck", "chuck"), ("peer", "cjson"))},
        [
            (" of five", "per CPU second", "small", Target(">=", 1.6, "peer")),
            (" of five: the aim", "per CPU second", "small", Target(">=", 0.6, "limit")),
            (" of 1 KB", "per CPU second", "nested", Target(">=", 1.6, "peer")),
            (" of 1 KB: the aim", "per CPU second", "nested", Target(">=", 0.6, "limit")),
        ],
    ),
    Case(
        "log",
        "log",
        {"chuck": ["micro/log.lua"], "peer": ["micro/print.lua"]},
        [
            (", 60 characters", "lines per CPU second", "text"),
            (", 60 characters: rate", "written per second", "text_wall"),
            (", three fields", "lines per CPU second", "fields"),
            (", three fields as JSON", "lines per CPU second", "json"),
        ],
    ),
    mail("table", "mail, small table"),
    mail("packet", "mail, 1 KB packet"),
    *task_row("spawn", "spawn, 100 at a time", 2.5),
    *task_row("burst", "spawn, 10,000 at a time"),
    *task_row("yield", "yield, 100 tasks", 3),
    *task_row("alone", "yield, one task", 3),
    *task_row("direct", "channel, no room"),
    *task_row("buffered", "channel, room for 64"),
    *sleepers(),
    rpc("calls in turn", 1, 40_000, [SEQUENTIAL]),
    rpc("calls in turn, one core", 1, 80_000, [None], True),
    rpc("calls, 64 under way", 64, 300_000, [Target(">=", 150e3), Target(">=", 1, "peer")]),
    *redis_row("sequential", "GET, one by one", "command", 50_000, 1.3),
    *redis_row("callers", "GET, 50 callers", "command", 300_000, 3),
    *redis_row("pipeline", "GET, pipelines of 100", "command", 500_000, 2.5),
    *redis_row("big", "GET of 1 MB", "value", 1_000),
    *redis_row("messages", "messages of a channel", "message", 1_000_000),
    *http_cases(),
    idle(10_000, ("limit", "chuck", "peer")),
]

#: Where a handle per connection would not fit; see `docs/architecture.md`.
MANY_IDLE = {"5.1": idle(18_000, ("chuck",)), "luajit": idle(18_000, ("chuck",))}

GROUPS = list(dict.fromkeys(case.group for case in CASES))


def select(groups, lua):
    """The cases of the named groups, of all without a name, on one Lua."""
    found = CASES + ([MANY_IDLE[lua]] if lua in MANY_IDLE else [])
    return [case for case in found if not groups or case.group in groups]


def web_servers():
    """A case for each of chuck's servers of HTTP."""
    return [case for case in CASES if case.wrk == ("/hello", 1, 0, 5) and "limit" in case.sides]

//! Every default and limit, with its unit and its reason.

use std::time::Duration;

/// Deepest nesting of a table in a packet: deeper is refused on both sides.
pub const TABLE_DEPTH: usize = 64;

/// Values in one list of a packet: all of them stand on Lua's stack at a time, and Lua 5.1 has
/// room for 8,000 there.
pub const VALUES: usize = 4000;

/// Largest packet with a 16-bit header, header included, in bytes: what peers of 2015 accept.
pub const PACKET_16: usize = 65_535;

/// Largest packet built with a 32-bit header, in bytes: it is built in memory.
pub const PACKET_32: usize = 256 << 20;

/// Bytes a fresh packet has room for when the caller names no size.
pub const PACKET_ROOM: usize = 64;

/// Largest size hint that is believed, in bytes; packets still grow past it.
pub const PACKET_HINT: usize = 1 << 20;

/// One read from a socket, in bytes: a quarter megabyte costs no more calls than it must.
pub const READ_BUFFER: usize = 256 << 10;

/// Largest `recvbuf` that is believed, in bytes.
pub const RECV_BUFFER: usize = 1 << 20;

/// Partial input from which on a socket is read straight into it, in bytes.
pub const READ_IN_PLACE: usize = 16 << 10;

/// A read of at least so many bytes becomes a packet without being copied.
pub const HAND_OVER: usize = 16 << 10;

/// Large buffers kept for reuse by one thread, in bytes.
pub const SPARE_LARGE: usize = 4 << 20;

/// Bytes allocated behind Lua's back from which on its collector is told.
pub const COLLECT_STEP: usize = 1 << 20;

/// Payload that is copied into the send queue instead of being shared, in bytes.
pub const SEND_COPY: usize = 1 << 10;

/// Queued bytes from which on a send does not wait for the end of the pass.
pub const SEND_NOW: usize = 32 << 10;

/// Default high-water mark of a send queue, in bytes.
pub const HIGH_WATER: usize = 1 << 20;

/// Default hard limit of a send queue, in bytes: beyond it a send is refused.
pub const SEND_LIMIT: usize = 64 << 20;

/// Bytes of a file that one connection sends before others get their turn. A disk may have to be
/// waited for meanwhile.
pub const FILE_STEP: usize = 512 << 10;

/// What a file in a send queue counts for against the hard limit, in bytes: its bytes are not in
/// memory.
pub const FILE_COST: usize = 1 << 10;

/// Bytes that are read at once of a file that the kernel cannot send by itself.
pub const FILE_READ: usize = 64 << 10;

/// Bytes of a file that one call reads into Lua at most.
pub const FILE_PIECE: usize = 16 << 20;

/// Names that one list of a folder has at most.
pub const FOLDER: usize = 10_000;

/// Attempts to open a path while names on it are moved about.
pub const OPEN_TRIES: usize = 16;

/// Parts gathered by one system call: far below every platform's `IOV_MAX`.
pub const GATHER: usize = 64;

/// Send queues kept for reuse by one engine.
pub const SPARE_QUEUES: usize = 1024;

/// Capacity above which a buffer is freed instead of kept, in bytes.
pub const SPARE_BYTES: usize = 64 << 10;

/// How long a connection that saw the peer's end still tries to deliver what is queued.
pub const LINGER: Duration = Duration::from_secs(10);

/// Connections accepted in one pass before others get their turn.
pub const ACCEPT_BATCH: usize = 256;

/// First pause after the process ran out of descriptors; doubles up to [`ACCEPT_PAUSE_MAX`].
pub const ACCEPT_PAUSE: Duration = Duration::from_millis(20);

/// Longest pause between attempts to accept.
pub const ACCEPT_PAUSE_MAX: Duration = Duration::from_secs(1);

/// Length of a listener's queue; the kernel lowers it to its own maximum.
pub const BACKLOG: i32 = 4096;

/// Datagrams received or sent by one system call.
pub const DATAGRAM_BATCH: usize = 64;

/// Datagrams offered to the kernel by the first call of a quiet socket: most carry one or two.
pub const DATAGRAM_FIRST: usize = 4;

/// Room for what one call receives, in bytes: the largest `recvbuf`. Untouched pages cost nothing.
pub const DATAGRAM_ARENA: usize = RECV_BUFFER;

/// Datagrams that one socket receives before others get their turn.
pub const DATAGRAM_TURN: usize = 256;

/// Datagrams that wait for the kernel at most; beyond it a send is refused.
pub const DATAGRAM_QUEUE: usize = 4096;

/// Bytes of datagrams that wait for the kernel at most; beyond it a send is refused.
pub const DATAGRAM_QUEUE_BYTES: usize = 4 << 20;

/// Errors of datagrams that wait to be told at most; beyond it the oldest is forgotten.
pub const DATAGRAM_ERRORS: usize = 64;

/// Errors in a row after which a datagram socket is not read until the kernel says more.
pub const DATAGRAM_PATIENCE: u32 = 8;

/// Bytes that go along with a passed descriptor at most: Linux sends so few at once or not at all.
pub const PASS_DATA: usize = 4096;

/// Events taken from the kernel by one wait.
pub const EVENTS: usize = 1024;

/// Longest timer interval, in milliseconds: 24 hours less one millisecond, as it always was.
pub const TIMER_MAX_MS: u64 = 86_399_999;

/// Longest line of a log, line feed included, in bytes: as it always was.
pub const LOG_LINE: usize = 65_535;

/// Of that, what the fields of a line may take, in bytes.
pub const LOG_FIELDS: usize = 32 << 10;

/// Log lines that wait for the writer, of all files together, in bytes: beyond it they are
/// dropped. Half a million usual lines, or a disk that hangs for some seconds.
pub const LOG_QUEUE: usize = 64 << 20;

/// The same for one file while it cannot be written, in bytes: it must not starve the others.
pub const LOG_QUEUE_FAILING: usize = 1 << 20;

/// Log lines kept together and written by one call, in bytes.
pub const LOG_CHUNK: usize = 256 << 10;

/// Empty buffers for log lines kept for reuse.
pub const LOG_SPARE: usize = 16;

/// How long a line waits for others before it is written. A killed process loses as much.
pub const LOG_FLUSH: Duration = Duration::from_millis(20);

/// Longest such wait that can be asked for.
pub const LOG_FLUSH_MAX: Duration = Duration::from_secs(60);

/// Size from which a log file is put away and a new one begun, in bytes.
pub const LOG_FILE: u64 = 256 << 20;

/// First pause after a log file could not be written; doubles up to [`LOG_RETRY_MAX`].
pub const LOG_RETRY: Duration = Duration::from_millis(100);

/// Longest pause between attempts to write a log file.
pub const LOG_RETRY_MAX: Duration = Duration::from_secs(10);

/// Log files that stay open; more of them are opened each time there is something to write.
pub const LOG_OPEN: usize = 128;

/// How often it is looked whether a log file is still where it was.
pub const LOG_LOOK: Duration = Duration::from_secs(1);

/// How long the end of the process waits for log lines to be written.
pub const LOG_DRAIN: Duration = Duration::from_secs(5);

/// How long a panic waits for log lines to be written.
pub const LOG_DRAIN_PANIC: Duration = Duration::from_secs(1);

/// Pause between attempts to get at lines that others log meanwhile, when a process ends, and at
/// a log file that another process puts away.
pub const LOG_LOCK_PAUSE: Duration = Duration::from_millis(1);

/// Attempts at the latter; then the file grows on.
pub const LOG_LOCK_TRIES: u32 = 100;

/// How long the writer may be at the echo of what it writes in one go, for slow readers.
pub const LOG_ECHO: Duration = Duration::from_secs(1);

/// How long it waits meanwhile for a terminal or pipe to take a piece: beyond it hangs.
pub const LOG_ECHO_WAIT: Duration = Duration::from_millis(50);
/// Default number of threads that wait for the system's resolver: so many names may hang at
/// once before others wait behind them.
pub const RESOLVE_THREADS: usize = 4;

/// Most threads that may be asked for.
pub const RESOLVE_THREADS_MAX: usize = 64;

/// How long a resolving thread waits for another question before it ends.
pub const RESOLVE_IDLE: Duration = Duration::from_secs(10);

/// Stack of a thread without Lua, in bytes: the system's resolver keeps whole replies there.
pub const QUIET_STACK: usize = 512 << 10;

/// Different questions that may wait for a thread; beyond it a query is refused.
pub const RESOLVE_QUEUE: usize = 1024;

/// Default time limit of a query: what one unanswered request to a name server takes.
pub const RESOLVE_TIMEOUT: Duration = Duration::from_secs(5);

/// How long addresses are remembered by default: the system's resolver does not tell how long
/// they are good for.
pub const RESOLVE_KNOWN: Duration = Duration::from_secs(30);

/// How long it is remembered by default that a host is not known.
pub const RESOLVE_UNKNOWN: Duration = Duration::from_secs(3);

/// Default number of answers that are remembered.
pub const RESOLVE_CACHE: usize = 1024;

/// Most answers that may be remembered.
pub const RESOLVE_CACHE_MAX: usize = 1 << 20;

/// Addresses taken from one answer; what comes after them is left out.
pub const RESOLVE_ADDRESSES: usize = 256;

/// Longest name of a host, in bytes: what DNS can carry.
pub const HOST_NAME: usize = 253;

/// Most descriptors taken over from whoever has started the process.
pub const INHERITED: usize = 1024;
/// Default `recvbuf` of a pipe from a child, in bytes: what a pipe holds.
pub const PIPE_BUFFER: usize = 64 << 10;

/// How long a child may take to end on request before it is killed, unless said otherwise.
pub const GRACE: Duration = Duration::from_secs(5);

/// Most descriptors handed to a child by number: far more than anybody listens on.
pub const LISTEN_FDS: usize = 256;

/// Longest name of a descriptor handed to a child, in bytes: systemd's own limit.
pub const LISTEN_NAME: usize = 255;

/// How long a thread that was joined may still be counted by the kernel: much longer than it is,
/// much shorter than anybody notices.
pub const THREAD_GONE: Duration = Duration::from_millis(50);

/// How long the shell waits for a daemon to be ready, unless said otherwise.
pub const DAEMON_READY: Duration = Duration::from_secs(60);

/// Where the search for open descriptors ends on systems that cannot be told to close all.
pub const LAST_FD: i32 = 1 << 16;
/// Most threads of one process that are alive at once: each has a state, a stack and an inbox.
pub const THREADS: usize = 1024;

/// Stack of a thread, in bytes: what a program's first thread has. Only what is used is real.
pub const THREAD_STACK: usize = 8 << 20;

/// Mails that wait in one inbox, as it always was: beyond it a sender waits or is refused.
pub const INBOX_MAILS: usize = 4096;

/// What waits in one inbox, in bytes.
pub const INBOX_BYTES: usize = 64 << 20;

/// Largest mail without its packets, in bytes: it is built in memory.
pub const MAIL_BYTES: usize = 16 << 20;

/// Deepest nesting of a table in a mail.
pub const MAIL_DEPTH: usize = 64;

/// Mails told in one pass before others get their turn.
pub const MAIL_BATCH: usize = 256;

/// Longest look at an inbox before its reader sleeps: about what it costs to be woken.
pub const MAIL_SPIN: Duration = Duration::from_micros(50);

/// How long the error of a thread waits for a join before it is reported: long enough for who is
/// about to join, too short for a user to miss it.
pub const JOIN_GRACE: Duration = Duration::from_millis(50);

/// How long the end of a main state waits for its threads.
pub const THREADS_END: Duration = Duration::from_secs(2);

/// Bytes of ours that become a Lua string without being handed to Lua first.
pub const HELD: usize = 4 << 10;

/// Longest URL, in bytes: far more than any browser sends.
pub const URL: usize = 64 << 10;

/// Default limit of pairs in a query or a form: each becomes a table in Lua.
pub const QUERY_PAIRS: usize = 1000;

/// Cookies read from one request: browsers keep fewer for a site. What is beyond is left out.
pub const COOKIES: usize = 256;

/// Name and value of a cookie that is set, in bytes: what browsers take (RFC 6265, 6.1).
pub const COOKIE: usize = 4096;

/// Longest value of a cookie's attribute, in bytes: browsers ignore longer ones.
pub const COOKIE_ATTRIBUTE: usize = 1024;

/// Parameters of a media type or disposition: real ones have a handful, and each is compared with
/// those before it.
pub const PARAMETERS: usize = 16;

/// Elements looked at in a list of preferences, as in Accept.
pub const PREFERENCES: usize = 64;

/// Ranges that one request may ask for: a player or a resumed download asks for one or two.
pub const RANGES: usize = 16;

/// Random bytes that one call gives at most.
pub const RANDOM: usize = 64 << 10;

/// Default limit of nesting in JSON, as deep as nobody writes by hand.
pub const JSON_DEPTH: usize = 128;

/// Largest such limit: what is open stands on Lua's stack, which has room for 8,000 in Lua 5.1.
pub const JSON_DEPTH_MAX: usize = 1000;

/// Default limit of what compressed bytes become, in bytes: more than a body may have anyway.
pub const INFLATED: usize = 64 << 20;

/// Level of gzip and deflate unless said otherwise: what most servers use.
pub const DEFLATE_LEVEL: u32 = 6;

/// Level of brotli unless said otherwise: about as fast as the other at its own.
pub const BROTLI_LEVEL: u32 = 4;

/// Window of brotli when compressing, in bits: 256 KiB, for each body that is on its way has one.
pub const BROTLI_WINDOW: u32 = 18;

/// What brotli hands on at a time when compressing, in bytes.
pub const BROTLI_BUFFER: usize = 4 << 10;

/// About what a compressor holds, in bytes, and a decompressor: what Lua's collector is told.
pub const PACKING: usize = 512 << 10;

/// See [`PACKING`].
pub const UNPACKING: usize = 48 << 10;

/// Default limit of a multipart body's parts.
pub const PARTS: usize = 1000;

/// Default limit of one part's head, in bytes: two or three short lines.
pub const PART_HEAD: usize = 8 << 10;

/// Default limit of one reply of Redis, in bytes: as long as the longest string that a server has.
pub const REDIS_REPLY: usize = 512 << 20;

/// Default limit of nesting in a reply: commands answer with a handful of levels.
pub const REDIS_DEPTH: usize = 64;

/// Largest such limit: what is open stands on Lua's stack, and the list of it on ours.
pub const REDIS_DEPTH_MAX: usize = 128;

/// Default limit of values in one reply: 16 million take half a gigabyte in Lua.
pub const REDIS_ELEMENTS: u64 = 16 << 20;

/// How often a reply is made anew after an error in between, of a finalizer or for lack of
/// memory, before its connection is given up.
pub const REDIS_TRIES: u32 = 16;

/// Bytes of commands under construction that a thread keeps for the next one.
pub const REDIS_COMMAND: usize = 64 << 10;

/// Longest first line of an HTTP message, in bytes: what browsers and servers agree on is half.
pub const HTTP_LINE: usize = 16 << 10;

/// Largest head of an HTTP message, and largest trailers, in bytes.
pub const HTTP_HEAD: usize = 64 << 10;

/// Fields of an HTTP head.
pub const HTTP_FIELDS: usize = 128;

/// Most fields that a caller may allow: they are read in one place on the stack.
pub const HTTP_FIELDS_MAX: usize = 512;

/// Longest line with the size of a chunk, in bytes: sizes are short, and nobody needs extensions.
pub const HTTP_CHUNK_LINE: usize = 4 << 10;

/// Bytes that chunks of one body may take beside twice their data and 16 for each.
pub const HTTP_CHUNK_WASTE: u64 = 16 << 10;

/// Announced bodies up to so many bytes are told together with their head.
pub const HTTP_GATHER: u64 = 8 << 10;

/// Places of pieces that a connection keeps room for: a read may hold many tiny chunks.
pub const HTTP_PIECES: usize = 16;

/// Requests of one connection whose answers are waited for.
pub const HTTP_EXPECTED: usize = 1 << 16;

/// Capacity above which the place where heads are written is freed instead of kept, in bytes.
pub const HTTP_WRITER: usize = 64 << 10;

/// How often a part of a message is made anew after an error in between, of a finalizer or for
/// lack of memory, before its connection is given up.
pub const HTTP_TRIES: u32 = 16;

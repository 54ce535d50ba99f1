//! Option tables: of `process.spawn`, and what reading any of them takes.

use std::ffi::{CStr, CString, c_int};
use std::os::fd::OwnedFd;
use std::sync::Arc;

use super::acceptor::Acceptor;
use super::decoder::Decoder;
use super::raw::{Call, Fail, Kind};
use crate::base::error::Code;
use crate::base::limits;
use crate::conn::framing::Framing;
use crate::net::{fds, unix};
use crate::os::process::{Command, Source};

/// What `spawn` understands.
const OPTIONS: &[&str] = &[
    "args",
    "env",
    "extend_env",
    "cwd",
    "stdin",
    "stdout",
    "stderr",
    "detached",
    "listen",
    "decoder",
    "recvbuf",
];

/// What a caller of `spawn` wants.
pub struct Wishes {
    /// The program; its descriptors are looked up by [`Self::command`].
    command: Command,
    /// Where standard input, output and error are to come from.
    standard: [Wish; 3],
    listen: Vec<Named>,
    /// How what the program prints becomes packets.
    pub framing: Framing,
    /// Bytes in a packet at most.
    pub recv_size: usize,
}

/// A descriptor to hand on, and its name.
type Named = (Vec<u8>, Result<Arc<OwnedFd>, Code>);

enum Wish {
    Source(Source),
    Number(i32),
}

impl Wishes {
    /// Reads the options at argument `n`.
    ///
    /// # Errors
    ///
    /// One is unknown or of a wrong kind.
    pub fn read(call: &Call, n: c_int) -> Result<Self, Fail> {
        let options = Options::new(call, n, OPTIONS)?;
        let args = match options.get(c"args", strings)? {
            Some(args) => args,
            None => strings(call, n).map_err(|why| Fail::argument(n, why))?,
        };
        if args.is_empty() {
            return Err(Fail::argument(n, "args: the name of a program expected"));
        }
        let mut command = Command::new(args);
        let variables = options.get(c"env", variables)?;
        command.inherits_variables =
            variables.is_none() || options.get(c"extend_env", boolean)?.unwrap_or(false);
        command.variables = variables.unwrap_or_default();
        command.directory = options.get(c"cwd", text)?;
        command.is_detached = options.get(c"detached", boolean)?.unwrap_or(false);
        let standard = [
            options.get(c"stdin", |call, n| wish(call, n, false))?,
            options.get(c"stdout", |call, n| wish(call, n, false))?,
            options.get(c"stderr", |call, n| wish(call, n, true))?,
        ]
        .map(|wish| wish.unwrap_or(Wish::Source(Source::Inherit)));
        Ok(Wishes {
            command,
            standard,
            listen: options.get(c"listen", listeners)?.unwrap_or_default(),
            framing: options.get(c"decoder", framing)?.unwrap_or(Framing::Raw),
            recv_size: options.get(c"recvbuf", size)?.unwrap_or(limits::PIPE_BUFFER),
        })
    }

    /// The command, with the descriptors that the numbers stand for.
    ///
    /// # Errors
    ///
    /// [`Code::BAD_FD`] for a number that was never lent, [`Code::SOCKET_CLOSED`].
    pub fn command(&mut self) -> Result<&Command, Code> {
        for (place, wish) in self.standard.iter().enumerate() {
            self.command.sources[place] = match wish {
                Wish::Source(source) => source.clone(),
                Wish::Number(number @ 0..=2) => Source::Standard(*number),
                Wish::Number(number) => Source::Copy(fds::get(*number)?),
            };
        }
        for (name, fd) in self.listen.drain(..) {
            self.command.listen.push((name, fd?));
        }
        Ok(&self.command)
    }

    /// The program runs: what it was handed is its own as well.
    pub fn hand_over(&self) {
        for (_, fd) in &self.command.listen {
            unix::disown(fd);
        }
    }
}

/// A table of options at an argument.
pub struct Options<'a> {
    call: &'a Call,
    n: c_int,
}

impl<'a> Options<'a> {
    /// The options at argument `n`, which have no other names than these.
    ///
    /// # Errors
    ///
    /// It is no table, or has a name that is unknown.
    pub fn new(call: &'a Call, n: c_int, known: &[&str]) -> Result<Self, Fail> {
        if call.kind(n) != Kind::Table {
            return Err(call.expected(n, "table"));
        }
        call.reserve(8);
        call.push_nil();
        while call.next(n) {
            call.pop(1);
            let Some(name) = call.to_bytes(-1) else {
                continue;
            };
            if !known.iter().any(|known| known.as_bytes() == name) {
                let name = String::from_utf8_lossy(name);
                return Err(Fail::argument(n, format!("unknown option \"{name}\"")));
            }
        }
        Ok(Options { call, n })
    }

    /// The option `name`, as `read` understands it, if it is given.
    ///
    /// # Errors
    ///
    /// `read` says what is wrong with it.
    pub fn get<R>(
        &self,
        name: &CStr,
        read: impl FnOnce(&Call, c_int) -> Result<R, String>,
    ) -> Result<Option<R>, Fail> {
        self.call.raw_field(self.n, name);
        let result = match self.call.is_absent(-1) {
            true => Ok(None),
            false => read(self.call, self.call.top()).map(Some),
        };
        self.call.pop(1);
        result.map_err(|why| Fail::argument(self.n, format!("{}: {why}", name.to_string_lossy())))
    }
}

/// The string at `n`, for C: without a zero in it.
pub fn text(call: &Call, n: c_int) -> Result<CString, String> {
    let bytes = call.to_bytes(n).ok_or_else(|| unlike(call, n, "string"))?;
    CString::new(bytes).map_err(|_| "string has a zero byte in it".to_owned())
}

/// The boolean at `n`.
pub fn boolean(call: &Call, n: c_int) -> Result<bool, String> {
    match call.kind(n) {
        Kind::Boolean => call.switch(n).map_err(|_| String::new()),
        _ => Err(unlike(call, n, "boolean")),
    }
}

/// "string expected, got number"
fn unlike(call: &Call, n: c_int, what: &str) -> String {
    match call.expected(n, what) {
        Fail::Argument(_, words) | Fail::Message(words) => words,
    }
}

fn strings(call: &Call, n: c_int) -> Result<Vec<CString>, String> {
    if call.kind(n) != Kind::Table {
        return Err(unlike(call, n, "list of strings"));
    }
    let mut strings = Vec::new();
    for at in 1..=call.raw_len(n) {
        call.raw_get(n, at);
        let string = text(call, call.top());
        call.pop(1);
        strings.push(string.map_err(|why| format!("{at}: {why}"))?);
    }
    Ok(strings)
}

fn variables(call: &Call, n: c_int) -> Result<Vec<CString>, String> {
    if call.kind(n) != Kind::Table {
        return Err(unlike(call, n, "table"));
    }
    let mut variables = Vec::new();
    call.push_nil();
    while call.next(n) {
        let name = call.to_bytes(-2).filter(|name| !name.is_empty() && !name.contains(&b'='));
        let name = name.ok_or("names are strings without \"=\"")?;
        let value = call.to_bytes(-1).ok_or_else(|| {
            format!("{}: {}", String::from_utf8_lossy(name), unlike(call, -1, "string"))
        })?;
        let variable = CString::new([name, b"=", value].concat());
        variables.push(variable.map_err(|_| "string has a zero byte in it".to_owned())?);
        call.pop(1);
    }
    Ok(variables)
}

fn wish(call: &Call, n: c_int, is_error: bool) -> Result<Wish, String> {
    if let Some(number) = call.to_integer(n).and_then(|number| i32::try_from(number).ok()) {
        return Ok(Wish::Number(number));
    }
    Ok(Wish::Source(match call.to_bytes(n) {
        Some(b"pipe") => Source::Pipe,
        Some(b"null") => Source::Null,
        Some(b"inherit") => Source::Inherit,
        Some(b"stdout") if is_error => Source::Output,
        _ => {
            let more = if is_error { " \"stdout\"," } else { "" };
            let what = format!("\"pipe\", \"null\", \"inherit\",{more} or a descriptor");
            return Err(unlike(call, n, &what));
        }
    }))
}

/// Another descriptor of the socket at the top of the stack, if that is an acceptor, or a
/// listener, which has one.
fn shared(call: &Call) -> Option<Result<Arc<OwnedFd>, Code>> {
    let share = || call.try_object::<Acceptor>(-1).map(|acceptor| acceptor.share().map(Arc::new));
    if call.kind(-1) != Kind::Table {
        return share();
    }
    call.raw_field(-1, c"acceptor");
    let shared = share();
    call.pop(1);
    shared
}

/// A list of descriptors, or a table of them by name: acceptors, listeners, or numbers.
fn listeners(call: &Call, n: c_int) -> Result<Vec<Named>, String> {
    if call.kind(n) != Kind::Table {
        return Err(unlike(call, n, "table"));
    }
    let mut found = Vec::new();
    call.push_nil();
    while call.next(n) {
        let (place, name) = match (call.to_integer(-2), call.to_bytes(-2)) {
            // What systemd calls a descriptor without a name.
            (Some(place), _) => (place, b"unknown".as_slice()),
            (None, Some(name)) if is_name(name) => (0, name),
            _ => return Err("names are short words without \":\"".to_owned()),
        };
        let fd = match (shared(call), call.to_integer(-1)) {
            (Some(shared), _) => shared,
            (None, Some(number)) => {
                i32::try_from(number).map_err(|_| Code::BAD_FD).and_then(fds::get)
            }
            _ => return Err(unlike(call, -1, "acceptor, listener or descriptor")),
        };
        found.push((place, name.to_vec(), fd));
        if found.len() > limits::LISTEN_FDS {
            return Err(format!("more than {} descriptors", limits::LISTEN_FDS));
        }
        call.pop(1);
    }
    // Lua has no order of its own: lists as they are, names as they are sorted.
    found.sort_by(|left, right| (left.0, &left.1).cmp(&(right.0, &right.1)));
    Ok(found.into_iter().map(|(_, name, fd)| (name, fd)).collect())
}

fn is_name(name: &[u8]) -> bool {
    let is_fine = |byte: &u8| (b' '..0x7f).contains(byte) && *byte != b':';
    (1..=limits::LISTEN_NAME).contains(&name.len()) && name.iter().all(is_fine)
}

fn framing(call: &Call, n: c_int) -> Result<Framing, String> {
    let decoder = call.try_object::<Decoder>(n).ok_or_else(|| unlike(call, n, "decoder"))?;
    decoder.framing().ok_or_else(|| "a decoder of chuck.decoder.connection".to_owned())
}

fn size(call: &Call, n: c_int) -> Result<usize, String> {
    let size = call.to_integer(n).filter(|size| *size > 0);
    size.map(|size| size as usize).ok_or_else(|| "a number of bytes, at least 1".to_owned())
}

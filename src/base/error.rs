//! Error codes: the platform's `errno` numbers and the library's own.

use std::fmt;
use std::io;

use crate::base::errno;

/// An error number that Lua sees: an `errno`, or one of the library's own (140 to 157).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Code(pub i32);

/// The library's own codes: name, number, meaning. Fixed since 2015.
pub const OWN: &[(&str, Code, &str)] = &[
    ("ESOCKCLOSE", Code::SOCKET_CLOSED, "socket is closed"),
    ("EUNSPPLAT", Code::UNSUPPORTED, "not supported on this platform"),
    ("ENOASSENG", Code::NO_ENGINE, "not associated with an engine"),
    ("EINVISOKTYPE", Code::INVALID_SOCKET_TYPE, "invalid socket type"),
    ("EASSENG", Code::HAS_ENGINE, "already associated with an engine"),
    ("EINVIPK", Code::INVALID_PACKET, "packet of a kind that cannot be sent"),
    ("ERDISPERROR", Code::REDIS_REPLY, "redis reply cannot be parsed"),
    ("EALSETMBOX", Code(147), "mailbox is already set up"),
    ("EMAXTHD", Code::TOO_MANY_THREADS, "too many threads"),
    ("EPIPECRERR", Code(149), "notifier cannot be created"),
    ("EENASSERR", Code::REGISTER_FAILED, "event registration failed"),
    ("ETMCLOSE", Code::MAILBOX_CLOSED, "target mailbox is closed"),
    ("EPKTOOLARGE", Code::PACKET_TOO_LARGE, "packet is too large"),
    ("ERVTIMEOUT", Code::RECV_TIMEOUT, "nothing received in time"),
    ("ESNTIMEOUT", Code::SEND_TIMEOUT, "nothing sent in time"),
    ("EENGCLOSE", Code::ENGINE_CLOSED, "engine is closed"),
    ("EHTTPPARSE", Code::HTTP_PARSE, "HTTP syntax error"),
    ("EHTTPTOOLARGE", Code::HTTP_TOO_LARGE, "HTTP message is too large"),
];

impl Code {
    /// Success, and the orderly end of a stream.
    pub const OK: Code = Code(0);
    /// The object was closed.
    pub const SOCKET_CLOSED: Code = Code(140);
    /// This platform cannot do it.
    pub const UNSUPPORTED: Code = Code(141);
    /// The object has no engine.
    pub const NO_ENGINE: Code = Code(142);
    /// A socket of this type cannot be used here.
    pub const INVALID_SOCKET_TYPE: Code = Code(143);
    /// The object has an engine already.
    pub const HAS_ENGINE: Code = Code(144);
    /// A packet of this kind cannot be sent.
    pub const INVALID_PACKET: Code = Code(145);
    /// What a server has sent is no reply of Redis.
    pub const REDIS_REPLY: Code = Code(146);
    /// The kernel refused to watch the socket.
    pub const REGISTER_FAILED: Code = Code(150);
    /// As many threads as may be are alive.
    pub const TOO_MANY_THREADS: Code = Code(148);
    /// A thread has ended, or is about to.
    pub const MAILBOX_CLOSED: Code = Code(151);
    /// A peer announced more than the limit.
    pub const PACKET_TOO_LARGE: Code = Code(152);
    /// Nothing arrived for the receive timeout.
    pub const RECV_TIMEOUT: Code = Code(153);
    /// No byte left the queue for the send timeout.
    pub const SEND_TIMEOUT: Code = Code(154);
    /// The engine was closed under a live object.
    pub const ENGINE_CLOSED: Code = Code(155);
    /// What a peer has sent is no message of HTTP.
    pub const HTTP_PARSE: Code = Code(156);
    /// A message of HTTP is larger than its limit.
    pub const HTTP_TOO_LARGE: Code = Code(157);
    /// The descriptor is not one of ours.
    pub const BAD_FD: Code = Code(libc::EBADF);
    /// A queue is at its hard limit.
    pub const NO_BUFFERS: Code = Code(libc::ENOBUFS);
    /// Lua has no memory left.
    pub const NO_MEMORY: Code = Code(libc::ENOMEM);
    /// A connect took too long.
    pub const TIMED_OUT: Code = Code(libc::ETIMEDOUT);
    /// The process or the system is out of descriptors.
    pub const TOO_MANY_FILES: Code = Code(libc::EMFILE);
    /// Nobody will read what is written.
    pub const BROKEN_PIPE: Code = Code(libc::EPIPE);
    /// There is no such process or thread, or not any more.
    pub const NO_PROCESS: Code = Code(libc::ESRCH);
    /// It was done already.
    pub const ALREADY: Code = Code(libc::EALREADY);
    /// An address of a family that has no text.
    pub const NO_SUCH_FAMILY: Code = Code(libc::EAFNOSUPPORT);
    /// A path or name that no kernel takes.
    pub const NAME_TOO_LONG: Code = Code(libc::ENAMETOOLONG);
    /// A name that no one knows.
    pub const NOT_FOUND: Code = Code(libc::ENOENT);
    /// An address that somebody uses.
    pub const ADDRESS_IN_USE: Code = Code(libc::EADDRINUSE);
    /// What is to be made is there already.
    pub const EXISTS: Code = Code(libc::EEXIST);
    /// What is to be changed is at work.
    pub const BUSY: Code = Code(libc::EBUSY);
    /// A datagram that is larger than any that leaves.
    pub const TOO_LARGE_TO_SEND: Code = Code(libc::EMSGSIZE);
    /// A datagram for nobody: the socket is not connected.
    pub const NO_DESTINATION: Code = Code(libc::EDESTADDRREQ);
    /// A socket of this family has no such option.
    pub const NOT_SUPPORTED: Code = Code(libc::EOPNOTSUPP);
    /// It would have to wait, and was not to.
    pub const WOULD_BLOCK: Code = Code(libc::EAGAIN);
    /// The peer refused, or nobody is there.
    pub const REFUSED: Code = Code(libc::ECONNREFUSED);
    /// It would wait for itself.
    pub const DEADLOCK: Code = Code(libc::EDEADLK);
    /// A wait was given up, because who waits is to end.
    pub const INTERRUPTED: Code = Code(libc::EINTR);
    /// A script has raised.
    pub const CANCELED: Code = Code(libc::ECANCELED);
    /// A script that does not compile.
    pub const NOT_EXECUTABLE: Code = Code(libc::ENOEXEC);
    /// A value outside of its range.
    pub const INVALID: Code = Code(libc::EINVAL);

    /// The name that `chuck.error` has for it; of several, the first.
    pub fn name(self) -> Option<&'static str> {
        let own = OWN.iter().find(|(_, code, _)| *code == self).map(|(name, ..)| *name);
        own.or_else(|| errno::NAMES.iter().find(|(_, n)| *n == self.0).map(|(name, _)| *name))
    }

    /// One line for people: "connection refused".
    pub fn message(self) -> String {
        if let Some((.., text)) = OWN.iter().find(|(_, code, _)| *code == self) {
            return (*text).to_owned();
        }
        let text = io::Error::from_raw_os_error(self.0).to_string();
        match text.rfind(" (os error") {
            Some(end) => text[..end].to_owned(),
            None => text,
        }
    }
}

impl From<io::Error> for Code {
    fn from(error: io::Error) -> Self {
        Code(error.raw_os_error().unwrap_or(libc::EIO))
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message())
    }
}

impl std::error::Error for Code {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_codes_are_140_to_157_in_order() {
        let numbers: Vec<i32> = OWN.iter().map(|(_, code, _)| code.0).collect();
        assert_eq!(numbers, (140..=157).collect::<Vec<_>>());
    }

    #[test]
    fn a_code_knows_its_name_and_its_words() {
        assert_eq!(Code(libc::ECONNREFUSED).name(), Some("ECONNREFUSED"));
        assert_eq!(Code(libc::ECONNREFUSED).message(), "Connection refused");
        assert_eq!(Code::PACKET_TOO_LARGE.name(), Some("EPKTOOLARGE"));
    }
}

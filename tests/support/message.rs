//! Messages of HTTP as lines of text, read as a whole or in parts.

use chuck_core::base::buf::Buf;
use chuck_core::codec::http1::{Bounds, Message, Role, Scanner, Start, Step, Traits};

fn show(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).escape_debug().to_string()
}

fn line_of(message: &Message) -> String {
    let start = match (message.method(), message.target(), message.status()) {
        (Some(method), Some(target), _) => format!("{} {}", show(method), show(target)),
        (_, _, Some((status, _))) => status.to_string(),
        _ => unreachable!(),
    };
    let keep = if message.keeps_alive() { "keep" } else { "close" };
    let trailers = match message.trailers() {
        [] => String::new(),
        lines => format!(" {}", show(lines)),
    };
    format!("{start} {keep} \"{}\"{trailers}", show(message.content()))
}

/// What is told of bytes that arrive in these pieces.
pub struct Reader {
    scanner: Scanner,
    is_whole: bool,
    input: Vec<u8>,
    /// A line for each message, and for the refusal.
    pub told: Vec<String>,
    /// In parts: the message at hand.
    open: Option<(String, Vec<u8>)>,
}

impl Reader {
    /// Of messages as a whole, or in parts; `methods` are what responses answer.
    pub fn new(role: Role, bounds: Bounds, is_whole: bool, methods: &[impl AsRef<[u8]>]) -> Self {
        let mut scanner = Scanner::new(role, bounds, is_whole);
        for method in methods {
            scanner.expect(method.as_ref());
        }
        Reader { scanner, is_whole, input: Vec::new(), told: Vec::new(), open: None }
    }

    /// Bytes arrive.
    pub fn receive(&mut self, bytes: &[u8]) {
        self.input.extend_from_slice(bytes);
        let mut input = std::mem::take(&mut self.input);
        let mut rest = &input[..];
        while !rest.is_empty() || self.scanner.owes_word() {
            let Some(used) = self.scanner.next(rest) else { break };
            let (bytes, behind) = rest.split_at(used);
            self.note(bytes);
            rest = behind;
        }
        let used = input.len() - rest.len();
        input.drain(..used);
        self.input = input;
    }

    /// The peer ends.
    pub fn end(&mut self) {
        self.scanner.end();
        self.receive(b"");
    }

    fn note(&mut self, bytes: &[u8]) {
        let data: Vec<u8> =
            self.scanner.pieces().iter().flat_map(|piece| bytes[piece.clone()].to_vec()).collect();
        match self.scanner.step().clone() {
            Step::Nothing => {}
            Step::Message => {
                assert!(self.is_whole);
                let message = self.scanner.message(Buf::copy(bytes)).unwrap();
                self.told.push(line_of(&message));
            }
            Step::Refused(violation) => {
                self.open = None;
                self.told.push(format!("refused {}", violation.status));
            }
            Step::Head { is_whole } => {
                assert!(self.open.is_none());
                let head = self.scanner.head().unwrap();
                let start = match head.start {
                    Start::Request { method, target } => {
                        format!("{} {}", show(method.of(bytes)), show(target.of(bytes)))
                    }
                    Start::Response { status, .. } => status.to_string(),
                };
                let keep = if head.traits.has(Traits::KEEP_ALIVE) { "keep" } else { "close" };
                self.open = Some((format!("{start} {keep}"), data));
                if is_whole {
                    self.finish(b"");
                }
            }
            Step::Piece => self.open.as_mut().unwrap().1.extend(data),
            Step::End(trailers) => {
                let trailers = bytes[trailers].to_vec();
                self.finish(&trailers);
            }
        }
    }

    fn finish(&mut self, trailers: &[u8]) {
        let (start, body) = self.open.take().unwrap();
        let trailers = match trailers {
            [] => String::new(),
            lines => format!(" {}", show(lines)),
        };
        self.told.push(format!("{start} \"{}\"{trailers}", show(&body)));
    }
}

//! Bodies in parts (RFC 2046, 5.1; RFC 7578): told as they come, with nothing kept but what might
//! be a delimiter.
//!
//! ```text
//! Start -> Head -> FirstData -> Data -> Head …       Start may have a preamble before it
//!                                    -> Last -> Epilogue
//! ```

use crate::base::error::Code;

use super::is_token;

/// What stands in a body.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Event<'a> {
    /// A part begins; its fields as they came, each with CR and LF behind it.
    Part(&'a [u8]),
    /// Bytes of it; never empty.
    Data(&'a [u8]),
    /// It ends.
    End,
    /// All parts have come. What follows is nothing.
    Done,
    /// Bytes that mean nothing.
    Nothing,
}

/// What is read, and how much of it.
#[derive(Clone, Debug)]
pub struct Parser {
    /// CR, LF, "--" and the boundary: CR only at its begin.
    delimiter: Box<[u8]>,
    parts: usize,
    head: usize,
}

/// How far it was read.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Progress {
    state: State,
    /// Parts that have begun.
    parts: usize,
    /// Bytes of the preamble.
    preamble: usize,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum State {
    #[default]
    Start,
    Preamble,
    Head,
    FirstData,
    Data,
    Last,
    Epilogue,
}

/// What is behind something that looks like a delimiter.
enum Tail {
    /// It is one, with so many bytes behind it; the last one or not.
    Is(usize, bool),
    /// It is none.
    IsNot,
    /// Too few bytes to tell.
    Unknown,
}

/// Blanks behind a delimiter that are borne with.
const PADDING: usize = 16;

impl Progress {
    /// Whether all parts have come.
    pub fn is_done(&self) -> bool {
        self.state == State::Epilogue
    }
}

impl Parser {
    /// Reads bodies with a boundary that may be one, see [`super::media::is_boundary`].
    pub fn new(boundary: &[u8], parts: usize, head: usize) -> Self {
        Parser { delimiter: [b"\r\n--", boundary].concat().into(), parts, head }
    }

    /// The next event at the front of `input` and the bytes it takes; `None`: not yet.
    ///
    /// # Errors
    ///
    /// [`Code::HTTP_PARSE`] for a head that is none; [`Code::HTTP_TOO_LARGE`] for one beyond the limit,
    /// for too many parts, and for a preamble as long as a head may be.
    pub fn next<'a>(
        &self,
        progress: &mut Progress,
        input: &'a [u8],
    ) -> Result<Option<(Event<'a>, usize)>, Code> {
        match progress.state {
            State::Start => Ok(self.start(progress, input)),
            State::Preamble => self.preamble(progress, input),
            State::Head => self.part(progress, input),
            State::FirstData => Ok(self.first_data(progress, input)),
            State::Data => Ok(self.data(progress, input)),
            State::Last => {
                progress.state = State::Epilogue;
                Ok(Some((Event::Done, 0)))
            }
            State::Epilogue => Ok((!input.is_empty()).then_some((Event::Nothing, input.len()))),
        }
    }

    /// The delimiter that has no line before it, or a preamble.
    fn start<'a>(&self, progress: &mut Progress, input: &'a [u8]) -> Option<(Event<'a>, usize)> {
        let bare = &self.delimiter[2..];
        match self.tail_of(input, bare) {
            Tail::Is(used, is_last) => {
                progress.state = if is_last { State::Last } else { State::Head };
                Some((Event::Nothing, used))
            }
            Tail::IsNot => {
                progress.state = State::Preamble;
                Some((Event::Nothing, 0))
            }
            Tail::Unknown => None,
        }
    }

    fn preamble<'a>(
        &self,
        progress: &mut Progress,
        input: &'a [u8],
    ) -> Result<Option<(Event<'a>, usize)>, Code> {
        let at = self.candidate(input);
        let used = if at > 0 {
            at
        } else {
            match self.tail_of(input, &self.delimiter) {
                Tail::Is(used, is_last) => {
                    progress.state = if is_last { State::Last } else { State::Head };
                    return Ok(Some((Event::Nothing, used)));
                }
                Tail::IsNot => self.plain(input),
                Tail::Unknown => return Ok(None),
            }
        };
        progress.preamble += used;
        match progress.preamble > self.head {
            true => Err(Code::HTTP_TOO_LARGE),
            false => Ok(Some((Event::Nothing, used))),
        }
    }

    fn part<'a>(
        &self,
        progress: &mut Progress,
        input: &'a [u8],
    ) -> Result<Option<(Event<'a>, usize)>, Code> {
        if progress.parts == self.parts {
            return Err(Code::HTTP_TOO_LARGE);
        }
        // A part without fields has only the blank line.
        let end = match input {
            [b'\r', b'\n', ..] => 0,
            _ => {
                let found =
                    memchr::memmem::find(&input[..input.len().min(self.head + 2)], b"\r\n\r\n");
                match found {
                    Some(at) => at + 2,
                    None if input.len() >= self.head + 2 => return Err(Code::HTTP_TOO_LARGE),
                    None => return Ok(None),
                }
            }
        };
        let head = &input[..end];
        if !is_head(head) {
            return Err(Code::HTTP_PARSE);
        }
        progress.parts += 1;
        progress.state = State::FirstData;
        Ok(Some((Event::Part(head), end + 2)))
    }

    /// A part without data may have the blank line as that of its delimiter.
    fn first_data<'a>(
        &self,
        progress: &mut Progress,
        input: &'a [u8],
    ) -> Option<(Event<'a>, usize)> {
        match self.tail_of(input, &self.delimiter[2..]) {
            Tail::Is(used, is_last) => {
                progress.state = if is_last { State::Last } else { State::Head };
                Some((Event::End, used))
            }
            Tail::IsNot => {
                progress.state = State::Data;
                Some((Event::Nothing, 0))
            }
            Tail::Unknown => None,
        }
    }

    fn data<'a>(&self, progress: &mut Progress, input: &'a [u8]) -> Option<(Event<'a>, usize)> {
        let at = self.candidate(input);
        if at > 0 {
            return Some((Event::Data(&input[..at]), at));
        }
        match self.tail_of(input, &self.delimiter) {
            Tail::Is(used, is_last) => {
                progress.state = if is_last { State::Last } else { State::Head };
                Some((Event::End, used))
            }
            Tail::IsNot => {
                let used = self.plain(input);
                Some((Event::Data(&input[..used]), used))
            }
            Tail::Unknown => None,
        }
    }

    /// Where something begins that is, or may become, a delimiter.
    fn candidate(&self, input: &[u8]) -> usize {
        if let Some(at) = memchr::memmem::find(input, &self.delimiter) {
            return at;
        }
        let tail = input.len().saturating_sub(self.delimiter.len() - 1);
        let mut from = tail;
        while let Some(at) = memchr::memchr(b'\r', &input[from..]) {
            if self.delimiter.starts_with(&input[from + at..]) {
                return from + at;
            }
            from += at + 1;
        }
        input.len()
    }

    /// Bytes at the front that are no delimiter, although they begin as one.
    fn plain(&self, input: &[u8]) -> usize {
        // No other begins inside: it has CR only at its begin.
        self.delimiter.len().min(input.len())
    }

    /// Whether `input` begins with a delimiter, of which `front` is what matters here.
    fn tail_of(&self, input: &[u8], front: &[u8]) -> Tail {
        let Some(behind) = input.strip_prefix(front) else {
            let is_open = input.len() < front.len() && front.starts_with(input);
            return if is_open { Tail::Unknown } else { Tail::IsNot };
        };
        match behind {
            [b'-', b'-', ..] => return Tail::Is(front.len() + 2, true),
            [b'-'] => return Tail::Unknown,
            _ => {}
        }
        let blanks = behind.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        match behind.get(blanks..).unwrap_or_default() {
            _ if blanks > PADDING => Tail::IsNot,
            [] | [b'\r'] => Tail::Unknown,
            [b'\r', b'\n', ..] => Tail::Is(front.len() + blanks + 2, false),
            _ => Tail::IsNot,
        }
    }
}

/// Whether each line is a field: a token, a colon, and nothing that cannot be seen.
fn is_head(head: &[u8]) -> bool {
    let mut rest = head;
    while let Some(end) = memchr::memmem::find(rest, b"\r\n") {
        let (line, behind) = (&rest[..end], &rest[end + 2..]);
        let (name, value) = super::split_at_first(line, b':');
        let is_fine = |byte: &u8| *byte == b'\t' || (*byte >= 0x20 && *byte != 0x7f);
        if !is_token(name) || !value.is_some_and(|value| value.iter().all(is_fine)) {
            return false;
        }
        rest = behind;
    }
    rest.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORM: &[u8] = b"--AaB03x\r\ncontent-disposition: form-data; name=\"field1\"\r\n\
        content-type: text/plain;charset=UTF-8\r\n\r\nJoe owes\r\n--AaB03\r\n-\r\r\n--AaB03xy\r\n--AaB03x\r\n\
        Content-Disposition: form-data; name=\"pics\"; filename=\"f.txt\"\r\n\r\n\r\n--AaB03x \t\r\n\
        A: b\r\n\r\n--AaB03x\r\n\r\nno head\r\n--AaB03x--\r\nepilogue";

    /// Everything a body tells, its data put together, and the code it ends with.
    fn all(parser: &Parser, pieces: &[&[u8]]) -> (Vec<String>, Option<Code>) {
        let (mut progress, mut kept) = (Progress::default(), Vec::new());
        let (mut told, mut data) = (Vec::new(), Vec::new());
        for piece in pieces {
            kept.extend_from_slice(piece);
            let mut used = 0;
            loop {
                match parser.next(&mut progress, &kept[used..]) {
                    Ok(None) => break,
                    Err(code) => return (told, Some(code)),
                    Ok(Some((event, size))) => {
                        used += size;
                        match event {
                            Event::Data(bytes) => data.extend_from_slice(bytes),
                            Event::Nothing => {}
                            Event::End => {
                                told.push(format!("{:?}", String::from_utf8_lossy(&data)));
                                data.clear();
                            }
                            Event::Part(head) => told.push(String::from_utf8_lossy(head).into()),
                            Event::Done => told.push("done".into()),
                        }
                    }
                }
            }
            kept.drain(..used);
            assert!(kept.len() <= (parser.head + 1).max(parser.delimiter.len() + PADDING + 2));
        }
        assert_eq!(progress.is_done(), told.last().is_some_and(|last| last == "done"));
        (told, None)
    }

    fn parser() -> Parser {
        Parser::new(b"AaB03x", 8, 200)
    }

    fn expected() -> Vec<String> {
        [
            "content-disposition: form-data; name=\"field1\"\r\ncontent-type: text/plain;charset=UTF-8\r\n",
            "\"Joe owes\\r\\n--AaB03\\r\\n-\\r\\r\\n--AaB03xy\"",
            "Content-Disposition: form-data; name=\"pics\"; filename=\"f.txt\"\r\n",
            "\"\"",
            "A: b\r\n",
            "\"\"",
            "",
            "\"no head\"",
            "done",
        ]
        .map(str::to_owned)
        .to_vec()
    }

    #[test]
    fn a_form_is_its_parts_however_it_is_cut() {
        // RFC 7578, 4; RFC 2046, 5.1.1, with what only looks like a delimiter
        assert_eq!(all(&parser(), &[FORM]), (expected(), None));
        for cut in 0..FORM.len() {
            let (front, back) = FORM.split_at(cut);
            assert_eq!(all(&parser(), &[front, back]), (expected(), None), "cut at {cut}");
        }
        let bytes: Vec<&[u8]> = FORM.chunks(1).collect();
        assert_eq!(all(&parser(), &bytes), (expected(), None));
    }

    #[test]
    fn every_cut_short_body_is_not_done() {
        let end = FORM.len() - b"\r\nepilogue".len();
        for cut in 0..end {
            let (told, code) = all(&parser(), &[&FORM[..cut]]);
            assert_eq!(code, None);
            assert!(!told.contains(&"done".to_owned()), "cut at {cut}");
        }
    }

    #[test]
    fn a_preamble_means_nothing() {
        // RFC 2046, 5.1.1
        let body = b"This is a preamble.\r\n--AaB03\r\n--AaB03x\r\n\r\nx\r\n--AaB03x--";
        let expected = ["", "\"x\"", "done"].map(str::to_owned).to_vec();
        assert_eq!(all(&parser(), &[body]), (expected.clone(), None));
        let bytes: Vec<&[u8]> = body.chunks(1).collect();
        assert_eq!(all(&parser(), &bytes), (expected, None));
        assert_eq!(all(&parser(), &[&[b'x'; 201]]).1, Some(Code::HTTP_TOO_LARGE));
        assert_eq!(all(&parser(), &[b"--AaB03x--"]).0, ["done"]);
        assert_eq!(all(&parser(), &[b"\r\n--AaB03x--\r\n"]).0, ["done"]);
    }

    #[test]
    fn heads_and_parts_are_limited() {
        let with_head =
            |size: usize| [b"--AaB03x\r\nA: ", &*vec![b'x'; size], b"\r\n\r\n"].concat();
        // "A: ", CR and LF count.
        assert_eq!(all(&parser(), &[&with_head(195)]).1, None);
        assert_eq!(all(&parser(), &[&with_head(196)]).1, Some(Code::HTTP_TOO_LARGE));
        let bytes = with_head(100_000);
        let pieces: Vec<&[u8]> = bytes.chunks(1).collect();
        assert_eq!(all(&parser(), &pieces).1, Some(Code::HTTP_TOO_LARGE));
        let parts = |n: usize| b"--AaB03x\r\n\r\n\r\n".repeat(n);
        assert_eq!(all(&parser(), &[&parts(8)]).1, None);
        let (told, code) = all(&parser(), &[&parts(9), b"--AaB03x\r\n"]);
        assert_eq!((told.len(), code), (16, Some(Code::HTTP_TOO_LARGE)));
    }

    #[test]
    fn what_is_no_head_is_refused() {
        for head in
            ["A b: c", "A", ": b", "A : b", " A: b", "A: b\n", "A: \0", "A: b\r", "A: b\r\n c"]
        {
            let body = format!("--AaB03x\r\n{head}\r\n\r\n");
            assert_eq!(all(&parser(), &[body.as_bytes()]).1, Some(Code::HTTP_PARSE), "{head:?}");
        }
    }

    #[test]
    fn nothing_is_told_twice_of_any_garbage() {
        let mut seed = 7u32;
        let pieces: [&[u8]; 7] =
            [b"--AaB03x", b"\r\n", b"--", b"A: b", b"\r", b"x", b"\r\n--AaB03x"];
        for _ in 0..2000 {
            let mut body = Vec::new();
            for _ in 0..12 {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                body.extend_from_slice(pieces[(seed >> 16) as usize % pieces.len()]);
            }
            let whole = all(&parser(), &[&body]);
            let bytes: Vec<&[u8]> = body.chunks(1).collect();
            assert_eq!(whole, all(&parser(), &bytes), "{}", String::from_utf8_lossy(&body));
        }
    }
}

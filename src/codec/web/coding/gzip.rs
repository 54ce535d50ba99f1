//! Gzip (RFC 1952): a head, a text of deflate, its checksum and size; and the next one, if any.
//!
//! ```text
//! Fixed -> ExtraSize -> Extra -> Name -> Comment -> Checksum -> Text -> Trailer -> Fixed
//! ```

use flate2::{Crc, Decompress};

use super::Step;
use super::deflate::inflated;
use crate::base::error::Code;

/// Decodes a file of gzip.
pub struct Gzip {
    part: Part,
    /// The bytes of a part that has a size, as far as they are there: `used <= kept.len()`.
    kept: [u8; 10],
    used: usize,
    flags: u8,
    inflate: Decompress,
    crc: Crc,
    /// Whether nothing has begun since the last checksum.
    is_whole: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Part {
    Fixed,
    ExtraSize,
    Extra(u16),
    Name,
    Comment,
    Checksum,
    Text,
    Trailer,
}

const HAS_CHECKSUM: u8 = 2;
const HAS_EXTRA: u8 = 4;
const HAS_NAME: u8 = 8;
const HAS_COMMENT: u8 = 16;
const RESERVED: u8 = 0xe0;

impl Default for Gzip {
    fn default() -> Self {
        Gzip {
            part: Part::Fixed,
            kept: [0; 10],
            used: 0,
            flags: 0,
            inflate: Decompress::new(false),
            crc: Crc::new(),
            is_whole: false,
        }
    }
}

impl Gzip {
    /// Decodes what fits into the capacity of `out`.
    pub fn step(&mut self, input: &mut &[u8], out: &mut Vec<u8>) -> Result<Step, Code> {
        loop {
            if self.part == Part::Text {
                let before = out.len();
                let step = inflated(&mut self.inflate, input, out)?;
                self.crc.update(&out[before..]);
                if step != Step::End {
                    return Ok(step);
                }
                self.part = Part::Trailer;
            } else if !self.head(input)? {
                return Ok(Step::More);
            }
        }
    }

    /// Whether a checksum was the last thing that came.
    pub fn is_whole(&self) -> bool {
        self.is_whole
    }

    /// Reads on in what is no text; false when there is nothing to read.
    fn head(&mut self, input: &mut &[u8]) -> Result<bool, Code> {
        if input.is_empty() {
            return Ok(false);
        }
        match self.part {
            Part::Fixed => {
                self.is_whole = false;
                if self.keep(input, 10) {
                    self.begin()?;
                }
            }
            Part::ExtraSize => {
                if self.keep(input, 2) {
                    self.part = Part::Extra(u16::from_le_bytes([self.kept[0], self.kept[1]]));
                }
            }
            Part::Extra(left) => {
                let taken = input.len().min(left.into());
                *input = &input[taken..];
                match left - taken as u16 {
                    0 => self.part = self.behind(HAS_NAME),
                    left => self.part = Part::Extra(left),
                }
            }
            Part::Name | Part::Comment => {
                let end = memchr::memchr(0, input);
                *input = end.map_or(&[][..], |at| &input[at + 1..]);
                if end.is_some() {
                    let is_name = self.part == Part::Name;
                    self.part = self.behind(if is_name { HAS_COMMENT } else { HAS_CHECKSUM });
                }
            }
            Part::Checksum => {
                if self.keep(input, 2) {
                    self.part = Part::Text;
                }
            }
            Part::Text => {}
            Part::Trailer => {
                if self.keep(input, 8) {
                    self.end()?;
                }
            }
        }
        Ok(true)
    }

    /// Keeps bytes of a part that has `size` of them; whether all are there.
    fn keep(&mut self, input: &mut &[u8], size: usize) -> bool {
        let taken = input.len().min(size - self.used);
        let (front, rest) = input.split_at(taken);
        self.kept[self.used..self.used + taken].copy_from_slice(front);
        *input = rest;
        self.used += taken;
        let is_all = self.used == size;
        if is_all {
            self.used = 0;
        }
        is_all
    }

    fn begin(&mut self) -> Result<(), Code> {
        self.flags = self.kept[3];
        if self.kept[..3] != [0x1f, 0x8b, 8] || self.flags & RESERVED != 0 {
            return Err(Code::HTTP_PARSE);
        }
        self.inflate.reset(false);
        self.crc.reset();
        self.part = match self.flags & HAS_EXTRA {
            0 => self.behind(HAS_NAME),
            _ => Part::ExtraSize,
        };
        Ok(())
    }

    /// The next part from the one of `flag` on.
    fn behind(&self, flag: u8) -> Part {
        let has = |part: u8| self.flags & part != 0;
        if flag == HAS_NAME && has(HAS_NAME) {
            Part::Name
        } else if flag != HAS_CHECKSUM && has(HAS_COMMENT) {
            Part::Comment
        } else if has(HAS_CHECKSUM) {
            Part::Checksum
        } else {
            Part::Text
        }
    }

    fn end(&mut self) -> Result<(), Code> {
        let number = |at: usize| {
            u32::from_le_bytes([
                self.kept[at],
                self.kept[at + 1],
                self.kept[at + 2],
                self.kept[at + 3],
            ])
        };
        if number(0) != self.crc.sum() || number(4) != self.crc.amount() {
            return Err(Code::HTTP_PARSE);
        }
        self.part = Part::Fixed;
        self.is_whole = true;
        Ok(())
    }
}

//! Deflate: with the head of zlib (RFC 1950), as the RFC of HTTP says, or without, as some send it.

use flate2::{Decompress, FlushDecompress, Status};

use super::Step;
use crate::base::error::Code;

/// Decodes a text of deflate.
#[derive(Default)]
pub struct Deflate {
    /// The first byte, while there is no second one to tell which of both it is.
    first: Option<u8>,
    inflate: Option<Box<Decompress>>,
    is_whole: bool,
}

impl Deflate {
    /// Decodes what fits into the capacity of `out`.
    pub fn step(&mut self, input: &mut &[u8], out: &mut Vec<u8>) -> Result<Step, Code> {
        if self.is_whole {
            return Ok(Step::End);
        }
        if self.inflate.is_none() && !self.begin(input, out)? {
            return Ok(Step::More);
        }
        let Some(inflate) = &mut self.inflate else { return Ok(Step::More) };
        let step = inflated(inflate, input, out)?;
        self.is_whole = step == Step::End;
        Ok(step)
    }

    /// Whether the text has ended.
    pub fn is_whole(&self) -> bool {
        self.is_whole
    }

    /// Looks at the first two bytes; false until they are there.
    fn begin(&mut self, input: &mut &[u8], out: &mut Vec<u8>) -> Result<bool, Code> {
        let first = match (self.first, *input) {
            (Some(first), _) => first,
            (None, [first, rest @ ..]) => {
                *input = rest;
                self.first = Some(*first);
                *first
            }
            (None, []) => return Ok(false),
        };
        let Some(second) = input.first() else { return Ok(false) };
        let is_zlib = first & 15 == 8 && u16::from_be_bytes([first, *second]).is_multiple_of(31);
        let mut inflate = Box::new(Decompress::new(is_zlib));
        inflated(&mut inflate, &mut &[first][..], out)?;
        self.inflate = Some(inflate);
        Ok(true)
    }
}

/// Decodes what fits into the capacity of `out`.
pub fn inflated(
    inflate: &mut Decompress,
    input: &mut &[u8],
    out: &mut Vec<u8>,
) -> Result<Step, Code> {
    let (used, made) = (inflate.total_in(), inflate.total_out());
    let status =
        inflate.decompress_vec(input, out, FlushDecompress::None).map_err(|_| Code::HTTP_PARSE)?;
    let used = usize::try_from(inflate.total_in() - used).unwrap_or(usize::MAX);
    *input = input.get(used..).unwrap_or_default();
    match status {
        Status::StreamEnd => Ok(Step::End),
        _ if out.len() == out.capacity() => Ok(Step::Full),
        // It has room and input, and does nothing: it never will.
        _ if !input.is_empty() && used == 0 && inflate.total_out() == made => Err(Code::HTTP_PARSE),
        _ => Ok(Step::More),
    }
}

//! Brotli (RFC 7932), whose window has 16 MiB at most: larger ones are no part of the RFC, and a
//! peer could ask for a gigabyte by them.

use brotli::enc::StandardAlloc;
use brotli::{BrotliDecompressStream, BrotliResult, BrotliState};

use super::Step;
use crate::base::error::Code;

/// Decodes a text of brotli.
pub struct Brotli {
    state: BrotliState<StandardAlloc, StandardAlloc, StandardAlloc>,
    is_whole: bool,
}

impl Default for Brotli {
    fn default() -> Self {
        let state = BrotliState::new_strict(
            StandardAlloc::default(),
            StandardAlloc::default(),
            StandardAlloc::default(),
        );
        Brotli { state, is_whole: false }
    }
}

impl Brotli {
    /// Decodes what fits into the capacity of `out`.
    pub fn step(&mut self, input: &mut &[u8], out: &mut Vec<u8>) -> Result<Step, Code> {
        if self.is_whole {
            return Ok(Step::End);
        }
        let before = out.len();
        out.resize(out.capacity(), 0);
        let (mut left, mut used) = (input.len(), 0);
        let (mut room, mut made, mut total) = (out.len() - before, 0, 0);
        let result = BrotliDecompressStream(
            &mut left,
            &mut used,
            input,
            &mut room,
            &mut made,
            &mut out[before..],
            &mut total,
            &mut self.state,
        );
        out.truncate(before + made);
        *input = input.get(used..).unwrap_or_default();
        match result {
            BrotliResult::ResultSuccess => {
                self.is_whole = true;
                Ok(Step::End)
            }
            // It does not use what it has, and never will.
            BrotliResult::NeedsMoreInput if room > 0 && made == 0 && left > 0 && used == 0 => {
                Err(Code::HTTP_PARSE)
            }
            // It asks for input although it still has output for which there was no room.
            BrotliResult::NeedsMoreInput if room == 0 => Ok(Step::Full),
            BrotliResult::NeedsMoreInput => Ok(Step::More),
            BrotliResult::NeedsMoreOutput => Ok(Step::Full),
            BrotliResult::ResultFailure => Err(Code::HTTP_PARSE),
        }
    }

    /// Whether the text has ended.
    pub fn is_whole(&self) -> bool {
        self.is_whole
    }
}

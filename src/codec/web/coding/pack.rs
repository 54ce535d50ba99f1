//! Compressing, piece by piece.

use std::io::{self, Write};
use std::mem;

use brotli::CompressorWriter;
use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};

use super::Coding;
use crate::base::limits;

/// How much of what was fed must come out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Flush {
    /// As much as is convenient.
    None,
    /// All of it: a reader can read all that was fed. Costs some size.
    All,
    /// All of it, and the end.
    Finish,
}

/// Compresses bytes as they come.
pub struct Compressor(Encoder);

enum Encoder {
    Gzip(GzEncoder<Vec<u8>>),
    Deflate(ZlibEncoder<Vec<u8>>),
    Brotli(Box<CompressorWriter<Vec<u8>>>),
    Finished,
}

impl Compressor {
    /// An encoder of a level: 0 to 9, for brotli to 11; the default of its coding where there is none.
    pub fn new(coding: Coding, level: Option<u32>) -> Self {
        let compression = Compression::new(level.unwrap_or(limits::DEFLATE_LEVEL).min(9));
        Compressor(match coding {
            Coding::Gzip => Encoder::Gzip(GzEncoder::new(Vec::new(), compression)),
            Coding::Deflate => Encoder::Deflate(ZlibEncoder::new(Vec::new(), compression)),
            Coding::Brotli => {
                let level = level.unwrap_or(limits::BROTLI_LEVEL).min(11);
                let (buffer, window) = (limits::BROTLI_BUFFER, limits::BROTLI_WINDOW);
                Encoder::Brotli(Box::new(CompressorWriter::new(Vec::new(), buffer, level, window)))
            }
        })
    }

    /// Compresses the next bytes; what comes out. `None` once it was finished.
    pub fn feed(&mut self, bytes: &[u8], flush: Flush) -> Option<Vec<u8>> {
        if flush == Flush::Finish {
            return self.finish(bytes).ok();
        }
        let fed = match &mut self.0 {
            Encoder::Gzip(encoder) => written(encoder, bytes, flush),
            Encoder::Deflate(encoder) => written(encoder, bytes, flush),
            Encoder::Brotli(encoder) => written(encoder, bytes, flush),
            Encoder::Finished => return None,
        };
        fed.ok()?;
        Some(match &mut self.0 {
            Encoder::Gzip(encoder) => mem::take(encoder.get_mut()),
            Encoder::Deflate(encoder) => mem::take(encoder.get_mut()),
            Encoder::Brotli(encoder) => mem::take(encoder.get_mut()),
            Encoder::Finished => Vec::new(),
        })
    }

    fn finish(&mut self, bytes: &[u8]) -> io::Result<Vec<u8>> {
        match mem::replace(&mut self.0, Encoder::Finished) {
            Encoder::Gzip(mut encoder) => {
                encoder.write_all(bytes)?;
                encoder.finish()
            }
            Encoder::Deflate(mut encoder) => {
                encoder.write_all(bytes)?;
                encoder.finish()
            }
            Encoder::Brotli(mut encoder) => {
                encoder.write_all(bytes)?;
                Ok(encoder.into_inner())
            }
            Encoder::Finished => Err(io::ErrorKind::WriteZero.into()),
        }
    }
}

fn written(encoder: &mut impl Write, bytes: &[u8], flush: Flush) -> io::Result<()> {
    encoder.write_all(bytes)?;
    if flush == Flush::All { encoder.flush() } else { Ok(()) }
}

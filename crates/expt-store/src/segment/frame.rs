//! The header of a segment, and the frames behind it: whole, torn or damaged.

use std::io::{BufReader, Read, Seek, SeekFrom};

use super::wire::Malformed;
use crate::{Error, ErrorKind, Result};

/// What every segment begins with: magic, format version, and four bytes that are zero in version 1.
pub(super) const HEADER: [u8; 16] = *b"EXPT-EVT\x01\0\0\0\0\0\0\0";
/// The bytes before a frame's payload.
pub(super) const FRAME_HEADER: usize = 16;
/// No payload that we write is larger.
pub(super) const MAX_PAYLOAD: usize = 64 << 20;

const MAGIC: usize = 8;

/// Puts the frame's header into the first bytes of `frame`, which holds its payload behind them.
pub(super) fn seal(frame: &mut [u8], offset: u64) -> Result<()> {
    let too_large = || {
        let message = format!("a frame has at most {MAX_PAYLOAD} bytes; append fewer events at once");
        Error::new(ErrorKind::InvalidInput, "append events", message)
    };
    let (header, payload) = frame.split_first_chunk_mut::<FRAME_HEADER>().ok_or_else(too_large)?;
    let length = u32::try_from(payload.len()).map_err(|_| too_large())?;
    *header = Header { length, checksum: checksum(payload) }.to_bytes(offset);
    Ok(())
}

#[derive(Debug, Clone, Copy)]
struct Header {
    length: u32,
    checksum: [u8; 8],
}

impl Header {
    fn to_bytes(self, offset: u64) -> [u8; FRAME_HEADER] {
        let [a, b, c, d] = self.length.to_le_bytes();
        let [e, f, g, h] = guard(offset, self.length);
        let [i, j, k, l, m, n, o, p] = self.checksum;
        [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p]
    }

    /// The header at the offset, if the bytes are one.
    fn parse(bytes: [u8; FRAME_HEADER], offset: u64) -> Option<Self> {
        let [a, b, c, d, e, f, g, h, checksum @ ..] = bytes;
        let length = u32::from_le_bytes([a, b, c, d]);
        (length > 0 && guard(offset, length) == [e, f, g, h]).then_some(Self { length, checksum })
    }
}

/// Ties a length to its place, so that a damaged length is not believed and payload is not taken for a
/// header.
fn guard(offset: u64, length: u32) -> [u8; 4] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&offset.to_le_bytes());
    hasher.update(&length.to_le_bytes());
    let [a, b, c, d, ..] = *hasher.finalize().as_bytes();
    [a, b, c, d]
}

fn checksum(payload: &[u8]) -> [u8; 8] {
    let [a, b, c, d, e, f, g, h, ..] = *blake3::hash(payload).as_bytes();
    [a, b, c, d, e, f, g, h]
}

/// Reads the frames of one segment in order, up to the length that the file had when it was last asked.
#[derive(Debug)]
pub(super) struct Frames<R> {
    source: BufReader<R>,
    /// Names the segment in errors.
    name: String,
    offset: u64,
    length: u64,
    frames: u64,
}

impl<R: Read + Seek> Frames<R> {
    /// # Errors
    /// `Corrupted` if it is no segment, `Unsupported` if it is of a later format, `Unavailable`.
    pub(super) fn open(source: R, name: String) -> Result<Self> {
        let source = BufReader::with_capacity(1 << 16, source);
        let mut frames = Self { source, name, offset: 0, length: 0, frames: 0 };
        frames.refresh()?;
        Ok(frames)
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Where the next frame begins.
    pub(super) const fn offset(&self) -> u64 {
        self.offset
    }

    /// The length when it was last asked.
    pub(super) const fn length(&self) -> u64 {
        self.length
    }

    /// How many frames were read.
    pub(super) const fn count(&self) -> u64 {
        self.frames
    }

    /// Asks for the length again, to see what was appended since.
    pub(super) fn refresh(&mut self) -> Result<()> {
        self.length = self.source.seek(SeekFrom::End(0)).map_err(|error| self.unavailable(error))?;
        let offset = SeekFrom::Start(self.offset);
        self.source.seek(offset).map_err(|error| self.unavailable(error))?;
        // A shorter file is of a writer that has only just made it, or died doing so.
        if self.offset == 0 && self.length >= HEADER.len() as u64 {
            self.read_header()?;
        }
        Ok(())
    }

    fn read_header(&mut self) -> Result<()> {
        let mut header = [0; HEADER.len()];
        self.source.read_exact(&mut header).map_err(|error| self.unavailable(error))?;
        self.offset = HEADER.len() as u64;
        if header == HEADER {
            return Ok(());
        }
        self.offset = 0;
        let (magic, version) = header.split_at(MAGIC);
        if !HEADER.starts_with(magic) {
            return Err(self.corrupted(0, Malformed("it is no event segment")));
        }
        let message = format!(
            "segment {} has format {version:02x?}, this library reads version 1; use a newer library",
            self.name
        );
        Err(Error::new(ErrorKind::Unsupported, "read segment", message))
    }

    /// Reads the next frame's payload and gives its offset; `None` at the end, or where the rest is torn.
    ///
    /// # Errors
    /// `Corrupted` if the next frame is damaged and a whole one stands behind it; `Unavailable`.
    pub(super) fn next(&mut self, payload: &mut Vec<u8>) -> Result<Option<u64>> {
        let offset = self.offset;
        let remaining = self.length.saturating_sub(offset);
        if offset == 0 || remaining == 0 {
            return Ok(None);
        }
        if remaining >= FRAME_HEADER as u64 {
            let mut header = [0; FRAME_HEADER];
            self.source.read_exact(&mut header).map_err(|error| self.unavailable(error))?;
            let fits = |header: &Header| u64::from(header.length) <= remaining - FRAME_HEADER as u64;
            if let Some(header) = Header::parse(header, offset).filter(fits) {
                let length = usize::try_from(header.length).unwrap_or(usize::MAX);
                payload.clear();
                payload.resize(length, 0);
                self.source.read_exact(payload).map_err(|error| self.unavailable(error))?;
                if checksum(payload) == header.checksum {
                    self.offset += (FRAME_HEADER + length) as u64;
                    self.frames += 1;
                    return Ok(Some(offset));
                }
            }
        }
        self.source.seek(SeekFrom::Start(offset)).map_err(|error| self.unavailable(error))?;
        match self.whole_frame_behind()? {
            Some(behind) => {
                let what =
                    format!("a frame is damaged, and what was written behind it, at byte {behind}, is whole");
                Err(damaged(&self.name, offset, &what))
            }
            None => Ok(None),
        }
    }

    /// Looks for a whole frame behind the next one, and leaves the source where it was.
    fn whole_frame_behind(&mut self) -> Result<Option<u64>> {
        let mut tail = Vec::new();
        let remaining = self.length.saturating_sub(self.offset);
        Read::by_ref(&mut self.source)
            .take(remaining)
            .read_to_end(&mut tail)
            .map_err(|error| self.unavailable(error))?;
        self.source.seek(SeekFrom::Start(self.offset)).map_err(|error| self.unavailable(error))?;
        // Bytes made to look like many headers must not cost more than some passes over the file.
        let mut budget = tail.len().saturating_mul(4);
        for skip in 1..tail.len() {
            let offset = self.offset + skip as u64;
            let Some((header, rest)) = tail.get(skip..).and_then(|rest| rest.split_first_chunk()) else {
                break;
            };
            let Some(header) = Header::plausible(header, rest.len(), offset) else { continue };
            let Some(payload) = rest.get(..usize::try_from(header.length).unwrap_or(usize::MAX)) else {
                continue;
            };
            if checksum(payload) == header.checksum {
                return Ok(Some(offset));
            }
            budget = budget.saturating_sub(payload.len());
            if budget == 0 {
                return Ok(Some(offset));
            }
        }
        Ok(None)
    }

    pub(super) fn corrupted(&self, offset: u64, what: Malformed) -> Error {
        damaged(&self.name, offset, what.0)
    }

    fn unavailable(&self, error: std::io::Error) -> Error {
        let message = format!("cannot read segment {}", self.name);
        Error::new(ErrorKind::Unavailable, "read segment", message).with_source(error)
    }
}

impl Header {
    /// As [`Header::parse`], for a place where a header is unlikely: what is cheap is asked first.
    fn plausible(bytes: &[u8; FRAME_HEADER], room: usize, offset: u64) -> Option<Self> {
        let [a, b, c, d, ..] = *bytes;
        let length = usize::try_from(u32::from_le_bytes([a, b, c, d])).unwrap_or(usize::MAX);
        if length == 0 || length > room { None } else { Self::parse(*bytes, offset) }
    }
}

fn damaged(name: &str, offset: u64, what: &str) -> Error {
    let message =
        format!("segment {name} at byte {offset}: {what}; restore the file from a copy, or move it away");
    Error::new(ErrorKind::Corrupted, "read segment", message)
}

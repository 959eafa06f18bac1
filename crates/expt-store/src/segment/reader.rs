//! The events of one segment, one by one.

use std::io::{Read, Seek};

use expt_core::Event;

use super::decode::Decoder;
use super::frame::Frames;
use super::record::Before;
use super::wire::Input;
use crate::Result;

/// Reads the events of one segment in order. Holds one frame and the dictionary.
#[derive(Debug)]
pub(super) struct SegmentReader<R> {
    frames: Frames<R>,
    decoder: Decoder,
    payload: Vec<u8>,
    /// Where the next row begins in the payload.
    at: usize,
    /// The number of the next row in the frame.
    row: u64,
    /// Where the frame begins.
    frame: u64,
    before: Before,
}

impl<R: Read + Seek> SegmentReader<R> {
    pub(super) fn open(source: R, name: String) -> Result<Self> {
        let frames = Frames::open(source, name)?;
        let frame = frames.offset();
        let (decoder, before) = (Decoder::default(), Before::default());
        Ok(Self { frames, decoder, payload: Vec::new(), at: 0, row: 0, frame, before })
    }

    pub(super) const fn frames(&self) -> &Frames<R> {
        &self.frames
    }

    /// The next event; `None` at the end, or where the rest is torn.
    pub(super) fn next(&mut self) -> Result<Option<Event>> {
        while self.at >= self.payload.len() {
            if !self.next_frame()? {
                return Ok(None);
            }
        }
        let mut input = Input::new(self.payload.get(self.at..).unwrap_or_default());
        let event = self.decoder.row(&mut input, &mut self.before);
        let event = event.map_err(|fault| self.frames.corrupted(self.frame, fault))?;
        self.at = self.payload.len() - input.remaining();
        self.row += 1;
        Ok(Some(event))
    }

    fn next_frame(&mut self) -> Result<bool> {
        let Some(frame) = self.frames.next(&mut self.payload)? else {
            self.payload.clear();
            (self.at, self.row, self.frame) = (0, 0, self.frames.offset());
            return Ok(false);
        };
        let rows = self.decoder.definitions(&self.payload);
        self.at = rows.map_err(|fault| self.frames.corrupted(frame, fault))?;
        (self.row, self.frame, self.before) = (0, frame, Before::default());
        Ok(true)
    }

    /// The frame and the row in it that come next.
    pub(super) fn position(&self) -> (u64, u64) {
        if self.at >= self.payload.len() { (self.frames.offset(), 0) } else { (self.frame, self.row) }
    }

    /// Whether every byte that the segment had when its length was last asked is read.
    pub(super) fn is_at_end(&self) -> bool {
        self.at >= self.payload.len() && self.frames.offset() == self.frames.length()
    }

    /// Asks for the length of the segment again.
    pub(super) fn refresh(&mut self) -> Result<()> {
        self.frames.refresh()
    }

    /// Goes on from the start to a position, reading of the frames before only what they define. False if
    /// there is no such position.
    pub(super) fn seek(&mut self, (frame, row): (u64, u64)) -> Result<bool> {
        if frame == 0 {
            // It had no header yet.
            return Ok(row == 0);
        }
        while self.frames.offset() < frame {
            if !self.next_frame()? {
                break;
            }
            self.at = self.payload.len();
        }
        if self.frames.offset() != frame {
            return Ok(false);
        }
        for _ in 0..row {
            if self.next()?.is_none() || self.frame != frame {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// Reads the bytes of one segment: its whole events, without what is torn at its end.
///
/// # Errors
/// [`Corrupted`](crate::ErrorKind::Corrupted) if the bytes are no segment or damaged;
/// [`Unsupported`](crate::ErrorKind::Unsupported) if they are of a later format.
pub fn read_segment(bytes: &[u8]) -> Result<Vec<Event>> {
    let mut reader = SegmentReader::open(std::io::Cursor::new(bytes), "in memory".into())?;
    let mut events = Vec::new();
    while let Some(event) = reader.next()? {
        events.push(event);
    }
    Ok(events)
}

//! The one writer of a store handle, and the file it is at.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use expt_core::Event;

use super::decode::Decoder;
use super::encode::{Encoder, Mark};
use super::frame::{self, FRAME_HEADER, HEADER, MAX_PAYLOAD};
use super::name::Names;
use super::options::SegmentOptions;
use super::record::Before;
use super::wire::Input;
use crate::local::disk;
use crate::{Durability, Error, ErrorKind, Result};

/// Appends to segments of its own, and never to a file that was there before.
#[derive(Debug)]
pub(super) struct Writer {
    dir: PathBuf,
    options: SegmentOptions,
    names: Names,
    segment: Option<Segment>,
    /// The dictionary of the segment, and the rows that are not written yet.
    encoder: Encoder,
    /// What is written next; kept for its memory.
    buffer: Vec<u8>,
    /// A segment that could not be synced: what is in it may be lost, and no later sync can tell.
    unsynced: Option<String>,
}

#[derive(Debug)]
struct Segment {
    file: File,
    name: String,
    bytes: u64,
    dirty: bool,
}

impl Writer {
    pub(super) fn new(dir: &Path, options: SegmentOptions) -> Self {
        let (names, encoder) = (Names::new(), Encoder::default());
        Self { dir: dir.into(), options, names, segment: None, encoder, buffer: Vec::new(), unsynced: None }
    }

    pub(super) fn append(&mut self, events: &[Event], durability: Durability) -> Result<()> {
        self.rotate_if_full()?;
        let mut mark = self.encoder.mark();
        for event in events {
            if self.encoder.len() >= SPLIT_AT {
                self.write_out_or_keep(&mark)?;
                mark = self.encoder.mark();
            }
            let pushed = self.encoder.push(event);
            let fits = self.encoder.len() <= MAX_PAYLOAD - SLACK;
            if pushed.is_err() || !fits {
                self.encoder.back_to(&mark);
                return pushed.and_then(|()| Err(too_large()));
            }
        }
        if durability >= Durability::Committed || self.encoder.len() >= self.options.buffer_bytes {
            self.write_out_or_keep(&mark)?;
        }
        if durability >= Durability::Durable { self.sync() } else { Ok(()) }
    }

    pub(super) fn flush(&mut self, durability: Durability) -> Result<()> {
        if durability >= Durability::Committed {
            let mark = self.encoder.mark();
            self.write_out_or_keep(&mark)?;
        }
        if durability < Durability::Durable {
            return Ok(());
        }
        self.sync()?;
        match &self.unsynced {
            None => Ok(()),
            Some(segment) => {
                let message = format!(
                    "segment {segment} could not be synced before, so what was appended to it may not survive a power loss; open the store anew and append again what must"
                );
                Err(Error::new(ErrorKind::Unavailable, "flush events", message))
            }
        }
    }

    fn rotate_if_full(&mut self) -> Result<()> {
        let full = self.segment.as_ref().is_some_and(|segment| {
            segment.bytes.saturating_add(self.encoder.len() as u64) >= self.options.max_segment_bytes
        });
        if full {
            self.flush(Durability::Committed)?;
            self.leave_segment();
            self.encoder.next_segment();
        }
        Ok(())
    }

    /// Writes the rows that are not written yet as one frame. If that fails, those up to the mark are kept
    /// for the next segment: they are of earlier calls.
    fn write_out_or_keep(&mut self, mark: &Mark) -> Result<()> {
        let written = self.write_out();
        if written.is_err() {
            self.leave_segment();
            self.keep(mark)?;
        }
        written
    }

    fn write_out(&mut self) -> Result<()> {
        if self.encoder.is_empty() {
            return Ok(());
        }
        let segment = match &mut self.segment {
            Some(segment) => segment,
            none => none.insert(Segment::create(&self.dir, &mut self.names)?),
        };
        self.buffer.clear();
        self.buffer.resize(FRAME_HEADER, 0);
        self.encoder.payload(&mut self.buffer);
        frame::seal(&mut self.buffer, segment.bytes)?;
        segment.write(&self.buffer)?;
        self.encoder.next_frame();
        self.buffer.shrink_to(self.options.buffer_bytes.max(1 << 20));
        Ok(())
    }

    /// Begins the dictionary of a new segment, and takes along the rows up to the mark.
    fn keep(&mut self, mark: &Mark) -> Result<()> {
        self.encoder.back_to(mark);
        let mut payload = Vec::new();
        self.encoder.payload(&mut payload);
        let mut decoder = Decoder::knowing(self.encoder.entries());
        self.encoder.next_segment();
        // The definitions of the frame are among the entries already: here only their length counts.
        let fault = |fault: super::wire::Malformed| {
            let message = format!("buffered events do not read back: {}", fault.0);
            Error::new(ErrorKind::Internal, "append events", message)
        };
        let rows = decoder.definitions(&payload).map_err(fault)?;
        let (mut input, mut before) =
            (Input::new(payload.get(rows..).unwrap_or_default()), Before::default());
        while !input.is_empty() {
            let event = decoder.row(&mut input, &mut before).map_err(fault)?;
            self.encoder.push(&event)?;
        }
        Ok(())
    }

    fn sync(&mut self) -> Result<()> {
        let Some(segment) = self.segment.as_mut().filter(|segment| segment.dirty) else { return Ok(()) };
        match segment.file.sync_data() {
            Ok(()) => {
                segment.dirty = false;
                Ok(())
            }
            Err(error) => {
                let failed = unavailable(&format!("sync segment {}", segment.name), error);
                self.unsynced = Some(segment.name.clone());
                segment.dirty = false;
                let mark = self.encoder.mark();
                self.leave_segment();
                self.keep(&mark)?;
                Err(failed)
            }
        }
    }

    /// Appends to this segment no more: it is full, or ends in a torn frame, behind which nothing may stand.
    /// What is in it becomes durable, or is known not to be.
    fn leave_segment(&mut self) {
        let Some(segment) = self.segment.take() else { return };
        if segment.bytes == HEADER.len() as u64 {
            // Nothing that was acknowledged is in it. It harms nobody if it stays.
            let _ = std::fs::remove_file(self.dir.join(&segment.name));
        } else if segment.dirty && segment.file.sync_data().is_err() {
            self.unsynced = Some(segment.name);
        }
    }
}

impl Drop for Writer {
    /// Writes what is buffered, if it can: nobody is left to be told.
    fn drop(&mut self) {
        let _ = self.write_out();
    }
}

impl Segment {
    fn create(dir: &Path, names: &mut Names) -> Result<Self> {
        loop {
            let name = names.next();
            let path = dir.join(&name);
            let mut file = match OpenOptions::new().write(true).create_new(true).open(&path) {
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => continue,
                file => file.map_err(|error| unavailable(&format!("make {}", path.display()), error))?,
            };
            let begun = file.write_all(&HEADER).and_then(|()| file.sync_data());
            if let Err(error) = begun.and_then(|()| disk::sync_dir(dir)) {
                let _ = std::fs::remove_file(&path);
                return Err(unavailable(&format!("make {}", path.display()), error));
            }
            return Ok(Self { file, name, bytes: HEADER.len() as u64, dirty: false });
        }
    }

    fn write(&mut self, frame: &[u8]) -> Result<()> {
        self.dirty = true;
        self.file
            .write_all(frame)
            .map_err(|error| unavailable(&format!("write segment {}", self.name), error))?;
        self.bytes += frame.len() as u64;
        Ok(())
    }
}

fn unavailable(what: &str, error: std::io::Error) -> Error {
    Error::new(ErrorKind::Unavailable, "append events", format!("cannot {what}")).with_source(error)
}

fn too_large() -> Error {
    let message = format!("an event takes more than {SPLIT_AT} bytes; store large content as an artifact");
    Error::new(ErrorKind::InvalidInput, "append events", message)
}

/// A frame that has so many bytes is written out within a call, so every event of as many bytes fits.
const SPLIT_AT: usize = MAX_PAYLOAD / 2;
/// What a payload has besides definitions and rows.
const SLACK: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::segment::read_segment;
    use expt_core::{Outcome, OutcomeId, PredictionId, Subject};

    fn event(index: u32) -> Event {
        Event::Outcome(Outcome {
            id: OutcomeId::derive([index.to_string()]),
            at: "2026-03-01".parse().unwrap(),
            received: "2026-03-01".parse().unwrap(),
            subject: Subject::Prediction(PredictionId::derive(["p"])),
            metric: format!("metric {}", index % 2).parse().unwrap(),
            value: f64::from(index),
        })
    }

    fn stored(dir: &Path) -> Vec<Event> {
        let entries = std::fs::read_dir(dir).unwrap();
        let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        files.sort();
        files.iter().flat_map(|file| read_segment(&std::fs::read(file).unwrap()).unwrap()).collect()
    }

    fn replace_file(writer: &mut Writer, file: File) {
        writer.segment.as_mut().unwrap().file = file;
    }

    #[test]
    fn after_a_failed_write_a_new_segment_takes_what_was_buffered() {
        let dir = tempfile::tempdir().unwrap();
        let mut writer = Writer::new(dir.path(), SegmentOptions::default());
        writer.append(&[event(0), event(1)], Durability::Committed).unwrap();
        // The dictionary of the first segment knows these metrics, that of the second does not.
        writer.append(&[event(2), event(3)], Durability::Buffered).unwrap();
        let path = dir.path().join(&writer.segment.as_ref().unwrap().name);
        replace_file(&mut writer, File::open(path).unwrap());
        assert!(writer.append(&[event(4)], Durability::Committed).unwrap_err().is_retryable());
        writer.append(&[event(5)], Durability::Committed).unwrap();
        assert_eq!(stored(dir.path()), [0, 1, 2, 3, 5].map(event));
        writer.flush(Durability::Durable).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn after_a_failed_sync_the_handle_never_says_durable_of_what_was_before() {
        let dir = tempfile::tempdir().unwrap();
        let mut writer = Writer::new(dir.path(), SegmentOptions::default());
        writer.append(&[event(0)], Durability::Committed).unwrap();
        // A pipe takes writes and refuses to sync.
        let (_reader, pipe) = std::io::pipe().unwrap();
        replace_file(&mut writer, File::from(std::os::fd::OwnedFd::from(pipe)));
        assert!(writer.append(&[event(1)], Durability::Durable).unwrap_err().is_retryable());
        writer.append(&[event(2)], Durability::Durable).unwrap();
        assert_eq!(stored(dir.path()), [0, 2].map(event));
        let error = writer.flush(Durability::Durable).unwrap_err();
        assert!(error.to_string().contains("could not be synced"), "{error}");
    }
}

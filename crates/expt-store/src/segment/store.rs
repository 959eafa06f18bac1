use std::fmt;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use expt_core::Event;
use parking_lot::Mutex;

use super::name::is_segment_name;
use super::options::SegmentOptions;
use super::position::{Position, tokens};
use super::reader::SegmentReader;
use super::report::SegmentReport;
use super::writer::Writer;
use crate::cursor::page_limit;
use crate::local::disk;
use crate::{
    Durability, Error, ErrorKind, EventScan, EventStore, EventTable, Page, PageOptions, PageToken, Result,
};

/// Events in a folder of append-only files.
///
/// Any number of handles, of any number of processes, may append and scan at the same time: each appends
/// to files of its own, which it makes with its first append.
///
/// Appending writes to the file from the calling thread, under a lock of the handle; a program that must
/// not wait puts a queue before it. Scanning reads files from the calling thread.
///
/// ```
/// use expt_store::segment::SegmentStore;
/// use expt_store::{Durability, EventScan, EventStore, EventStoreExt, blocking};
/// # use expt_core::{Event, Outcome, OutcomeId, PredictionId, Subject, MetricName};
/// # let dir = tempfile::tempdir()?;
/// # let outcome = Outcome {
/// #     id: OutcomeId::derive(["click"]),
/// #     at: "2026-03-01".parse()?,
/// #     received: "2026-03-01".parse()?,
/// #     subject: Subject::Prediction(PredictionId::derive(["request"])),
/// #     metric: MetricName::new("click")?,
/// #     value: 1.0,
/// # };
///
/// let store = SegmentStore::open(dir.path())?;
/// blocking::wait(store.append(&[Event::Outcome(outcome.clone())], Durability::Committed))?;
///
/// let elsewhere = SegmentStore::open(dir.path())?;
/// let events = blocking::wait(elsewhere.scan_all(&EventScan::all()))?;
/// assert_eq!(events, [Event::Outcome(outcome)]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct SegmentStore {
    dir: PathBuf,
    writer: Mutex<Writer>,
    /// Readers that stand where a page ended, so that the next page need not begin at the segment's start.
    paused: Mutex<Vec<(PageToken, SegmentReader<File>)>>,
}

impl SegmentStore {
    /// Opens the store in a folder, which is made if it is not there.
    ///
    /// # Errors
    /// [`Unavailable`](ErrorKind::Unavailable) if the folder cannot be made.
    pub fn open(dir: impl AsRef<Path>) -> Result<Self> {
        Self::open_with(dir, SegmentOptions::default())
    }

    /// Opens the store in a folder, with options for what this handle writes.
    ///
    /// # Errors
    /// As [`SegmentStore::open`].
    pub fn open_with(dir: impl AsRef<Path>, options: SegmentOptions) -> Result<Self> {
        let dir = dir.as_ref();
        disk::create_dir(dir).map_err(|error| {
            let message = format!("cannot make the folder {}", dir.display());
            Error::new(ErrorKind::Unavailable, "open event store", message).with_source(error)
        })?;
        let writer = Mutex::new(Writer::new(dir, options));
        Ok(Self { dir: dir.into(), writer, paused: Mutex::new(Vec::new()) })
    }

    /// Reads every segment and says what stands in it, damaged ones included.
    ///
    /// # Errors
    /// [`Unavailable`](ErrorKind::Unavailable) if a file cannot be read.
    pub fn report(&self) -> Result<Vec<SegmentReport>> {
        let mut reports = Vec::new();
        for segment in self.segments()? {
            reports.extend(self.report_of(segment)?);
        }
        Ok(reports)
    }

    fn report_of(&self, segment: String) -> Result<Option<SegmentReport>> {
        let mut report = SegmentReport {
            segment,
            bytes: 0,
            frames: 0,
            exposures: 0,
            predictions: 0,
            outcomes: 0,
            merged_lists: 0,
            torn_bytes: 0,
            damage: None,
        };
        let damage = |error: Error| match error.kind() {
            ErrorKind::Corrupted | ErrorKind::Unsupported => Ok(Some(error.to_string())),
            _ => Err(error),
        };
        let mut reader = match self.reader(&report.segment) {
            Ok(Some(reader)) => reader,
            Ok(None) => return Ok(None),
            Err(error) => {
                report.damage = damage(error)?;
                report.bytes =
                    fs::metadata(self.dir.join(&report.segment)).map_or(0, |metadata| metadata.len());
                return Ok(Some(report));
            }
        };
        loop {
            match reader.next() {
                Ok(Some(event)) => match EventTable::of(&event) {
                    EventTable::Exposures => report.exposures += 1,
                    EventTable::Predictions => report.predictions += 1,
                    EventTable::Outcomes => report.outcomes += 1,
                    EventTable::MergedLists => report.merged_lists += 1,
                },
                Ok(None) => {
                    report.torn_bytes = reader.frames().length() - reader.frames().offset();
                    break;
                }
                Err(error) => {
                    report.damage = damage(error)?;
                    break;
                }
            }
        }
        report.bytes = reader.frames().length();
        report.frames = reader.frames().count();
        Ok(Some(report))
    }

    /// The names of all segments, sorted.
    fn segments(&self) -> Result<Vec<String>> {
        let unavailable = |error| {
            let message = format!("cannot list the folder {}", self.dir.display());
            Error::new(ErrorKind::Unavailable, "list segments", message).with_source(error)
        };
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.dir).map_err(unavailable)? {
            let name = entry.map_err(unavailable)?.file_name();
            names.extend(name.to_str().filter(|name| is_segment_name(name)).map(str::to_owned));
        }
        names.sort_unstable();
        Ok(names)
    }

    /// A reader at the start of the segment; `None` if its file is gone.
    fn reader(&self, segment: &str) -> Result<Option<SegmentReader<File>>> {
        let path = self.dir.join(segment);
        match File::open(&path) {
            Ok(file) => SegmentReader::open(file, segment.to_owned()).map(Some),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => {
                let message = format!("cannot open {}", path.display());
                Err(Error::new(ErrorKind::Unavailable, "read segment", message).with_source(error))
            }
        }
    }

    /// The reader that a token stands for.
    fn resume(&self, token: &PageToken, position: &Position) -> Result<SegmentReader<File>> {
        let paused = {
            let mut paused = self.paused.lock();
            let index = paused.iter().position(|(of, _)| of == token);
            index.map(|index| paused.swap_remove(index).1)
        };
        if let Some(mut reader) = paused {
            reader.refresh()?;
            return Ok(reader);
        }
        let known = is_segment_name(&position.segment);
        let mut reader = if known { self.reader(&position.segment)? } else { None };
        if let Some(found) = &mut reader
            && !found.seek((position.frame, position.row))?
        {
            reader = None;
        }
        reader.ok_or_else(|| {
            let message = format!(
                "page token points at byte {} of segment {:?}, where no event begins; begin the scan again",
                position.frame, position.segment
            );
            Error::new(ErrorKind::InvalidInput, "scan events", message)
        })
    }

    fn pause(&self, token: PageToken, reader: SegmentReader<File>) {
        let mut paused = self.paused.lock();
        if paused.len() >= MAX_PAUSED {
            paused.remove(0);
        }
        paused.push((token, reader));
    }

    fn page(&self, scan: &EventScan, options: &PageOptions) -> Result<Page<Event>> {
        let (tokens, limit) = (tokens("segment events", scan), page_limit(options));
        let mut later = Later { store: self, names: None };
        let mut reader = match (&options.token, tokens.position::<Position>(options)?) {
            (Some(token), Some(position)) => Some(self.resume(token, &position)?),
            _ => later.than(None)?,
        };
        let (mut items, mut examined) = (Vec::new(), 0_usize);
        while let Some(current) = &mut reader {
            if items.len() == limit || examined >= MAX_EXAMINED {
                break;
            }
            match current.next()? {
                Some(event) => {
                    examined += 1;
                    if scan.accepts(&event) {
                        items.push(event);
                    }
                }
                None => reader = later.than(Some(current.frames().name()))?,
            }
        }
        // A page that ends with the last event says so.
        while let Some(current) = &reader
            && current.is_at_end()
        {
            reader = later.than(Some(current.frames().name()))?;
        }
        let next = reader.map(|reader| {
            let (frame, row) = reader.position();
            let position = Position { segment: reader.frames().name().to_owned(), frame, row };
            let token = tokens.token(&position);
            self.pause(token.clone(), reader);
            token
        });
        Ok(Page { items, next })
    }
}

#[async_trait]
impl EventStore for SegmentStore {
    async fn append(&self, events: &[Event], durability: Durability) -> Result<()> {
        if events.is_empty() {
            return Ok(());
        }
        self.writer.lock().append(events, durability)
    }

    async fn scan(&self, scan: &EventScan, page: &PageOptions) -> Result<Page<Event>> {
        self.page(scan, page)
    }

    async fn flush(&self, durability: Durability) -> Result<()> {
        self.writer.lock().flush(durability)
    }
}

impl fmt::Debug for SegmentStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SegmentStore").field("dir", &self.dir).finish_non_exhaustive()
    }
}

/// The segments behind the one that was read, listed when the first is asked for.
struct Later<'a> {
    store: &'a SegmentStore,
    names: Option<Vec<String>>,
}

impl Later<'_> {
    /// A reader of the first segment behind the named one, or of the first of all.
    fn than(&mut self, name: Option<&str>) -> Result<Option<SegmentReader<File>>> {
        let names = match &mut self.names {
            Some(names) => names,
            none => none.insert(self.store.segments()?),
        };
        let start = name.map_or(0, |name| names.partition_point(|other| other.as_str() <= name));
        for name in names.iter().skip(start) {
            if let Some(reader) = self.store.reader(name)? {
                return Ok(Some(reader));
            }
        }
        Ok(None)
    }
}

/// How many scans keep their place. Others find it again from the start of their segment.
const MAX_PAUSED: usize = 8;
/// How many events a page looks at, at most, for those that the scan accepts.
const MAX_EXAMINED: usize = 1 << 18;

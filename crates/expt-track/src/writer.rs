//! The thread that writes what runs log.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use expt_core::{MetricPoint, RunId};
use expt_store::blocking::wait;
use expt_store::{Durability, Error, ErrorKind, Result, RunStore, RunUpdate, oneshot};
use parking_lot::Mutex;

/// What happens to a metric, param or tag when the queue to the writer is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Backpressure {
    /// The caller waits until there is room. Nothing is lost.
    #[default]
    Block,
    /// It is dropped and counted: see [`Tracker::dropped`](crate::Tracker::dropped).
    Drop,
}

/// The queue and its thread. Dropping it writes what is queued and joins the thread.
#[derive(Debug)]
pub(crate) struct Writer {
    queue: Option<SyncSender<Message>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    shared: Arc<Shared>,
    backpressure: Backpressure,
    dropped: AtomicU64,
}

/// What goes around the queue, because it must neither wait for room in it nor be lost.
#[derive(Debug)]
struct Shared {
    /// `None` once the thread has ended.
    controls: Mutex<Option<Vec<Control>>>,
    /// The first fault of each run since its last flush.
    faults: Mutex<HashMap<RunId, Error>>,
}

enum Message {
    Point(RunId, MetricPoint),
    Update(RunId, Box<RunUpdate>),
    /// There is a control.
    Wake,
}

/// Takes effect after everything that was queued before it.
#[derive(Debug)]
enum Control {
    Flush(RunId, oneshot::Sender<Result<()>>),
    /// Nobody holds the run any more: its last update, if it has not ended. Nobody asks for its fault either.
    Leave(RunId, Option<Box<RunUpdate>>),
}

impl Writer {
    pub(crate) fn start(
        runs: Arc<dyn RunStore>,
        capacity: usize,
        linger: Duration,
        backpressure: Backpressure,
    ) -> Result<Self> {
        let capacity = capacity.max(1);
        let (queue, messages) = sync_channel(capacity);
        let shared = Arc::new(Shared { controls: Mutex::new(Some(Vec::new())), faults: Mutex::default() });
        let worker = Worker { runs, capacity, linger, points: Vec::new(), shared: Arc::clone(&shared) };
        let thread =
            std::thread::Builder::new().name("expt-track".into()).spawn(move || worker.run(&messages));
        let thread = thread.map_err(|error| {
            Error::new(ErrorKind::Unavailable, "start tracker", "no thread for the writer").with_source(error)
        })?;
        let thread = Mutex::new(Some(thread));
        Ok(Self { queue: Some(queue), thread, shared, backpressure, dropped: AtomicU64::new(0) })
    }

    pub(crate) fn point(&self, run: RunId, point: MetricPoint) {
        self.send(Message::Point(run, point));
    }

    pub(crate) fn update(&self, run: RunId, update: RunUpdate) {
        self.send(Message::Update(run, Box::new(update)));
    }

    /// Notes a fault that was found before the queue.
    pub(crate) fn fault(&self, run: RunId, error: Error) {
        self.shared.note(run, Err(error));
    }

    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Waits until everything that was sent before is stored; the first fault of the run since the last flush.
    pub(crate) async fn flush(&self, run: RunId) -> Result<()> {
        let (sender, receiver) = oneshot::channel();
        self.control(Control::Flush(run, sender));
        let gone = || Error::new(ErrorKind::Internal, "flush run", "the writer thread has ended");
        receiver.await.ok_or_else(gone)?
    }

    /// Says that nobody holds the run any more. Never waits, and is never dropped for want of room.
    pub(crate) fn leave(&self, run: RunId, last: Option<RunUpdate>) {
        self.control(Control::Leave(run, last.map(Box::new)));
    }

    fn control(&self, control: Control) {
        if let Some(controls) = self.shared.controls.lock().as_mut() {
            controls.push(control);
        }
        // Where there is no room the thread is awake, and looks for controls after its next message.
        let _ = self.queue.as_ref().map(|queue| queue.try_send(Message::Wake));
    }

    fn send(&self, message: Message) {
        let sent = match (&self.queue, self.backpressure) {
            (None, _) => false,
            (Some(queue), Backpressure::Block) => queue.send(message).is_ok(),
            (Some(queue), Backpressure::Drop) => match queue.try_send(message) {
                Ok(()) => true,
                Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => false,
            },
        };
        if !sent {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.lock().take() {
            // A panic of the writer was already seen by the next flush as "the writer thread has ended".
            let _ = thread.join();
        }
    }
}

impl Shared {
    /// Keeps the first fault of a run until its next flush.
    fn note(&self, run: RunId, result: Result<()>) {
        if let Err(error) = result {
            self.faults.lock().entry(run).or_insert(error);
        }
    }
}

/// The thread's side.
struct Worker {
    runs: Arc<dyn RunStore>,
    capacity: usize,
    linger: Duration,
    points: Vec<(RunId, MetricPoint)>,
    shared: Arc<Shared>,
}

impl Worker {
    fn run(mut self, messages: &Receiver<Message>) {
        while let Ok(message) = messages.recv() {
            self.handle(message);
            self.obey(messages);
            // `None` is a linger beyond the end of time: only a full batch or a control ends it.
            let until = Instant::now().checked_add(self.linger);
            // Gather what arrives soon, so that one commit stores many points.
            while !self.points.is_empty() {
                let left =
                    until.map_or(Duration::MAX, |until| until.saturating_duration_since(Instant::now()));
                match messages.recv_timeout(left) {
                    Ok(message) => {
                        self.handle(message);
                        self.obey(messages);
                    }
                    Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => self.write_points(),
                }
            }
        }
        // A control that found no room for its wake-up, and whose message was the last.
        self.obey(messages);
    }

    fn handle(&mut self, message: Message) {
        match message {
            Message::Point(run, point) => {
                self.points.push((run, point));
                if self.points.len() >= MAX_POINTS {
                    self.write_points();
                }
            }
            Message::Update(run, update) => {
                self.write_points();
                let written = wait(self.runs.update_run(run, &update));
                self.shared.note(run, written);
            }
            Message::Wake => {}
        }
    }

    /// Does what the controls say, each after what was in the queue when it was given.
    fn obey(&mut self, messages: &Receiver<Message>) {
        // Again until there is none: the wake-up of a newer one may be among the messages that are taken here.
        loop {
            let controls = self.shared.controls.lock().as_mut().map(std::mem::take).unwrap_or_default();
            if controls.is_empty() {
                return;
            }
            // No more than that can have been sent before.
            for message in messages.try_iter().take(self.capacity) {
                self.handle(message);
            }
            self.write_points();
            controls.into_iter().for_each(|control| self.obey_one(control));
        }
    }

    fn obey_one(&self, control: Control) {
        match control {
            Control::Flush(run, done) => {
                let fault = self.shared.faults.lock().remove(&run);
                done.send(fault.map_or(Ok(()), Err));
            }
            Control::Leave(run, last) => {
                if let Some(last) = last {
                    // The run itself is the place to report to, and nobody holds it.
                    let _ = wait(self.runs.update_run(run, &last));
                }
                self.shared.faults.lock().remove(&run);
            }
        }
    }

    fn write_points(&mut self) {
        let mut by_run: HashMap<RunId, Vec<MetricPoint>> = HashMap::new();
        for (run, point) in self.points.drain(..) {
            by_run.entry(run).or_default().push(point);
        }
        for (run, points) in by_run {
            let written = wait(self.runs.append_metrics(run, &points, Durability::Committed));
            self.shared.note(run, written);
        }
    }
}

impl Drop for Worker {
    /// Also when the store panics: whoever waits for a flush then learns that there will be none.
    fn drop(&mut self) {
        let unanswered = self.shared.controls.lock().take();
        drop(unanswered);
    }
}

const MAX_POINTS: usize = 4096;

//! The bounded queue between requests and the event log.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use expt_core::Event;
use expt_store::blocking::wait;
use expt_store::{Durability, Error, ErrorKind, EventStore, Result, Stores, oneshot};
use parking_lot::Mutex;

/// Takes events from the request path and appends them to the log on a thread of its own.
///
/// Pushing does no I/O. Events reach [`Durability::Committed`] in groups. What does not fit, and what the
/// log would not take, is counted: see [`stats`](Self::stats). Dropping the queue appends what is in it.
#[derive(Debug)]
pub struct EventQueue {
    queue: Option<SyncSender<Message>>,
    thread: Option<JoinHandle<()>>,
    overflow: Overflow,
    shared: Arc<Shared>,
}

/// What happens to an event when the queue is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Overflow {
    /// It is dropped and counted: requests never wait.
    #[default]
    Drop,
    /// The caller waits: for replays, where a lost event is worse than a slow one.
    Block,
}

/// What became of the events of a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct QueueStats {
    /// Appended to the log.
    pub appended: u64,
    /// Dropped because the queue was full.
    pub dropped: u64,
    /// Lost because the log would not take them: invalid, or unavailable also at one more try.
    pub failed: u64,
}

#[derive(Debug)]
struct Shared {
    appended: AtomicU64,
    dropped: AtomicU64,
    failed: AtomicU64,
    fault: Mutex<Option<Error>>,
    /// Flushes go around the queue, so that they need not wait for room in it. `None` once the thread ended.
    flushes: Mutex<Option<Vec<oneshot::Sender<()>>>>,
}

enum Message {
    Events(Vec<Event>),
    /// There is a flush.
    Wake,
}

impl EventQueue {
    /// A queue to the stores' event log that holds up to `capacity` pushes.
    ///
    /// # Errors
    /// [`Unavailable`](ErrorKind::Unavailable) if the operating system gives no thread.
    pub fn start(stores: &Stores, capacity: usize, overflow: Overflow) -> Result<Self> {
        let capacity = capacity.max(1);
        let (queue, messages) = sync_channel(capacity);
        let shared = Arc::new(Shared {
            appended: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            fault: Mutex::new(None),
            flushes: Mutex::new(Some(Vec::new())),
        });
        let events = Arc::clone(&stores.events);
        let worker = Worker { events, capacity, shared: Arc::clone(&shared), batch: Vec::new() };
        let thread =
            std::thread::Builder::new().name("expt-events".into()).spawn(move || worker.run(&messages));
        let thread = thread.map_err(|error| {
            Error::new(ErrorKind::Unavailable, "start event queue", "no thread for the writer")
                .with_source(error)
        })?;
        Ok(Self { queue: Some(queue), thread: Some(thread), overflow, shared })
    }

    /// Puts an event into the queue. False if it was dropped.
    #[allow(clippy::must_use_candidate, reason = "what is dropped is counted")]
    #[allow(clippy::must_use_candidate, reason = "what is dropped is counted")]
    pub fn push(&self, event: Event) -> bool {
        self.push_all(vec![event])
    }

    /// Puts events into the queue as one: all are taken, or all are dropped.
    #[allow(clippy::must_use_candidate, reason = "what is dropped is counted")]
    #[allow(clippy::must_use_candidate, reason = "what is dropped is counted")]
    pub fn push_all(&self, events: Vec<Event>) -> bool {
        let count = events.len() as u64;
        let sent = match (&self.queue, self.overflow) {
            (None, _) => false,
            (Some(queue), Overflow::Block) => queue.send(Message::Events(events)).is_ok(),
            (Some(queue), Overflow::Drop) => match queue.try_send(Message::Events(events)) {
                Ok(()) => true,
                Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => false,
            },
        };
        if !sent {
            self.shared.dropped.fetch_add(count, Ordering::Relaxed);
        }
        sent
    }

    /// Waits until everything that was pushed before is in the log, or was counted as failed. It never holds up
    /// an executor, even where the queue is full.
    ///
    /// # Errors
    /// The first fault of the log since the last flush; [`Internal`](ErrorKind::Internal) if the writer thread
    /// has ended, because the log panicked.
    pub async fn flush(&self) -> Result<()> {
        let (sender, receiver) = oneshot::channel();
        match self.shared.flushes.lock().as_mut() {
            Some(flushes) => flushes.push(sender),
            // The receiver then knows.
            None => drop(sender),
        }
        // Where there is no room the thread is awake, and looks for flushes after its next message.
        let _ = self.queue.as_ref().map(|queue| queue.try_send(Message::Wake));
        if receiver.await.is_none() {
            return Err(Error::new(ErrorKind::Internal, "flush event queue", "the writer thread has ended"));
        }
        let fault = self.shared.fault.lock().take();
        fault.map_or(Ok(()), Err)
    }

    /// What became of the events so far.
    #[must_use]
    pub fn stats(&self) -> QueueStats {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let Shared { appended, dropped, failed, .. } = &*self.shared;
        QueueStats { appended: read(appended), dropped: read(dropped), failed: read(failed) }
    }
}

impl Drop for EventQueue {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            // A panic of the writer shows as events that were never counted as appended.
            let _ = thread.join();
        }
    }
}

struct Worker {
    events: Arc<dyn EventStore>,
    capacity: usize,
    shared: Arc<Shared>,
    batch: Vec<Event>,
}

impl Worker {
    /// Gathers for a while and appends once. It sleeps rather than waits for the next message, so that a push
    /// seldom has to wake this thread.
    fn run(mut self, messages: &Receiver<Message>) {
        while let Ok(message) = messages.recv() {
            self.handle(message);
            self.flush(messages);
            let until = Instant::now() + LINGER;
            while !self.batch.is_empty() {
                match messages.try_recv() {
                    Ok(message) => {
                        self.handle(message);
                        self.flush(messages);
                    }
                    Err(TryRecvError::Empty) if Instant::now() < until => std::thread::sleep(NAP),
                    Err(TryRecvError::Empty | TryRecvError::Disconnected) => self.append(),
                }
            }
        }
    }

    fn handle(&mut self, message: Message) {
        match message {
            Message::Events(events) => {
                self.batch.extend(events);
                if self.batch.len() >= MAX_BATCH {
                    self.append();
                }
            }
            Message::Wake => {}
        }
    }

    /// Answers the flushes, each after what was in the queue when it was asked for.
    fn flush(&mut self, messages: &Receiver<Message>) {
        // Again until there is none: the wake-up of a newer one may be among the messages that are taken here.
        loop {
            let flushes = self.shared.flushes.lock().as_mut().map(std::mem::take).unwrap_or_default();
            if flushes.is_empty() {
                return;
            }
            // No more than that can have been sent before.
            for message in messages.try_iter().take(self.capacity) {
                self.handle(message);
            }
            self.append();
            flushes.into_iter().for_each(|done| done.send(()));
        }
    }

    fn append(&mut self) {
        let batch = std::mem::take(&mut self.batch);
        self.append_all(&batch);
        // Its memory is used again.
        self.batch = batch;
        self.batch.clear();
    }

    /// Appends the events. One that the log cannot take must not cost the others, so it is searched for by
    /// halving; events that the log took before it said so may stand in it twice, which its readers drop.
    fn append_all(&self, events: &[Event]) {
        if events.is_empty() {
            return;
        }
        let count = events.len() as u64;
        let append = || wait(self.events.append(events, Durability::Committed));
        let appended = match append() {
            Err(error) if error.is_retryable() => append(),
            first => first,
        };
        match appended {
            Ok(()) => {
                self.shared.appended.fetch_add(count, Ordering::Relaxed);
            }
            Err(error) if error.kind() == ErrorKind::InvalidInput && count > 1 => {
                let (first, second) = events.split_at(events.len() / 2);
                self.append_all(first);
                self.append_all(second);
            }
            Err(error) => {
                self.shared.fault.lock().get_or_insert(error);
                self.shared.failed.fetch_add(count, Ordering::Relaxed);
            }
        }
    }
}

impl Drop for Worker {
    /// Also when the log panics: whoever waits for a flush then learns that there will be none.
    fn drop(&mut self) {
        let unanswered = self.shared.flushes.lock().take();
        drop(unanswered);
    }
}

const LINGER: Duration = Duration::from_millis(20);
const NAP: Duration = Duration::from_millis(1);
const MAX_BATCH: usize = 1024;

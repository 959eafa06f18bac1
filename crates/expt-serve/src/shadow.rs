//! A candidate that runs beside what is shown, and can neither slow it nor break it.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use expt_core::{Event, Output, Prediction, PredictionId, Shown, Stamp};
use expt_store::{Error, ErrorKind, Result};
use parking_lot::Mutex;

use crate::latency::Latencies;
use crate::loader::Deployment;
use crate::queue::EventQueue;

/// Runs a candidate on copies of live requests, on a thread of its own, and logs what it says as
/// predictions that were not shown.
///
/// [`offer`](Self::offer) never waits: a request that does not fit into the queue is counted and left out.
/// A candidate that panics is counted and goes on with the next request. The comparison itself is made from
/// the log, where live and shadow predictions share the request id.
pub struct Shadow<I> {
    queue: Option<SyncSender<Job<I>>>,
    thread: Option<JoinHandle<()>>,
    state: Arc<State>,
}

/// What became of the requests that were offered.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct ShadowStats {
    /// Offered.
    pub eligible: u64,
    /// Answered by the candidate. Whether the log has the answer is up to the event queue.
    pub answered: u64,
    /// Left out because the queue was full.
    pub dropped: u64,
    /// On which the candidate panicked.
    pub panicked: u64,
    /// How long the live model took, on the same requests.
    pub live: Latencies,
    /// How long the candidate took.
    pub shadow: Latencies,
}

#[derive(Debug, Default)]
struct State {
    eligible: AtomicU64,
    dropped: AtomicU64,
    panicked: AtomicU64,
    latencies: Mutex<(Latencies, Latencies)>,
}

struct Job<I> {
    input: I,
    live: Prediction,
    latency: Duration,
}

impl<I: Send + 'static> Shadow<I> {
    /// Starts the thread. `candidate` is what was built from the bytes of `deployment`.
    ///
    /// # Errors
    /// [`Unavailable`](ErrorKind::Unavailable) if the operating system gives no thread.
    pub fn start(
        deployment: &Deployment,
        capacity: usize,
        events: Arc<EventQueue>,
        candidate: impl Fn(&I) -> Output + Send + 'static,
    ) -> Result<Self> {
        let (queue, jobs) = sync_channel::<Job<I>>(capacity.max(1));
        let state = Arc::new(State::default());
        let origin = Arc::clone(deployment.origin());
        let shared = Arc::clone(&state);
        let run = move || Self::run(&jobs, &shared, &origin, &events, &candidate);
        let thread = std::thread::Builder::new().name("expt-shadow".into()).spawn(run).map_err(|error| {
            Error::new(ErrorKind::Unavailable, "start shadow", "no thread for the candidate")
                .with_source(error)
        })?;
        Ok(Self { queue: Some(queue), thread: Some(thread), state })
    }

    /// Offers a request that was answered. False if there was no room for it.
    pub fn offer(&self, input: I, live: &Prediction, latency: Duration) -> bool {
        self.state.eligible.fetch_add(1, Ordering::Relaxed);
        let job = Job { input, live: live.clone(), latency };
        let sent = self.queue.as_ref().map(|queue| queue.try_send(job));
        let taken = !matches!(sent, None | Some(Err(TrySendError::Full(_) | TrySendError::Disconnected(_))));
        if !taken {
            self.state.dropped.fetch_add(1, Ordering::Relaxed);
        }
        taken
    }

    /// Waits for the requests in the queue, ends the thread, and says what became of them. Dropping waits too.
    #[must_use]
    pub fn finish(mut self) -> ShadowStats {
        self.close();
        let (live, shadow) = self.state.latencies.lock().clone();
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        ShadowStats {
            eligible: read(&self.state.eligible),
            answered: shadow.count(),
            dropped: read(&self.state.dropped),
            panicked: read(&self.state.panicked),
            live,
            shadow,
        }
    }

    fn run(
        jobs: &Receiver<Job<I>>,
        state: &State,
        origin: &Arc<expt_core::ModelOrigin>,
        events: &EventQueue,
        candidate: &impl Fn(&I) -> Output,
    ) {
        while let Ok(Job { input, live, latency }) = jobs.recv() {
            let begun = Instant::now();
            // The input goes in by value: that it panics when it is dropped is the candidate's fault too.
            let answer = move || {
                let input = input;
                candidate(&input)
            };
            let Ok(output) = catch_unwind(AssertUnwindSafe(answer)) else {
                state.panicked.fetch_add(1, Ordering::Relaxed);
                continue;
            };
            let took = begun.elapsed();
            let stamp = Stamp {
                model: origin.as_ref().clone(),
                arms: live.stamp.arms.clone(),
                config_version: live.stamp.config_version,
                shown: Shown::Shadow,
            };
            let id =
                PredictionId::derive([b"shadow".as_slice(), live.id.as_bytes(), origin.digest.as_bytes()]);
            let prediction = Prediction { id, stamp: Arc::new(stamp), output, ..live };
            events.push(Event::Prediction(prediction));
            let mut latencies = state.latencies.lock();
            latencies.0.record(latency);
            latencies.1.record(took);
        }
    }
}

impl<I> Shadow<I> {
    fn close(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            // The thread catches the candidate's panics; its own would show as answers that are missing.
            let _ = thread.join();
        }
    }
}

impl<I> Drop for Shadow<I> {
    fn drop(&mut self) {
        self.close();
    }
}

impl<I> fmt::Debug for Shadow<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shadow").field("state", &self.state).finish_non_exhaustive()
    }
}

//! Clocks, as arguments.

use std::fmt::Debug;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use expt_core::Timestamp;

/// Tells the time. Everything above the stores asks this, so a replay can bring its own time.
pub trait Clock: Debug + Send + Sync + 'static {
    /// The time now.
    fn now(&self) -> Timestamp;
}

/// The clock of the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let now = SystemTime::now();
        Timestamp::default() + now.duration_since(UNIX_EPOCH).unwrap_or_default()
    }
}

/// A clock that stands still until it is set: for replays and tests.
///
/// ```
/// use expt_store::{Clock, ManualClock};
///
/// let clock = ManualClock::at("2026-03-01".parse()?);
/// clock.set("2026-03-02".parse()?);
/// assert_eq!(clock.now().to_string(), "2026-03-02T00:00:00Z");
/// # Ok::<(), expt_core::CoreError>(())
/// ```
#[derive(Debug, Default)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// A clock that shows the time.
    #[must_use]
    pub const fn at(time: Timestamp) -> Self {
        Self(AtomicI64::new(time.as_micros()))
    }

    /// Sets the clock.
    pub fn set(&self, time: Timestamp) {
        self.0.store(time.as_micros(), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::SeqCst))
    }
}

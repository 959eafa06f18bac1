//! Exposures once, not once a request.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use expt_core::{Exposure, ExposureTarget, Identity, LayerId};

use crate::sink::{ExposureSink, Full, Pushed};

/// Passes an exposure on only if it says something new about its unit.
///
/// For each (unit, layer) and (unit, holdout) it remembers what was last passed on: phase, arm, epoch,
/// identity.
/// - The same again is left out; a change is passed on. A unit that goes from A to B and back to A is logged
///   three times, also where A and B are arms of two phases of the layer, so a unit that switched can be
///   found.
/// - It remembers only what the inner sink took. If that was full, the next exposure is tried again.
/// - It remembers at most `capacity` pairs. Beyond that it forgets those that were not seen for longest,
///   roughly, and may pass the same on again; it never withholds something new.
///
/// Pairs and contents are kept as 128-bit digests: about 100 bytes a pair, and no unit id. The inner sink is
/// called under a lock (one of 16, by pair), so that two threads cannot swap A and B: it must not block, and
/// must not push into this sink.
///
/// ```
/// use std::sync::Mutex;
/// use expt_assign::{Deduplicate, ExposureSink, Full, Pushed};
/// use expt_core::{Exposure, ExposureTarget, HoldoutId, Identity, LayerId, Timestamp, UnitId, UnitKind};
///
/// struct Rows(Mutex<Vec<Exposure>>);
/// impl ExposureSink for Rows {
///     fn push(&self, _: &LayerId, exposure: Exposure) -> Result<Pushed, Full> {
///         self.0.lock().map_err(|_| Full)?.push(exposure);
///         Ok(Pushed::Taken)
///     }
/// }
///
/// let sink = Deduplicate::new(Rows(Mutex::new(vec![])), 10_000);
/// let exposure = Exposure {
///     at: Timestamp::from_micros(0),
///     unit: UnitId::new("u-1")?,
///     unit_kind: UnitKind::new("user")?,
///     identity: Identity::Own,
///     target: ExposureTarget::Holdout { holdout: HoldoutId::new("global")? },
///     config_version: 1,
/// };
/// let layer = LayerId::new("ranking")?;
/// assert_eq!(sink.push(&layer, exposure.clone())?, Pushed::Taken);
/// assert_eq!(sink.push(&layer, exposure)?, Pushed::Known);
/// assert_eq!((sink.inner().0.lock().unwrap().len(), sink.known()), (1, 1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Deduplicate<S> {
    inner: S,
    shards: Vec<Mutex<Memory>>,
    known: AtomicU64,
}

impl<S> Deduplicate<S> {
    /// Wraps a sink and remembers about `capacity` pairs, in steps of 32 and at least that many.
    #[must_use]
    pub fn new(inner: S, capacity: usize) -> Self {
        let half = (capacity / (2 * SHARDS)).max(1);
        let shards = (0..SHARDS).map(|_| Mutex::new(Memory { half, ..Memory::default() })).collect();
        Self { inner, shards, known: AtomicU64::new(0) }
    }

    /// The wrapped sink.
    #[must_use]
    pub const fn inner(&self) -> &S {
        &self.inner
    }

    /// How many exposures were left out because they said nothing new.
    #[must_use]
    pub fn known(&self) -> u64 {
        self.known.load(Ordering::Relaxed)
    }
}

impl<S: ExposureSink> ExposureSink for Deduplicate<S> {
    fn push(&self, layer: &LayerId, exposure: Exposure) -> Result<Pushed, Full> {
        let (pair, content) = digests(layer, &exposure);
        let shard = usize::try_from(pair % SHARDS as u128).ok().and_then(|index| self.shards.get(index));
        // There is always a shard; without one the exposure would be passed on.
        let Some(shard) = shard else { return self.inner.push(layer, exposure) };
        // A panic of the inner sink leaves the memory as it was, so it can be used further.
        let mut memory = shard.lock().unwrap_or_else(PoisonError::into_inner);
        if memory.recall(pair) == Some(content) {
            self.known.fetch_add(1, Ordering::Relaxed);
            return Ok(Pushed::Known);
        }
        let pushed = self.inner.push(layer, exposure)?;
        memory.keep(pair, content);
        Ok(pushed)
    }
}

/// Two generations of pairs: when the younger is full, the older is forgotten.
#[derive(Debug, Default)]
struct Memory {
    young: BTreeMap<u128, u128>,
    old: BTreeMap<u128, u128>,
    /// The most pairs in a generation.
    half: usize,
}

impl Memory {
    /// What is remembered of a pair, which is young again by that.
    fn recall(&mut self, pair: u128) -> Option<u128> {
        if let Some(content) = self.young.get(&pair) {
            return Some(*content);
        }
        let content = self.old.remove(&pair)?;
        self.keep(pair, content);
        Some(content)
    }

    fn keep(&mut self, pair: u128, content: u128) {
        self.old.remove(&pair);
        if !self.young.contains_key(&pair) && self.young.len() >= self.half {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(pair, content);
    }
}

/// Whom and what an exposure is about, and what it says of that.
fn digests(layer: &LayerId, exposure: &Exposure) -> (u128, u128) {
    let (kind, unit) = (exposure.unit_kind.as_str(), exposure.unit.as_str());
    let identity: &[u8] = match exposure.identity {
        Identity::Own => b"own",
        Identity::Fallback => b"fallback",
        _ => b"other",
    };
    match &exposure.target {
        ExposureTarget::Arm { experiment, phase, arm, epoch } => (
            digest([b"layer", kind.as_bytes(), unit.as_bytes(), layer.as_str().as_bytes()]),
            digest([
                identity,
                experiment.as_str().as_bytes(),
                phase.as_str().as_bytes(),
                arm.as_str().as_bytes(),
                &epoch.to_le_bytes(),
            ]),
        ),
        ExposureTarget::Holdout { holdout } => (
            digest([b"holdout", kind.as_bytes(), unit.as_bytes(), holdout.as_str().as_bytes()]),
            digest([identity]),
        ),
        // A target that this version does not know is never left out: its content is the whole exposure.
        other => (
            digest([b"other", kind.as_bytes(), unit.as_bytes()]),
            digest([identity, format!("{:?} {other:?}", exposure.at).as_bytes()]),
        ),
    }
}

fn digest<const N: usize>(parts: [&[u8]; N]) -> u128 {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    hasher.finalize().as_bytes().iter().take(16).fold(0, |word, byte| word << 8 | u128::from(*byte))
}

const SHARDS: usize = 16;

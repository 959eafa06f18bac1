//! Clock and numbers of these benches.

use std::time::Duration;

use cpu_time::ThreadTime;

/// Nanoseconds of thread CPU time that one of `items` takes: the best of some rounds of a pass over all of them.
///
/// A round is as many passes as take ten milliseconds; long passes are run fewer times.
pub(crate) fn best(items: usize, mut pass: impl FnMut()) -> f64 {
    let mut passes: u32 = 1;
    let mut taken = round(passes, &mut pass);
    while taken < ROUND && passes < 1 << 20 {
        passes *= 2;
        taken = round(passes, &mut pass);
    }
    let rounds = if taken > Duration::from_secs(2) { 1 } else { ROUNDS };
    let best = (0..rounds).map(|_| round(passes, &mut pass)).min().unwrap_or(taken).min(taken);
    best.as_nanos() as f64 / (f64::from(passes) * items as f64)
}

/// Nanoseconds of one pass that cannot be repeated on the same state: the best of rounds, each with a fresh one.
pub(crate) fn best_fresh<S>(mut fresh: impl FnMut() -> S, mut pass: impl FnMut(&mut S)) -> f64 {
    let mut measured = || {
        let mut state = fresh();
        let begun = ThreadTime::now();
        pass(&mut state);
        begun.elapsed()
    };
    let best = (0..FRESH_ROUNDS).map(|_| measured()).min();
    best.map_or(f64::NAN, |best| best.as_nanos() as f64)
}

/// Numbers that are always the same.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Uniform in `(0, 1)`.
    pub(crate) fn unit(&mut self) -> f64 {
        // SplitMix64 (Steele, Lea, Flood 2014).
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 * 2_f64.powi(-53) + 2_f64.powi(-54)
    }

    /// Standard normal (Box and Muller 1958).
    pub(crate) fn normal(&mut self) -> f64 {
        let radius = (-2.0 * self.unit().ln()).sqrt();
        radius * (std::f64::consts::TAU * self.unit()).cos()
    }

    /// Two-sided p-values of which one in ten is of a shift by three standard errors.
    pub(crate) fn p_values(&mut self, count: usize) -> Result<Vec<f64>, expt::stats::StatsError> {
        let mut p = || {
            let shift = if self.unit() < 0.1 { 3.0 } else { 0.0 };
            let z: f64 = self.normal() + shift;
            Ok((2.0 * expt::stats::special::normal_sf(z.abs())?).min(1.0))
        };
        (0..count).map(|_| p()).collect()
    }
}

const ROUND: Duration = Duration::from_millis(10);
const ROUNDS: u32 = 7;
const FRESH_ROUNDS: u32 = 25;

fn round(passes: u32, pass: &mut impl FnMut()) -> Duration {
    let begun = ThreadTime::now();
    for _ in 0..passes {
        pass();
    }
    begun.elapsed()
}

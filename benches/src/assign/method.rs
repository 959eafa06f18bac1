//! How everything here is measured. The peers' workspace takes in this very file, so that both are measured
//! alike: thread CPU time, the median of rounds, the same ids.

use std::time::Duration;

use cpu_time::ThreadTime;

/// Nanoseconds of CPU time that one operation takes: the median of [`ROUNDS`] rounds. `pass` does `operations` of
/// them; a round is as many passes as take about two milliseconds, so that reading the clock costs nothing.
pub(crate) fn nanoseconds(operations: usize, mut pass: impl FnMut()) -> f64 {
    let mut passes: u32 = 1;
    loop {
        let taken = round(passes, &mut pass);
        if taken >= ROUND || passes >= 1 << 20 {
            break;
        }
        passes *= 2;
    }
    let each = |taken: Duration| taken.as_nanos() as f64 / (f64::from(passes) * operations as f64);
    median((0..ROUNDS).map(|_| each(round(passes, &mut pass))).collect())
}

/// Allocations of one operation, counted over a whole pass that follows another.
pub(crate) fn allocations(operations: usize, mut pass: impl FnMut()) -> f64 {
    pass();
    allocation_counter::measure(pass).count_total as f64 / operations as f64
}

/// The middle one; of an even number the higher of both.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Random UUIDs as text, 36 bytes each, always the same ones.
pub(crate) fn ids() -> Vec<String> {
    let mut state: u64 = 0x2026_0304;
    let mut word = || {
        // SplitMix64 (Steele, Lea, Flood 2014).
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    };
    let mut id = || {
        let (a, b) = (word(), word());
        let (version, variant) = (0x4000 | a & 0x0fff, 0x8000 | b >> 48 & 0x3fff);
        format!("{:08x}-{:04x}-{version:04x}-{variant:04x}-{:012x}", a >> 32, a >> 16 & 0xffff, b & MAC)
    };
    (0..IDS).map(|_| id()).collect()
}

/// How many experiments are configured where several are asked.
pub(crate) const EXPERIMENTS: usize = 100;

const IDS: usize = 1024;
const ROUNDS: usize = 25;
const ROUND: Duration = Duration::from_millis(2);
const MAC: u64 = (1 << 48) - 1;

fn round(passes: u32, pass: &mut impl FnMut()) -> Duration {
    let begun = ThreadTime::now();
    for _ in 0..passes {
        pass();
    }
    begun.elapsed()
}

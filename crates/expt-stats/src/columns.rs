//! Central sums of whole columns, a block at a time.
//!
//! A block fits the first-level cache, so its second pass costs no memory traffic: the mean first, then the powers
//! of the deviations from it in four independent lanes, then the correction for the rounding of the mean (the
//! two-pass algorithm of Chan, Golub and LeVeque 1983). Pairs skip the pass for the mean where that of the block
//! before is near enough. Blocks are merged like any other samples.

use crate::twofold::Twofold;

/// Central sums of one block of values.
pub(crate) struct Block {
    pub(crate) mean: Twofold,
    pub(crate) second: f64,
    pub(crate) third: f64,
}

/// Central sums of one block of pairs.
pub(crate) struct PairBlock {
    pub(crate) mean: (Twofold, Twofold),
    /// `xx, xy, yy`.
    pub(crate) second: [f64; 3],
    /// `xxx, xxy, xyy, yyy`.
    pub(crate) third: [f64; 4],
}

/// Sums a block of values; any part may be infinite or NaN if a value is, or if a sum overflows.
pub(crate) fn block(values: &[f64]) -> Block {
    let n = values.len() as f64;
    let mean = total(values) / n;
    let mut lanes = [[0.0; LANES]; 3];
    let (whole, rest) = values.as_chunks::<LANES>();
    for chunk in whole {
        add(&mut lanes, chunk, mean);
    }
    for &value in rest {
        // The other lanes deviate by zero.
        let mut padded = [mean; LANES];
        padded[0] = value;
        add(&mut lanes, &padded, mean);
    }
    let [first, second, third] = lanes.map(|lane| lane.iter().sum::<f64>());
    let shift = first / n;
    Block {
        mean: Twofold::new(mean).plus(shift),
        second: (second - first * shift).max(0.0),
        third: third - 3.0 * shift * second + 2.0 * shift * shift * first,
    }
}

/// Sums a block of pairs; the slices have equal length. A guess of the means, such as those of the block before,
/// saves the pass that finds them.
pub(crate) fn pair_block(x: &[f64], y: &[f64], guess: Option<(f64, f64)>) -> PairBlock {
    let n = x.len() as f64;
    if let Some(guess) = guess {
        let sums = deviations(x, y, guess);
        let [sx, sy, xx, _, yy, ..] = sums;
        // About a point within a third of a standard deviation of the mean, nothing cancels.
        if sx * (sx / n) <= 0.1 * xx && sy * (sy / n) <= 0.1 * yy {
            return PairBlock::new(n, guess, sums);
        }
    }
    let means = (total(x) / n, total(y) / n);
    PairBlock::new(n, means, deviations(x, y, means))
}

impl PairBlock {
    /// Moves sums of powers about a point near the means to the means.
    fn new(n: f64, (near_x, near_y): (f64, f64), sums: [f64; 9]) -> Self {
        let [sx, sy, xx, xy, yy, xxx, xxy, xyy, yyy] = sums;
        let (dx, dy) = (sx / n, sy / n);
        Self {
            mean: (Twofold::new(near_x).plus(dx), Twofold::new(near_y).plus(dy)),
            second: [(xx - sx * dx).max(0.0), xy - sx * dy, (yy - sy * dy).max(0.0)],
            third: [
                xxx - 3.0 * dx * xx + 2.0 * dx * dx * sx,
                xxy - 2.0 * dx * xy - dy * xx + 2.0 * dx * dy * sx,
                xyy - 2.0 * dy * xy - dx * yy + 2.0 * dy * dx * sy,
                yyy - 3.0 * dy * yy + 2.0 * dy * dy * sy,
            ],
        }
    }
}

/// Sums `dx, dy, dx^2, dx dy, dy^2, dx^3, dx^2 dy, dx dy^2, dy^3`, the deviations from a point.
fn deviations(x: &[f64], y: &[f64], point: (f64, f64)) -> [f64; 9] {
    let mut lanes = [[0.0; PAIR_LANES]; 9];
    let ((whole_x, rest_x), (whole_y, rest_y)) = (x.as_chunks::<PAIR_LANES>(), y.as_chunks::<PAIR_LANES>());
    for (x, y) in whole_x.iter().zip(whole_y) {
        add_pairs(&mut lanes, x, y, point);
    }
    for (&x, &y) in rest_x.iter().zip(rest_y) {
        let (mut padded_x, mut padded_y) = ([point.0; PAIR_LANES], [point.1; PAIR_LANES]);
        (padded_x[0], padded_y[0]) = (x, y);
        add_pairs(&mut lanes, &padded_x, &padded_y, point);
    }
    lanes.map(|lane| lane.iter().sum::<f64>())
}

#[inline]
#[allow(clippy::indexing_slicing, reason = "every array has as many entries as there are lanes")]
fn add(lanes: &mut [[f64; LANES]; 3], values: &[f64; LANES], mean: f64) {
    for i in 0..LANES {
        let d = values[i] - mean;
        let square = d * d;
        lanes[0][i] += d;
        lanes[1][i] += square;
        lanes[2][i] += square * d;
    }
}

#[inline]
#[allow(clippy::indexing_slicing, reason = "every array has as many entries as there are lanes")]
fn add_pairs(
    lanes: &mut [[f64; PAIR_LANES]; 9],
    x: &[f64; PAIR_LANES],
    y: &[f64; PAIR_LANES],
    point: (f64, f64),
) {
    for i in 0..PAIR_LANES {
        let (dx, dy) = (x[i] - point.0, y[i] - point.1);
        let (xx, xy, yy) = (dx * dx, dx * dy, dy * dy);
        lanes[0][i] += dx;
        lanes[1][i] += dy;
        lanes[2][i] += xx;
        lanes[3][i] += xy;
        lanes[4][i] += yy;
        lanes[5][i] += xx * dx;
        lanes[6][i] += xx * dy;
        lanes[7][i] += dx * yy;
        lanes[8][i] += dy * yy;
    }
}

#[allow(clippy::indexing_slicing, reason = "both arrays have as many entries as there are lanes")]
fn total(values: &[f64]) -> f64 {
    let mut lanes = [0.0; LANES];
    let (whole, rest) = values.as_chunks::<LANES>();
    for chunk in whole {
        for i in 0..LANES {
            lanes[i] += chunk[i];
        }
    }
    lanes.iter().chain(rest).sum()
}

/// Two columns of this many values take 16 kB.
pub(crate) const BLOCK: usize = 1024;

/// Sums that do not wait for each other.
const LANES: usize = 4;

/// The same for pairs. With eight, the loop over them stays a loop, which the compiler turns into vectors of rows; it
/// unrolls a shorter one and then mixes the columns within a vector, which takes half as long again.
const PAIR_LANES: usize = 8;

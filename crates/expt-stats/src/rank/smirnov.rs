//! The two-sample Kolmogorov-Smirnov test.

use serde::{Deserialize, Serialize};

use crate::error::StatsError;
use crate::level::{Alternative, LnP};
use crate::rank::Null;
use crate::rank::kolmogorov::two_sided;
use crate::rank::ranks::sample;

/// Tests whether two samples come from one distribution, by the greatest distance of their empirical
/// distribution functions (Smirnov 1939).
///
/// With [`Alternative::Greater`] the distance is `max(F_c - F_t)`: the treatment's values tend to be
/// greater. The exact p-value is the share of lattice paths that reach the distance, computed as a sum of
/// positive parts, so that it keeps its digits in the tail (Viehmann 2021); with ties it is conservative.
/// Asymptotically, two-sided, the one-sample distribution of `m n / (m + n)` values, rounded; one-sided the
/// approximation of Hodges (1958). The same as scipy's `ks_2samp(control, treatment)`.
///
/// ```
/// use expt_stats::rank::Smirnov;
///
/// let test = Smirnov::new().compare(&[1.0, 2.0, 3.0, 4.0], &[5.0, 6.0, 7.0, 8.0])?;
/// assert_eq!(test.distance, 1.0);
/// assert!((test.ln_p.p() - 2.0 / 70.0).abs() < 1e-15);
/// # Ok::<(), expt_stats::StatsError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Smirnov {
    alternative: Alternative,
    null: Null,
}

/// Holds a two-sample Kolmogorov-Smirnov test.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SmirnovTest {
    /// The greatest distance, in [0, 1].
    pub distance: f64,
    /// The p-value.
    pub ln_p: LnP,
    /// How it was computed: [`Null::Exact`] or [`Null::Asymptotic`].
    pub null: Null,
    /// The alternative tested against.
    pub alternative: Alternative,
}

impl Smirnov {
    /// Makes a two-sided test that is exact up to 10,000 values an arm.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the alternative about the treatment.
    #[must_use]
    pub const fn with_alternative(mut self, alternative: Alternative) -> Self {
        self.alternative = alternative;
        self
    }

    /// Sets how the p-value is computed; [`Null::Permutation`] means exact here.
    #[must_use]
    pub const fn with_null(mut self, null: Null) -> Self {
        self.null = null;
        self
    }

    /// Runs the test.
    ///
    /// # Errors
    /// [`StatsError::TooFew`] if a sample is empty, [`StatsError::NotFinite`] for a value that is not finite.
    pub fn compare(&self, control: &[f64], treatment: &[f64]) -> Result<SmirnovTest, StatsError> {
        let mut control = sample("the control", control, 1)?.to_vec();
        let mut treatment = sample("the treatment", treatment, 1)?.to_vec();
        control.sort_by(f64::total_cmp);
        treatment.sort_by(f64::total_cmp);
        let (m, n) = (control.len() as u64, treatment.len() as u64);
        let common = gcd(m, n);
        let (above, below) = distances(&control, &treatment, common);
        let steps = match self.alternative {
            Alternative::Greater => above,
            Alternative::Less => below,
            Alternative::TwoSided => above.max(below),
        };
        let lcm = (m / common) as f64 * n as f64;
        let distance = steps as f64 / lcm;
        let small = m as f64 * n as f64 <= MAX_CELLS;
        let exact = match self.null {
            Null::Auto => m.max(n) <= MAX_AUTO && small,
            Null::Exact | Null::Permutation => small,
            Null::Asymptotic => false,
        };
        let p = if steps == 0 {
            1.0
        } else if exact {
            self.exact(m, n, common, steps)
        } else {
            self.asymptotic(m as f64, n as f64, distance)
        };
        let null = if exact { Null::Exact } else { Null::Asymptotic };
        let ln_p = LnP::saturating(p.min(1.0).ln());
        Ok(SmirnovTest { distance, ln_p, null, alternative: self.alternative })
    }

    fn exact(&self, m: u64, n: u64, common: u64, steps: u64) -> f64 {
        let two_sided = self.alternative == Alternative::TwoSided;
        if m == n {
            return equal_sizes(m, steps, two_sided);
        }
        let (m, n) = (m.max(n), m.min(n));
        // At (i, j) the distance is (i n - j m) / common steps; by symmetry either side serves for one.
        let (across, down) = ((n / common) as i64, (m / common) as i64);
        let limit = steps as i64;
        let outside = |i: i64, j: i64| {
            let distance = i * across - j * down;
            distance >= limit || (two_sided && -distance >= limit)
        };
        let mut row = vec![0.0; n as usize + 1];
        for i in 0..=m as i64 {
            let mut left = 0.0;
            for (j, cell) in row.iter_mut().enumerate() {
                let j = j as i64;
                let total = (i + j) as f64;
                *cell = if outside(i, j) {
                    1.0
                } else if total > 0.0 {
                    (i as f64 * *cell + j as f64 * left) / total
                } else {
                    0.0
                };
                left = *cell;
            }
        }
        row.last().copied().unwrap_or(1.0)
    }

    fn asymptotic(&self, m: f64, n: f64, distance: f64) -> f64 {
        let (m, n) = (m.max(n), m.min(n));
        let size = m * n / (m + n);
        if self.alternative == Alternative::TwoSided {
            return two_sided(round_half_even(size), distance);
        }
        let z = size.sqrt() * distance;
        (-2.0 * z * z - 2.0 * z * (m + 2.0 * n) / (m * n * (m + n)).sqrt() / 3.0).exp()
    }
}

/// P of reaching `h` steps for samples of equal size, by reflection, in the form of Horner.
fn equal_sizes(n: u64, h: u64, two_sided: bool) -> f64 {
    let factor = |start: u64| {
        (0..h).fold(1.0, |product, j| {
            product * (n as f64 - (start + j) as f64) / ((n + start + j) as f64 + 1.0)
        })
    };
    if !two_sided {
        return factor(0);
    }
    2.0 * (0..=n / h).rev().fold(0.0, |inner, k| factor(k * h).max(0.0) * (1.0 - inner))
}

/// The greatest `F_c - F_t` and `F_t - F_c` in units of `common / (m n)`.
fn distances(control: &[f64], treatment: &[f64], common: u64) -> (u64, u64) {
    let (across, down) = (treatment.len() as i64 / common as i64, control.len() as i64 / common as i64);
    let (mut c, mut t) = (control.iter().peekable(), treatment.iter().peekable());
    let (mut i, mut j) = (0, 0);
    let (mut above, mut below) = (0, 0);
    while let (Some(x), Some(y)) = (c.peek(), t.peek()) {
        let next = x.min(**y);
        while c.next_if(|value| **value <= next).is_some() {
            i += 1;
        }
        while t.next_if(|value| **value <= next).is_some() {
            j += 1;
        }
        let distance = i * across - j * down;
        above = above.max(distance);
        below = below.max(-distance);
    }
    (above.unsigned_abs(), below.unsigned_abs())
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a.max(1) } else { gcd(b, a % b) }
}

fn round_half_even(x: f64) -> u64 {
    x.round_ties_even() as u64
}

/// Auto is exact up to this many values an arm.
const MAX_AUTO: u64 = 10_000;

/// The most lattice points of an exact p-value, about a second.
const MAX_CELLS: f64 = 3e8;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::close;

    #[test]
    fn both_exact_methods_agree_where_both_apply() {
        // Unequal sizes by the lattice, against direct counting of all paths.
        for (m, n) in [(3_usize, 2_usize), (4, 6), (5, 3), (1, 4)] {
            for mask in [0b1011_0101_u32, 0b0001_1110, 0b1110_0001] {
                let (mut a, mut b) = (Vec::new(), Vec::new());
                for i in 0..m + n {
                    let to_a = (mask >> (i % 8)) & 1 == 1;
                    if (to_a && a.len() < m) || b.len() == n { a.push(i as f64) } else { b.push(i as f64) }
                }
                let got = Smirnov::new().compare(&a, &b).unwrap();
                let (mut hits, mut all) = (0.0, 0.0);
                for choice in 0..1_u32 << (m + n) {
                    if choice.count_ones() as usize != m {
                        continue;
                    }
                    let pick = |bit: u32| -> Vec<f64> {
                        let chosen = (0..m + n).filter(|i| (choice >> i) & 1 == bit);
                        chosen.map(|i| i as f64).collect()
                    };
                    let other = Smirnov::new().compare(&pick(1), &pick(0)).unwrap().distance;
                    all += 1.0;
                    hits += f64::from(u8::from(other >= got.distance - 1e-9));
                }
                close(got.ln_p.p(), hits / all, 1e-12);
            }
        }
    }

    #[test]
    fn edges() {
        let test = Smirnov::new();
        assert!(test.compare(&[], &[1.0]).is_err());
        assert!(test.compare(&[1.0], &[f64::NEG_INFINITY]).is_err());
        close(test.compare(&[1.0, 2.0], &[1.0, 2.0]).unwrap().ln_p.p(), 1.0, 0.0);
        close(test.compare(&[0.0], &[-0.0]).unwrap().distance, 0.0, 0.0);
        close(test.compare(&[1.0], &[2.0]).unwrap().ln_p.p(), 1.0, 1e-15);
        let low: Vec<f64> = (0..300).map(f64::from).collect();
        let high: Vec<f64> = (300..701).map(f64::from).collect();
        let got = test.compare(&low, &high).unwrap();
        assert!(got.ln_p.get().is_finite() && got.ln_p.get() < -400.0);
    }
}

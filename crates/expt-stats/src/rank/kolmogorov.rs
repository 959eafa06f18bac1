//! The distribution of the one-sample Kolmogorov-Smirnov statistic.

use crate::level::Probability;
use crate::special::binomial_ln_pmf;

/// Returns P(D_n >= d) for the two-sided statistic of n values.
///
/// The choice of methods follows Simard and L'Ecuyer (2011, "Computing the Two-Sided Kolmogorov-Smirnov
/// Distribution"): the matrix of Durbin (1968) in the form of Marsaglia, Tsang and Wang (2003) in the
/// centre, twice the one-sided tail (Miller 1956) far out, and the expansion of Pelz and Good (1976) for
/// large n. At least ten digits for n up to 140, about seven (absolute) in the centre above.
pub(super) fn two_sided(n: u64, d: f64) -> f64 {
    let size = n as f64;
    let t = size * d;
    if t <= 0.5 || n == 0 {
        return 1.0;
    }
    if d >= 1.0 {
        return 0.0;
    }
    let square = t * d;
    let far = if n <= 140 { square > 4.0 } else { square >= 2.2 };
    if t >= size - 1.0 || d >= 0.5 || far {
        return (2.0 * one_sided(n, d)).min(1.0);
    }
    let lower = if n <= 140 || (n <= 100_000 && size * d.powf(1.5) <= 1.4) {
        durbin(n, d)
    } else {
        pelz_good(size, d)
    };
    (1.0 - lower).clamp(0.0, 1.0)
}

/// Returns P(D_n+ >= d) for the one-sided statistic.
///
/// Exact, as a sum of positive terms (Smirnov 1944; Birnbaum and Tingey 1951): each is a binomial
/// probability of `j` successes at `d + j/n`, times `d / (d + j/n)`. Above a million values the
/// exponential approximation of Maag and Dicaire (1971).
pub(super) fn one_sided(n: u64, d: f64) -> f64 {
    let size = n as f64;
    if d <= 0.0 {
        return 1.0;
    }
    if d >= 1.0 {
        return 0.0;
    }
    if n > 1_000_000 {
        return (-(6.0 * size * d + 1.0).powi(2) / (18.0 * size)).exp();
    }
    let last = (size * (1.0 - d)).floor() as u64;
    let mut sum = (size * (-d).ln_1p()).exp();
    for j in 1..=last.min(n - 1) {
        let p = d + j as f64 / size;
        if p >= 1.0 {
            break;
        }
        sum += d / p * binomial_ln_pmf(j, n, Probability::clamped(p)).exp();
    }
    sum.min(1.0)
}

/// Returns P(D_n < d) by the power of a matrix.
fn durbin(n: u64, d: f64) -> f64 {
    let t = n as f64 * d;
    let k = t.ceil();
    let h = k - t;
    let m = 2 * (k as usize) - 1;
    let mut first = vec![0.0; m];
    let mut inverse = vec![0.0; m + 1];
    let mut factor = 1.0;
    for (j, value) in first.iter_mut().enumerate() {
        if let Some(slot) = inverse.get_mut(j) {
            *slot = factor;
        }
        factor /= (j + 1) as f64;
        *value = (1.0 - h.powi(j as i32 + 1)) * factor;
    }
    if let Some(corner) = first.last_mut() {
        let both = (2.0 * h - 1.0).max(0.0).powi(m as i32) - 2.0 * h.powi(m as i32);
        *corner = (1.0 + both) * factor;
    }
    let entry = |row: usize, column: usize| -> f64 {
        let at = |list: &[f64], index: usize| list.get(index).copied().unwrap_or(0.0);
        if column == 0 {
            at(&first, row)
        } else if row == m - 1 {
            at(&first, m - 1 - column)
        } else if row + 1 >= column {
            at(&inverse, row + 1 - column)
        } else {
            0.0
        }
    };
    let base = Scaled { m, exponent: 0, cells: (0..m * m).map(|i| entry(i / m, i % m)).collect() };
    let power = base.power(n);
    let middle = k as usize - 1;
    let (mut p, mut exponent) =
        (power.cells.get(middle * m + middle).copied().unwrap_or(0.0), power.exponent);
    for i in 1..=n {
        p *= i as f64 / n as f64;
        if p < TINY {
            p *= 1.0 / TINY;
            exponent -= SHIFT;
        }
    }
    (p.ln() + f64::from(exponent) * std::f64::consts::LN_2).exp().clamp(0.0, 1.0)
}

/// A matrix of non-negative numbers times a power of two.
struct Scaled {
    m: usize,
    exponent: i32,
    cells: Vec<f64>,
}

impl Scaled {
    fn power(self, n: u64) -> Self {
        let m = self.m;
        let identity = (0..m * m).map(|i| f64::from(u8::from(i / m == i % m))).collect();
        let (mut result, mut square, mut left) = (Self { m, exponent: 0, cells: identity }, self, n);
        while left > 0 {
            if left % 2 == 1 {
                result = result.times(&square);
            }
            left /= 2;
            if left > 0 {
                square = square.times(&square);
            }
        }
        result
    }

    fn times(&self, other: &Self) -> Self {
        let m = self.m;
        let mut cells = vec![0.0; m * m];
        for (row, into) in self.cells.chunks(m).zip(cells.chunks_mut(m)) {
            for (weight, from) in row.iter().zip(other.cells.chunks(m)) {
                into.iter_mut().zip(from).for_each(|(sum, value)| *sum += weight * value);
            }
        }
        let mut exponent = self.exponent + other.exponent;
        if cells.iter().any(|cell| *cell > 1.0 / TINY) {
            cells.iter_mut().for_each(|cell| *cell *= TINY);
            exponent += SHIFT;
        }
        Self { m, exponent, cells }
    }
}

/// Returns P(D_n < d) by the expansion in powers of `n^(-1/2)`, its sums transformed to converge fast.
fn pelz_good(n: f64, d: f64) -> f64 {
    use std::f64::consts::PI;
    let z = n.sqrt() * d;
    let (z2, z4, z6, z8) = (z.powi(2), z.powi(4), z.powi(6), z.powi(8));
    let (pi2, pi4, pi6) = (PI.powi(2), PI.powi(4), PI.powi(6));
    let terms = (16.0 * z / PI).ceil().max(1.0) as u32;
    let mut sums = [0.0; 4];
    let mut extra = [0.0; 2];
    for k in 1..=terms {
        let odd2 = (2.0 * f64::from(k) - 1.0).powi(2);
        let weight = (-pi2 * odd2 / (8.0 * z2)).exp();
        let coefficients = [
            1.0,
            -z2 + 0.25 * pi2 * odd2,
            6.0 * z6
                + 2.0 * z4
                + (2.0 * z4 - 5.0 * z2) * 0.25 * pi2 * odd2
                + pi4 * (1.0 - 2.0 * z2) / 16.0 * odd2 * odd2,
            -30.0 * z6 - 90.0 * z8
                + pi2 * (135.0 * z4 - 96.0 * z6) / 4.0 * odd2
                + pi4 * (212.0 * z4 - 60.0 * z2) / 16.0 * odd2 * odd2
                + pi6 * (5.0 - 30.0 * z2) / 64.0 * odd2.powi(3),
        ];
        sums.iter_mut().zip(coefficients).for_each(|(sum, value)| *sum += value * weight);
        let k2 = f64::from(k).powi(2);
        let weight = k2 * (-pi2 * k2 / (2.0 * z2)).exp();
        let [second, third] = &mut extra;
        *second += weight;
        *third += (3.0 * z2 - pi2 * k2) * weight;
    }
    let root = (2.0 * PI).sqrt();
    let [k0, k1, k2, k3] = sums;
    let [extra2, extra3] = extra;
    let k0 = root / z * k0;
    let k1 = root / (6.0 * z4) * k1;
    let k2 = root / (72.0 * z.powi(7)) * k2 - pi2 * root / (36.0 * z.powi(3)) * extra2;
    let k3 = root / (6480.0 * z.powi(10)) * k3 + pi2 * root / (216.0 * z6) * extra3;
    (k0 + k1 / n.sqrt() + k2 / n + k3 / n.powf(1.5)).clamp(0.0, 1.0)
}

/// Exponents of two are moved in steps of this many.
const SHIFT: i32 = 128;

/// `2^-128`.
const TINY: f64 = 2.938_735_877_055_719e-39;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::close;

    /// Source: scipy 1.17.1, `kstwo.sf` and `ksone.sf`.
    #[test]
    fn agrees_with_scipy() {
        let check = |n: u64, d: f64, want: f64, tolerance: f64| close(two_sided(n, d), want, tolerance);
        check(1, 0.3, 1.0, 1e-10);
        check(1, 0.7, 0.6000000000000001, 1e-10);
        check(2, 0.3, 0.98, 1e-10);
        check(2, 0.6, 0.32000000000000006, 1e-10);
        check(5, 0.12, 0.999987712, 1e-10);
        check(5, 0.3, 0.664, 1e-10);
        check(5, 0.45, 0.19399374999999963, 1e-10);
        check(5, 0.9, 1.9999999999999978e-05, 1e-10);
        check(20, 0.05, 0.9999999767980384, 1e-10);
        check(20, 0.1, 0.976255094592155, 1e-10);
        check(20, 0.25, 0.13762569836717486, 1e-10);
        check(20, 0.4, 0.0021189221820357984, 1e-10);
        check(100, 0.04, 0.995307510717411, 1e-10);
        check(100, 0.08, 0.5182193645480672, 1e-10);
        check(100, 0.15, 0.019839242125643017, 1e-10);
        check(100, 0.3, 1.7719869892662917e-08, 1e-10);
        check(140, 0.05, 0.8576480297656114, 1e-10);
        check(140, 0.168, 0.0006361623019061495, 1e-10);
        check(141, 0.03, 0.9992107601012719, 1e-7);
        check(141, 0.09, 0.19156768536655033, 1e-7);
        check(141, 0.2, 2.0276784223976912e-05, 1e-7);
        check(1000, 0.012, 0.9984464668620097, 1e-7);
        check(1000, 0.03, 0.3226902143914636, 1e-7);
        check(1000, 0.05, 0.013012074781090332, 1e-7);
        check(20000, 0.004, 0.9048968240702959, 1e-7);
        check(20000, 0.008, 0.15371596723031855, 1e-7);
        check(20000, 0.02, 2.2181270070049744e-07, 1e-7);
        check(1000000, 0.0007, 0.7109578604736, 1e-7);
        check(1000000, 0.0012, 0.11215991901443556, 1e-7);
        check(1000000, 0.003, 3.039812751939269e-08, 1e-7);
        close(one_sided(50, 0.2), 0.01571942744940561, 1e-12);
        close(one_sided(999, 0.04), 0.03979942336637434, 1e-12);
    }
}

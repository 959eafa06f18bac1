//! Exact null distributions of rank sums.

/// Returns P(U <= k) for the Mann-Whitney statistic without ties, `k` at most `m n / 2`.
///
/// The probabilities are the coefficients of the Gaussian binomial, built factor by factor as
/// `prod (1 - q^(n+i)) / (1 - q^i)` for i = 1..m and scaled by `i / (n + i)`. In the lower half the
/// rounding errors stay relative to the cumulated probability. `O(min(m, n) k)` steps.
pub(super) fn mann_whitney_lower(m: usize, n: usize, k: usize) -> f64 {
    let (m, n) = (m.min(n), m.max(n));
    let mut p = vec![0.0; k + 1];
    if let Some(first) = p.first_mut() {
        *first = 1.0;
    }
    for i in 1..=m {
        let shift = n + i;
        let scale = i as f64 / shift as f64;
        shifted(&mut p, shift, |here, back| here - back);
        p.iter_mut().for_each(|value| *value *= scale);
        forward(&mut p, i);
    }
    p.iter().sum::<f64>().min(1.0)
}

/// Replaces `p[j]` by `f(p[j], p[j - lag])` from the top down, `p[j - lag]` still being the old value.
fn shifted(p: &mut [f64], lag: usize, f: impl Fn(f64, f64) -> f64) {
    for j in (lag..p.len()).rev() {
        let back = p.get(j - lag).copied().unwrap_or(0.0);
        if let Some(here) = p.get_mut(j) {
            *here = f(*here, back);
        }
    }
}

/// Divides the series by `1 - q^lag`.
fn forward(p: &mut [f64], lag: usize) {
    for j in lag..p.len() {
        let back = p.get(j - lag).copied().unwrap_or(0.0);
        if let Some(here) = p.get_mut(j) {
            *here += back;
        }
    }
}

/// Returns P(S <= s) and P(S >= s) for the sum S of a random half of the `steps`: each counts with
/// probability one half.
pub(super) fn signed_sum(steps: &[usize], s: usize) -> (f64, f64) {
    let total: usize = steps.iter().sum();
    let mut p = vec![0.0; total + 1];
    if let Some(first) = p.first_mut() {
        *first = 1.0;
    }
    let mut reach = 0;
    for &step in steps {
        reach += step;
        if let Some(part) = p.get_mut(..=reach) {
            shifted(part, step, |here, back| here + back);
            part.iter_mut().for_each(|value| *value *= 0.5);
        }
    }
    tails(&p, s)
}

/// Returns P(S <= s) and P(S >= s) for the sum S of a random choice of `m` of the `steps`.
pub(super) fn subset_sum(steps: &[usize], m: usize, s: usize) -> (f64, f64) {
    let total: usize = steps.iter().sum();
    // Row j holds the probabilities of choosing j of the steps so far with a given sum.
    let mut rows = vec![vec![0.0; total + 1]; m + 1];
    if let Some(first) = rows.first_mut().and_then(|row| row.first_mut()) {
        *first = 1.0;
    }
    for (seen, &step) in steps.iter().enumerate() {
        let size = (seen + 1) as f64;
        for j in (0..=m.min(seen + 1)).rev() {
            let (below, from) = rows.split_at_mut(j);
            let Some(row) = from.first_mut() else { continue };
            let (keep, take) = ((size - j as f64) / size, j as f64 / size);
            row.iter_mut().for_each(|value| *value *= keep);
            if let Some(previous) = below.last() {
                row.iter_mut().skip(step).zip(previous).for_each(|(value, back)| *value += take * back);
            }
        }
    }
    rows.last().map_or((1.0, 1.0), |row| tails(row, s))
}

fn tails(p: &[f64], s: usize) -> (f64, f64) {
    let lower: f64 = p.iter().take(s + 1).sum();
    let upper: f64 = p.iter().skip(s).sum();
    (lower.min(1.0), upper.min(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::close;

    #[test]
    fn three_ways_to_the_same_distribution() {
        for (m, n) in [(1, 1), (1, 9), (3, 4), (8, 5), (7, 7)] {
            let ranks: Vec<usize> = (1..=m + n).collect();
            for k in 0..=m * n / 2 {
                let (lower, _) = subset_sum(&ranks, m, k + m * (m + 1) / 2);
                close(mann_whitney_lower(m, n, k), lower, 1e-13);
            }
        }
        let (lower, upper) = signed_sum(&[1, 2, 3, 4], 2);
        close(lower, 3.0 / 16.0, 1e-15);
        close(upper, 14.0 / 16.0, 1e-15);
    }

    /// Source: the same counts in Python's integers, samples of 60 and 45.
    #[test]
    fn tails_of_larger_samples() {
        let all: f64 = mann_whitney_lower(60, 45, 0);
        // One of C(105, 45) arrangements.
        close(all, MWU_ONE, 1e-12);
        close(mann_whitney_lower(60, 45, 1350), MWU_HALF, 1e-12);
    }

    const MWU_ONE: f64 = 9.20453062795282e-31;
    const MWU_HALF: f64 = 0.5012859038841663;
}

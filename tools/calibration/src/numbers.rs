//! The few distributions that the comparisons need.

use expt::stats::StatsError;
use expt::stats::special::chi_square_sf;

/// The value that a chi-square variable exceeds with probability `tail`, by bisection.
pub(crate) fn chi_square_quantile(df: f64, tail: f64) -> Result<f64, StatsError> {
    let (mut low, mut high) = (0.0, 10.0 * df + 100.0);
    for _ in 0..100 {
        let middle = f64::midpoint(low, high);
        if chi_square_sf(middle, df)? > tail {
            low = middle;
        } else {
            high = middle;
        }
    }
    Ok(high)
}

/// The smallest `k` for which a binomial variable is at most `k` with at least the given probability.
pub(crate) fn binomial_quantile(n: usize, p: f64, probability: f64) -> usize {
    let mut term = (1.0 - p).powf(n as f64);
    let mut sum = term;
    let mut k = 0;
    while sum < probability && k < n {
        term *= (n - k) as f64 / (k + 1) as f64 * p / (1.0 - p);
        sum += term;
        k += 1;
    }
    k
}

/// The two-sample statistic of Kolmogorov and Smirnov and its asymptotic p-value, with the correction of
/// Stephens (1970) for finite samples. Ties make the p-value larger than it should be, never smaller.
pub(crate) fn kolmogorov_smirnov(one: &[f64], other: &[f64]) -> (f64, f64) {
    let (mut one, mut other) = (one.to_vec(), other.to_vec());
    one.sort_by(f64::total_cmp);
    other.sort_by(f64::total_cmp);
    let at_most = |sorted: &[f64], x: f64| sorted.partition_point(|y| *y <= x) as f64 / sorted.len() as f64;
    let distance =
        one.iter().chain(&other).map(|x| (at_most(&one, *x) - at_most(&other, *x)).abs()).fold(0.0, f64::max);
    let (n, m) = (one.len() as f64, other.len() as f64);
    let root = (n * m / (n + m)).sqrt();
    let lambda = (root + 0.12 + 0.11 / root) * distance;
    let mut p = 0.0;
    for j in 1..=100 {
        let term = 2.0 * (-2.0 * f64::from(j * j) * lambda * lambda).exp();
        p += if j % 2 == 1 { term } else { -term };
    }
    (distance, if lambda < 0.2 { 1.0 } else { p.clamp(0.0, 1.0) })
}

pub(crate) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

pub(crate) fn deviation(values: &[f64]) -> f64 {
    let mean = mean(values);
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (squares / (values.len() as f64 - 1.0)).sqrt()
}

/// The value below which a share of the sorted values lies: the nearest rank.
pub(crate) fn quantile(sorted: &[f64], share: f64) -> f64 {
    let rank = (share * sorted.len() as f64).ceil() as usize;
    sorted[rank.clamp(1, sorted.len()) - 1]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(one: f64, other: f64) {
        assert!((one - other).abs() < 1e-6 * other.abs(), "{one} is not {other}");
    }

    /// `scipy.stats.chi2.isf(0.01, df)`.
    #[test]
    fn chi_square_quantiles_agree_with_scipy() {
        for (df, expected) in [(7.0, 18.475_306_907), (31.0, 52.191_394_833), (49.0, 74.919_474_307)] {
            close(chi_square_quantile(df, 0.01).unwrap(), expected);
        }
    }

    /// `scipy.stats.binom.ppf(0.999, n, 0.01)`.
    #[test]
    fn binomial_quantiles_agree_with_scipy() {
        for (n, expected) in [(24, 3), (200, 8), (400, 11), (700, 16)] {
            assert_eq!(binomial_quantile(n, 0.01, 0.999), expected, "{n}");
        }
    }

    /// The distance is `scipy.stats.ks_2samp(a, b).statistic`, exact; the p-value is an approximation and
    /// compared with `method="exact"`, to a tenth.
    #[test]
    fn kolmogorov_smirnov_agrees_with_scipy() {
        let a: Vec<f64> = (0..200).map(|i| f64::from(i * i % 199)).collect();
        for (modulus, exact_distance, exact_p) in [(211, 0.11, 0.235_595_56), (251, 0.22, 0.000_418_738)] {
            let b: Vec<f64> = (0..150).map(|i| f64::from(i * i % modulus) + 0.5).collect();
            let (distance, p) = kolmogorov_smirnov(&a, &b);
            close(distance, exact_distance);
            assert!((p / exact_p - 1.0).abs() < 0.1, "{p} is not {exact_p}");
        }
    }
}

//! Are p-values uniform? Two tests of a sample against the uniform distribution.

use serde::{Deserialize, Serialize};

use crate::level::LnP;
use crate::special::{gamma, normal};

/// Holds a goodness-of-fit test against the uniform distribution.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Uniformity {
    /// The statistic.
    pub statistic: f64,
    /// Its p-value.
    pub ln_p: LnP,
}

/// Kolmogorov's `D = max |F_n(p) - p|`; the p-value is that of Stephens (1970), the limiting law at
/// `(sqrt n + 0.12 + 0.11 / sqrt n) D`, within 5 % of the exact one for p >= 0.001 and n >= 20.
pub(super) fn kolmogorov_smirnov(ascending: &[f64]) -> Uniformity {
    let n = ascending.len() as f64;
    let gap = |(i, p): (usize, &f64)| ((i + 1) as f64 / n - p).max(p - i as f64 / n);
    let statistic = ascending.iter().enumerate().map(gap).fold(0.0, f64::max);
    let x = (n.sqrt() + 0.12 + 0.11 / n.sqrt()) * statistic;
    Uniformity { statistic, ln_p: LnP::saturating(kolmogorov_ln_sf(x)) }
}

/// Anderson and Darling's (1952) `A^2`, which weighs the tails; the p-value is that of the limiting law,
/// whose error is below 0.002 for n >= 20. Takes ascending pairs of `ln p` and `ln (1 - p)`.
pub(super) fn anderson_darling(ascending: &[(f64, f64)]) -> Uniformity {
    let n = ascending.len() as f64;
    let lower = ascending.iter().map(|pair| pair.0.max(FLOOR));
    let upper = ascending.iter().rev().map(|pair| pair.1.max(FLOOR));
    let sum: f64 =
        lower.zip(upper).enumerate().map(|(i, (low, high))| (2 * i + 1) as f64 * (low + high)).sum();
    let statistic = (-n - sum / n).max(0.0);
    Uniformity { statistic, ln_p: LnP::saturating(anderson_darling_ln_sf(statistic)) }
}

/// Returns the ln tail of Kolmogorov's limiting law (1933), by the series that converges there.
fn kolmogorov_ln_sf(x: f64) -> f64 {
    if x < 1.0 {
        if x < 0.1 {
            return 0.0; // 1 - p is below 1e-50
        }
        let term = |k: i32| (-f64::from((2 * k - 1).pow(2)) * (std::f64::consts::PI / x).powi(2) / 8.0).exp();
        let cdf = std::f64::consts::TAU.sqrt() / x * (1..=4).map(term).sum::<f64>();
        return (-cdf).ln_1p();
    }
    let rest: f64 = (2..=5)
        .map(|k: i32| {
            let sign = if k % 2 == 0 { -1.0 } else { 1.0 };
            sign * (-2.0 * f64::from(k * k - 1) * x * x).exp()
        })
        .sum();
    std::f64::consts::LN_2 - 2.0 * x * x + rest.ln_1p()
}

/// Returns the ln tail of the limiting law of `A^2`.
///
/// Up to 20 the series of Anderson and Darling (1952), its integrals by the trapezoidal rule (which converges
/// exponentially for these integrands); beyond, the leading term `sqrt(3) P(chi^2_1 > 2 a)` of the weighted
/// chi-square, which is 2 % too small at 20 and better further out.
fn anderson_darling_ln_sf(a: f64) -> f64 {
    if a < 0.1 {
        return 0.0; // 1 - p is below 1e-4
    }
    if a > 20.0 {
        // P(chi^2_1 > 2 a) is twice a normal tail.
        return 0.5 * 3.0_f64.ln() + std::f64::consts::LN_2 + normal::ln_sf((2.0 * a).sqrt());
    }
    let mut sum = 0.0;
    for j in 0..40_i32 {
        let odd = f64::from(4 * j + 1);
        let rate = odd * odd * std::f64::consts::PI.powi(2) / (8.0 * a);
        if rate > 700.0 {
            break;
        }
        let half = f64::from(j) + 0.5;
        let ln_binomial = gamma::ln_gamma(half) - gamma::ln_gamma(0.5) - gamma::ln_gamma(f64::from(j) + 1.0);
        let integrand = |w: f64| (a / (8.0 * (w * w + 1.0)) - rate * w * w).exp();
        let step = (7.0 / rate.sqrt()) / 400.0;
        let area =
            step * (0.5 * integrand(0.0) + (1..=400).map(|i| integrand(f64::from(i) * step)).sum::<f64>());
        let sign = if j % 2 == 0 { 1.0 } else { -1.0 };
        sum += sign * odd * (ln_binomial - rate).exp() * area;
    }
    let cdf = std::f64::consts::TAU.sqrt() / a * sum;
    (-cdf.clamp(0.0, 1.0 - 1e-15)).ln_1p()
}

/// Logarithms below this count as this, so that a sum of a million of them stays finite.
const FLOOR: f64 = -1e15;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::close;

    /// Source: the series in scipy 1.18 (`quad`); 2.492 and 3.857 are the tabulated 5 % and 1 % points.
    #[test]
    fn anderson_darling_agrees_with_quadrature() {
        close(anderson_darling_ln_sf(0.2).exp(), 0.9904125472497941, 1e-9);
        close(anderson_darling_ln_sf(1.0).exp(), 0.35726667321401917, 1e-9);
        close(anderson_darling_ln_sf(2.492).exp(), 0.05002218635960787, 1e-8);
        close(anderson_darling_ln_sf(3.857).exp(), 0.010241153229861188, 1e-8);
        close(anderson_darling_ln_sf(10.0).exp(), 1.3815035410424947e-5, 1e-6);
        close(anderson_darling_ln_sf(20.0 + 1e-9), anderson_darling_ln_sf(20.0), 2e-3);
        assert!(anderson_darling_ln_sf(1e12).is_finite());
    }

    /// Source: scipy 1.18 `stats.kstwobign.sf`.
    #[test]
    fn kolmogorov_agrees_with_scipy() {
        close(kolmogorov_ln_sf(0.5).exp(), 0.9639452436648751, 1e-12);
        close(kolmogorov_ln_sf(1.0).exp(), 0.26999967167735456, 1e-9);
        close(kolmogorov_ln_sf(1.36).exp(), 0.049485876755377876, 1e-12);
        close(kolmogorov_ln_sf(3.0), 2.0_f64.ln() - 18.0, 1e-12);
    }
}

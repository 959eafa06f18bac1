//! Both tails of a distribution as logarithms.

use crate::level::Probability;
use crate::special::{binomial_ln_cdf, binomial_ln_sf};

/// Both tails of a distribution at one point, as logarithms between `f64::MIN` and 0.
#[derive(Clone, Copy, Debug)]
#[allow(unreachable_pub, reason = "the sealed trait of the posteriors names it")]
pub struct Tails {
    /// ln of the probability of at most the point.
    pub(crate) ln_lower: f64,
    /// ln of the probability of more.
    pub(crate) ln_upper: f64,
}

impl Tails {
    /// All mass above the point.
    pub(crate) const ABOVE: Self = Self { ln_lower: f64::MIN, ln_upper: 0.0 };

    /// All mass at most at the point.
    pub(crate) const BELOW: Self = Self { ln_lower: 0.0, ln_upper: f64::MIN };
}

/// Returns `ln P(X <= k)` and `ln P(X > k)` for X ~ Binomial(n, q), any integer `k`.
pub(crate) fn binomial(k: i64, n: u64, q: f64) -> Tails {
    let Ok(hits) = u64::try_from(k) else { return Tails::ABOVE };
    if hits >= n {
        return Tails::BELOW;
    }
    let q = Probability::clamped(q);
    let bounded = |value: f64| value.clamp(f64::MIN, 0.0);
    Tails { ln_lower: bounded(binomial_ln_cdf(hits, n, q)), ln_upper: bounded(binomial_ln_sf(hits, n, q)) }
}

/// Returns `ln(1 - e^x)` for `x <= 0`, at least `f64::MIN` (Maechler 2012).
pub(crate) fn ln_1m_exp(x: f64) -> f64 {
    let value = if x > -std::f64::consts::LN_2 { (-x.exp_m1()).ln() } else { (-x.exp()).ln_1p() };
    value.max(f64::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::close;

    /// Source: eleven of 1024.
    #[test]
    fn binomial_tails() {
        close(binomial(1, 10, 0.5).ln_lower.exp(), 0.0107421875, 1e-13);
        close(binomial(8, 10, 0.5).ln_upper.exp(), 0.0107421875, 1e-13);
        close(binomial(-1, 10, 0.5).ln_upper, 0.0, 0.0);
        close(binomial(10, 10, 0.5).ln_lower, 0.0, 0.0);
        close(binomial(0, 10, 0.0).ln_lower, 0.0, 0.0);
        close(binomial(9, 10, 1.0).ln_upper, 0.0, 0.0);
    }
}

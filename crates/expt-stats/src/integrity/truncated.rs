//! A normal variable that was seen only because it exceeded a bound.

use crate::special::normal;

/// Returns ln P(X > x | X > bound) for X normal with this mean and deviation; 0 for `x <= bound`.
pub(crate) fn ln_sf(x: f64, bound: f64, mean: f64, deviation: f64) -> f64 {
    if x <= bound {
        return 0.0;
    }
    let (z, b) = ((x - mean) / deviation, (bound - mean) / deviation);
    (normal::ln_sf(z) - normal::ln_sf(b)).min(0.0)
}

/// Returns the mean at which `P(X > x | X > bound) = q`, for `0 < q < 1`; it rises with q and with x.
///
/// The left side rises from 0 to 1 with the mean, so bisection finds it. `None` if it lies more than 1e6
/// deviations below `x`, as it does when `x` is (almost) at its bound: then the data say nothing from below.
pub(crate) fn mean_with_sf(q: f64, x: f64, bound: f64, deviation: f64) -> Option<f64> {
    let target = q.ln();
    let (x, bound) = (x / deviation, bound / deviation);
    let value = |mean: f64| ln_sf(x, bound, mean, 1.0);
    // Without truncation it would be x + z(q); conditioning only moves it down.
    let mut high = x + 2.0 + normal::upper_quantile(1.0 - q).max(0.0);
    let mut step = 1.0;
    let mut low = high - step;
    while value(low) > target {
        step *= 2.0;
        if step > 1e6 {
            return None;
        }
        low = high - step;
    }
    for _ in 0..100 {
        let middle = 0.5 * (low + high);
        if value(middle) > target { high = middle } else { low = middle }
    }
    Some(0.5 * (low + high) * deviation)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::close;

    /// Source: scipy 1.18 `truncnorm.logsf` and `brentq` on it.
    #[test]
    fn agrees_with_scipy() {
        close(ln_sf(2.5, 1.96, 1.0, 1.0), LN_SF, 1e-10);
        close(mean_with_sf(0.5, 2.5, 1.96, 1.0).unwrap(), MEDIAN, 1e-8);
        close(mean_with_sf(0.025, 2.5, 1.96, 1.0).unwrap(), LOWER, 1e-8);
        close(mean_with_sf(0.975, 2.5, 1.96, 1.0).unwrap(), UPPER, 1e-8);
    }

    #[test]
    fn without_a_bound_it_is_the_usual_interval() {
        close(mean_with_sf(0.975, 3.0, -100.0, 2.0).unwrap(), 3.0 + 2.0 * 1.959963984540054, 1e-9);
        close(mean_with_sf(0.025, 3.0, -100.0, 2.0).unwrap(), 3.0 - 2.0 * 1.959963984540054, 1e-9);
        assert_eq!(mean_with_sf(0.025, 2.0, 2.0, 1.0), None);
    }

    const LN_SF: f64 = -0.9252887007466093;
    const MEDIAN: f64 = 1.541356327704649;
    const LOWER: f64 = -4.457707564744169;
    const UPPER: f64 = 4.329090106833807;
}

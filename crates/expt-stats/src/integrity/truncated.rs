//! A normal variable that was seen only because it exceeded a bound.

use crate::special::normal;

/// Returns ln P(X > x | X > x - slack), for X normal whose mean lies `shift` below x; all in deviations.
pub(crate) fn ln_sf(shift: f64, slack: f64) -> f64 {
    if slack <= 0.0 {
        return 0.0;
    }
    (normal::ln_sf(shift) - normal::ln_sf(shift - slack)).min(0.0)
}

/// Returns how many deviations the mean lies below x if `P(X > x | X > x - slack) = q`, for `0 < q < 1`.
///
/// The left side falls from 1 to 0 with the shift, so bisection finds it. `None` if it is above 1e6, as when
/// x is (almost) at its bound: then the data say nothing from below.
pub(crate) fn shift_with_sf(q: f64, slack: f64) -> Option<f64> {
    let target = q.ln();
    // Without truncation it would be the quantile; conditioning only moves the mean further down.
    let mut low = normal::upper_quantile(q) - 2.0;
    let mut step = 4.0;
    let mut high = low + step;
    while ln_sf(high, slack) > target {
        step *= 2.0;
        if step > 1e6 {
            return None;
        }
        high = low + step;
    }
    for _ in 0..100 {
        let middle = 0.5 * (low + high);
        if ln_sf(middle, slack) > target { low = middle } else { high = middle }
    }
    Some(0.5 * (low + high))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::close;

    /// Source: scipy 1.18 `truncnorm.logsf` and `brentq` on it.
    #[test]
    fn agrees_with_scipy() {
        close(ln_sf(1.5, 0.54), LN_SF, 1e-10);
        close(2.5 - shift_with_sf(0.5, 0.54).unwrap(), MEDIAN, 1e-8);
        close(2.5 - shift_with_sf(0.025, 0.54).unwrap(), LOWER, 1e-8);
        close(2.5 - shift_with_sf(0.975, 0.54).unwrap(), UPPER, 1e-8);
    }

    #[test]
    fn without_a_bound_it_is_the_usual_interval() {
        close(shift_with_sf(0.975, 50.0).unwrap(), -1.959963984540054, 1e-9);
        close(shift_with_sf(0.025, 50.0).unwrap(), 1.959963984540054, 1e-9);
        assert_eq!(shift_with_sf(0.025, 0.0), None);
    }

    const LN_SF: f64 = -0.9252887007466093;
    const MEDIAN: f64 = 1.541356327704649;
    const LOWER: f64 = -4.457707564744169;
    const UPPER: f64 = 4.329090106833807;
}

//! An iterated-logarithm bound on the empirical distribution function.

use serde::{Deserialize, Serialize};

use crate::error::{StatsError, finite};
use crate::level::Alpha;
use crate::sequential::root::{bracket_above, find_root, minimise};

/// Bounds the distance between empirical and true distribution function, over all points and all times from `t_min`
/// on together (Howard and Ramdas 2022): `A sqrt((ln(1 + ln(t/t_min)) + C) / t)`.
///
/// C is the least for which the crossing probability of the paper, minimised over its epoch ratio, is at most alpha.
///
/// ```
/// use expt_stats::Alpha;
/// use expt_stats::sequential::EmpiricalProcessBound;
///
/// let bound = EmpiricalProcessBound::new(Alpha::FIVE_PERCENT, 100.0, 0.85)?;
/// assert!((bound.at(100.0)?.unwrap() - 0.242_253_27).abs() < 1e-8);
/// assert_eq!(bound.at(99.0)?, None);
/// # Ok::<(), expt_stats::StatsError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored")]
pub struct EmpiricalProcessBound {
    alpha: Alpha,
    t_min: f64,
    a: f64,
    #[serde(skip_serializing)]
    c: f64,
}

impl EmpiricalProcessBound {
    /// Makes the bound that starts after `t_min` values, with leading constant `a` (0.85 is usual).
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] or [`StatsError::NotFinite`] unless `t_min >= 1` and `1/sqrt 2 < a <= 100`.
    pub fn new(alpha: Alpha, t_min: f64, a: f64) -> Result<Self, StatsError> {
        if finite("the number of values to start at", t_min)? < 1.0 {
            let allowed = "at least 1";
            return Err(StatsError::OutOfRange {
                what: "the number of values to start at",
                value: t_min,
                allowed,
            });
        }
        if !(finite("the leading constant", a)? > std::f64::consts::FRAC_1_SQRT_2 + 1e-6 && a <= 100.0) {
            let allowed = "above 1/sqrt 2 and at most 100";
            return Err(StatsError::OutOfRange { what: "the leading constant", value: a, allowed });
        }
        let spare = |c: f64| alpha.get().ln() - ln_error(c, a);
        let high = bracket_above(spare, 1.0);
        Ok(Self { alpha, t_min, a, c: find_root(spare, 0.0, high) })
    }

    /// Returns the bound after `t` values, `None` before the start.
    ///
    /// # Errors
    /// [`StatsError::NotFinite`].
    pub fn at(&self, t: f64) -> Result<Option<f64>, StatsError> {
        if finite("the number of values", t)? < self.t_min {
            return Ok(None);
        }
        let grown = (t / self.t_min).ln().ln_1p();
        Ok(Some(self.a * ((grown + self.c) / t).sqrt()))
    }
}

/// Returns the log of the crossing probability for `c`, minimised over the epoch ratio η.
fn ln_error(c: f64, a: f64) -> f64 {
    if c <= 0.0 {
        return f64::MAX;
    }
    let gap = |eta: f64| a - (2.0 * (eta - 1.0) / c).sqrt();
    // γ² = 2 gap² / η must exceed 1, which bounds η.
    let most = find_root(|eta| (0.5 * eta).sqrt() - gap(eta), 1.0, 2.0 * a * a);
    let error = |eta: f64| {
        let gamma = 2.0 / eta * gap(eta) * gap(eta);
        let excess = (gamma - 1.0) * eta.ln();
        if gap(eta) > 0.0 && excess > 0.0 {
            4.0_f64.ln() - gamma * c + (1.0 / excess).ln_1p()
        } else {
            f64::MAX
        }
    };
    error(minimise(error, 1.0, most)).min(f64::MAX)
}

/// The serialised form.
#[derive(Deserialize)]
struct Stored {
    alpha: Alpha,
    t_min: f64,
    a: f64,
}

impl TryFrom<Stored> for EmpiricalProcessBound {
    type Error = StatsError;

    fn try_from(stored: Stored) -> Result<Self, StatsError> {
        Self::new(stored.alpha, stored.t_min, stored.a)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::close;

    /// Source: confseq 0.0.11 `quantiles.empirical_process_lil_bound`.
    #[test]
    fn agrees_with_confseq() {
        let bound = EmpiricalProcessBound::new(Alpha::FIVE_PERCENT, 100.0, 0.85).unwrap();
        close(bound.at(100.0).unwrap().unwrap(), 0.24225327092462232, 1e-9);
    }

    #[test]
    fn every_level_and_constant_has_a_bound() {
        for alpha in [1e-300, 1e-6, 0.05, 0.9, 0.999] {
            for a in [0.7072, 0.8, 1.0, 100.0] {
                let bound = EmpiricalProcessBound::new(Alpha::new(alpha).unwrap(), 1.0, a).unwrap();
                let first = bound.at(1.0).unwrap().unwrap();
                assert!(first.is_finite() && first > 0.0, "{alpha} {a} {first}");
                assert!(bound.at(1e300).unwrap().unwrap() < first);
            }
        }
        for a in [0.7, 101.0, f64::NAN] {
            assert!(EmpiricalProcessBound::new(Alpha::FIVE_PERCENT, 1.0, a).is_err());
        }
        assert!(EmpiricalProcessBound::new(Alpha::FIVE_PERCENT, 0.0, 0.85).is_err());
    }
}

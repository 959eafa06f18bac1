//! Fieller's confidence set for a ratio of two means.

use serde::{Deserialize, Serialize};

use super::t_test::Reference;
use super::tail;
use super::welch::satterthwaite;
use crate::arm::ArmEstimate;
use crate::error::{StatsError, finite};
use crate::level::{Alpha, Alternative};

/// Asks for Fieller's (1954) confidence set of `treatment / control`.
///
/// Estimand: the ratio `R` of two expectations; exact if both estimates are normal with known variances, however
/// close to zero the control is. The set holds every `R` that the test of `treatment - R control = 0` does not
/// reject: `(c^2 - q^2 v_c) R^2 - 2 (c t - q^2 v_ct) R + (t^2 - q^2 v_t) <= 0`, with `v_ct` the covariance of the
/// two estimates (0 for independent arms). If the control differs from zero at level alpha (`g = q^2 v_c / c^2 < 1`)
/// it is an interval; otherwise it is unbounded, and that is the honest answer: the data do not say how large the
/// ratio can be. The roots are computed without cancellation.
///
/// ```
/// use expt_stats::fixed::{Fieller, FiellerSet};
/// use expt_stats::{Alpha, ArmEstimate};
///
/// let control = ArmEstimate::new(10.0, 0.004, 1000)?;
/// let treatment = ArmEstimate::new(10.2, 0.0045, 1100)?;
/// let fieller = Fieller::new(Alpha::FIVE_PERCENT);
/// let FiellerSet::Interval { lower, upper } = fieller.compare(&control, &treatment)?.set else { panic!() };
/// assert!(1.001 < lower && upper < 1.039);
///
/// let hopeless = ArmEstimate::new(0.01, 0.004, 1000)?;
/// assert_eq!(fieller.compare(&hopeless, &hopeless)?.set, FiellerSet::WholeLine);
/// # Ok::<(), expt_stats::StatsError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fieller {
    alpha: Alpha,
    reference: Reference,
}

impl Fieller {
    /// Uses the normal quantile, as for known variances.
    #[must_use]
    pub const fn new(alpha: Alpha) -> Self {
        Self { alpha, reference: Reference::Normal }
    }

    /// Sets the reference distribution; for [`Reference::Student`] the degrees of freedom are those of the
    /// difference, an approximation.
    #[must_use]
    pub const fn with_reference(mut self, reference: Reference) -> Self {
        self.reference = reference;
        self
    }

    /// Computes the set for two independent arms.
    ///
    /// # Errors
    /// [`StatsError::NotFinite`] if a square overflows.
    pub fn compare(
        &self,
        control: &ArmEstimate,
        treatment: &ArmEstimate,
    ) -> Result<FiellerResult, StatsError> {
        self.dependent(control, treatment, 0.0)
    }

    /// Computes the set for estimates with this covariance, such as two metrics of the same units.
    ///
    /// # Errors
    /// [`StatsError::NotFinite`] if a square overflows; [`StatsError::OutOfRange`] for a covariance larger than the
    /// product of the standard errors.
    pub fn dependent(
        &self,
        control: &ArmEstimate,
        treatment: &ArmEstimate,
        covariance: f64,
    ) -> Result<FiellerResult, StatsError> {
        let (v_c, v_t) = (control.variance(), treatment.variance());
        if finite("the covariance", covariance)?.abs() > v_c.sqrt() * v_t.sqrt() * (1.0 + 1e-9) {
            let allowed = "at most the product of the standard errors in size";
            return Err(StatsError::OutOfRange { what: "the covariance", value: covariance, allowed });
        }
        let df = if self.reference == Reference::Student && v_c + v_t > 0.0 {
            satterthwaite(control, treatment)
        } else {
            f64::INFINITY
        };
        let q = tail::critical(self.alpha, Alternative::TwoSided, df);
        let ratio = treatment.estimate() / control.estimate();
        Ok(FiellerResult {
            ratio: ratio.is_finite().then_some(ratio),
            set: set(control, treatment, covariance, q * q)?,
            alpha: self.alpha,
        })
    }
}

/// Holds a ratio and its confidence set.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FiellerResult {
    /// `treatment / control`; `None` if the control is zero.
    pub ratio: Option<f64>,
    /// The confidence set of the ratio.
    pub set: FiellerSet,
    /// The error level of the set.
    pub alpha: Alpha,
}

/// Holds Fieller's set in the shape it has.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "set", rename_all = "snake_case")]
#[non_exhaustive]
pub enum FiellerSet {
    /// `lower <= R <= upper`: the control differs from zero.
    Interval {
        /// The lower bound.
        lower: f64,
        /// The upper bound.
        upper: f64,
    },
    /// `R <= below` or `R >= above`: the control may be zero, the treatment not, so the ratio may be large with
    /// either sign, but not near zero between the two.
    Complement {
        /// The largest member of the lower part.
        below: f64,
        /// The smallest member of the upper part.
        above: f64,
    },
    /// `R >= lower`: the control sits exactly on the boundary.
    AtLeast {
        /// The lower bound.
        lower: f64,
    },
    /// `R <= upper`: the control sits exactly on the boundary.
    AtMost {
        /// The upper bound.
        upper: f64,
    },
    /// Every ratio: neither estimate differs from zero jointly, so the data say nothing.
    WholeLine,
}

impl FiellerSet {
    /// Tells whether the set is an interval with two ends.
    #[must_use]
    pub const fn is_bounded(&self) -> bool {
        matches!(self, Self::Interval { .. })
    }

    /// Tells whether a ratio is in the set.
    #[must_use]
    pub fn contains(&self, ratio: f64) -> bool {
        match *self {
            Self::Interval { lower, upper } => ratio >= lower && ratio <= upper,
            Self::Complement { below, above } => ratio <= below || ratio >= above,
            Self::AtLeast { lower } => ratio >= lower,
            Self::AtMost { upper } => ratio <= upper,
            Self::WholeLine => !ratio.is_nan(),
        }
    }
}

/// Solves the quadratic, in units of the larger estimate or standard error so that nothing under- or overflows.
fn set(
    control: &ArmEstimate,
    treatment: &ArmEstimate,
    covariance: f64,
    q2: f64,
) -> Result<FiellerSet, StatsError> {
    let unit = |arm: &ArmEstimate| arm.estimate().abs().max(arm.variance().sqrt());
    let (unit_c, unit_t) = (unit(control), unit(treatment));
    if unit_c <= 0.0 {
        return Ok(FiellerSet::WholeLine);
    }
    let unit_t = if unit_t > 0.0 { unit_t } else { 1.0 };
    let scale = finite("the ratio's unit", unit_t / unit_c)?;
    let (c, t) = (control.estimate() / unit_c, treatment.estimate() / unit_t);
    let (v_c, v_t) = (control.variance() / unit_c / unit_c, treatment.variance() / unit_t / unit_t);
    let v_ct = covariance / unit_c / unit_t;
    let (s_c, s_t) = (v_c.sqrt(), v_t.sqrt());
    let q = q2.sqrt();
    // Differences of squares as products keep their digits where the estimate is near the boundary.
    let a = (c - q * s_c) * (c + q * s_c);
    let product = (t - q * s_t) * (t + q * s_t);
    let half = c * t - q2 * v_ct;
    // half^2 - a product, written out: the squares c^2 t^2 are gone.
    let quarter = q2 * (c * c * v_t - 2.0 * c * t * v_ct + t * t * v_c - q2 * (v_c * v_t - v_ct * v_ct));
    let bound = |value: f64| finite("a bound of the ratio", value * scale);
    if a == 0.0 {
        if half == 0.0 {
            return Ok(FiellerSet::WholeLine);
        }
        let end = bound(product / (2.0 * half))?;
        return Ok(if half > 0.0 {
            FiellerSet::AtLeast { lower: end }
        } else {
            FiellerSet::AtMost { upper: end }
        });
    }
    if quarter < 0.0 {
        // For a > 0 this is rounding: the ratio itself is always in the set.
        let point = bound(half / a)?;
        return Ok(if a > 0.0 {
            FiellerSet::Interval { lower: point, upper: point }
        } else {
            FiellerSet::WholeLine
        });
    }
    let larger = half + quarter.sqrt().copysign(half);
    let roots = if larger == 0.0 { (0.0, 0.0) } else { (larger / a, product / larger) };
    let (low, high) = (bound(roots.0.min(roots.1))?, bound(roots.0.max(roots.1))?);
    Ok(if a > 0.0 {
        FiellerSet::Interval { lower: low, upper: high }
    } else {
        FiellerSet::Complement { below: low, above: high }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::close;

    fn arm(estimate: f64, variance: f64) -> ArmEstimate {
        ArmEstimate::new(estimate, variance, 1000).unwrap()
    }

    fn sets(control: ArmEstimate, treatment: ArmEstimate) -> FiellerSet {
        Fieller::new(Alpha::FIVE_PERCENT).compare(&control, &treatment).unwrap().set
    }

    /// Source: Fieller's quadratic in float64 with scipy 1.18.1's normal quantile.
    #[test]
    fn a_bounded_set_agrees_with_the_quadratic() {
        let control = ArmEstimate::new(10.0, 4.0 / 1000.0, 1000).unwrap();
        let treatment = ArmEstimate::new(10.2, 5.0 / 1100.0, 1100).unwrap();
        let FiellerSet::Interval { lower, upper } = sets(control, treatment) else { panic!() };
        close(lower, 1.0018659412343571, 1e-12);
        close(upper, 1.038447569979028, 1e-12);
    }

    /// The set is by definition what the z test of `t - R c = 0` does not reject.
    #[test]
    fn membership_is_the_test() {
        let z = crate::special::normal_quantile(0.975).unwrap();
        for (c, v_c, t, v_t) in [
            (10.0, 1.0, 3.0, 2.0),
            (1.0, 1.0, 5.0, 1.0),
            (1.0, 1.0, 0.5, 1.0),
            (-1.0, 0.5, 5.0, 1.0),
            (0.0, 1.0, 9.0, 1.0),
        ] {
            let set = sets(arm(c, v_c), arm(t, v_t));
            for step in -4000..=4000 {
                let ratio = f64::from(step) * 0.01 + 1e-5;
                let accepted = (t - ratio * c).abs() <= z * (v_t + ratio * ratio * v_c).sqrt();
                assert_eq!(set.contains(ratio), accepted, "{set:?} at {ratio}");
            }
        }
        assert!(matches!(sets(arm(1.0, 1.0), arm(5.0, 1.0)), FiellerSet::Complement { .. }));
        assert_eq!(sets(arm(1.0, 1.0), arm(0.5, 1.0)), FiellerSet::WholeLine);
    }

    #[test]
    fn degenerate_arms_have_a_set() {
        assert_eq!(sets(arm(2.0, 0.0), arm(3.0, 0.0)), FiellerSet::Interval { lower: 1.5, upper: 1.5 });
        assert_eq!(sets(arm(0.0, 0.0), arm(3.0, 0.0)), FiellerSet::WholeLine);
        assert!(sets(arm(1e-200, 0.0), arm(1e-200, 0.0)).is_bounded());
        let far = Fieller::new(Alpha::FIVE_PERCENT).compare(&arm(1e-300, 0.0), &arm(1e300, 0.0));
        assert!(far.is_err());
        let dependent = Fieller::new(Alpha::FIVE_PERCENT).dependent(&arm(1.0, 1.0), &arm(1.0, 1.0), 2.0);
        assert!(dependent.is_err());
    }
}

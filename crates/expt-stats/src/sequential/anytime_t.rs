//! The anytime-valid t test: one coefficient of a linear model, at every row.

use serde::{Deserialize, Serialize};

use super::evalue::EValue;
use crate::error::{StatsError, finite, non_negative, positive};
use crate::interval::{Coverage, Interval};
use crate::level::{Alpha, LnP};

/// Tests one coefficient of a normal linear model, valid at every sample size (Lindon, Ham, Tingley and
/// Bojinov 2022).
///
/// With t the usual statistic at `nu` residual degrees of freedom, `z2` the information of the coefficient (its
/// regressor's sum of squares after the other regressors are projected out, in units of the residual variance) and φ
/// the precision of the prior of the scaled effect, `r = φ / (φ + z2)` and
/// `ln e = ln(r)/2 + (ν + 1)/2 ln[(1 + t²/ν) / (1 + r t²/ν)]`.
/// It is invariant to the unknown variance, hence exact in small samples. For the mean of n values, ν = n - 1 and
/// z2 = n; for the difference of two arms, ν = n - 2 and z2 = n_a n_b / n.
///
/// ```
/// use expt_stats::Alpha;
/// use expt_stats::sequential::{AnytimeT, Radius};
///
/// let test = AnytimeT::new(Alpha::FIVE_PERCENT, 1.0)?;
/// let look = test.look(20.0, 5, 6.0)?;
/// assert!((look.evidence.ln() - 4.650_398_480_691_849).abs() < 1e-12);
/// assert!(matches!(look.radius, Radius::Finite { standard_errors } if (standard_errors - 5.4498).abs() < 1e-4));
/// assert_eq!(test.look(0.0, 1, 10.0)?.radius, Radius::WholeLine);
/// # Ok::<(), expt_stats::StatsError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored")]
pub struct AnytimeT {
    alpha: Alpha,
    precision: f64,
}

/// Half the width of an anytime-valid interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "radius", rename_all = "snake_case")]
pub enum Radius {
    /// The interval is the estimate plus and minus this many standard errors.
    Finite {
        /// The multiple.
        standard_errors: f64,
    },
    /// With so few degrees of freedom no value can be excluded: the interval is the whole line.
    WholeLine,
}

/// Holds one look of an [`AnytimeT`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AnytimeTLook {
    /// The e-value against a coefficient of zero.
    pub evidence: EValue,
    /// `min(1, 1/e)` at this look.
    pub ln_p: LnP,
    /// Half the width of the interval.
    pub radius: Radius,
}

impl AnytimeTLook {
    /// Returns the interval around an estimate with this standard error, valid at all looks.
    ///
    /// # Errors
    /// [`StatsError::NotFinite`], or [`StatsError::OutOfRange`] for a negative standard error.
    pub fn interval(&self, estimate: f64, standard_error: f64, alpha: Alpha) -> Result<Interval, StatsError> {
        let (estimate, error) =
            (finite("estimate", estimate)?, non_negative("standard error", standard_error)?);
        let reach = match self.radius {
            Radius::Finite { standard_errors } => standard_errors * error,
            Radius::WholeLine => f64::INFINITY,
        };
        Ok(Interval::new(estimate - reach, estimate + reach, alpha, Coverage::Anytime))
    }
}

impl AnytimeT {
    /// Makes a test with prior precision φ; smaller φ expects larger effects.
    ///
    /// # Errors
    /// [`StatsError::NotFinite`], or [`StatsError::OutOfRange`] unless φ is positive.
    pub fn new(alpha: Alpha, precision: f64) -> Result<Self, StatsError> {
        Ok(Self { alpha, precision: positive("the prior precision", precision)? })
    }

    /// Looks at statistic `t` with `nu` degrees of freedom and information `z2`.
    ///
    /// # Errors
    /// [`StatsError::NotFinite`], or [`StatsError::OutOfRange`] for `nu` = 0 or a negative `z2`.
    pub fn look(&self, t: f64, nu: u64, z2: f64) -> Result<AnytimeTLook, StatsError> {
        let (t, z2) = (finite("t", t)?, non_negative("the information z2", z2)?);
        if nu == 0 {
            let allowed = "at least 1";
            return Err(StatsError::OutOfRange { what: "the degrees of freedom", value: 0.0, allowed });
        }
        let df = nu as f64;
        let gained = z2 / self.precision;
        // r = 1 / (1 + gained), its complement without cancellation.
        let ln_r = if gained.is_infinite() { self.precision.ln() - z2.ln() } else { -gained.ln_1p() };
        let kept = 1.0 / (1.0 + gained);
        let lost = if gained.is_infinite() { 1.0 } else { gained / (1.0 + gained) };
        let x = t * (t / df);
        // (1 + x) / (1 + r x) = 1 + lost x / (1 + r x), whose limit at infinity is 1 / r.
        let ln_ratio = if x.is_infinite() { -ln_r } else { (lost * x / (1.0 + kept * x)).ln_1p() };
        let evidence = EValue::saturating(0.5 * ln_r + 0.5 * (df + 1.0) * ln_ratio);
        Ok(AnytimeTLook { evidence, ln_p: evidence.to_p(), radius: self.radius(df, ln_r) })
    }

    /// Solves `ln e = -ln alpha`: with `R = (α² r)^(-1/(ν+1))`, `t² = ν (R - 1) / (1 - r R)` while `r R < 1`.
    fn radius(&self, df: f64, ln_r: f64) -> Radius {
        let ln_big = -(2.0 * self.alpha.get().ln() + ln_r) / (df + 1.0);
        let room = -(ln_r + ln_big).exp_m1();
        if room <= 0.0 {
            return Radius::WholeLine;
        }
        let standard_errors = (df * (ln_big.exp_m1() / room)).sqrt();
        if standard_errors.is_finite() { Radius::Finite { standard_errors } } else { Radius::WholeLine }
    }
}

/// The serialised form.
#[derive(Deserialize)]
struct Stored {
    alpha: Alpha,
    precision: f64,
}

impl TryFrom<Stored> for AnytimeT {
    type Error = StatsError;

    fn try_from(stored: Stored) -> Result<Self, StatsError> {
        Self::new(stored.alpha, stored.precision)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::close;

    /// Source: avinf 1.0.0 `av_lm.log_E_t`, the radius put back into it.
    #[test]
    fn agrees_with_avinf() {
        let look = |t2: f64, nu, phi, z2| {
            AnytimeT::new(Alpha::FIVE_PERCENT, phi).unwrap().look(t2.sqrt(), nu, z2).unwrap()
        };
        let check = |look: AnytimeTLook, ln_e: f64, radius: f64| {
            close(look.evidence.ln(), ln_e, 1e-10);
            let Radius::Finite { standard_errors } = look.radius else { panic!("finite") };
            close(standard_errors, radius, 1e-10);
        };
        check(look(12.0, 30, 1.0, 10.0), 3.4627417508973872, 3.253427298804751);
        check(look(12.0, 500, 100.0, 2500.0), 4.0808175356600715, 3.1139588797087225);
        check(look(0.5, 1_000_000, 1.0, 1_000_001.0), -6.657756341480929, 4.450525054947196);
        assert_eq!(look(0.0, 1, 1.0, 2.0).radius, Radius::WholeLine);
    }

    #[test]
    fn the_radius_is_where_the_evidence_reaches_one_over_alpha() {
        for nu in [4, 30, 1000, 1_000_000_000, u64::MAX] {
            let test = AnytimeT::new(Alpha::FIVE_PERCENT, 2.0).unwrap();
            let Radius::Finite { standard_errors } = test.look(0.0, nu, 50.0).unwrap().radius else {
                continue;
            };
            close(test.look(standard_errors, nu, 50.0).unwrap().ln_p.p(), 0.05, 1e-9);
        }
    }

    #[test]
    fn extreme_numbers_stay_numbers() {
        let test = AnytimeT::new(Alpha::FIVE_PERCENT, 1e-300).unwrap();
        for t in [0.0, -0.0, 1e-320, 1e300, -f64::MAX] {
            for z2 in [0.0, 1e-320, 1e300] {
                let look = test.look(t, 1, z2).unwrap();
                assert!(look.evidence.ln().is_finite() && look.ln_p.get() <= 0.0);
            }
        }
        assert!(test.look(f64::NAN, 3, 1.0).is_err() && test.look(1.0, 0, 1.0).is_err());
        assert!(test.look(1.0, 3, -1.0).is_err() && AnytimeT::new(Alpha::FIVE_PERCENT, 0.0).is_err());
    }
}

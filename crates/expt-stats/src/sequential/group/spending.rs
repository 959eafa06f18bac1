//! How the error level is spent while information accrues.

use serde::{Deserialize, Serialize};

use crate::error::{StatsError, finite, positive};
use crate::special::normal;

/// Says how much of an error level may be spent up to each information fraction.
///
/// A spending function rises from 0 at `t = 0` to the whole level at `t = 1` (Lan and DeMets 1983). It fixes the
/// boundary of a look from the information at that look alone, so neither the number of looks nor their times
/// need to be known beforehand, as long as they do not depend on the observed difference. With level `a`:
///
/// | variant | spent up to `t` | source |
/// |---|---|---|
/// | `LanDeMetsObrienFleming`, one-sided | `2 - 2 Φ(z(1 - a/2) / sqrt t)` | Lan and DeMets 1983 |
/// | the same, two-sided | `4 - 4 Φ(z(1 - a/4) / sqrt t)` | the same, at each side |
/// | `LanDeMetsPocock` | `a ln(1 + (e - 1) t)` | Lan and DeMets 1983 |
/// | `HwangShihDeCani` | `a (1 - exp(-γ t)) / (1 - exp(-γ))`, `a t` at γ = 0 | Hwang, Shih and DeCani 1990 |
/// | `KimDeMets` | `a t^ρ` | Kim and DeMets 1987 |
/// | `Table` | `a` times a share, linear between the points | any function |
///
/// ```
/// use expt_stats::Alpha;
/// use expt_stats::sequential::{Sides, Spending};
///
/// let early = Spending::LanDeMetsObrienFleming.spent(Alpha::FIVE_PERCENT, 0.5, Sides::Two)?;
/// assert!((early - 0.003051).abs() < 1e-6);
/// # Ok::<(), expt_stats::StatsError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Spending {
    /// Spends almost nothing early, like the O'Brien-Fleming boundary.
    LanDeMetsObrienFleming,
    /// Spends evenly, like the Pocock boundary.
    LanDeMetsPocock,
    /// The gamma family: negative spends late, positive early.
    HwangShihDeCani {
        /// The parameter γ; -4 is close to O'Brien-Fleming, 1 to Pocock.
        gamma: f64,
    },
    /// The power family.
    KimDeMets {
        /// The exponent ρ, greater than zero; 3 is close to O'Brien-Fleming, 1 is linear.
        rho: f64,
    },
    /// Any function, by points `(fraction, share of the level)`; 0 at 0 and 1 at 1 are implied.
    Table {
        /// Points with rising fractions and shares that do not fall, both between 0 and 1.
        points: Vec<(f64, f64)>,
    },
}

/// Says whether a test looks at one side or at both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sides {
    /// The alternative is a positive effect; the test stops for `Z >= c`.
    One,
    /// The alternative is any effect; the test stops for `|Z| >= c`.
    #[default]
    Two,
}

impl Sides {
    /// Returns 1 or 2.
    #[must_use]
    pub const fn count(self) -> f64 {
        match self {
            Self::One => 1.0,
            Self::Two => 2.0,
        }
    }
}

impl Spending {
    /// Returns the level spent up to information fraction `t`; none for `t <= 0`, all of it for `t >= 1`.
    ///
    /// `level` is an [`Alpha`](crate::Alpha) or, for futility, the type II error. Relative accuracy about 1e-13,
    /// also where the result is 1e-85.
    ///
    /// # Errors
    /// [`StatsError::NotFinite`] or [`StatsError::OutOfRange`] if `t` is not finite or a parameter of the family is
    /// outside its range.
    pub fn spent(&self, level: crate::Alpha, t: f64, sides: Sides) -> Result<f64, StatsError> {
        self.check()?;
        let (t, level) = (finite("the information fraction", t)?, level.get());
        if t <= 0.0 {
            return Ok(0.0);
        }
        if t >= 1.0 {
            return Ok(level);
        }
        let spent = match self {
            Self::LanDeMetsObrienFleming => {
                let share = 2.0 * sides.count();
                share * normal::sf(normal::upper_quantile(level / share) / t.sqrt())
            }
            Self::LanDeMetsPocock => level * ((std::f64::consts::E - 1.0) * t).ln_1p(),
            Self::HwangShihDeCani { gamma } => level * exponential_share(*gamma, t),
            Self::KimDeMets { rho } => level * t.powf(*rho),
            Self::Table { points } => level * interpolated(points, t),
        };
        Ok(spent.clamp(0.0, level))
    }

    /// Checks the parameters.
    pub(crate) fn check(&self) -> Result<(), StatsError> {
        match self {
            Self::HwangShihDeCani { gamma } => {
                finite("gamma of Hwang-Shih-DeCani spending", *gamma).map(|_| ())
            }
            Self::KimDeMets { rho } => positive("rho of Kim-DeMets spending", *rho).map(|_| ()),
            Self::Table { points } => {
                let mut last = (0.0, 0.0);
                for &(t, share) in points {
                    let rising = t > last.0 && t <= 1.0 && share >= last.1 && share <= 1.0;
                    if !rising {
                        let allowed = "fractions that rise and shares that do not fall, both between 0 and 1";
                        let value = if t > last.0 && t <= 1.0 { share } else { t };
                        return Err(StatsError::OutOfRange {
                            what: "a point of the spending table",
                            value,
                            allowed,
                        });
                    }
                    last = (t, share);
                }
                Ok(())
            }
            Self::LanDeMetsObrienFleming | Self::LanDeMetsPocock => Ok(()),
        }
    }
}

/// Returns `(1 - exp(-γ t)) / (1 - exp(-γ))` without overflow for γ far below zero.
fn exponential_share(gamma: f64, t: f64) -> f64 {
    if gamma.abs() < 1e-12 {
        t
    } else if gamma > 0.0 {
        (-gamma * t).exp_m1() / (-gamma).exp_m1()
    } else {
        (gamma * (1.0 - t)).exp() * ((gamma * t).exp_m1() / gamma.exp_m1())
    }
}

/// Interpolates linearly between points, with (0, 0) before the first and (1, 1) after the last.
fn interpolated(points: &[(f64, f64)], t: f64) -> f64 {
    let mut left = (0.0, 0.0);
    for &right in points.iter().chain(std::iter::once(&(1.0, 1.0))) {
        if t <= right.0 {
            let width: f64 = right.0 - left.0;
            return if width > 0.0 { left.1 + (right.1 - left.1) * ((t - left.0) / width) } else { right.1 };
        }
        left = right;
    }
    1.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::level::Alpha;
    use crate::testing::close;

    fn families() -> Vec<Spending> {
        vec![
            Spending::LanDeMetsObrienFleming,
            Spending::LanDeMetsPocock,
            Spending::HwangShihDeCani { gamma: -4.0 },
            Spending::HwangShihDeCani { gamma: 0.0 },
            Spending::HwangShihDeCani { gamma: -2000.0 },
            Spending::HwangShihDeCani { gamma: 3000.0 },
            Spending::KimDeMets { rho: 3.0 },
            Spending::Table { points: vec![(0.2, 0.0), (0.5, 0.4)] },
        ]
    }

    /// Source: closed forms in mpmath, 40 digits; rpact 3.3.4 agrees where it spends.
    #[test]
    fn known_values() {
        let spent = |family: Spending, alpha: f64, t: f64, sides: Sides| {
            family.spent(Alpha::new(alpha).unwrap(), t, sides).unwrap()
        };
        close(spent(Spending::LanDeMetsObrienFleming, 0.05, 0.01, Sides::One), 1.5572210839553918e-85, 1e-11);
        close(spent(Spending::LanDeMetsObrienFleming, 0.025, 0.2, Sides::Two), 4.672949363703031e-08, 1e-12);
        close(spent(Spending::LanDeMetsPocock, 0.05, 0.75, Sides::One), 0.04139944696214349, 1e-14);
        close(
            spent(Spending::HwangShihDeCani { gamma: -1.0 }, 0.05, 0.2, Sides::One),
            0.006442562404292078,
            1e-14,
        );
        close(spent(Spending::KimDeMets { rho: 3.0 }, 0.05, 0.75, Sides::One), 0.02109375, 1e-15);
    }

    #[test]
    fn every_family_rises_from_nothing_to_the_whole_level() {
        for family in families() {
            for sides in [Sides::One, Sides::Two] {
                let at = |t: f64| family.spent(Alpha::FIVE_PERCENT, t, sides).unwrap();
                close(at(-3.0), 0.0, 0.0);
                close(at(1.5), 0.05, 0.0);
                let mut last = 0.0;
                for step in 0..=100 {
                    let now = at(f64::from(step) / 100.0);
                    assert!(now >= last && now <= 0.05, "{family:?} {step} {now}");
                    last = now;
                }
                close(last, 0.05, 1e-12);
            }
            assert!(family.spent(Alpha::FIVE_PERCENT, f64::NAN, Sides::One).is_err());
        }
    }

    #[test]
    fn bad_parameters_are_refused() {
        let bad = [
            Spending::KimDeMets { rho: 0.0 },
            Spending::HwangShihDeCani { gamma: f64::INFINITY },
            Spending::Table { points: vec![(0.5, 0.5), (0.4, 0.6)] },
            Spending::Table { points: vec![(0.5, 0.5), (0.6, 0.4)] },
            Spending::Table { points: vec![(f64::NAN, 0.5)] },
        ];
        for family in bad {
            assert!(family.spent(Alpha::FIVE_PERCENT, 0.5, Sides::One).is_err(), "{family:?}");
        }
    }
}

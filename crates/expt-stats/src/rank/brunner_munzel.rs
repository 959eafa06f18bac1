//! The Brunner-Munzel test.

use serde::{Deserialize, Serialize};

use crate::error::StatsError;
use crate::interval::{Coverage, Interval};
use crate::level::{Alpha, Alternative, LnP};
use crate::rank::ranks::{Ranks, pooled, sample};
use crate::special::student;

/// Holds a Brunner-Munzel test.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct BrunnerMunzel {
    /// The estimate of `P(T > C) + P(T = C) / 2`.
    pub probability: f64,
    /// The statistic and what follows from it; `None` if both samples are constant in rank, for instance if
    /// every value of one arm is beyond every value of the other, so that there is no variance to judge by.
    pub test: Option<BrunnerMunzelStatistic>,
}

/// Holds the parts of a [`BrunnerMunzel`] test that need a variance.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct BrunnerMunzelStatistic {
    /// The studentised difference of mean ranks, treatment minus control.
    pub statistic: f64,
    /// The degrees of freedom.
    pub df: f64,
    /// The p-value.
    pub ln_p: LnP,
    /// The interval for `P(T > C) + P(T = C) / 2`, clipped to [0, 1].
    pub interval: Interval,
}

/// Tests `P(T > C) + P(T = C) / 2 = 1/2` without assuming equal spread (Brunner and Munzel 2000).
///
/// With `R` the ranks among all values and `r` those within the arm, the variance of arm i is that of `R -
/// r`; the statistic `m n (mean R_t - mean R_c) / (N sqrt(m S_c + n S_t))` has about a t distribution
/// with Satterthwaite's degrees of freedom. The same as scipy's `brunnermunzel(control, treatment)`. Needs
/// about ten values an arm; below that the t approximation is liberal.
///
/// # Errors
/// [`StatsError::TooFew`] below two values, [`StatsError::NotFinite`] for a value that is not finite.
pub fn brunner_munzel(
    control: &[f64],
    treatment: &[f64],
    alternative: Alternative,
    alpha: Alpha,
) -> Result<BrunnerMunzel, StatsError> {
    let control = sample("the control", control, 2)?;
    let treatment = sample("the treatment", treatment, 2)?;
    let (m, n) = (control.len() as f64, treatment.len() as f64);
    let all = pooled(control, treatment);
    let (first, second) = all.ranks.split_at(control.len());
    let (mean_c, spread_c) = placements(first, control);
    let (mean_t, spread_t) = placements(second, treatment);
    let probability = ((mean_t - mean_c) / (m + n) + 0.5).clamp(0.0, 1.0);
    let (vc, vt) = (m * spread_c, n * spread_t);
    let total = vc + vt;
    if total <= 0.0 {
        return Ok(BrunnerMunzel { probability, test: None });
    }
    let statistic = m * n * (mean_t - mean_c) / ((m + n) * total.sqrt());
    let (c, t) = (vc / total, vt / total);
    let df = 1.0 / (c * c / (m - 1.0) + t * t / (n - 1.0));
    let (ln_p, tail) = match alternative {
        Alternative::TwoSided => {
            (std::f64::consts::LN_2 + student::ln_sf(statistic.abs(), df), 0.5 * alpha.get())
        }
        Alternative::Greater => (student::ln_sf(statistic, df), alpha.get()),
        Alternative::Less => (student::ln_sf(-statistic, df), alpha.get()),
    };
    let reach = student::upper_quantile(tail, df) * total.sqrt() / (m * n);
    let lower = if alternative == Alternative::Less { 0.0 } else { (probability - reach).max(0.0) };
    let upper = if alternative == Alternative::Greater { 1.0 } else { (probability + reach).min(1.0) };
    let interval = Interval::new(lower, upper, alpha, Coverage::Fixed);
    let test = BrunnerMunzelStatistic { statistic, df, ln_p: LnP::saturating(ln_p), interval };
    Ok(BrunnerMunzel { probability, test: Some(test) })
}

/// The mean of the overall ranks and the variance of their excess over the ranks within the arm.
fn placements(overall: &[f64], values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let within = Ranks::new(values.iter().copied()).ranks;
    let mean = overall.iter().sum::<f64>() / n;
    let centre = mean - 0.5 * (n + 1.0);
    let squares = overall.iter().zip(&within).map(|(all, own)| (all - own - centre).powi(2));
    (mean, squares.sum::<f64>() / (n - 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::close;

    #[test]
    fn separation_is_undefined_and_swapping_mirrors() {
        let run =
            |a: &[f64], b: &[f64]| brunner_munzel(a, b, Alternative::TwoSided, Alpha::FIVE_PERCENT).unwrap();
        let apart = run(&[1.0, 2.0], &[3.0, 4.0, 5.0]);
        assert_eq!((apart.probability, apart.test), (1.0, None));
        close(run(&[1.0; 5], &[1.0; 7]).probability, 0.5, 0.0);
        let (a, b) = ([1.0, 5.0, 2.0, 8.0], [4.0, 3.0, 9.0, 2.0, 11.0]);
        let (ab, ba) = (run(&a, &b).test.unwrap(), run(&b, &a).test.unwrap());
        close(ab.statistic, -ba.statistic, 1e-14);
        close(ab.ln_p.get(), ba.ln_p.get(), 1e-13);
        assert!(brunner_munzel(&[1.0], &b, Alternative::Less, Alpha::FIVE_PERCENT).is_err());
    }
}

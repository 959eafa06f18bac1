//! One effect out of several.

use serde::{Deserialize, Serialize};

use crate::error::{StatsError, finite, positive};
use crate::interval::{Coverage, Interval};
use crate::level::{Alpha, LnP};
use crate::special::{chi_square_ln_sf, normal, student};

/// Holds the effect that one experiment estimates and the variance of that estimate.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Study {
    /// The estimate.
    pub effect: f64,
    /// Its variance: the squared standard error.
    pub variance: f64,
}

/// Names an estimator of the variance between studies, `tau^2`; negative estimates become zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Heterogeneity {
    /// `(Q - (k - 1)) / (sum w - sum w^2 / sum w)` (DerSimonian and Laird 1986).
    #[default]
    DerSimonianLaird,
    /// The `tau^2` at which `Q` with weights `1 / (v + tau^2)` equals `k - 1` (Paule and Mandel 1982); less
    /// biased when studies differ in size.
    PauleMandel,
}

/// Names how the interval of the random-effects estimate is made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum MetaInterval {
    /// Normal, with variance `1 / sum w`; too narrow for few studies.
    #[default]
    Normal,
    /// t with `k - 1` degrees of freedom and variance `sum w (y - mean)^2 / ((k - 1) sum w)` (Hartung and Knapp
    /// 2001; Sidik and Jonkman 2002).
    HartungKnapp,
    /// The same, never narrower than the normal variance allows (Röver, Knapp and Friede 2015).
    HartungKnappTruncated,
}

/// Combines effects of several experiments, with fixed and with random effects.
///
/// Fixed: all experiments estimate one effect; the estimate is the mean with weights `1 / v`. Random: the effects
/// scatter around their mean with variance `tau^2`, weights `1 / (v + tau^2)`, and the mean is the estimand.
/// Selected experiments (only the launched ones) bias both.
///
/// ```
/// use expt_stats::Alpha;
/// use expt_stats::meta::{MetaAnalysis, Study};
///
/// let studies = [Study { effect: 0.2, variance: 0.01 }, Study { effect: 0.6, variance: 0.01 }];
/// let result = MetaAnalysis::new(Alpha::FIVE_PERCENT).combine(&studies)?;
/// assert!((result.fixed.estimate - 0.4).abs() < 1e-12);
/// assert!((result.tau2 - 0.07).abs() < 1e-12);
/// # Ok::<(), expt_stats::StatsError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct MetaAnalysis {
    alpha: Alpha,
    heterogeneity: Heterogeneity,
    interval: MetaInterval,
}

/// Holds a pooled effect.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Pooled {
    /// The estimate.
    pub estimate: f64,
    /// Its standard error.
    pub standard_error: f64,
    /// The two-sided p-value of no effect.
    pub ln_p: LnP,
    /// The interval.
    pub interval: Interval,
}

/// Holds a meta-analysis.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct MetaResult {
    /// The effect if it is the same everywhere.
    pub fixed: Pooled,
    /// The mean of the effects if they differ.
    pub random: Pooled,
    /// Cochran's Q (1954).
    pub q: f64,
    /// The p-value of homogeneity: Q against chi-square with `k - 1`; one for one study.
    pub ln_p_homogeneous: LnP,
    /// The share of the variation that is between studies, `max(0, (Q - df) / Q)` (Higgins and Thompson 2002).
    pub i2: f64,
    /// The variance between studies.
    pub tau2: f64,
    /// Where the effect of a new experiment is expected: t with `k - 2` degrees of freedom (Higgins, Thompson
    /// and Spiegelhalter 2009); `None` below three studies.
    pub prediction: Option<Interval>,
}

impl MetaAnalysis {
    /// Makes an analysis with the estimator of DerSimonian and Laird and normal intervals.
    #[must_use]
    pub const fn new(alpha: Alpha) -> Self {
        Self { alpha, heterogeneity: Heterogeneity::DerSimonianLaird, interval: MetaInterval::Normal }
    }

    /// Sets the estimator of the variance between studies.
    #[must_use]
    pub const fn with_heterogeneity(mut self, heterogeneity: Heterogeneity) -> Self {
        self.heterogeneity = heterogeneity;
        self
    }

    /// Sets how the interval of the random-effects estimate is made.
    #[must_use]
    pub const fn with_interval(mut self, interval: MetaInterval) -> Self {
        self.interval = interval;
        self
    }

    /// Combines studies. One study alone is returned as it is, with `tau^2` zero.
    ///
    /// # Errors
    /// [`StatsError::TooFew`] without studies, [`StatsError::NotFinite`], [`StatsError::OutOfRange`] for a
    /// variance that is not positive, [`StatsError::Overflow`] if a result leaves the range of `f64`.
    pub fn combine(&self, studies: &[Study]) -> Result<MetaResult, StatsError> {
        if studies.is_empty() {
            return Err(StatsError::TooFew { what: "the list of studies", have: 0, need: 1 });
        }
        for study in studies {
            finite("an effect", study.effect)?;
            positive("the variance of an effect", study.variance)?;
        }
        let df = (studies.len() - 1) as f64;
        let common = Weighted::new(studies, 0.0);
        let tau2 = match self.heterogeneity {
            _ if df <= 0.0 => 0.0,
            Heterogeneity::DerSimonianLaird => ((common.q - df) / common.spare()).max(0.0),
            Heterogeneity::PauleMandel => paule_mandel(studies, df),
        };
        let mixed = Weighted::new(studies, tau2);
        let (error, random_df) = match self.interval {
            _ if df <= 0.0 => (mixed.standard_error(), f64::INFINITY),
            MetaInterval::Normal => (mixed.standard_error(), f64::INFINITY),
            MetaInterval::HartungKnapp => (mixed.standard_error() * (mixed.q / df).sqrt(), df),
            MetaInterval::HartungKnappTruncated => {
                (mixed.standard_error() * (mixed.q / df).sqrt().max(1.0), df)
            }
        };
        let fixed = self.pooled(common.mean, common.standard_error(), f64::INFINITY);
        let random = self.pooled(mixed.mean, error, random_df);
        let q = common.q;
        let prediction = (studies.len() > 2).then(|| {
            let reach = student::upper_quantile(0.5 * self.alpha.get(), df - 1.0) * tau2.sqrt().hypot(error);
            Interval::new(mixed.mean - reach, mixed.mean + reach, self.alpha, Coverage::Fixed)
        });
        let numbers = [fixed.estimate, fixed.standard_error, random.estimate, random.standard_error, q, tau2];
        if numbers.iter().any(|number| !number.is_finite()) {
            return Err(StatsError::Overflow { what: "a pooled effect" });
        }
        let homogeneous = if df > 0.0 { chi_square_ln_sf(q, df)? } else { 0.0 };
        let i2 = if q > df { (q - df) / q } else { 0.0 };
        Ok(MetaResult {
            fixed,
            random,
            q,
            ln_p_homogeneous: LnP::saturating(homogeneous),
            i2,
            tau2,
            prediction,
        })
    }

    fn pooled(&self, estimate: f64, standard_error: f64, df: f64) -> Pooled {
        let statistic = if standard_error > 0.0 { estimate.abs() / standard_error } else { 0.0 };
        let ln_sf = if df.is_finite() { student::ln_sf(statistic, df) } else { normal::ln_sf(statistic) };
        let tail = 0.5 * self.alpha.get();
        let quantile =
            if df.is_finite() { student::upper_quantile(tail, df) } else { normal::upper_quantile(tail) };
        let reach = quantile * standard_error;
        let interval = Interval::new(estimate - reach, estimate + reach, self.alpha, Coverage::Fixed);
        let ln_p = LnP::saturating(std::f64::consts::LN_2 + ln_sf);
        Pooled { estimate, standard_error, ln_p, interval }
    }
}

/// A mean with weights `1 / (v + tau^2)`, all relative to the least variance.
struct Weighted {
    least: f64,
    sum: f64,
    squares: f64,
    mean: f64,
    q: f64,
}

impl Weighted {
    fn new(studies: &[Study], tau2: f64) -> Self {
        let least = studies.iter().map(|study| study.variance + tau2).fold(f64::INFINITY, f64::min);
        let weight = |study: &Study| least / (study.variance + tau2);
        let sum: f64 = studies.iter().map(weight).sum();
        let mean: f64 = studies.iter().map(|study| weight(study) / sum * study.effect).sum();
        let mean =
            mean + studies.iter().map(|study| weight(study) / sum * (study.effect - mean)).sum::<f64>();
        let scaled = |study: &Study| (study.effect - mean) / (study.variance + tau2).sqrt();
        let q = studies.iter().map(|study| scaled(study).powi(2)).sum();
        let squares = studies.iter().map(|study| weight(study).powi(2)).sum();
        Self { least, sum, squares, mean, q }
    }

    fn standard_error(&self) -> f64 {
        (self.least / self.sum).sqrt()
    }

    /// `sum w - sum w^2 / sum w`.
    fn spare(&self) -> f64 {
        (self.sum - self.squares / self.sum) / self.least
    }
}

/// Solves `Q(tau^2) = df`; Q falls in `tau^2`.
fn paule_mandel(studies: &[Study], df: f64) -> f64 {
    let excess = |tau2: f64| Weighted::new(studies, tau2).q - df;
    if excess(0.0) <= 0.0 {
        return 0.0;
    }
    let (mut low, mut high) = (0.0, studies.iter().map(|study| study.variance).fold(0.0, f64::max));
    while excess(high) > 0.0 && high < f64::MAX {
        (low, high) = (high, (high * 4.0).min(f64::MAX));
    }
    for _ in 0..2000 {
        let middle = low + 0.5 * (high - low);
        if middle <= low || middle >= high {
            break;
        }
        if excess(middle) > 0.0 { low = middle } else { high = middle }
    }
    low + 0.5 * (high - low)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::close;

    fn studies() -> Vec<Study> {
        let effects = [0.61, 0.12, -0.07, 0.45, 0.30];
        let variances = [0.04, 0.02, 0.03, 0.06, 0.01];
        effects.into_iter().zip(variances).map(|(effect, variance)| Study { effect, variance }).collect()
    }

    /// Source: statsmodels 0.15.0, `combine_effects(method_re="iterated")` and its HKSJ table.
    #[test]
    fn paule_mandel_and_hartung_knapp_agree_with_statsmodels() {
        let base = MetaAnalysis::new(Alpha::FIVE_PERCENT).with_heterogeneity(Heterogeneity::PauleMandel);
        let got = base.combine(&studies()).unwrap();
        close(got.tau2, PM_TAU, 1e-6);
        close(got.random.estimate, PM_MEAN, 1e-6);
        close(got.random.standard_error, PM_SE, 1e-6);
        let got = base.with_interval(MetaInterval::HartungKnapp).combine(&studies()).unwrap();
        close(got.random.standard_error, HK_SE, 1e-6);
        close(got.random.interval.lower.unwrap(), HK_LOW, 1e-5);
    }

    #[test]
    fn edges() {
        let analysis = MetaAnalysis::new(Alpha::FIVE_PERCENT);
        let one = analysis.combine(&[Study { effect: 2.0, variance: 4.0 }]).unwrap();
        assert_eq!((one.fixed, one.tau2, one.i2, one.prediction), (one.random, 0.0, 0.0, None));
        assert!(analysis.combine(&[]).is_err());
        assert!(analysis.combine(&[Study { effect: 2.0, variance: 0.0 }]).is_err());
        assert!(analysis.combine(&[Study { effect: f64::NAN, variance: 1.0 }]).is_err());
        for heterogeneity in [Heterogeneity::DerSimonianLaird, Heterogeneity::PauleMandel] {
            let analysis = analysis.with_heterogeneity(heterogeneity);
            for (x, v) in [(1e300, 1e-300), (5e-324, 5e-324), (-0.0, 1e300), (1e150, 1.0)] {
                let pair = [Study { effect: x, variance: v }, Study { effect: -x, variance: v }];
                if let Ok(got) = analysis.combine(&pair) {
                    assert!(got.tau2.is_finite() && got.q.is_finite() && got.random.estimate.is_finite());
                }
            }
            let same = [Study { effect: 0.3, variance: 0.1 }; 4];
            let got = analysis.with_interval(MetaInterval::HartungKnappTruncated).combine(&same).unwrap();
            assert_eq!((got.tau2, got.i2), (0.0, 0.0));
            assert!(got.random.standard_error > 0.1);
        }
    }

    const PM_TAU: f64 = 0.03639870108128702;
    const PM_MEAN: f64 = 0.2595116135400739;
    const PM_SE: f64 = 0.11336835333086627;
    const HK_SE: f64 = 0.11336835333086627;
    const HK_LOW: f64 = -0.055249396149743835;
}

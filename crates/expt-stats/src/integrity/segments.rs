//! Does the effect differ between segments of users, and by how much after shrinkage?

use serde::{Deserialize, Serialize};

use crate::arm::ArmEstimate;
use crate::error::StatsError;
use crate::fixed::{Welch, WelchOutcome};
use crate::interval::{Coverage, Interval};
use crate::level::{Alpha, LnP};
use crate::multiple::Correction;
use crate::special::{chi_square_ln_sf, normal};

use super::launches::Experiment;
use super::prior::EffectPrior;

/// Names a segment of units that was fixed before treatment could change who belongs to it.
///
/// A segment defined by what units did *after* exposure ("users who clicked") is not the same people in both
/// arms, and a difference within it is no effect of the treatment. Such a segment cannot be made.
///
/// ```
/// use expt_stats::integrity::Segment;
///
/// let exposed_at = 1_700_000_000;
/// assert!(Segment::known_before("country: DE", exposed_at - 86_400, exposed_at).is_ok());
/// let clickers = Segment::known_before("clicked the banner", exposed_at + 60, exposed_at);
/// assert!(clickers.unwrap_err().to_string().contains("before first exposure"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "StoredSegment")]
pub struct Segment {
    name: String,
    known_at: i64,
    first_exposure: i64,
}

impl Segment {
    /// Declares a segment: when the value that defines it was known, and when the first unit was exposed,
    /// both in the same unit of time (of one unit, if the times differ between units: the latest lag counts).
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] if it was known only after first exposure.
    pub fn known_before(
        name: impl Into<String>,
        known_at: i64,
        first_exposure: i64,
    ) -> Result<Self, StatsError> {
        if known_at > first_exposure {
            return Err(StatsError::OutOfRange {
                what: "the time at which a segment is known, after first exposure",
                value: known_at as f64 - first_exposure as f64,
                allowed: "at or before first exposure, since treatment may change who belongs to a later one",
            });
        }
        Ok(Self { name: name.into(), known_at, first_exposure })
    }

    /// Returns the name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// The serialised form.
#[derive(Deserialize)]
struct StoredSegment {
    name: String,
    known_at: i64,
    first_exposure: i64,
}

impl TryFrom<StoredSegment> for Segment {
    type Error = StatsError;

    fn try_from(stored: StoredSegment) -> Result<Self, StatsError> {
        Self::known_before(stored.name, stored.known_at, stored.first_exposure)
    }
}

/// Holds both arms within one segment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SegmentArms {
    /// The segment.
    pub segment: Segment,
    /// Its control units.
    pub control: ArmEstimate,
    /// Its treatment units.
    pub treatment: ArmEstimate,
}

/// Analyses the effect in disjoint segments.
///
/// Estimands: the effect in each segment; whether they are all equal; each effect's posterior when segments
/// are draws from a population of segments. Assumptions: segments are disjoint and fixed before treatment,
/// estimates are normal.
///
/// - *Effect of a segment against zero*: Welch's test, corrected across segments; simultaneous intervals at
///   `alpha / m` (Bonferroni).
/// - *Heterogeneity*: `Q = sum (d_j - d)^2 / v_j` about the inverse-variance mean is chi-square with `m - 1`
///   degrees of freedom if all are equal (Cochran 1954); `I^2 = max(0, (Q - df) / Q)` (Higgins and Thompson
///   2002); between-segment variance of DerSimonian and Laird (1986). "Significant here, not there" is no
///   evidence of a difference: read Q, or the corrected test of a segment against the others.
/// - *Shrinkage*: posterior under a normal population of segments with mean and spread integrated out, which
///   protects against reading the extreme segment at face value (Efron and Morris 1975).
///
/// ```
/// use expt_stats::{Alpha, ArmEstimate};
/// use expt_stats::integrity::{Segment, SegmentAnalysis, SegmentArms};
///
/// let segment = |name: &str, effect| -> Result<SegmentArms, expt_stats::StatsError> {
///     Ok(SegmentArms {
///         segment: Segment::known_before(name, 0, 1)?,
///         control: ArmEstimate::new(1.0, 0.005, 2_000)?,
///         treatment: ArmEstimate::new(1.0 + effect, 0.005, 2_000)?,
///     })
/// };
/// let arms = [segment("DE", 0.1)?, segment("FR", 0.12)?, segment("IT", 0.05)?, segment("ES", 0.32)?];
/// let report = SegmentAnalysis::new(Alpha::FIVE_PERCENT).run(&arms)?;
/// assert!(report.heterogeneity.ln_p.p() > 0.05); // the segments may well be equal
/// let spain = &report.segments[3];
/// assert!(spain.significant && spain.shrunken.unwrap() < 0.25);
/// # Ok::<(), expt_stats::StatsError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SegmentAnalysis {
    alpha: Alpha,
    correction: Correction,
}

impl SegmentAnalysis {
    /// Makes an analysis with Holm's correction.
    #[must_use]
    pub const fn new(alpha: Alpha) -> Self {
        Self { alpha, correction: Correction::Holm }
    }

    /// Sets the correction.
    #[must_use]
    pub const fn with_correction(mut self, correction: Correction) -> Self {
        self.correction = correction;
        self
    }

    /// Runs the analysis; segments without variance are listed apart.
    ///
    /// # Errors
    /// [`StatsError::TooFew`] below two segments that vary; [`StatsError::OutOfRange`] above 1,000;
    /// [`StatsError::Overflow`].
    pub fn run(&self, arms: &[SegmentArms]) -> Result<SegmentReport, StatsError> {
        if arms.len() > MOST_SEGMENTS {
            let (what, allowed) = ("the number of segments", "at most 1,000");
            return Err(StatsError::OutOfRange { what, value: arms.len() as f64, allowed });
        }
        let mut unjudged = Vec::new();
        let mut tests = Vec::new();
        let welch = Welch::new(self.alpha.split(arms.len()));
        for one in arms {
            match welch.compare(&one.control, &one.treatment) {
                WelchOutcome::Tested(test) => tests.push((&one.segment, test)),
                WelchOutcome::NoVariance { .. } => unjudged.push(one.segment.clone()),
            }
        }
        if tests.len() < 2 {
            let (what, have) = ("the list of segments that vary", tests.len() as u64);
            return Err(StatsError::TooFew { what, have, need: 2 });
        }
        let effects: Vec<Experiment> = tests
            .iter()
            .map(|(_, test)| Experiment::new(test.difference, test.standard_error))
            .collect::<Result<_, _>>()?;
        let pool = Pool::of(&effects);
        let heterogeneity = pool.heterogeneity(&effects, self.alpha)?;
        let adjusted = self.correction.adjust(&tests.iter().map(|(_, test)| test.ln_p).collect::<Vec<_>>());
        let differs: Vec<LnP> = effects.iter().map(|effect| pool.against_others(effect)).collect();
        let differs = self.correction.adjust(&differs);
        let mut segments = Vec::with_capacity(tests.len());
        let judged = tests.into_iter().zip(adjusted.ln_p).zip(differs.ln_p).enumerate();
        for (place, (((segment, test), adjusted), differs)) in judged {
            let shrunken = shrink(&effects, place, self.alpha)?;
            segments.push(SegmentEffect {
                segment: segment.clone(),
                effect: test.difference,
                standard_error: test.standard_error,
                interval: test.interval,
                ln_p: test.ln_p,
                adjusted,
                significant: adjusted.is_at_most(self.alpha),
                differs_from_others: differs,
                shrunken: shrunken.map(|(mean, _)| mean),
                shrunken_interval: shrunken.map(|(_, interval)| interval),
            });
        }
        Ok(SegmentReport { correction: self.correction, heterogeneity, segments, unjudged })
    }
}

/// Holds the analysis of all segments.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SegmentReport {
    /// The correction across segments.
    pub correction: Correction,
    /// Whether the segments differ at all.
    pub heterogeneity: Heterogeneity,
    /// The segments that vary, in input order.
    pub segments: Vec<SegmentEffect>,
    /// Segments in which neither arm varies.
    pub unjudged: Vec<Segment>,
}

/// Holds the effect in one segment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SegmentEffect {
    /// The segment.
    pub segment: Segment,
    /// Treatment minus control.
    pub effect: f64,
    /// Its standard error.
    pub standard_error: f64,
    /// The interval at `alpha / m`: all segments' intervals hold together.
    pub interval: Interval,
    /// The p-value of no effect in this segment, uncorrected.
    pub ln_p: LnP,
    /// The corrected p-value.
    pub adjusted: LnP,
    /// Whether the corrected p-value is at most alpha.
    pub significant: bool,
    /// The corrected p-value of "the effect here equals the mean of the other segments".
    pub differs_from_others: LnP,
    /// The posterior mean; `None` below three segments.
    pub shrunken: Option<f64>,
    /// The posterior interval at alpha.
    pub shrunken_interval: Option<Interval>,
}

/// Holds the test of equal effects.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Heterogeneity {
    /// The inverse-variance weighted mean effect.
    pub pooled: f64,
    /// Its interval if the effects are equal.
    pub pooled_interval: Interval,
    /// Cochran's Q.
    pub q: f64,
    /// Its degrees of freedom.
    pub df: usize,
    /// The p-value of equal effects.
    pub ln_p: LnP,
    /// The share of the variation that is not chance, between 0 and 1.
    pub i_squared: f64,
    /// The variance between segments.
    pub tau_squared: f64,
}

/// Tests whether treatment changed who belongs to which segment: units per segment, control and treatment.
///
/// Pearson's chi-square of homogeneity with `m - 1` degrees of freedom. A small p-value says that the
/// segments are not what they were before treatment (or that assignment is broken within some). Segments
/// without units are left out; `None` if fewer than two remain or an arm is empty.
#[must_use]
pub fn membership_shift(counts: &[(u64, u64)]) -> Option<LnP> {
    let counts: Vec<(f64, f64)> =
        counts.iter().map(|&(c, t)| (c as f64, t as f64)).filter(|(c, t)| c + t > 0.0).collect();
    let (control, treatment) = counts.iter().fold((0.0, 0.0), |sum, (c, t)| (sum.0 + c, sum.1 + t));
    if counts.len() < 2 || control <= 0.0 || treatment <= 0.0 {
        return None;
    }
    let term = |(c, t): &(f64, f64)| {
        let surplus = (t * control - c * treatment) / (control + treatment);
        let units = c + t;
        surplus * surplus * (control + treatment) / units * ((control + treatment) / (control * treatment))
    };
    let statistic: f64 = counts.iter().map(term).sum();
    chi_square_ln_sf(statistic, (counts.len() - 1) as f64).ok().map(LnP::saturating)
}

/// Weighted sums of the effects, in units of the smallest standard error.
struct Pool {
    unit: f64,
    weight: f64,
    squares: f64,
    mean: f64,
}

impl Pool {
    fn of(effects: &[Experiment]) -> Self {
        let unit = effects.iter().fold(f64::INFINITY, |a, e| a.min(e.standard_error()));
        let weight = |e: &Experiment| (unit / e.standard_error()).powi(2);
        let total: f64 = effects.iter().map(weight).sum();
        let squares = effects.iter().map(|e| weight(e).powi(2)).sum();
        let mean = effects.iter().map(|e| weight(e) / total * e.estimate()).sum();
        Self { unit, weight: total, squares, mean }
    }

    fn heterogeneity(&self, effects: &[Experiment], alpha: Alpha) -> Result<Heterogeneity, StatsError> {
        let q: f64 = effects.iter().map(|e| ((e.estimate() - self.mean) / e.standard_error()).powi(2)).sum();
        let df = effects.len() - 1;
        let excess = (q - df as f64).max(0.0);
        let tau_squared = excess / (self.weight - self.squares / self.weight) * self.unit * self.unit;
        if !q.is_finite() || !tau_squared.is_finite() {
            return Err(StatsError::Overflow { what: "the heterogeneity of segments" });
        }
        let reach = normal::upper_quantile(0.5 * alpha.get()) * self.unit / self.weight.sqrt();
        let interval = Interval::new(self.mean - reach, self.mean + reach, alpha, Coverage::Fixed);
        Ok(Heterogeneity {
            pooled: self.mean,
            pooled_interval: interval,
            q,
            df,
            ln_p: LnP::saturating(chi_square_ln_sf(q, df as f64)?),
            i_squared: if q > 0.0 { excess / q } else { 0.0 },
            tau_squared,
        })
    }

    /// Tests one effect against the mean of the others.
    fn against_others(&self, effect: &Experiment) -> LnP {
        let weight = (self.unit / effect.standard_error()).powi(2);
        let rest = self.weight - weight;
        if rest <= 0.0 {
            return LnP::ONE;
        }
        // d - mean of the others = (d - mean of all) W / (W - w), with variance 1/w + 1/(W - w).
        let gap = (effect.estimate() - self.mean) / self.unit * (self.weight / rest);
        let z = gap / (1.0 / weight + 1.0 / rest).sqrt();
        if z.is_nan() {
            return LnP::ONE;
        }
        LnP::saturating(std::f64::consts::LN_2 + normal::ln_sf(z.abs()))
    }
}

/// Returns posterior mean and interval of the effect at `place`.
fn shrink(effects: &[Experiment], place: usize, alpha: Alpha) -> Result<Option<(f64, Interval)>, StatsError> {
    if effects.len() < 3 {
        return Ok(None);
    }
    let own: Vec<Experiment> = effects.iter().skip(place).take(1).copied().collect();
    let others = effects.iter().enumerate().filter(|(i, _)| *i != place);
    let others: Vec<Experiment> = others.map(|(_, effect)| *effect).collect();
    let posterior = EffectPrior::Normal.posterior(&own, &others)?.total;
    let half = 0.5 * alpha.get();
    let (lower, upper) = (posterior.upper_quantile(1.0 - half), posterior.upper_quantile(half));
    Ok(Some((posterior.mean(), Interval::new(lower, upper, alpha, Coverage::Fixed))))
}

/// Shrinking is quadratic in the number of segments.
const MOST_SEGMENTS: usize = 1_000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::close;

    fn arms(effects: &[(f64, f64)]) -> Vec<SegmentArms> {
        let one = |(i, &(effect, variance)): (usize, &(f64, f64))| SegmentArms {
            segment: Segment::known_before(format!("segment {i}"), 0, 0).unwrap(),
            control: ArmEstimate::new(0.0, 0.5 * variance, 100_000).unwrap(),
            treatment: ArmEstimate::new(effect, 0.5 * variance, 100_000).unwrap(),
        };
        effects.iter().enumerate().map(one).collect()
    }

    const FOUR: [(f64, f64); 4] = [(0.1, 0.01), (0.3, 0.02), (-0.05, 0.005), (0.5, 0.03)];

    /// Source: statsmodels `combine_effects(method_re="dl")` and `multipletests(method="holm")`.
    #[test]
    fn heterogeneity_agrees_with_statsmodels() {
        let report = SegmentAnalysis::new(Alpha::FIVE_PERCENT).run(&arms(&FOUR)).unwrap();
        let found = report.heterogeneity;
        close(found.pooled, 0.08260869565217391, 1e-12);
        close(found.q, 11.717391304347826, 1e-12);
        close(found.ln_p.p(), 0.00841670402130591, 1e-11);
        close(found.i_squared, 0.7439703153988868, 1e-12);
        close(found.tau_squared, 0.035803571428571435, 1e-12);
        close(report.segments[3].differs_from_others.p(), 0.035011560220524596, 1e-10);
        close(report.segments[2].differs_from_others.p(), 0.02676913515296123, 1e-10);
    }

    #[test]
    fn shrinkage_pulls_towards_the_mean_and_orders_the_same() {
        let report = SegmentAnalysis::new(Alpha::FIVE_PERCENT).run(&arms(&FOUR)).unwrap();
        let shrunken: Vec<f64> = report.segments.iter().map(|s| s.shrunken.unwrap()).collect();
        assert!(shrunken[3] < 0.5 && shrunken[3] > shrunken[1] && shrunken[2] > -0.05, "{shrunken:?}");
        let equal = SegmentAnalysis::new(Alpha::FIVE_PERCENT).run(&arms(&[(0.2, 0.01); 9])).unwrap();
        close(equal.heterogeneity.q, 0.0, 1e-12);
        close(equal.segments[4].shrunken.unwrap(), 0.2, 1e-9);
        assert!(equal.segments[4].shrunken_interval.unwrap().width() < equal.segments[4].interval.width());
    }

    #[test]
    fn a_shift_of_membership_is_seen() {
        // Source: scipy 1.18 `chi2_contingency([[500, 300, 200], [430, 330, 240]], correction=False)`.
        close(membership_shift(&[(500, 430), (300, 330), (200, 240)]).unwrap().p(), SHIFT, 1e-9);
        assert_eq!(membership_shift(&[(5, 5)]), None);
        assert_eq!(membership_shift(&[(5, 0), (7, 0)]), None);
        assert!(membership_shift(&[(0, 0), (u64::MAX, 1), (1, u64::MAX)]).is_some());
    }

    #[test]
    fn edges() {
        let analysis = SegmentAnalysis::new(Alpha::FIVE_PERCENT);
        assert!(analysis.run(&[]).is_err() && analysis.run(&arms(&[(0.1, 0.01)])).is_err());
        let report = analysis.run(&arms(&[(0.1, 0.01), (0.2, 0.0), (0.1, 0.02)])).unwrap();
        assert_eq!((report.segments.len(), report.unjudged.len()), (2, 1));
        assert_eq!(report.segments[0].shrunken, None);
        for scale in [1e-150, 1e140] {
            let scaled: Vec<(f64, f64)> = FOUR.iter().map(|(e, v)| (e * scale, v * scale * scale)).collect();
            let got = analysis.run(&arms(&scaled)).unwrap();
            assert!(got.segments.iter().all(|s| s.shrunken.unwrap().is_finite()), "{scale}");
        }
        assert!(Segment::known_before("late", 2, 1).is_err());
        let stored = r#"{"name":"late","known_at":2,"first_exposure":1}"#;
        assert!(serde_json::from_str::<Segment>(stored).is_err());
    }

    const SHIFT: f64 = 0.00570235441240113;
}

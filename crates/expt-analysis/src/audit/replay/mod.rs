//! A/A replay: the arms of an experiment, given to units of the past.

mod history;
mod search;

use expt_assign::Ranges;
use expt_assign::mix::{MixKey, UnitDigest};
use expt_stats::{
    Alpha, ArmEstimate, LnP, Shares, SrmResult, StatsError, Welch, WelchOutcome, special::chi_square_ln_sf,
};
use serde::{Deserialize, Serialize};

pub use history::History;
pub use search::{Calibration, Score, Search};

use super::error::{AuditError, Result};
use super::linear::Scaled;
use super::split::Split;

/// Replays the arms of an experiment over units of the past, for any number of epochs.
///
/// The arms of an experiment derive from (experiment, epoch), so the epoch is the seed. Nothing was done to the
/// units of the past, so every difference between arms is chance: a replay shows how large such differences are,
/// whether the usual test is calibrated for the metric, and which epoch begins with the best balance.
///
/// # Formulas
/// Covariates are judged over all units, with the divisor N - 1 in the covariance S. With `n_k` units and means
/// `x_k` in arm k:
/// - the standardised difference of arm k from arm 0, `(x_k - x_0) / sqrt((s_k^2 + s_0^2) / 2)` (Imbens and Rubin
///   2015), which does not grow with the number of units; 0.1 is often called small;
/// - Welch's p-value of the same difference;
/// - the balance of all covariates at once, `M = sum_k n_k (x_k - x)' S^-1 (x_k - x)`. For two arms it is the
///   criterion of Morgan and Rubin (2012). Over all assignments with these `n_k` its mean is exactly
///   `p (K - 1)` for p covariates and K arms, and in large samples it is chi-square with as many degrees of
///   freedom. It does not change when covariates are rescaled or combined.
///
/// Time is `O(units x covariates)` for an epoch; no memory but the history is needed.
///
/// ```
/// use expt_analysis::audit::{History, Replay};
/// use expt_assign::Ranges;
/// use expt_assign::mix::{UnitHash, Xmix1};
/// use expt_core::{ExperimentId, Share, UnitId, UnitKind};
///
/// let project = Xmix1::new("shop", UnitHash::default());
/// let users = project.unit(&UnitKind::new("user")?);
/// let mut history = History::new(&["orders", "visits"])?;
/// for number in 0..2_000_u32 {
///     let user = UnitId::new(format!("u{number}"))?;
///     let (orders, visits) = (f64::from(number % 7), f64::from(number * number % 31));
///     history.push(users.digest(user.as_str()), &[orders, visits])?;
/// }
/// let ranker = ExperimentId::new("ranker-v2")?;
/// let replay = Replay::new(history, &Ranges::split(&[Share::HALF, Share::HALF])?)?;
///
/// let found = replay.search(1..=200, |epoch| project.arms(&ranker, epoch))?;
/// assert!(found.best.ln_p.p() > 0.95);
/// // The p-values of the other epochs are uniform: the hash and the arms are sound ...
/// assert!(found.uniformity.ln_p.p() > 0.001);
/// // ... and of Welch tests of orders at 5 %, about 5 % are "significant".
/// assert!(found.calibration[0].rejected.interval.contains(0.05));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Replay {
    names: Vec<String>,
    /// Sorted, so that no result depends on the order of the rows.
    units: Vec<UnitDigest>,
    scaled: Scaled,
    split: Split,
    shares: Shares,
    alpha: Alpha,
}

impl Replay {
    /// Prepares a replay over the units of a history. The first arm is the control.
    ///
    /// Units whose place no arm claims are counted and left out.
    ///
    /// # Errors
    /// [`AuditError::TooFew`] below two arms or below as many units as covariates and two more;
    /// [`AuditError::Overlap`] for arms that claim the same places; [`AuditError::Duplicate`] for a unit that is
    /// there twice; [`AuditError::Dependent`] for a covariate without information of its own.
    pub fn new(history: History, arms: &[Ranges]) -> Result<Self> {
        if arms.len() < 2 {
            let remedy = "give the ranges of every arm, the control first";
            return Err(AuditError::TooFew { what: "arms", have: arms.len(), need: 2, remedy });
        }
        let split = Split::new(arms)?;
        let shares = Shares::new(split.widths())?;
        let (names, units, values) = history.sorted()?;
        let need = names.len() + 2;
        if units.len() < need {
            let remedy = "take a longer past, or fewer covariates";
            return Err(AuditError::TooFew { what: "units", have: units.len(), need, remedy });
        }
        let scaled = Scaled::new(names.len(), values).map_err(|column| AuditError::Dependent {
            covariate: names.get(column).cloned().unwrap_or_default(),
        })?;
        Ok(Self { names, units, scaled, split, shares, alpha: Alpha::FIVE_PERCENT })
    }

    /// Sets the level at which the tests of single covariates are counted; 0.05 otherwise.
    #[must_use]
    pub const fn with_alpha(mut self, alpha: Alpha) -> Self {
        self.alpha = alpha;
        self
    }

    /// How many units the history has.
    #[must_use]
    pub fn units(&self) -> usize {
        self.units.len()
    }

    /// The balance of one epoch, whose key is `Xmix1::arms(experiment, epoch)` of the project.
    ///
    /// # Errors
    /// [`AuditError::ThinArm`] if an arm gets fewer than two units; [`AuditError::Stats`] should a number leave
    /// its range.
    pub fn epoch(&self, epoch: u32, key: &MixKey) -> Result<Balance> {
        let sums = self.sums(key);
        if let Some((arm, thin)) = sums.iter().enumerate().find(|(_, arm)| arm.units < 2) {
            return Err(AuditError::ThinArm { epoch, arm, units: thin.units });
        }
        let counts: Vec<u64> = sums.iter().map(|arm| arm.units).collect();
        let (statistic, df, ln_p) = self.joint(&sums)?;
        let mut contrasts = Vec::with_capacity(self.names.len() * (sums.len() - 1));
        for (column, covariate) in self.names.iter().enumerate() {
            let mut arms = sums.iter().map(|arm| arm.estimate(column));
            let control = arms.next().ok_or(StatsError::Overflow { what: "the arms" })??;
            for (treatment, arm) in arms.zip(1..) {
                contrasts.push(contrast(covariate.clone(), arm, &control, &treatment?));
            }
        }
        let outside = self.units.len() as u64 - counts.iter().sum::<u64>();
        let ratio = self.shares.chi_square(&counts, Alpha::PER_MILLE)?;
        Ok(Balance { epoch, ratio, outside, statistic, df, ln_p, contrasts })
    }

    /// Counts, sums and sums of squares of the scaled covariates in each arm, in one pass.
    fn sums(&self, key: &MixKey) -> Vec<ArmSums> {
        let columns = self.names.len();
        let empty = ArmSums { units: 0, sums: vec![0.0; columns], squares: vec![0.0; columns] };
        let mut arms = vec![empty; self.split.arms()];
        for (unit, row) in self.units.iter().zip(self.scaled.values.chunks_exact(columns)) {
            let Some(arm) = self.split.arm(key.place(*unit)).and_then(|arm| arms.get_mut(arm)) else {
                continue;
            };
            arm.units += 1;
            for ((value, sum), square) in row.iter().zip(&mut arm.sums).zip(&mut arm.squares) {
                *sum += value;
                *square += value * value;
            }
        }
        arms
    }

    /// `M`, its degrees of freedom and its p-value.
    fn joint(&self, arms: &[ArmSums]) -> Result<(f64, u32, LnP)> {
        let total = arms.iter().map(|arm| arm.units).sum::<u64>() as f64;
        let mean = |column: usize| -> f64 {
            arms.iter().filter_map(|arm| arm.sums.get(column)).sum::<f64>() / total
        };
        let means: Vec<f64> = (0..self.names.len()).map(mean).collect();
        let statistic = arms.iter().map(|arm| {
            let units = arm.units as f64;
            let off: Vec<f64> = arm.sums.iter().zip(&means).map(|(sum, mean)| sum / units - mean).collect();
            units * self.scaled.correlation.form(&off)
        });
        let statistic: f64 = statistic.sum();
        let df = (self.names.len() * (arms.len() - 1)) as u32;
        Ok((statistic, df, LnP::new(chi_square_ln_sf(statistic, f64::from(df))?)?))
    }
}

/// How alike the arms of one epoch are before anything is done to them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Balance {
    /// The epoch.
    pub epoch: u32,
    /// Units in each arm, against the arms' ranges.
    pub ratio: SrmResult,
    /// Units whose place no arm claims.
    pub outside: u64,
    /// `M`, the balance of all covariates at once: 0 is perfect, `df` is what chance gives on average.
    pub statistic: f64,
    /// Covariates times arms but one.
    pub df: u32,
    /// The p-value of `M`: the part of all assignments that are balanced worse.
    pub ln_p: LnP,
    /// Every covariate in every arm but the control, by covariate, then by arm.
    pub contrasts: Vec<Contrast>,
}

impl Balance {
    /// The largest standardised difference in size.
    #[must_use]
    pub fn largest(&self) -> Option<&Contrast> {
        self.contrasts.iter().max_by(|a, b| a.standardised.abs().total_cmp(&b.standardised.abs()))
    }
}

/// One covariate in one arm against the control.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Contrast {
    /// The covariate.
    pub covariate: String,
    /// The arm, counted from 0, the control.
    pub arm: usize,
    /// The difference in units of the standard deviation within the two arms. Two arms that do not vary differ by
    /// 0 or by ±[`f64::MAX`].
    pub standardised: f64,
    /// Welch's p-value of the difference.
    pub ln_p: LnP,
}

fn contrast(covariate: String, arm: usize, control: &ArmEstimate, treatment: &ArmEstimate) -> Contrast {
    let difference = treatment.estimate() - control.estimate();
    // The variance of a mean, times its count, is that of a unit.
    let unit = |arm: &ArmEstimate| arm.variance() * arm.count() as f64;
    let deviation = (0.5 * (unit(control) + unit(treatment))).sqrt();
    let (standardised, ln_p) = match Welch::new(Alpha::FIVE_PERCENT).compare(control, treatment) {
        WelchOutcome::Tested(test) => (difference / deviation, test.ln_p),
        _ if difference.abs() > 0.0 => (f64::MAX.copysign(difference), LnP::IMPOSSIBLE),
        _ => (0.0, LnP::ONE),
    };
    Contrast { covariate, arm, standardised: standardised.clamp(f64::MIN, f64::MAX), ln_p }
}

#[derive(Debug, Clone)]
struct ArmSums {
    units: u64,
    sums: Vec<f64>,
    squares: Vec<f64>,
}

impl ArmSums {
    /// The mean of a column. The columns are centred and scaled, so sums of squares lose no digits here.
    fn estimate(&self, column: usize) -> Result<ArmEstimate> {
        let (Some(sum), Some(square)) = (self.sums.get(column), self.squares.get(column)) else {
            return Err(StatsError::Overflow { what: "the covariates" }.into());
        };
        let units = self.units as f64;
        let mean = sum / units;
        let spread = square - sum * mean;
        // What is left of a column that is constant within the arm is rounding.
        let spread = if spread > 1e-12 * square { spread } else { 0.0 };
        Ok(ArmEstimate::new(mean, spread / (units - 1.0) / units, self.units)?)
    }
}

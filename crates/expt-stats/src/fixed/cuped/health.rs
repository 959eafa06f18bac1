//! Signs that a covariate is not what it should be.

use serde::{Deserialize, Serialize};

use crate::arm::ArmEstimate;
use crate::error::StatsError;
use crate::fixed::caution::Caution;
use crate::fixed::counts::Counts;
use crate::fixed::difference::{ProportionTest, ZOutcome};
use crate::fixed::t_test::{TOutcome, TTest};
use crate::level::{Alpha, LnP};

/// Holds the health checks of an adjustment.
///
/// Randomisation balances everything that was fixed before the start, so an imbalance beyond chance means that
/// randomisation, logging or the covariate's time window is broken. It is judged at one in a thousand, like a
/// sample-ratio mismatch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CupedHealth {
    /// Welch's test of each covariate between the arms.
    pub balance: Vec<TOutcome>,
    /// The multiple correlation of outcome and covariates over all arms; `None` if the outcome is constant. The
    /// adjustment leaves about `1 - correlation^2` of the variance.
    pub correlation: Option<f64>,
    /// Whether the adjusted difference has the opposite sign of the plain one.
    pub sign_flip: bool,
    /// Whether, of two differences with opposite signs, at least one is significant at 5 %: not mere noise.
    pub significant_flip: bool,
    /// The share of the control's units without covariates.
    pub missing_control: f64,
    /// The share of the treatment's units without covariates.
    pub missing_treatment: f64,
    /// The p-value of equal shares; `None` if no unit or every unit lacks them.
    pub missing_ln_p: Option<LnP>,
}

impl CupedHealth {
    /// Compares what must not differ.
    #[inline]
    pub(super) fn check(
        balance: &[(ArmEstimate, ArmEstimate)],
        missing: ((u64, u64), (u64, u64)),
        adjusted: &(ArmEstimate, ArmEstimate),
        plain: &(ArmEstimate, ArmEstimate),
        correlation: Option<f64>,
    ) -> Result<Self, StatsError> {
        let welch = TTest::new(Alpha::FIVE_PERCENT);
        let balance = balance.iter().map(|(control, treatment)| welch.compare(control, treatment)).collect();
        let difference = |arms: &(ArmEstimate, ArmEstimate)| arms.1.estimate() - arms.0.estimate();
        let sign_flip = difference(adjusted) * difference(plain) < 0.0;
        let significant = |arms: &(ArmEstimate, ArmEstimate)| {
            let evidence = welch.evidence(&arms.0, &arms.1);
            evidence.is_none_or(|evidence| evidence.ln_p.is_at_most(Alpha::FIVE_PERCENT))
        };
        let (control, treatment) =
            (Counts::new(missing.0.0, missing.0.1)?, Counts::new(missing.1.0, missing.1.1)?);
        let missing_ln_p = match ProportionTest::default().compare(&control, &treatment)? {
            ZOutcome::Tested(test) => Some(test.ln_p),
            ZOutcome::NoVariance { .. } => None,
        };
        Ok(Self {
            balance,
            correlation,
            sign_flip,
            significant_flip: sign_flip && [adjusted, plain].into_iter().any(significant),
            missing_control: control.rate().unwrap_or_default(),
            missing_treatment: treatment.rate().unwrap_or_default(),
            missing_ln_p,
        })
    }
}

/// Returns what the checks complain about.
pub(super) fn cautions(health: &CupedHealth) -> Vec<Caution> {
    let mut cautions = Vec::new();
    let count = health.balance.len() as f64;
    for (covariate, outcome) in health.balance.iter().enumerate() {
        let ln_p = match outcome {
            TOutcome::Tested(test) if count > 1.0 => test.ln_p.times(count),
            TOutcome::Tested(test) => test.ln_p,
            TOutcome::NoVariance { estimate } if *estimate == 0.0 => LnP::ONE,
            TOutcome::NoVariance { .. } => LnP::IMPOSSIBLE,
        };
        if ln_p.is_at_most(Alpha::PER_MILLE) {
            cautions.push(Caution::PrePeriodImbalance { covariate, ln_p });
        }
    }
    if health.significant_flip {
        cautions.push(Caution::SignFlip);
    }
    let share = health.missing_control.max(health.missing_treatment);
    if share > 0.5 {
        cautions.push(Caution::MissingCovariate { share });
    }
    if let Some(ln_p) = health.missing_ln_p.filter(|ln_p| ln_p.is_at_most(Alpha::PER_MILLE)) {
        cautions.push(Caution::MissingUnevenly { ln_p });
    }
    cautions
}

//! The comparison of a shadow with what was shown.

use std::collections::HashMap;

use expt_core::{
    Binding, Event, ModelName, Output, PhaseId, Plan, Prediction, RequestId, SealedPlan, Shown, Timestamp,
};
use expt_stats::{Alpha, FlipCounts, PairedMoments};
use expt_store::{EventScan, EventStoreExt, EventTable, Stores};
use serde::{Deserialize, Serialize};

use crate::error::{AnalysisError, Result};

/// How a candidate that ran in the shadow compares with what was shown, over the same requests.
///
/// Differences are candidate minus shown. Intervals are 95 % intervals at one look.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ShadowReadout {
    /// The phase.
    pub phase: PhaseId,
    /// The candidate.
    pub candidate: String,
    /// Requests that were shown an answer in the period of the shadow, from the first to the last request that it
    /// answered. What it missed before and after that is not seen here: compare with when it should have run.
    pub eligible: u64,
    /// Requests that both answered.
    pub compared: u64,
    /// The mean difference; `None` with fewer than two comparisons.
    pub mean_difference: Option<f64>,
    /// The limits of agreement: about 95 % of the differences lie between them (Bland, Altman 1986).
    pub limits_of_agreement: Option<(f64, f64)>,
    /// The correlation of the outputs (Pearson).
    pub correlation: Option<f64>,
    /// The share of outputs that differ by more than the plan's tolerance.
    pub over_tolerance: Option<f64>,
    /// The share of decisions at the plan's threshold that flip, with its interval (Wilson 1927).
    pub flips: Option<(f64, f64, f64)>,
    /// Whether coverage and flips are within the plan's bounds.
    pub passed: bool,
}

impl ShadowReadout {
    /// Reads the plan of a shadow phase and the predictions of the stores, and compares.
    ///
    /// # Errors
    /// As [`crate::read_plan`]; [`AnalysisError::OtherKind`] if the plan is not of a shadow;
    /// [`AnalysisError::Stats`] for outputs that are not finite.
    pub async fn read(stores: &Stores, phase: &PhaseId) -> Result<Self> {
        let sealed = crate::read_plan(stores, phase).await?;
        let events = stores.events.scan_all(&EventScan::of(EventTable::Predictions)).await?;
        Self::new(&sealed, events)
    }

    /// Compares under a sealed plan.
    ///
    /// # Errors
    /// [`AnalysisError::OtherKind`] if the plan is not of a shadow; [`AnalysisError::Stats`] for outputs
    /// that are not finite.
    pub fn new(sealed: &SealedPlan, events: impl IntoIterator<Item = Event>) -> Result<Self> {
        let Plan::Shadow(plan) = sealed.plan() else {
            return Err(AnalysisError::OtherKind {
                phase: sealed.plan().phase().clone(),
                expected: "shadow",
            });
        };
        let candidate = match &plan.candidate {
            Binding::Pinned { model, version, .. } => (model, *version),
            _ => {
                return Err(AnalysisError::OtherKind {
                    phase: plan.phase.clone(),
                    expected: "shadow of a model",
                });
            }
        };
        let (shown, shadow) = by_request(candidate, events);
        // A shadow answers a moment after what it shadows, so the period spans both.
        let seen =
            shadow.iter().flat_map(|(request, (at, _))| [Some(*at), shown.get(request).map(|(at, _)| *at)]);
        let period = seen.flatten().fold(None, |period: Option<(Timestamp, Timestamp)>, at| {
            Some(period.map_or((at, at), |(from, until)| (from.min(at), until.max(at))))
        });
        let eligible =
            shown.values().filter(|(at, _)| period.is_some_and(|(from, until)| (from..=until).contains(at)));
        let eligible = eligible.count() as u64;
        // Sorted, so that the sums do not depend on the order of a hash map.
        let mut pairs: Vec<_> = shadow
            .iter()
            .filter_map(|(request, (_, candidate))| Some((*request, shown.get(request)?.1, *candidate)))
            .collect();
        pairs.sort_by_key(|(request, ..)| *request);
        let (mut outputs, mut flips) = (PairedMoments::new(plan.tolerance)?, FlipCounts::default());
        for (_, live, candidate) in &pairs {
            outputs.push(*live, *candidate)?;
            if let Some(threshold) = plan.threshold {
                flips.push(*live >= threshold, *candidate >= threshold);
            }
        }
        let alpha = Alpha::FIVE_PERCENT;
        let summary = (outputs.count() >= 2).then(|| outputs.summary(alpha)).transpose()?;
        let flips =
            (plan.threshold.is_some() && !pairs.is_empty()).then(|| flips.flip_rate(alpha)).transpose()?;
        let flips = flips.map(|rate| {
            let interval = &rate.interval;
            (rate.share.get(), interval.lower.unwrap_or(0.0), interval.upper.unwrap_or(1.0))
        });
        let compared = pairs.len() as u64;
        #[allow(clippy::cast_precision_loss, reason = "counts of requests are far below 2^52")]
        let coverage = compared as f64 / eligible.max(1) as f64;
        let passed = compared > 0
            && coverage >= plan.min_coverage.as_f64()
            && flips.is_none_or(|(rate, ..)| rate <= plan.max_flip_rate.as_f64());
        Ok(Self {
            phase: plan.phase.clone(),
            candidate: format!("{}@{}", candidate.0, candidate.1),
            eligible,
            compared,
            mean_difference: summary.as_ref().map(|s| s.mean_difference),
            limits_of_agreement: summary.as_ref().map(|s| s.limits_of_agreement),
            correlation: summary.as_ref().and_then(|s| s.correlation),
            over_tolerance: summary.as_ref().map(|s| s.over_tolerance.share.get()),
            flips,
            passed,
        })
    }

    /// Names and values for people, in order.
    #[must_use]
    pub fn facts(&self) -> Vec<(String, String)> {
        let percent = |share: f64| format!("{:.1} %", 100.0 * share);
        let or_none = |value: Option<String>| value.unwrap_or_else(|| "too little data".into());
        #[allow(clippy::cast_precision_loss, reason = "counts of requests are far below 2^52")]
        let coverage = self.compared as f64 / self.eligible.max(1) as f64;
        let rows = [
            ("candidate", self.candidate.clone()),
            ("requests compared", format!("{} of {} ({})", self.compared, self.eligible, percent(coverage))),
            ("mean difference", or_none(self.mean_difference.map(|d| format!("{d:+.4}")))),
            (
                "limits of agreement",
                or_none(self.limits_of_agreement.map(|(low, high)| format!("{low:+.3} to {high:+.3}"))),
            ),
            ("correlation", or_none(self.correlation.map(|r| format!("{r:.3}")))),
            ("over tolerance", or_none(self.over_tolerance.map(percent))),
            (
                "decisions that flip",
                or_none(self.flips.map(|(rate, low, high)| {
                    format!("{} (95 % interval {} to {})", percent(rate), percent(low), percent(high))
                })),
            ),
            ("within the plan's bounds", if self.passed { "yes" } else { "no" }.into()),
        ];
        rows.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

type Answers = HashMap<RequestId, (Timestamp, f64)>;

/// The scores that were shown, and those of the candidate in the shadow. Rankings are compared elsewhere.
fn by_request(candidate: (&ModelName, u32), events: impl IntoIterator<Item = Event>) -> (Answers, Answers) {
    let (mut shown, mut shadow) = (Answers::new(), Answers::new());
    for event in events {
        let Event::Prediction(Prediction { at, request, stamp, output: Output::Value(value), .. }) = event
        else {
            continue;
        };
        let is_candidate = (&stamp.model.model, stamp.model.version) == candidate;
        let answers: &mut Answers = match stamp.shown {
            Shown::Shadow if is_candidate => &mut shadow,
            Shown::Shadow => continue,
            _ => &mut shown,
        };
        // Of two answers to one request the earlier counts, whatever the order of the log.
        let answer = answers.entry(request).or_insert((at, value));
        if (at, value.to_bits()) < (answer.0, answer.1.to_bits()) {
            *answer = (at, value);
        }
    }
    (shown, shadow)
}

//! The crowd: who asks when about which wine, and when they learn what it was like.

use std::time::Duration;

use expt::core::{MetricName, Outcome, OutcomeId, Prediction, RequestId, Subject, Timestamp, UnitId};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use rand_distr::{Distribution, Exp, Poisson};

/// Customers who come in over some days, and each ask about some wines.
pub(crate) struct Traffic {
    pub(crate) seed: u64,
    pub(crate) start: Timestamp,
    pub(crate) users: u64,
}

/// One question.
pub(crate) struct Visit {
    pub(crate) at: Timestamp,
    pub(crate) user: UnitId,
    pub(crate) request: RequestId,
    /// The wine, as a row of the online part.
    pub(crate) row: usize,
    /// When the customer learns what the tasters said.
    answered: Timestamp,
    /// When that reaches the shop.
    reported: Timestamp,
    /// Whether it is reported a second time, as networks do.
    twice: Option<Timestamp>,
}

impl Traffic {
    /// All visits, in the order of time. Customers arrive over six days and ask 1 + Poisson(7.2) times, 18
    /// hours apart on average; the wines are drawn with replacement.
    pub(crate) fn visits(&self, rows: usize) -> Result<Vec<Visit>, Box<dyn std::error::Error>> {
        let (more, gap) = (Poisson::new(7.2)?, Exp::new(1.0 / (0.75 * DAY))?);
        let (answer, report) = (Exp::new(1.0 / (0.4 * DAY))?, Exp::new(1.0 / (0.1 * DAY))?);
        let mut visits = Vec::new();
        for user in 0..self.users {
            let mut rng = StdRng::seed_from_u64(self.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ user);
            let id = UnitId::new(format!("user-{user:05}"))?;
            let mut at = self.start + seconds(rng.random_range(0.0..6.0 * DAY));
            let count = 1.0 + more.sample(&mut rng);
            let mut number = 0_u64;
            while (number as f64) < count {
                let answered = at + seconds(answer.sample(&mut rng));
                let reported = answered + seconds(report.sample(&mut rng));
                let again = seconds(report.sample(&mut rng));
                let twice = rng.random_bool(0.01).then(|| reported + again);
                let request =
                    RequestId::derive([self.seed.to_le_bytes(), user.to_le_bytes(), number.to_le_bytes()]);
                let row = rng.random_range(0..rows);
                visits.push(Visit { at, user: id.clone(), request, row, answered, reported, twice });
                at = at + seconds(gap.sample(&mut rng));
                number += 1;
            }
        }
        visits.sort_by_key(|visit| (visit.at, visit.request));
        Ok(visits)
    }
}

impl Visit {
    /// What the customer makes of the answer: the outcomes, and when they reach the shop, sometimes twice.
    pub(crate) fn outcomes(
        &self,
        metrics: &OnlineMetrics,
        shown: &Prediction,
        score: f64,
        good: bool,
    ) -> impl Iterator<Item = Report> {
        let truth = f64::from(u8::from(good));
        let recommended = score >= 0.5;
        let likelihood = if good { score } else { 1.0 - score }.clamp(1e-6, 1.0);
        let values = [
            (&metrics.correct, f64::from(u8::from(recommended == good))),
            (&metrics.log_loss, -likelihood.ln()),
            (&metrics.brier, (score - truth).powi(2)),
            (&metrics.bad_advice, f64::from(u8::from(recommended && !good))),
        ];
        let outcomes = values.map(|(metric, value)| Outcome {
            id: OutcomeId::derive([shown.id.as_bytes().as_slice(), metric.as_str().as_bytes()]),
            at: self.answered,
            received: self.reported,
            subject: Subject::Prediction(shown.id),
            metric: metric.clone(),
            value,
        });
        let again =
            self.twice.map(|received| outcomes.clone().map(|outcome| Outcome { received, ..outcome }));
        let first = Report { received: self.reported, request: self.request, outcomes };
        let again = again.zip(self.twice).map(|(outcomes, received)| Report {
            received,
            request: self.request,
            outcomes,
        });
        std::iter::once(first).chain(again)
    }
}

/// Outcomes of one prediction that reach the shop together. Ordered by when they do.
pub(crate) struct Report {
    pub(crate) received: Timestamp,
    request: RequestId,
    pub(crate) outcomes: [Outcome; 4],
}

impl Report {
    fn key(&self) -> (Timestamp, RequestId) {
        (self.received, self.request)
    }
}

impl PartialEq for Report {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Report {}

impl PartialOrd for Report {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Report {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}

/// The names of the online metrics.
pub(crate) struct OnlineMetrics {
    /// 1 if the recommendation was right.
    pub(crate) correct: MetricName,
    /// The log loss of the score, clamped at 1e-6.
    pub(crate) log_loss: MetricName,
    /// The squared error of the score.
    pub(crate) brier: MetricName,
    /// 1 if a wine was recommended that is not good.
    pub(crate) bad_advice: MetricName,
}

impl OnlineMetrics {
    pub(crate) fn new() -> Result<Self, expt::core::CoreError> {
        Ok(Self {
            correct: MetricName::new("correct")?,
            log_loss: MetricName::new("log_loss")?,
            brier: MetricName::new("brier")?,
            bad_advice: MetricName::new("bad_advice")?,
        })
    }
}

fn seconds(seconds: f64) -> Duration {
    Duration::from_micros((seconds * 1e6) as u64)
}

const DAY: f64 = 86_400.0;

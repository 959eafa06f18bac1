//! How good scores are: ranking, decisions and probabilities.

use super::{Dataset, MlError, Model};

/// The quality of a model's scores on some rows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Metrics {
    /// The number of rows.
    pub rows: usize,
    /// Area under the ROC curve; see [`auc`].
    pub auc: f64,
    /// Share of right answers at the threshold .5; see [`accuracy`].
    pub accuracy: f64,
    /// Mean negative log-likelihood; see [`log_loss`].
    pub log_loss: f64,
    /// Mean squared error of the probability; see [`brier`].
    pub brier: f64,
}

impl Metrics {
    /// Scores all rows of a dataset and measures the scores.
    ///
    /// # Errors
    /// [`MlError::TooFewRows`] if a label is missing, and the errors of [`Model::score_all`].
    pub fn of(model: &Model, data: &Dataset) -> Result<Self, MlError> {
        Self::of_scores(&model.score_all(data)?, &data.labels())
    }

    /// Measures scores against labels.
    ///
    /// # Errors
    /// [`MlError::Width`] if there are not as many scores as labels, [`MlError::TooFewRows`] if a label is
    /// missing.
    pub fn of_scores(scores: &[f64], labels: &[bool]) -> Result<Self, MlError> {
        if scores.len() != labels.len() {
            return Err(MlError::Width { expected: labels.len(), found: scores.len() });
        }
        let rows = labels.len();
        let auc = auc(scores, labels).ok_or(MlError::TooFewRows { rows, task: "measuring scores" })?;
        Ok(Self {
            rows,
            auc,
            accuracy: accuracy(scores, labels),
            log_loss: log_loss(scores, labels),
            brier: brier(scores, labels),
        })
    }
}

/// Returns the probability that a random good row scores above a random bad one, ties counted half: the area
/// under the ROC curve, as the Mann-Whitney statistic U divided by the number of pairs, from mid-ranks.
/// `None` if a label is missing.
///
/// Scores must be finite (those of a [`Model`] are); with a NaN the result has no meaning.
#[must_use]
pub fn auc(scores: &[f64], labels: &[bool]) -> Option<f64> {
    let mut pairs: Vec<(f64, bool)> = scores.iter().copied().zip(labels.iter().copied()).collect();
    pairs.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut below, mut good, mut rank_sum) = (0_usize, 0_usize, 0.0);
    // In ascending order, `>=` to the next one means equal.
    for tied in pairs.chunk_by(|a, b| a.0 >= b.0) {
        let good_here = tied.iter().filter(|(_, label)| *label).count();
        let mid_rank = below as f64 + (tied.len() as f64 + 1.0) / 2.0;
        rank_sum += mid_rank * good_here as f64;
        below += tied.len();
        good += good_here;
    }
    let bad = below - good;
    if good == 0 || bad == 0 {
        return None;
    }
    let (good, bad) = (good as f64, bad as f64);
    Some((rank_sum - good * (good + 1.0) / 2.0) / (good * bad))
}

/// Returns the share of rows where `score >= 0.5` agrees with the label; NaN without rows.
#[must_use]
pub fn accuracy(scores: &[f64], labels: &[bool]) -> f64 {
    mean(scores, labels, |score, label| f64::from((score >= 0.5) == label))
}

/// Returns the mean of −ln of the probability given to what happened; NaN without rows.
///
/// Scores are clamped to `[1e-6, 1 − 1e-6]`: trees do say 0 and 1, and one such answer that is wrong would
/// make the mean infinite. It costs 13.8 instead.
#[must_use]
pub fn log_loss(scores: &[f64], labels: &[bool]) -> f64 {
    mean(scores, labels, |score, label| {
        let score = score.clamp(CLAMP, 1.0 - CLAMP);
        if label { -score.ln() } else { -(1.0 - score).ln() }
    })
}

/// Returns the mean squared distance of the score from the label as 0 or 1 (Brier, 1950); NaN without rows.
#[must_use]
pub fn brier(scores: &[f64], labels: &[bool]) -> f64 {
    mean(scores, labels, |score, label| (score - f64::from(label)).powi(2))
}

fn mean(scores: &[f64], labels: &[bool], loss: impl Fn(f64, bool) -> f64) -> f64 {
    let total: f64 = scores.iter().zip(labels).map(|(&score, &label)| loss(score, label)).sum();
    total / scores.len().min(labels.len()) as f64
}

const CLAMP: f64 = 1e-6;

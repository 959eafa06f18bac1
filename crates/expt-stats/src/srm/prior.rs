//! Which deviations a sequential sample-ratio test looks for.

use serde::{Deserialize, Serialize};

use crate::error::{StatsError, positive};

/// Holds the alternatives that a sequential sample-ratio test averages over, in equal parts.
///
/// Each mass `k` is a Dirichlet prior `k · shares` (Lindon and Malek 2022): it looks for deviations of about
/// `1/sqrt k`. Averaging e-processes is valid, and costs at most the log of their number. The chi-square of two equal
/// arms at which a mismatch is declared at level 0.001 (a single look at a fixed size needs 10.8):
///
/// | units | k = 100 | k = 10,000 | average of both |
/// |---|---|---|---|
/// | 100 | 29 | 1,396 | 31 |
/// | 1,000 | 17.8 | 153 | 19.3 |
/// | 3,600 | 17.9 | 53 | 19.3 |
/// | 10,000 | 18.6 | 29 | 19.9 |
/// | 100,000 | 20.7 | 17.8 | 19.0 |
/// | 1,000,000 | 23.0 | 18.6 | 19.9 |
/// | 100,000,000 | 27.6 | 23.0 | 24.4 |
///
/// So the average is near the better of the two everywhere, where `k = 10,000` alone is blind below some 10,000 units
/// and `k = 100` alone needs a fifth more evidence at a million.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored")]
pub struct SrmPrior {
    masses: Vec<f64>,
    drift: Option<f64>,
}

impl SrmPrior {
    /// The prior for shares that do not change: masses 100 and 10,000.
    #[must_use]
    pub fn fixed_shares() -> Self {
        Self { masses: vec![100.0, 10_000.0], drift: None }
    }

    /// The prior for shares that change from period to period: as [`SrmPrior::fixed_shares`], and a third part that bets
    /// on each arm getting a share of its promise as large as so far, whatever the promise is now.
    ///
    /// The first two start anew with every change of shares. The third carries over, so it finds an arm that loses one
    /// in a hundred units under bandit weights that change hourly.
    #[must_use]
    pub fn changing_shares() -> Self {
        Self { masses: vec![100.0, 10_000.0], drift: Some(DRIFT_COUNT) }
    }

    /// A single mass.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] or [`StatsError::NotFinite`] unless it is positive.
    pub fn single(mass: f64) -> Result<Self, StatsError> {
        Ok(Self { masses: vec![positive("the prior mass", mass)?], drift: None })
    }

    /// Returns the masses.
    #[must_use]
    pub fn masses(&self) -> &[f64] {
        &self.masses
    }

    /// The made-up units behind the carried-over part, if there is one.
    pub(super) const fn drift(&self) -> Option<f64> {
        self.drift
    }

    /// Averages the evidence of the parts, given as logarithms.
    pub(super) fn average(&self, by_mass: &[f64], carried: f64) -> f64 {
        let carried = self.drift.map(|_| carried);
        let parts = || by_mass.iter().copied().chain(carried);
        let high = parts().fold(f64::MIN, f64::max);
        let sum: f64 = parts().map(|part| (part - high).exp()).sum();
        (high + (sum / parts().count().max(1) as f64).ln()).clamp(f64::MIN, f64::MAX)
    }
}

/// The serialised form.
#[derive(Deserialize)]
struct Stored {
    masses: Vec<f64>,
    drift: Option<f64>,
}

impl TryFrom<Stored> for SrmPrior {
    type Error = StatsError;

    fn try_from(stored: Stored) -> Result<Self, StatsError> {
        if stored.masses.is_empty() {
            return Err(StatsError::TooFew { what: "the list of prior masses", have: 0, need: 1 });
        }
        for &mass in stored.masses.iter().chain(&stored.drift) {
            positive("the prior mass", mass)?;
        }
        Ok(Self { masses: stored.masses, drift: stored.drift })
    }
}

/// Made-up units that keep the first bets of the carried-over part small.
const DRIFT_COUNT: f64 = 200.0;

//! Online FDR from e-values.

use serde::{Deserialize, Serialize};

use super::gamma::Gamma;
use super::state::{DrawnLevel, OnlineDecision, TestNumber};
use crate::error::StatsError;
use crate::level::{Alpha, TIE_SLACK};

/// Holds the state of e-LOND: `a_t = alpha gamma_t (D + 1)`, D the rejections so far, and test t rejects when
/// `e_t >= 1 / a_t` (Xu and Ramdas 2024). It keeps the false discovery rate under any dependence of the
/// e-values, also where tests overlap: D is then the number of rejections recorded when the test starts.
///
/// ```
/// use expt_stats::{Alpha, online::ELond};
///
/// let mut fdr = ELond::new(Alpha::FIVE_PERCENT)?;
/// let first = fdr.next_level();
/// assert!(fdr.record(first.test, 400.0_f64.ln())?.rejected); // 1 / 0.002676 = 373.7
/// assert!(!fdr.test(400.0_f64.ln())?.rejected);
/// # Ok::<(), expt_stats::StatsError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Parts", into = "Parts")]
pub struct ELond {
    parts: Parts,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Parts {
    alpha: Alpha,
    gamma: Gamma,
    started: u64,
    rejections: u64,
    /// Running tests and their levels, ascending.
    running: Vec<(u64, f64)>,
}

impl ELond {
    /// Starts with the default sequence, [`Gamma::JavanmardMontanari`].
    ///
    /// # Errors
    /// None with the default sequence; the result is for symmetry with [`OnlineFdr`](super::OnlineFdr).
    pub fn new(alpha: Alpha) -> Result<Self, StatsError> {
        Self::with_gamma(alpha, Gamma::JavanmardMontanari)
    }

    /// Starts with another sequence.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] for [`Gamma::Dependent`], whose sum is not one.
    pub fn with_gamma(alpha: Alpha, gamma: Gamma) -> Result<Self, StatsError> {
        let parts = Parts { alpha, gamma, started: 0, rejections: 0, running: Vec::new() };
        parts.try_into()
    }

    /// Returns the level of the next test, which starts now.
    pub fn next_level(&mut self) -> DrawnLevel {
        let Parts { alpha, gamma, started, rejections, running } = &mut self.parts;
        *started += 1;
        let level = alpha.get() * gamma.at(*started) * (*rejections + 1) as f64;
        running.push((*started, level));
        DrawnLevel { test: TestNumber::from(*started), level }
    }

    /// Records the logarithm of the e-value of a running test and decides. It may be infinite.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] if it is NaN, or the test has not started or was recorded before.
    pub fn record(&mut self, test: TestNumber, ln_e: f64) -> Result<OnlineDecision, StatsError> {
        if ln_e.is_nan() {
            return Err(StatsError::OutOfRange { what: "ln e", value: ln_e, allowed: "any number but NaN" });
        }
        let running = &mut self.parts.running;
        let Ok(at) = running.binary_search_by_key(&test.get(), |(test, _)| *test) else {
            return Err(StatsError::OutOfRange {
                what: "the number of the test",
                value: test.get() as f64,
                allowed: "that of a test which has started and is not recorded",
            });
        };
        let (_, level) = running.remove(at);
        // A level of zero (an own sequence that has ended) rejects nothing, not even e = infinity.
        let rejected = level > 0.0 && ln_e >= -level.ln() - TIE_SLACK;
        self.parts.rejections += u64::from(rejected);
        Ok(OnlineDecision { test, level, rejected })
    }

    /// Starts a test and records its e-value at once.
    ///
    /// # Errors
    /// As [`record`](Self::record).
    pub fn test(&mut self, ln_e: f64) -> Result<OnlineDecision, StatsError> {
        if ln_e.is_nan() {
            return self.record(TestNumber::from(0), ln_e);
        }
        let drawn = self.next_level();
        self.record(drawn.test, ln_e)
    }

    /// Tests a list of e-values in order, each without overlap.
    ///
    /// # Errors
    /// As [`record`](Self::record); nothing is recorded if one is NaN.
    pub fn run(&mut self, ln_e: &[f64]) -> Result<Vec<OnlineDecision>, StatsError> {
        if let Some(&value) = ln_e.iter().find(|ln_e| ln_e.is_nan()) {
            return Err(StatsError::OutOfRange { what: "ln e", value, allowed: "any number but NaN" });
        }
        ln_e.iter().map(|&ln_e| self.test(ln_e)).collect()
    }

    /// Returns the level at which the false discovery rate is kept.
    #[must_use]
    pub const fn alpha(&self) -> Alpha {
        self.parts.alpha
    }

    /// Returns how many tests have started.
    #[must_use]
    pub const fn started(&self) -> u64 {
        self.parts.started
    }

    /// Returns how many tests have rejected.
    #[must_use]
    pub const fn rejections(&self) -> u64 {
        self.parts.rejections
    }
}

impl TryFrom<Parts> for ELond {
    type Error = StatsError;

    fn try_from(parts: Parts) -> Result<Self, StatsError> {
        if parts.gamma == Gamma::Dependent {
            return Err(StatsError::OutOfRange {
                what: "gamma_1",
                value: parts.gamma.at(1),
                allowed: "a sequence with sum 1; `Dependent` is for LORD only",
            });
        }
        let ascending = parts.running.windows(2).all(|pair| match pair {
            [(a, _), (b, _)] => a < b,
            _ => true,
        });
        let known = parts.running.iter().all(|(test, level)| *test <= parts.started && level.is_finite());
        if !ascending || !known || parts.rejections > parts.started || parts.started > 1 << 53 {
            return Err(StatsError::OutOfRange {
                what: "the number of tests in the state",
                value: parts.started as f64,
                allowed: "one that fits its other numbers; the state was not written by this library",
            });
        }
        Ok(Self { parts })
    }
}

impl From<ELond> for Parts {
    fn from(state: ELond) -> Self {
        state.parts
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::close;

    /// Source: the definition in Python 3.11.
    #[test]
    fn levels_follow_the_definition_and_the_edges_hold() {
        let ln_e = [9.84, 0.86, f64::NEG_INFINITY, f64::INFINITY, 6.0];
        let got = ELond::new(Alpha::FIVE_PERCENT).unwrap().run(&ln_e).unwrap();
        let want = [
            0.002675838545630043,
            0.0011638205782941741,
            0.0009912498794460713,
            0.0008243606058967332,
            0.0010483304564021977,
        ];
        got.iter().zip(want).for_each(|(got, want)| close(got.level, want, 1e-12));
        let rejected: Vec<bool> = got.iter().map(|got| got.rejected).collect();
        assert_eq!(rejected, [true, false, false, true, false]);

        let mut state = ELond::new(Alpha::FIVE_PERCENT).unwrap();
        assert!(state.run(&[1.0, f64::NAN]).is_err() && state.test(f64::NAN).is_err());
        assert_eq!(state.started(), 0);
        let drawn = state.next_level();
        let json = serde_json::to_string(&state).unwrap();
        let mut back: ELond = serde_json::from_str(&json).unwrap();
        assert!(back.record(drawn.test, 3.0).is_ok() && back.record(drawn.test, 3.0).is_err());
        assert!(serde_json::from_str::<ELond>(&json.replace("\"started\":1", "\"started\":0")).is_err());
        assert!(ELond::with_gamma(Alpha::FIVE_PERCENT, Gamma::Dependent).is_err());
        let mut short =
            ELond::with_gamma(Alpha::FIVE_PERCENT, Gamma::from_weights(vec![1.0]).unwrap()).unwrap();
        short.test(0.0).unwrap();
        assert!(!short.test(f64::INFINITY).unwrap().rejected);
    }
}

//! Whole lists of p-values through an online procedure.

use super::state::{OnlineDecision, OnlineFdr};
use crate::error::StatsError;
use crate::level::Probability;

impl OnlineFdr {
    /// Tests a list of p-values in order, each finished before the next starts.
    ///
    /// ```
    /// use expt_stats::{Alpha, online::{OnlineFdr, Procedure}};
    ///
    /// let alpha = Alpha::FIVE_PERCENT;
    /// let decisions = OnlineFdr::new(Procedure::lord_plus_plus(alpha), alpha)?.run(&[1e-7, 0.06, 0.002])?;
    /// assert_eq!(decisions.iter().filter(|decision| decision.rejected).count(), 1);
    /// assert!((decisions[1].level - 0.0024664457).abs() < 1e-9);
    /// # Ok::<(), expt_stats::StatsError>(())
    /// ```
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] if one is not in `[0, 1]`; then nothing is recorded. As
    /// [`next_level`](OnlineFdr::next_level) if tests are running that may not overlap.
    pub fn run(&mut self, p: &[f64]) -> Result<Vec<OnlineDecision>, StatsError> {
        check(p)?;
        p.iter().map(|&p| self.test(p)).collect()
    }

    /// Tests a list whose i-th test ends at `decision_times[i]`, in units of starts: after the test with that
    /// number (from one, within the list) has started and before the next one does. This is `version =
    /// "async"` of onlineFDR's LONDstar, LORDstar and SAFFRONstar.
    ///
    /// # Errors
    /// As [`run`](OnlineFdr::run), and [`StatsError::OutOfRange`] if there is not one time for each test or a
    /// test ends before it starts.
    pub fn run_async(
        &mut self,
        p: &[f64],
        decision_times: &[u64],
    ) -> Result<Vec<OnlineDecision>, StatsError> {
        check(p)?;
        same_length("the number of decision times", decision_times.len(), p.len())?;
        if let Some((_, &time)) = (1..).zip(decision_times).find(|(start, time)| start > *time) {
            return Err(StatsError::OutOfRange {
                what: "a decision time",
                value: time as f64,
                allowed: "at least the number of its own test",
            });
        }
        let mut ends: Vec<(u64, usize)> = decision_times.iter().copied().zip(0..).collect();
        ends.sort_unstable();
        let mut ends = ends.into_iter().peekable();
        let (mut drawn, mut decisions) = (Vec::with_capacity(p.len()), vec![None; p.len()]);
        for now in 1..=p.len() as u64 {
            drawn.push(self.next_level()?.test);
            while let Some((_, i)) = ends.next_if(|(time, _)| *time <= now || now == p.len() as u64) {
                let (Some(&test), Some(&p)) = (drawn.get(i), p.get(i)) else { continue };
                let decision = self.record_p(test, p)?;
                if let Some(slot) = decisions.get_mut(i) {
                    *slot = Some(decision);
                }
            }
        }
        Ok(decisions.into_iter().flatten().collect())
    }

    /// Tests a list whose i-th test may depend on the `lags[i]` tests before it (`version = "dep"` of
    /// onlineFDR's LONDstar, LORDstar and SAFFRONstar).
    ///
    /// # Errors
    /// As [`run`](OnlineFdr::run) and [`next_level_lagged`](OnlineFdr::next_level_lagged), and
    /// [`StatsError::OutOfRange`] if there is not one lag for each test.
    pub fn run_lagged(&mut self, p: &[f64], lags: &[u64]) -> Result<Vec<OnlineDecision>, StatsError> {
        check(p)?;
        same_length("the number of lags", lags.len(), p.len())?;
        let test = |(&p, &lag): (&f64, &u64)| {
            let drawn = self.next_level_lagged(lag)?;
            self.record_p(drawn.test, p)
        };
        p.iter().zip(lags).map(test).collect()
    }

    /// Tests a list in batches of the given sizes: all tests of a batch start before any of it ends (`version =
    /// "batch"` of onlineFDR's LONDstar, LORDstar and SAFFRONstar).
    ///
    /// # Errors
    /// As [`run`](OnlineFdr::run), and [`StatsError::OutOfRange`] if the sizes do not sum to the number of
    /// tests.
    pub fn run_batched(&mut self, p: &[f64], sizes: &[usize]) -> Result<Vec<OnlineDecision>, StatsError> {
        check(p)?;
        let sum = sizes.iter().fold(0_usize, |sum, size| sum.saturating_add(*size));
        same_length("the sum of the batch sizes", sum, p.len())?;
        let mut decisions = Vec::with_capacity(p.len());
        let mut rest = p;
        for &size in sizes {
            let (batch, after) = rest.split_at_checked(size).unwrap_or((rest, &[]));
            rest = after;
            let drawn: Vec<_> = batch.iter().map(|_| self.next_level()).collect::<Result<_, _>>()?;
            for (drawn, &p) in drawn.iter().zip(batch) {
                decisions.push(self.record_p(drawn.test, p)?);
            }
        }
        Ok(decisions)
    }
}

fn check(p: &[f64]) -> Result<(), StatsError> {
    p.iter().try_for_each(|&p| Probability::new(p).map(drop))
}

fn same_length(what: &'static str, found: usize, tests: usize) -> Result<(), StatsError> {
    if found == tests {
        Ok(())
    } else {
        Err(StatsError::OutOfRange { what, value: found as f64, allowed: "that of the p-values" })
    }
}

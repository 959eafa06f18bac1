//! The state of an online procedure.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::gamma::Gamma;
use super::procedure::{Guarantee, Procedure};
use super::wealth::{Shares, Wealth};
use crate::error::StatsError;
use crate::level::{Alpha, LnP, Probability, TIE_SLACK};

/// Holds the state of an online procedure over tests that start and end at any time.
///
/// A level is drawn with [`next_level`](Self::next_level) when a test starts (when its plan is sealed) and
/// does not change afterwards; its p-value comes with [`record`](Self::record) when it ends. Between the two,
/// other tests may start: they see the running test as a conflict, that is, as spending without a reward.
/// [`next_level_lagged`](Self::next_level_lagged) widens the conflict set to tests whose data are dependent.
///
/// The p-value must be valid at the time of the decision: a fixed-size p-value at its planned size, or an
/// anytime-valid one.
///
/// ```
/// use expt_stats::{Alpha, online::{OnlineFdr, Procedure}};
///
/// let alpha = Alpha::FIVE_PERCENT;
/// let mut fdr = OnlineFdr::new(Procedure::saffron(alpha), alpha)?;
/// let (first, second) = (fdr.next_level()?, fdr.next_level()?);
/// assert!(fdr.record_p(first.test, 1e-6)?.rejected);
/// let third = fdr.next_level()?; // the first rejection has paid, the second test is still running
/// assert!(third.level > second.level);
///
/// // The state travels as JSON.
/// let mut back: OnlineFdr = serde_json::from_str(&serde_json::to_string(&fdr).unwrap()).unwrap();
/// assert_eq!(back.record_p(second.test, 0.5)?, fdr.record_p(second.test, 0.5)?);
/// # Ok::<(), expt_stats::StatsError>(())
/// ```
///
/// # Cost
/// A level costs O(1) for LOND, LORD 3, spending and fallback. For LORD++, SAFFRON, ADDIS and
/// alpha-investing it costs one addition for each group of earlier rejections (see [`Procedure`]); LORD++
/// needs all of them exactly, so `n` tests cost O(n rejections). Sums are prepared for 32 tests at a time from
/// neighbouring gammas: 10^5 tests take a few hundredths of a second. The serialised state holds two small
/// numbers for each group and one entry for each running test.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Parts", into = "Parts")]
pub struct OnlineFdr {
    parts: Parts,
}

/// What is serialised.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Parts {
    alpha: Alpha,
    method: Procedure,
    gamma: Gamma,
    /// How many tests have started.
    started: u64,
    /// How many of them have rejected, recorded so far.
    rejections: u64,
    /// How many of these were known to the last test that started.
    known: u64,
    /// Results of tests up to this one may be known.
    known_to: u64,
    /// Tests whose result is not known to the procedure yet, ascending.
    open: Vec<OpenTest>,
    wealth: Wealth,
    /// `1 + 1/2 + ... + 1/started`, for LOND under dependence.
    harmonic: f64,
    /// What online fallback hands to the next test.
    carried: f64,
    /// The last test that rejected, the wealth now and at that time, for LORD 3 and its dependent form.
    last_rejection: u64,
    balance: f64,
    balance_then: f64,
}

/// Names a test of an online procedure: the first to start is 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TestNumber(u64);

impl TestNumber {
    /// Returns the number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl From<u64> for TestNumber {
    fn from(number: u64) -> Self {
        Self(number)
    }
}

impl fmt::Display for TestNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Holds the level of a test that has started.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DrawnLevel {
    /// The test.
    pub test: TestNumber,
    /// Its level: reject when p is at most this.
    pub level: f64,
}

/// Holds the decision about a test.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct OnlineDecision {
    /// The test.
    pub test: TestNumber,
    /// The level that was drawn when it started.
    pub level: f64,
    /// Whether it is rejected.
    pub rejected: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct OpenTest {
    test: u64,
    level: f64,
    /// Its place on the clock of the wealth.
    place: u64,
    result: Option<TestResult>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct TestResult {
    rejected: bool,
    /// Whether the test keeps counting against the wealth.
    counts: bool,
}

impl OnlineFdr {
    /// Starts a procedure with its default sequence.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] or [`StatsError::NotFinite`] if a parameter of the procedure does not go with
    /// alpha.
    pub fn new(procedure: Procedure, alpha: Alpha) -> Result<Self, StatsError> {
        Self::with_gamma(procedure, alpha, procedure.default_gamma())
    }

    /// Starts a procedure with another sequence.
    ///
    /// # Errors
    /// As [`OnlineFdr::new`].
    pub fn with_gamma(procedure: Procedure, alpha: Alpha, gamma: Gamma) -> Result<Self, StatsError> {
        procedure.check(alpha)?;
        let balance = match procedure {
            Procedure::Lord3 { w0, .. } | Procedure::LordDependent { w0, .. } => w0,
            _ => 0.0,
        };
        Ok(Self {
            parts: Parts {
                alpha,
                method: procedure,
                gamma,
                started: 0,
                rejections: 0,
                known: 0,
                known_to: 0,
                open: Vec::new(),
                wealth: Wealth::default(),
                harmonic: 0.0,
                carried: 0.0,
                last_rejection: 0,
                balance,
                balance_then: balance,
            },
        })
    }

    /// Computes the sequence for `tests` more tests at once, so that none of them has to. A clone shares the
    /// work: for many streams, prepare one state and clone it.
    pub fn prepare(&mut self, tests: u64) {
        let Parts { gamma, wealth, .. } = &mut self.parts;
        wealth.prepare(gamma, tests);
    }

    /// Returns the level of the next test, which starts now. Results recorded so far are known to it.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] if a test is still running and the procedure does not allow overlap (LORD 3).
    pub fn next_level(&mut self) -> Result<DrawnLevel, StatsError> {
        self.next_level_lagged(0)
    }

    /// Returns the level of the next test, whose data may depend on those of the `lag` tests that started
    /// before it: their results are treated as unknown, even if they are recorded (Zrnic, Ramdas and Jordan
    /// 2021, local dependence). A lag beyond the first test means all tests.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] as [`next_level`](Self::next_level), and if the lag is more than one greater
    /// than that of the test before: what was known once stays known.
    pub fn next_level_lagged(&mut self, lag: u64) -> Result<DrawnLevel, StatsError> {
        let parts = &mut self.parts;
        let known_to = parts.started.saturating_sub(lag);
        if known_to < parts.known_to {
            return Err(StatsError::OutOfRange {
                what: "the lag",
                value: lag as f64,
                allowed: "at most one more than that of the test before",
            });
        }
        if !parts.method.allows_overlap() {
            let unknown =
                parts.open.iter().filter(|open| open.result.is_none() || open.test > known_to).count();
            if unknown > 0 {
                return Err(StatsError::OutOfRange {
                    what: "the number of tests whose result is unknown",
                    value: unknown as f64,
                    allowed: "0 with LORD 3 and LORD for dependent p-values; record them, or use LORD++",
                });
            }
        }
        parts.known_to = known_to;
        parts.disclose();
        let level = parts.level();
        parts.started += 1;
        let place = parts.wealth.start();
        parts.open.push(OpenTest { test: parts.started, level, place, result: None });
        Ok(DrawnLevel { test: TestNumber(parts.started), level })
    }

    /// Records the p-value of a running test and decides: rejected if p is at most its level, with a relative
    /// slack of 1e-12.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] if the test has not started or was recorded before.
    pub fn record(&mut self, test: TestNumber, p: LnP) -> Result<OnlineDecision, StatsError> {
        self.parts.record(test, |bound| p.get() <= bound.ln() + TIE_SLACK)
    }

    /// Records the p-value of a running test, given as a probability, and decides: rejected if it is at most
    /// the level.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] if p is not in `[0, 1]`, the test has not started or was recorded before.
    pub fn record_p(&mut self, test: TestNumber, p: f64) -> Result<OnlineDecision, StatsError> {
        let p = Probability::new(p)?.get();
        self.parts.record(test, |bound| p <= bound)
    }

    /// Starts a test and records its p-value at once.
    ///
    /// # Errors
    /// As [`next_level`](Self::next_level) and [`record_p`](Self::record_p).
    pub fn test(&mut self, p: f64) -> Result<OnlineDecision, StatsError> {
        Probability::new(p)?;
        let drawn = self.next_level()?;
        self.record_p(drawn.test, p)
    }

    /// Returns the level that was drawn for a test whose result is not known to the procedure yet.
    #[must_use]
    pub fn drawn_level(&self, test: TestNumber) -> Option<f64> {
        let at = self.parts.open.binary_search_by_key(&test.0, |open| open.test).ok()?;
        self.parts.open.get(at).map(|open| open.level)
    }

    /// Returns the procedure.
    #[must_use]
    pub const fn procedure(&self) -> Procedure {
        self.parts.method
    }

    /// Returns the level at which the error rate is kept.
    #[must_use]
    pub const fn alpha(&self) -> Alpha {
        self.parts.alpha
    }

    /// Returns the sequence.
    #[must_use]
    pub const fn gamma(&self) -> &Gamma {
        &self.parts.gamma
    }

    /// Returns what the procedure keeps.
    #[must_use]
    pub const fn guarantee(&self) -> Guarantee {
        self.parts.method.guarantee()
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

    /// Returns the tests that have started and are not recorded.
    pub fn running(&self) -> impl Iterator<Item = DrawnLevel> {
        let running = self.parts.open.iter().filter(|open| open.result.is_none());
        running.map(|open| DrawnLevel { test: TestNumber(open.test), level: open.level })
    }
}

impl fmt::Display for OnlineFdr {
    /// Writes which adjustment is applied, over what, and what it keeps.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Parts { alpha, method, started, rejections, .. } = &self.parts;
        let kept = method.guarantee();
        write!(f, "{method}: {kept} at {alpha}, {started} tests started, {rejections} rejected")
    }
}

impl Parts {
    fn record(
        &mut self,
        test: TestNumber,
        at_most: impl Fn(f64) -> bool,
    ) -> Result<OnlineDecision, StatsError> {
        let method = self.method;
        let open = self.open.binary_search_by_key(&test.0, |open| open.test).ok();
        let open = open.and_then(|at| self.open.get_mut(at)).filter(|open| open.result.is_none());
        let Some(open) = open else {
            return Err(StatsError::OutOfRange {
                what: "the number of the test",
                value: test.0 as f64,
                allowed: "that of a test which has started and is not recorded; `running` lists them",
            });
        };
        let rejected = at_most(open.level);
        let counts = match method {
            Procedure::Saffron { lambda, .. } => !at_most(lambda),
            Procedure::Addis { lambda, tau, .. } | Procedure::AddisSpending { lambda, tau } => {
                !at_most(lambda) && at_most(tau)
            }
            Procedure::LordDiscard { tau, .. } => at_most(tau),
            Procedure::AlphaInvesting { .. } => !rejected,
            _ => true,
        };
        open.result = Some(TestResult { rejected, counts });
        self.rejections += u64::from(rejected);
        Ok(OnlineDecision { test, level: open.level, rejected })
    }

    /// Lets the procedure know every recorded result up to `known_to`.
    fn disclose(&mut self) {
        let mut at = 0;
        while let Some(open) = self.open.get(at).filter(|open| open.test <= self.known_to) {
            if let Some(result) = open.result {
                let done = self.open.remove(at);
                if !result.counts {
                    self.open.iter_mut().skip(at).for_each(|open| open.place = open.place.saturating_sub(1));
                    self.wealth.uncount(done.place);
                }
                self.settle(&done, result.rejected);
            } else {
                at += 1;
            }
        }
    }

    /// Books a result that has become known.
    fn settle(&mut self, done: &OpenTest, rejected: bool) {
        if let Procedure::Lord3 { b0, .. } | Procedure::LordDependent { b0, .. } = self.method {
            self.balance = (self.balance - done.level).max(0.0) + if rejected { b0 } else { 0.0 };
        }
        if !rejected {
            return;
        }
        self.known += 1;
        self.last_rejection = done.test;
        self.balance_then = self.balance;
        match self.method {
            Procedure::LordPlusPlus { .. }
            | Procedure::LordDiscard { .. }
            | Procedure::Saffron { .. }
            | Procedure::Addis { .. }
            | Procedure::AlphaInvesting { .. } => self.wealth.reward(),
            Procedure::OnlineFallback => self.carried += done.level,
            _ => {}
        }
    }

    /// The level of the next test.
    fn level(&mut self) -> f64 {
        let next = self.started + 1;
        let alpha = self.alpha.get();
        self.harmonic += 1.0 / next as f64;
        match self.method {
            Procedure::Lond { modified, dependent } => {
                let rejections = if modified { self.known.max(1) } else { self.known + 1 };
                let share = self.gamma.at(next) / if dependent { self.harmonic } else { 1.0 };
                alpha * share * rejections as f64
            }
            Procedure::LordPlusPlus { w0 } => self.shares().spend(w0, alpha),
            Procedure::Lord3 { .. } => self.gamma.at(next - self.last_rejection) * self.balance_then,
            Procedure::LordDependent { .. } => self.gamma.at(next) * self.balance_then,
            Procedure::LordDiscard { w0, tau } => self.shares().spend(w0, tau * alpha).min(tau),
            Procedure::Saffron { w0, lambda } => {
                ((1.0 - lambda) * self.shares().spend(w0, alpha)).min(lambda)
            }
            Procedure::Addis { w0, lambda, tau } => {
                ((tau - lambda) * self.shares().spend(w0, alpha)).min(lambda)
            }
            Procedure::AddisSpending { lambda, tau } => {
                alpha * (tau - lambda) * self.gamma.at(self.wealth.clock() + 1)
            }
            Procedure::AlphaInvesting { w0 } => {
                let spent = self.shares().spend(w0, alpha);
                spent / (1.0 + spent)
            }
            Procedure::AlphaSpending => alpha * self.gamma.at(next),
            Procedure::OnlineFallback => alpha * self.gamma.at(next) + std::mem::take(&mut self.carried),
        }
    }

    fn shares(&mut self) -> Shares {
        self.wealth.shares(&self.gamma)
    }

    /// Checks a state that was read.
    fn check(&self) -> Result<(), StatsError> {
        self.method.check(self.alpha)?;
        let numbers = [self.harmonic, self.carried, self.balance, self.balance_then];
        let levels = self.open.iter().map(|open| open.level);
        for value in numbers.into_iter().chain(levels) {
            if !(value.is_finite() && value >= 0.0) {
                let allowed = "finite and not negative";
                return Err(StatsError::OutOfRange { what: "a number of the state", value, allowed });
            }
        }
        let clock = self.wealth.clock();
        let ascending = self.open.windows(2).all(|pair| match pair {
            [a, b] => a.test < b.test && a.place < b.place,
            _ => true,
        });
        let known = self.open.iter().all(|open| open.test <= self.started && open.place < clock)
            && self.known <= self.rejections
            && self.rejections <= self.started
            && self.last_rejection <= self.started
            && self.known_to <= self.started
            && self.started <= MOST_TESTS;
        if ascending && known && self.wealth.is_sound(self.started) {
            Ok(())
        } else {
            Err(StatsError::OutOfRange {
                what: "the number of tests in the state",
                value: self.started as f64,
                allowed: "one that fits its other numbers; the state was not written by this library",
            })
        }
    }
}

impl Shares {
    /// What is spent of the initial wealth and of rewards: `reward` for each rejection, for the first less the
    /// initial wealth.
    fn spend(self, w0: f64, reward: f64) -> f64 {
        w0 * self.initial + (reward - w0).max(0.0) * self.first + reward * self.later
    }
}

impl TryFrom<Parts> for OnlineFdr {
    type Error = StatsError;

    fn try_from(mut parts: Parts) -> Result<Self, StatsError> {
        parts.check()?;
        let Parts { gamma, wealth, .. } = &mut parts;
        wealth.prepare_read(gamma);
        Ok(Self { parts })
    }
}

impl From<OnlineFdr> for Parts {
    fn from(state: OnlineFdr) -> Self {
        state.parts
    }
}

/// Numbers of tests up to this are exact as `f64`.
const MOST_TESTS: u64 = 1 << 53;

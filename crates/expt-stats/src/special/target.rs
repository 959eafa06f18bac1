//! Where a quantile is asked for.

use std::f64::consts::LN_2;

use serde::{Deserialize, Serialize};

use super::normal;
use super::numeric::ln_1m_exp;
use crate::error::StatsError;

/// Says how much probability lies on one side of a quantile, directly or as its natural logarithm.
///
/// Use the upper tail for an upper quantile (`Upper(1e-20)` is a number, `Lower(1.0 - 1e-20)` is 1), and the
/// logarithm where the probability itself underflows.
///
/// ```
/// use expt_stats::special::{Tail, normal_quantile_at};
///
/// assert!((normal_quantile_at(Tail::Upper(0.025))? - 1.959_963_984_540_054).abs() < 1e-15);
/// assert!((normal_quantile_at(Tail::LnUpper(-5_000.0))? - 99.944_748).abs() < 1e-6);
/// # Ok::<(), expt_stats::StatsError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tail {
    /// P(X <= x), between 0 and 1.
    Lower(f64),
    /// P(X > x), between 0 and 1.
    Upper(f64),
    /// ln P(X <= x), less than 0.
    LnLower(f64),
    /// ln P(X > x), less than 0.
    LnUpper(f64),
}

/// A quantile's place, kept as the ln of the smaller tail.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target {
    lower: bool,
    ln: f64,
    /// The smaller tail itself, zero where it underflows.
    tail: f64,
    /// One half minus the smaller tail, with its own digits.
    distance: f64,
}

impl Target {
    pub(crate) fn new(tail: Tail) -> Result<Self, StatsError> {
        let of_p = |p: f64, lower: bool| {
            if !(p > 0.0 && p < 1.0) {
                return Err(StatsError::OutOfRange {
                    what: "p",
                    value: p,
                    allowed: "the open interval (0, 1)",
                });
            }
            let (lower, tail) = if p <= 0.5 { (lower, p) } else { (!lower, 1.0 - p) };
            Ok(Self { lower, ln: tail.ln(), tail, distance: 0.5 - tail })
        };
        let of_ln = |ln: f64, lower: bool| {
            if !(ln < 0.0 && ln.is_finite()) {
                return Err(StatsError::OutOfRange {
                    what: "ln p",
                    value: ln,
                    allowed: "finite and less than 0",
                });
            }
            // ln(2 p), with ln 2 in two parts so that it is exact near p = 1/2.
            let doubled = (ln + LN_2) + LN_2_LOW;
            let half = -0.5 * doubled.exp_m1();
            let (lower, ln) = if half >= 0.0 { (lower, ln) } else { (!lower, ln_1m_exp(ln)) };
            Ok(Self { lower, ln, tail: ln.exp(), distance: half.abs() })
        };
        match tail {
            Tail::Lower(p) => of_p(p, true),
            Tail::Upper(q) => of_p(q, false),
            Tail::LnLower(ln) => of_ln(ln, true),
            Tail::LnUpper(ln) => of_ln(ln, false),
        }
    }

    /// Whether the smaller tail is the lower one.
    pub(super) const fn is_lower(self) -> bool {
        self.lower
    }

    /// ln of the smaller tail.
    pub(super) const fn ln(self) -> f64 {
        self.ln
    }

    /// One half minus the smaller tail.
    pub(super) const fn distance(self) -> f64 {
        self.distance
    }

    /// ln of the lower tail.
    pub(super) fn ln_lower(self) -> f64 {
        if self.lower { self.ln } else { (-self.tail).ln_1p() }
    }

    /// ln of the upper tail.
    pub(super) fn ln_upper(self) -> f64 {
        if self.lower { (-self.tail).ln_1p() } else { self.ln }
    }

    /// The same place seen from the other end of the axis.
    pub(super) const fn mirrored(self) -> Self {
        Self { lower: !self.lower, ..self }
    }

    /// The z with the same tail under the standard normal distribution.
    pub(crate) fn normal(self) -> f64 {
        let upper = if self.distance <= 0.4 {
            normal::central_quantile(self.distance)
        } else if self.tail > 1e-300 {
            normal::upper_quantile(self.tail)
        } else {
            normal::ln_upper_quantile(self.ln)
        };
        if self.lower { -upper } else { upper }
    }
}

/// What `f64` leaves of `ln 2`.
const LN_2_LOW: f64 = 2.319_046_813_846_299_6e-17;

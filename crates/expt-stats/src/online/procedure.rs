//! The online procedures and their parameters.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::gamma::Gamma;
use crate::error::{StatsError, finite};
use crate::level::Alpha;

/// Names an online procedure with its parameters.
///
/// `p_t` is the p-value of test t and `a_t` its level; a test rejects when `p_t <= a_t`. `w0` is the initial
/// wealth. The associated functions give the defaults of Bioconductor's onlineFDR 2.19.
///
/// Where tests overlap, a result counts from the next test that starts after it was recorded. `r_k` below is
/// the number of tests that had started when the k-th rejection was recorded (without overlap, the rejected
/// test itself); these are the asynchronous forms of Zrnic, Ramdas and Jordan (2021), LONDstar, LORDstar and
/// SAFFRONstar.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "procedure", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Procedure {
    /// `a_t = alpha gamma_t (D + 1)`, D the rejections so far (Javanmard and Montanari 2015); FDR under
    /// independence.
    Lond {
        /// `max(D, 1)` in place of `D + 1`: FDR under positive dependence as well, and the form for tests
        /// that overlap (Zrnic, Ramdas and Jordan 2021).
        modified: bool,
        /// `gamma_t` divided by `1 + 1/2 + ... + 1/t`: FDR under any dependence.
        dependent: bool,
    },
    /// `a_t = w0 gamma_t + (alpha - w0) gamma_(t - r_1) + alpha sum over k > 1 of gamma_(t - r_k)` (Ramdas,
    /// Yang, Wainwright and Jordan 2017); FDR under independence.
    LordPlusPlus {
        /// The initial wealth, at most alpha.
        w0: f64,
    },
    /// `a_t = gamma_(t - r) W(r)`, r the last rejection, `W(t) = W(t-1) - a_t + b0 [t rejects]`,
    /// `W(0) = w0` (Javanmard and Montanari 2018); FDR under independence.
    ///
    /// onlineFDR 2.19 adds the payout of test t - 2 instead of that of test t to the wealth after test t
    /// (except for the first), which credits rejections late; its levels differ from these after the first
    /// rejections. Tests may not overlap.
    Lord3 {
        /// The initial wealth.
        w0: f64,
        /// The payout of a rejection; `w0 + b0` is at most alpha.
        b0: f64,
    },
    /// `a_t = gamma_t W(r)` with the wealth of [`Procedure::Lord3`] and a gamma that falls faster; FDR under
    /// any dependence (Javanmard and Montanari 2018). Tests may not overlap.
    LordDependent {
        /// The initial wealth, at most `b0`.
        w0: f64,
        /// The payout of a rejection; `w0 + b0` is at most alpha.
        b0: f64,
    },
    /// LORD++ that skips tests with `p > tau`: with `S_k` the number of tests with `p <= tau` after `r_k`,
    /// `a_t = min(tau, w0 gamma_(S_0 + 1) + (tau alpha - w0) gamma_(S_1 + 1) + tau alpha sum over k > 1 of
    /// gamma_(S_k + 1))` (Tian and Ramdas 2019); FDR under independence, more power if null p-values are
    /// conservative.
    LordDiscard {
        /// The initial wealth, at most `tau alpha`.
        w0: f64,
        /// The threshold.
        tau: f64,
    },
    /// With `N_k` the number of tests after `r_k` that have `p > lambda`, `a_t = min(lambda, (1 - lambda)
    /// (w0 gamma_(N_0 + 1) + (alpha - w0) gamma_(N_1 + 1) + alpha sum over k > 1 of gamma_(N_k + 1)))`
    /// (Ramdas, Zrnic, Wainwright and Jordan 2018); FDR under independence.
    Saffron {
        /// The initial wealth, at most alpha.
        w0: f64,
        /// Tests with p at most this are candidates, which cost nothing.
        lambda: f64,
    },
    /// SAFFRON that also skips tests with `p > tau`: N counts `lambda < p <= tau`, and `tau - lambda` stands in
    /// place of `1 - lambda` (Tian and Ramdas 2019); FDR under independence.
    Addis {
        /// The initial wealth, at most alpha.
        w0: f64,
        /// Tests with p at most this are candidates.
        lambda: f64,
        /// Tests with p above this are skipped.
        tau: f64,
    },
    /// `a_t = alpha (tau - lambda) gamma_(N + 1)`, N the tests with `lambda < p <= tau` (Tian and Ramdas 2021);
    /// family-wise error under independence.
    AddisSpending {
        /// Tests with p at most this are candidates.
        lambda: f64,
        /// Tests with p above this are skipped.
        tau: f64,
    },
    /// SAFFRON with `lambda_t = a_t`: with x the sum of SAFFRON without its factor, `a_t = x / (1 + x)`, N
    /// counting the tests that do not reject (Foster and Stine 2008; Ramdas et al. 2018); FDR under
    /// independence.
    AlphaInvesting {
        /// The initial wealth, at most alpha.
        w0: f64,
    },
    /// `a_t = alpha gamma_t`: family-wise error under any dependence (Foster and Stine 2008).
    AlphaSpending,
    /// `a_t = alpha gamma_t` plus the levels of the tests whose rejection was recorded since the last start:
    /// family-wise error under any dependence (Tian and Ramdas 2021). With overlapping tests this needs
    /// decision times that do not depend on the evidence.
    OnlineFallback,
}

impl Procedure {
    /// The original LOND, for independent p-values of tests that do not overlap.
    #[must_use]
    pub const fn lond() -> Self {
        Self::Lond { modified: false, dependent: false }
    }

    /// LOND as LONDstar uses it: valid under positive dependence.
    #[must_use]
    pub const fn lond_star() -> Self {
        Self::Lond { modified: true, dependent: false }
    }

    /// LORD++ with `w0 = alpha / 10`.
    #[must_use]
    pub fn lord_plus_plus(alpha: Alpha) -> Self {
        Self::LordPlusPlus { w0: alpha.get() / 10.0 }
    }

    /// LORD 3 with `w0 = alpha / 10` and `b0 = alpha - w0`.
    #[must_use]
    pub fn lord_3(alpha: Alpha) -> Self {
        let w0 = alpha.get() / 10.0;
        Self::Lord3 { w0, b0: alpha.get() - w0 }
    }

    /// LORD for dependent p-values with `w0 = alpha / 10` and `b0 = alpha - w0`.
    #[must_use]
    pub fn lord_dependent(alpha: Alpha) -> Self {
        let w0 = alpha.get() / 10.0;
        Self::LordDependent { w0, b0: alpha.get() - w0 }
    }

    /// LORD with discarding, `w0 = alpha / 10` and `tau = 1/2`.
    #[must_use]
    pub fn lord_discard(alpha: Alpha) -> Self {
        Self::LordDiscard { w0: alpha.get() / 10.0, tau: 0.5 }
    }

    /// SAFFRON with `w0 = alpha / 2` and `lambda = 1/2`.
    #[must_use]
    pub fn saffron(alpha: Alpha) -> Self {
        Self::Saffron { w0: alpha.get() / 2.0, lambda: 0.5 }
    }

    /// ADDIS with `w0 = alpha / 2`, `lambda = 1/4` and `tau = 1/2`.
    #[must_use]
    pub fn addis(alpha: Alpha) -> Self {
        Self::Addis { w0: alpha.get() / 2.0, lambda: 0.25, tau: 0.5 }
    }

    /// ADDIS-spending with `lambda = 1/4` and `tau = 1/2`.
    #[must_use]
    pub const fn addis_spending() -> Self {
        Self::AddisSpending { lambda: 0.25, tau: 0.5 }
    }

    /// Alpha-investing with `w0 = alpha / 2`.
    #[must_use]
    pub fn alpha_investing(alpha: Alpha) -> Self {
        Self::AlphaInvesting { w0: alpha.get() / 2.0 }
    }

    /// Returns the default sequence.
    #[must_use]
    pub const fn default_gamma(&self) -> Gamma {
        match self {
            Self::Saffron { .. }
            | Self::Addis { .. }
            | Self::AddisSpending { .. }
            | Self::AlphaInvesting { .. } => Gamma::Power,
            Self::LordDependent { .. } => Gamma::Dependent,
            _ => Gamma::JavanmardMontanari,
        }
    }

    /// Tells whether a test may start before the results of earlier ones are recorded.
    #[must_use]
    pub const fn allows_overlap(&self) -> bool {
        !matches!(self, Self::Lord3 { .. } | Self::LordDependent { .. })
    }

    /// Returns what is kept, and under which dependence of the p-values.
    #[must_use]
    pub const fn guarantee(&self) -> Guarantee {
        match self {
            Self::Lond { dependent: true, .. } | Self::LordDependent { .. } => Guarantee::FdrAnyDependence,
            Self::Lond { modified: true, .. } => Guarantee::FdrPositiveDependence,
            Self::AlphaSpending | Self::OnlineFallback => Guarantee::FwerAnyDependence,
            Self::AddisSpending { .. } => Guarantee::FwerIndependence,
            _ => Guarantee::FdrIndependence,
        }
    }

    /// Checks the parameters against `alpha`.
    pub(super) fn check(&self, alpha: Alpha) -> Result<(), StatsError> {
        let alpha = alpha.get();
        match *self {
            Self::Lond { .. } | Self::AlphaSpending | Self::OnlineFallback => Ok(()),
            Self::LordPlusPlus { w0 } | Self::AlphaInvesting { w0 } => wealth(w0, alpha, "0 <= w0 <= alpha"),
            Self::Lord3 { w0, b0 } => payout(w0, b0, alpha),
            Self::LordDependent { w0, b0 } => {
                payout(w0, b0, alpha)?;
                wealth(w0, b0, "0 <= w0 <= b0, which the default gamma needs")
            }
            Self::LordDiscard { w0, tau } => {
                threshold("tau", tau, 1.0)?;
                wealth(w0, tau * alpha, "0 <= w0 <= tau alpha")
            }
            Self::Saffron { w0, lambda } => {
                threshold("lambda", lambda, 1.0)?;
                wealth(w0, alpha, "0 <= w0 <= alpha")
            }
            Self::Addis { w0, lambda, tau } => {
                threshold("tau", tau, 1.0)?;
                threshold("lambda", lambda, tau)?;
                wealth(w0, alpha, "0 <= w0 <= alpha")
            }
            Self::AddisSpending { lambda, tau } => {
                threshold("tau", tau, 1.0)?;
                threshold("lambda", lambda, tau)
            }
        }
    }
}

impl fmt::Display for Procedure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lond { modified, dependent } => {
                f.write_str(if *modified { "LOND (modified)" } else { "LOND" })?;
                f.write_str(if *dependent { " for dependent p-values" } else { "" })
            }
            Self::LordPlusPlus { w0 } => write!(f, "LORD++ (w0 {w0})"),
            Self::Lord3 { w0, b0 } => write!(f, "LORD 3 (w0 {w0}, b0 {b0})"),
            Self::LordDependent { w0, b0 } => write!(f, "LORD for dependent p-values (w0 {w0}, b0 {b0})"),
            Self::LordDiscard { w0, tau } => write!(f, "LORD with discarding (w0 {w0}, tau {tau})"),
            Self::Saffron { w0, lambda } => write!(f, "SAFFRON (w0 {w0}, lambda {lambda})"),
            Self::Addis { w0, lambda, tau } => write!(f, "ADDIS (w0 {w0}, lambda {lambda}, tau {tau})"),
            Self::AddisSpending { lambda, tau } => write!(f, "ADDIS-spending (lambda {lambda}, tau {tau})"),
            Self::AlphaInvesting { w0 } => write!(f, "alpha-investing (w0 {w0})"),
            Self::AlphaSpending => f.write_str("alpha-spending"),
            Self::OnlineFallback => f.write_str("online fallback"),
        }
    }
}

/// Says which error rate an online procedure keeps at alpha.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Guarantee {
    /// The false discovery rate, if null p-values are independent of each other and of the others.
    FdrIndependence,
    /// The false discovery rate, under independence or positive regression dependence.
    FdrPositiveDependence,
    /// The false discovery rate, under any dependence.
    FdrAnyDependence,
    /// The family-wise error, if p-values are independent.
    FwerIndependence,
    /// The family-wise error, under any dependence.
    FwerAnyDependence,
}

impl fmt::Display for Guarantee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::FdrIndependence => "false discovery rate under independence",
            Self::FdrPositiveDependence => "false discovery rate under positive dependence",
            Self::FdrAnyDependence => "false discovery rate under any dependence",
            Self::FwerIndependence => "family-wise error under independence",
            Self::FwerAnyDependence => "family-wise error under any dependence",
        })
    }
}

fn wealth(w0: f64, most: f64, allowed: &'static str) -> Result<(), StatsError> {
    // The slack is for parameters such as tau alpha that were rounded by the caller.
    if finite("w0", w0)? < 0.0 || w0 > most * (1.0 + 1e-9) {
        return Err(StatsError::OutOfRange { what: "w0", value: w0, allowed });
    }
    Ok(())
}

fn payout(w0: f64, b0: f64, alpha: f64) -> Result<(), StatsError> {
    wealth(w0, alpha, "0 <= w0 <= alpha")?;
    if finite("b0", b0)? <= 0.0 || w0 + b0 > alpha * (1.0 + 1e-9) {
        let allowed = "greater than 0, with w0 + b0 at most alpha";
        return Err(StatsError::OutOfRange { what: "b0", value: b0, allowed });
    }
    Ok(())
}

fn threshold(what: &'static str, value: f64, most: f64) -> Result<(), StatsError> {
    let allowed = if what == "lambda" { "0 < lambda < 1, and below tau" } else { "0 < tau <= 1" };
    let open_end = what == "lambda" && value >= most;
    if value > 0.0 && value <= most && !open_end {
        Ok(())
    } else {
        Err(StatsError::OutOfRange { what, value, allowed })
    }
}

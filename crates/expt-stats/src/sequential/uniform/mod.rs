//! Boundaries that a sum crosses with probability at most alpha, at any time.
//!
//! `S` is a sum of centred values and `V` its intrinsic time, such as the sum of variances. A boundary `u` keeps
//! `P(S_t >= u(V_t) for some t) <= alpha` (Howard, Ramdas, McAuliffe and Sekhon 2021). Which boundary is valid depends on
//! the tails: normal for sub-Gaussian sums, gamma-exponential for sub-exponential ones, gamma-Poisson for sums with
//! jumps bounded by `c`, beta-binomial for values between `-g` and `h`.

mod beta_binomial;
mod empirical_process;
mod gamma_exponential;
mod gamma_poisson;
mod normal;
mod stitching;

pub use beta_binomial::BetaBinomialMixture;
pub use empirical_process::EmpiricalProcessBound;
pub use gamma_exponential::GammaExponentialMixture;
pub use gamma_poisson::GammaPoissonMixture;
pub use normal::NormalMixture;
pub use stitching::{DoubleStitching, PolyStitching};

use super::evalue::EValue;
use super::group::Sides;
use crate::error::{StatsError, non_negative, positive};
use crate::level::Alpha;

/// A boundary that holds at all times together.
pub trait UniformBoundary {
    /// Returns the boundary at intrinsic time `v`.
    ///
    /// # Errors
    /// [`StatsError::NotFinite`] or [`StatsError::OutOfRange`] for a negative `v`.
    fn bound(&self, v: f64, alpha: Alpha) -> Result<f64, StatsError>;
}

/// A boundary that comes from a mixture of exponential supermartingales, and so has an e-value too.
pub trait Mixture: UniformBoundary {
    /// Returns the e-value of a sum `s` at intrinsic time `v`; it reaches `1/alpha` at the boundary.
    ///
    /// # Errors
    /// [`StatsError::NotFinite`] or [`StatsError::OutOfRange`] for a negative `v`, or an `s` that cannot occur at `v`.
    fn evidence(&self, s: f64, v: f64) -> Result<EValue, StatsError>;
}

/// Returns the scale ρ at which a normal mixture is tightest at `v_opt` for level `alpha_opt`: with
/// `L = -2 ln a`, `v_opt / (L + ln(1 + L))`, where `a` is twice the level for one side.
fn tuned_rho(v_opt: f64, alpha_opt: Alpha, sides: Sides) -> Result<f64, StatsError> {
    let v_opt = positive("the intrinsic time to tune for", v_opt)?;
    let level = alpha_opt.get() * 2.0 / sides.count();
    if level >= 1.0 {
        let allowed = "below 1/2 for one side";
        return Err(StatsError::OutOfRange {
            what: "the level to tune for",
            value: alpha_opt.get(),
            allowed,
        });
    }
    let twice = -2.0 * level.ln();
    positive("the tuned scale rho", v_opt / (twice + twice.ln_1p()))
}

fn intrinsic(v: f64) -> Result<f64, StatsError> {
    non_negative("the intrinsic time", v)
}

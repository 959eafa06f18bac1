//! The two scales on which a p-value is carried: itself and its logarithm.

use crate::error::StatsError;
use crate::level::{Alpha, LnP, Probability, TIE_SLACK};

/// A p-value as it goes into a correction and comes out of it: `f64` (the probability itself) or
/// [`LnP`] (its natural logarithm, for p below the smallest `f64`).
///
/// The arithmetic stays on the scale of the input, so neither loses digits. The trait is sealed.
pub trait PValue: Copy + sealed::OnScale {}

impl PValue for f64 {}
impl PValue for LnP {}

pub(super) mod sealed {
    use crate::error::StatsError;
    use crate::level::Alpha;

    /// How a p-value enters and leaves its scale.
    pub trait OnScale: Sized {
        type Scale: super::Scale;
        /// The checked number on the scale.
        fn enter(self) -> Result<f64, StatsError>;
        /// A number of the scale that is at most one (p) or zero (ln p).
        fn leave(value: f64) -> Self;
        fn at_most(self, alpha: Alpha) -> bool;
        fn probability(self) -> f64;
    }
}

/// Arithmetic on one of the scales.
pub trait Scale {
    /// The number that stands for p = 1.
    const ONE: f64;
    /// `p * factor`, for a factor above zero; not capped.
    fn times(p: f64, factor: f64) -> f64;
    /// `1 - (1 - p)^count`: the chance of at least one of `count` independent events.
    fn any_of(p: f64, count: f64) -> f64;
    /// The order in which the p-values ascend, and the p-values in that order.
    fn ranked(values: &[f64]) -> super::order::Ranked;
}

/// p itself.
#[derive(Debug)]
pub struct Plain;

/// ln p.
#[derive(Debug)]
pub struct Logarithm;

impl Scale for Plain {
    const ONE: f64 = 1.0;

    fn times(p: f64, factor: f64) -> f64 {
        p * factor
    }

    fn any_of(p: f64, count: f64) -> f64 {
        -(count * (-p).ln_1p()).exp_m1()
    }

    fn ranked(values: &[f64]) -> super::order::Ranked {
        super::order::ranked_unit(values)
    }
}

impl Scale for Logarithm {
    const ONE: f64 = 0.0;

    fn times(ln_p: f64, factor: f64) -> f64 {
        ln_p + factor.ln()
    }

    fn any_of(ln_p: f64, count: f64) -> f64 {
        // Below exp(-600) the first term of the expansion is exact to the last bit for any count of tests.
        if ln_p < -600.0 { ln_p + count.ln() } else { Plain::any_of(ln_p.exp(), count).ln() }
    }

    fn ranked(values: &[f64]) -> super::order::Ranked {
        super::order::ranked(values)
    }
}

impl sealed::OnScale for f64 {
    type Scale = Plain;

    fn enter(self) -> Result<f64, StatsError> {
        // Adding zero turns the negative zero into the positive one.
        Ok(Probability::new(self)?.get() + 0.0)
    }

    fn leave(value: f64) -> Self {
        value.clamp(0.0, 1.0)
    }

    fn at_most(self, alpha: Alpha) -> bool {
        self <= alpha.get() * (1.0 + TIE_SLACK)
    }

    fn probability(self) -> f64 {
        self
    }
}

impl sealed::OnScale for LnP {
    type Scale = Logarithm;

    fn enter(self) -> Result<f64, StatsError> {
        Ok(self.get())
    }

    fn leave(value: f64) -> Self {
        Self::saturating(value)
    }

    fn at_most(self, alpha: Alpha) -> bool {
        self.is_at_most(alpha)
    }

    fn probability(self) -> f64 {
        self.p()
    }
}

/// Checks every p-value and brings it onto its scale.
pub(super) fn enter<P: PValue>(p: &[P]) -> Result<Vec<f64>, StatsError> {
    p.iter().map(|&p| p.enter()).collect()
}

//! Sample-ratio mismatch: do the arms have the units they were promised?
//!
//! Once, at the end: [`Shares::chi_square`], [`Shares::g_test`]. At every look: [`Shares::sequential`] or, with the
//! running p-value, [`SrmSequence`]. With shares that change (ramps, bandit weights, an arm that is added or paused):
//! [`SrmPeriods`] once, [`SrmSequence`] at every look.

mod periods;
mod prior;
mod result;
mod sequence;
mod shares;

pub use periods::SrmPeriods;
pub use prior::SrmPrior;
pub use result::{SrmMethod, SrmResult, SrmVerdict};
pub use sequence::SrmSequence;
pub use shares::Shares;

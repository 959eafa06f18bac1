//! Judging many hypotheses at once: corrections, false-discovery rates, e-values, families and gates.
//!
//! | question | item |
//! |---|---|
//! | adjusted p-values and rejections | [`Correction`] |
//! | the same with an estimate of how many hypotheses are null | [`TwoStage`], [`storey`] |
//! | some hypotheses matter more than others | [`weighted_bh`], [`weighted_e_bh`] |
//! | e-values instead of p-values | [`e_bh`] |
//! | intervals reported because they were selected | [`FalseCoverage`] |
//! | primary, secondary and guardrail families | [`Hierarchy`] |
//! | fixed sequence, fallback, any weighted graph of hypotheses | [`Graph`] |
//! | tests that arrive over time | [`online`](crate::online) |
//!
//! Every function takes p-values as probabilities (`f64`) or as logarithms ([`LnP`]) and stays on that
//! scale ([`PValue`]). Results keep the order of the input. A hypothesis is rejected when its adjusted
//! p-value is at most alpha, with a relative slack of 1e-12 so that rounding does not flip an exact tie.

mod correction;
mod e_values;
mod false_coverage;
mod graph;
mod hierarchy;
mod hommel;
mod order;
mod scale;
mod spline;
mod storey;
mod two_stage;
mod weighted;

pub use correction::{Adjusted, Corrected, Correction};
pub use e_values::{EBh, e_bh, weighted_e_bh};
pub use false_coverage::{FalseCoverage, SelectedIntervals};
pub use graph::Graph;
pub use hierarchy::{AppliedCorrection, Family, FamilyRole, Gate, Hierarchy, HierarchyResult};
pub use scale::PValue;
pub use storey::{NullShare, QValues, storey};
pub use two_stage::{TwoStage, TwoStageCorrected};
pub use weighted::weighted_bh;

#[cfg(doc)]
use crate::level::LnP;

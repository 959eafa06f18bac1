//! Tests and intervals at one sample size fixed beforehand.
mod cap;
mod caution;
mod counts;
mod cuped;
mod difference;
mod exact;
mod fieller;
mod joint;
mod lift;
mod margin;
mod proportion;
mod rate_ratio;
mod root;
mod score;
mod sums;
mod t_test;
mod tail;
mod weighted;
mod welch;

pub use cap::{Cap, CapSource, CappedMoments};
pub use caution::Caution;
pub use counts::Counts;
pub use cuped::{
    Cuped, CupedAdjusted, CupedFit, CupedHealth, CupedRatio, CupedRatioFit, CupedRatioState, CupedState,
    ThetaPooling,
};
pub use difference::{DifferenceMethod, ProportionDifference, ProportionTest, ZOutcome, ZResult, ZVariance};
pub use exact::{FisherResult, binomial_test, fisher_exact};
pub use fieller::{Fieller, FiellerResult, FiellerSet};
pub use joint::JointMoments;
pub use lift::{Lift, LiftResult, LiftScale, RelativeLift};
pub use margin::{Equivalence, NonInferiority, Tost};
pub use proportion::{Proportion, ProportionEstimate, ProportionMethod};
pub use rate_ratio::{OddsRatio, OddsRatioMethod, RateRatio, RateRatioMethod};
pub use sums::{PairSums, Sums, SumsCoMoments, SumsMoments};
pub use t_test::{Reference, TEvidence, TOutcome, TResult, TTest};
pub use weighted::{WeightKind, WeightedMoments};
pub use welch::{Welch, WelchOutcome, WelchTest};

//! Tests and intervals at one sample size fixed beforehand.
mod caution;
mod fieller;
mod lift;
mod margin;
mod proportion;
mod t_test;
mod tail;
mod welch;

pub use caution::Caution;
pub use fieller::{Fieller, FiellerResult, FiellerSet};
pub use lift::{Lift, LiftResult, LiftScale, RelativeLift};
pub use margin::{Equivalence, NonInferiority, Tost};
pub use proportion::Proportion;
pub use t_test::{Reference, TOutcome, TResult, TTest};
pub use welch::{Welch, WelchOutcome, WelchTest};

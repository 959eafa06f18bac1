//! CUPED: less variance with what was known about a unit before the experiment.

mod adjusted;
mod fit;
mod health;
mod ratio;
mod solve;
mod state;
#[cfg(test)]
mod tests;

pub use adjusted::CupedAdjusted;
pub use fit::{Cuped, CupedFit, CupedPair, ThetaPooling};
pub use health::CupedHealth;
pub use ratio::{CupedRatio, CupedRatioFit, CupedRatioState};
pub use state::CupedState;

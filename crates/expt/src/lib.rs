#![doc = include_str!("../README.md")]

#[doc(inline)]
pub use expt_analysis as analysis;
#[doc(inline)]
pub use expt_assign as assign;
#[doc(inline)]
pub use expt_core as core;
#[doc(inline)]
pub use expt_hpo as hpo;
#[doc(inline)]
pub use expt_serve as serve;
#[doc(inline)]
pub use expt_stats as stats;
#[doc(inline)]
pub use expt_store as store;
#[doc(inline)]
pub use expt_track as track;

/// The map of the code, and what must stay true.
#[doc = include_str!("../docs/ARCHITECTURE.md")]
pub mod architecture {}

/// What changed.
#[doc = include_str!("../docs/CHANGELOG.md")]
pub mod changelog {}

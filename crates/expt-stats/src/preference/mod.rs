//! Which of two rankings do users prefer? Tests for interleaved results.
//!
//! In an interleaved list each item belongs to the team of ranking A or B, and outcomes are credited to teams. From there:
//!
//! | question | use |
//! |---|---|
//! | credit of one list: clicks or weighted outcomes per team | [`team_credit`] |
//! | the same, free of the merge's bias | [`RankCredit`] |
//! | does A win for more users (or queries) than B? | [`PreferenceCounts::sign_test`] |
//! | by how much? | [`PreferenceCounts::delta`], [`PreferenceState::delta_per_query`] |
//! | with magnitudes | [`PreferenceState::credit_per_user`], [`PreferenceState::credit_per_query`], [`rank::Wilcoxon`](crate::rank::Wilcoxon) on users' credits |
//! | at every look | [`SequentialSign`], [`PreferenceSequence`], [`PreferenceState::look`] |
//!
//! Users were randomised, so users are the units: the queries of one user depend on each other, and a test that counts
//! them as independent is too sure. Everything is A minus B.
//!
//! ```
//! use expt_stats::preference::{PreferenceState, UserTally};
//! use expt_stats::{Alpha, Alternative};
//!
//! let mut state = PreferenceState::default();
//! for user in 0..60_u32 {
//!     let mut tally = UserTally::default();
//!     tally.add(f64::from(user % 3) - 0.5)?; // credit of A minus that of B in one interleaved list
//!     state.add_user(&tally)?;
//! }
//! assert_eq!(state.users().wins_a, 40);
//! assert!(state.users().sign_test(Alternative::TwoSided).exact.p() < 0.05);
//! assert!(state.delta_per_query(Alpha::FIVE_PERCENT)?.interval.is_above(0.0));
//! # Ok::<(), expt_stats::StatsError>(())
//! ```

mod counts;
mod credit;
mod sequence;
mod state;

pub use counts::{DeltaPreference, Preference, PreferenceCounts, SignTest};
pub use credit::{OwnedItem, RankCredit, Side, team_credit};
pub use sequence::{PreferenceSequence, SequentialSign, SignLook};
pub use state::{PreferenceEstimate, PreferenceState, UserTally};

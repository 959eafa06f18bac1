//! A look at every observation.
//!
//! The arms have the same distribution, so whatever is found is false. A run counts as an error if any look
//! to the horizon excludes the truth.

mod difference;
mod exact;
mod groups;

use crate::{Scale, Verdict};

use super::marks::Marks;

/// Asymptotic, exact and group-sequential methods, and controls.
pub(crate) fn peeking(scale: Scale) -> Verdict {
    let mut marks = Marks::default();
    difference::judge(scale, &mut marks)?;
    exact::judge(scale, &mut marks)?;
    groups::judge(scale, &mut marks)?;
    Ok(marks.met())
}

/// The error level of everything here.
const ALPHA: f64 = 0.05;

//! Coverage of intervals and level of tests at one look.

mod counts;
mod means;
mod ranks;

use crate::{Scale, Verdict};

use super::marks::Marks;

/// Proportions, ranks, and means with their relatives.
pub(crate) fn fixed(scale: Scale) -> Verdict {
    let mut marks = Marks::default();
    counts::judge(scale, &mut marks)?;
    ranks::judge(scale, &mut marks)?;
    means::judge(scale, &mut marks)?;
    Ok(marks.met())
}

/// What is exact, or rests on ranks.
const EXACT: f64 = 0.949;

/// Wilson and Newcombe, from ten expected events and non-events on.
const SCORE: [f64; 2] = [0.93, 0.975];

/// Means and their relatives, from `355 skewness^2` units on.
const MEANS: [f64; 2] = [0.945, 0.955];

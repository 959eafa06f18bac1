//! Least squares from central sums.

use crate::fixed::joint::JointMoments;

/// What the regression of variable 0 on the others yields.
#[derive(Clone, Debug)]
pub(super) struct Solution {
    /// One coefficient a covariate, zero for a redundant one.
    pub(super) theta: Vec<f64>,
    /// The covariates that are constant or a combination of earlier ones.
    pub(super) redundant: Vec<usize>,
}

/// Solves the normal equations by Cholesky's decomposition of the correlation matrix, one covariate at a time.
///
/// A covariate of which the earlier ones leave less than 1e-10 of its variance gets the coefficient zero: its own
/// would be rounding.
#[allow(clippy::indexing_slicing, reason = "row i has i + 1 entries, and every index is at most i")]
pub(super) fn regress(sum: impl Fn(usize, usize) -> f64, covariates: usize) -> Solution {
    let scale: Vec<f64> = (1..=covariates).map(|i| sum(i, i).sqrt()).collect();
    let correlation = |i: usize, j: usize| sum(i + 1, j + 1) / scale[i] / scale[j];
    let (mut kept, mut redundant) = (Vec::<usize>::new(), Vec::new());
    let mut factor: Vec<Vec<f64>> = Vec::new();
    let mut right: Vec<f64> = Vec::new();
    for (i, &own) in scale.iter().enumerate() {
        let mut row: Vec<f64> = Vec::with_capacity(kept.len() + 1);
        if own > 0.0 {
            for (at, &j) in kept.iter().enumerate() {
                let known: f64 = row.iter().zip(&factor[at]).map(|(a, b)| a * b).sum();
                row.push((correlation(i, j) - known) / factor[at][at]);
            }
        }
        let left = if own > 0.0 { 1.0 - row.iter().map(|x| x * x).sum::<f64>() } else { 0.0 };
        // NaN, from sums that contradict each other, is redundant too.
        if left > REDUNDANT {
            let known: f64 = row.iter().zip(&right).map(|(a, b)| a * b).sum();
            right.push((sum(0, i + 1) / own - known) / left.sqrt());
            row.push(left.sqrt());
            factor.push(row);
            kept.push(i);
        } else {
            redundant.push(i);
        }
    }
    let mut theta = vec![0.0; covariates];
    let mut solved = right;
    for at in (0..kept.len()).rev() {
        let value = solved[at] / factor[at][at];
        solved[at] = value;
        for below in 0..at {
            solved[below] -= factor[at][below] * value;
        }
        theta[kept[at]] = value / scale[kept[at]];
    }
    Solution { theta, redundant }
}

/// Returns the sums of several states by adding them up, which leaves out the spread between arms.
pub(super) fn within(arms: &[&JointMoments]) -> impl Fn(usize, usize) -> f64 {
    move |i, j| arms.iter().map(|arm| arm.sum(i, j)).sum()
}

/// The share of its own variance that a covariate must add.
const REDUNDANT: f64 = 1e-10;

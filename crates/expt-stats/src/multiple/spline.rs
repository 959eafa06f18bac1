//! A natural cubic smoothing spline through a few points.

/// Returns the last fitted value of the natural cubic smoothing spline whose smoother matrix has the trace
/// `degrees` (between 2, the straight line, and the number of points, interpolation).
///
/// The fit minimises `sum (y - g)^2 + a integral g''^2`: with the banded matrices Q and R of Reinsch (1967),
/// `g = y - a Q (R + a Q'Q)^-1 Q'y`. The penalty `a` is found by bisection on its logarithm, to a relative
/// 1e-12. `x` must ascend strictly and have four to a hundred points: the matrices are dense.
pub(super) fn last_smoothed(x: &[f64], y: &[f64], degrees: f64) -> f64 {
    let system = System::new(x);
    // In units of the spacing cubed the penalty of any trace strictly between lies in this range.
    let unit = (x.last().unwrap_or(&1.0) - x.first().unwrap_or(&0.0)).powi(3);
    let (mut low, mut high) = ((unit * 1e-12).ln(), (unit * 1e12).ln());
    for _ in 0..80 {
        let middle = f64::midpoint(low, high);
        if system.trace(middle.exp()) > degrees { low = middle } else { high = middle }
    }
    system.fit_last(y, f64::midpoint(low, high).exp())
}

/// The matrices of a grid.
struct System {
    /// Rows of Q' : the second divided difference at each inner point, as its place and three weights.
    differences: Vec<[f64; 3]>,
    /// R, dense and symmetric.
    curvature: Vec<Vec<f64>>,
    /// Q'Q, dense and symmetric.
    gram: Vec<Vec<f64>>,
}

impl System {
    fn new(x: &[f64]) -> Self {
        let steps: Vec<f64> = x.iter().zip(x.iter().skip(1)).map(|(a, b)| b - a).collect();
        let pairs: Vec<(f64, f64)> = steps.iter().zip(steps.iter().skip(1)).map(|(a, b)| (*a, *b)).collect();
        let differences: Vec<[f64; 3]> =
            pairs.iter().map(|(a, b)| [1.0 / a, -1.0 / a - 1.0 / b, 1.0 / b]).collect();
        let dense = |value: &dyn Fn(usize, usize) -> f64| -> Vec<Vec<f64>> {
            (0..pairs.len()).map(|i| (0..pairs.len()).map(|j| value(i, j)).collect()).collect()
        };
        let step = |i: usize| steps.get(i).copied().unwrap_or(0.0);
        let curvature = dense(&|i, j| match i.abs_diff(j) {
            0 => (step(i) + step(i + 1)) / 3.0,
            1 => step(i.max(j)) / 6.0,
            _ => 0.0,
        });
        let gram = dense(&|i, j| {
            let shift = i.abs_diff(j);
            let (first, second) = (differences.get(i.min(j)), differences.get(i.max(j)));
            let (Some(first), Some(second)) = (first, second) else { return 0.0 };
            first.iter().skip(shift).zip(second).map(|(a, b)| a * b).sum()
        });
        Self { differences, curvature, gram }
    }

    /// `R + a Q'Q`, factorised.
    fn factor(&self, penalty: f64) -> Vec<Vec<f64>> {
        let sum = |(r, q): (&Vec<f64>, &Vec<f64>)| -> Vec<f64> {
            r.iter().zip(q).map(|(r, q)| r + penalty * q).collect()
        };
        cholesky(&self.curvature.iter().zip(&self.gram).map(sum).collect::<Vec<_>>())
    }

    /// The trace of the smoother matrix: `n - a tr((R + a Q'Q)^-1 Q'Q)`.
    fn trace(&self, penalty: f64) -> f64 {
        let factor = self.factor(penalty);
        let lost: f64 = self
            .gram
            .iter()
            .enumerate()
            .map(|(i, column)| solve(&factor, column).get(i).copied().unwrap_or(0.0))
            .sum();
        self.differences.len() as f64 + 2.0 - penalty * lost
    }

    fn fit_last(&self, y: &[f64], penalty: f64) -> f64 {
        let bends: Vec<f64> = self
            .differences
            .iter()
            .zip(y.windows(3))
            .map(|(weights, y)| weights.iter().zip(y).map(|(w, y)| w * y).sum())
            .collect();
        let curvatures = solve(&self.factor(penalty), &bends);
        let last = curvatures.last().zip(self.differences.last()).map_or(0.0, |(c, weights)| {
            let [_, _, weight] = weights;
            c * weight
        });
        y.last().copied().unwrap_or(f64::NAN) - penalty * last
    }
}

/// The lower Cholesky factor of a positive definite matrix.
fn cholesky(matrix: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let mut factor: Vec<Vec<f64>> = Vec::with_capacity(matrix.len());
    for (i, row) in matrix.iter().enumerate() {
        let mut new: Vec<f64> = Vec::with_capacity(i + 1);
        for (j, value) in row.iter().enumerate().take(i + 1) {
            let entry = match factor.get(j) {
                Some(other) => (value - dot(new.iter(), other)) / other.last().copied().unwrap_or(1.0),
                None => (value - dot(new.iter(), &new)).max(f64::MIN_POSITIVE).sqrt(),
            };
            new.push(entry);
        }
        factor.push(new);
    }
    factor
}

/// Solves `L L' z = b`.
fn solve(factor: &[Vec<f64>], b: &[f64]) -> Vec<f64> {
    let mut z: Vec<f64> = Vec::with_capacity(b.len());
    for (row, b) in factor.iter().zip(b) {
        let rest = b - dot(z.iter(), row);
        z.push(rest / row.last().copied().unwrap_or(1.0));
    }
    let mut result = z;
    for (i, row) in factor.iter().enumerate().rev() {
        let (done, open) = result.split_at_mut(i);
        let Some(value) = open.first_mut() else { continue };
        *value /= row.last().copied().unwrap_or(1.0);
        done.iter_mut().zip(row).for_each(|(z, l)| *z -= l * *value);
    }
    result
}

fn dot<'a>(a: impl Iterator<Item = &'a f64>, b: &[f64]) -> f64 {
    a.zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::close;

    #[test]
    fn a_line_is_kept_and_the_trace_is_met() {
        let x: Vec<f64> = (0..19).map(|i| 0.05 * f64::from(i + 1)).collect();
        let line: Vec<f64> = x.iter().map(|x| 1.5 - 0.7 * x).collect();
        close(last_smoothed(&x, &line, 3.0), 1.5 - 0.7 * 0.95, 1e-9);
        let system = System::new(&x);
        assert!((system.trace(1e-12) - 19.0).abs() < 1e-3);
        assert!((system.trace(1e9) - 2.0).abs() < 1e-3);
    }
}

//! Least squares by an orthogonal basis.

/// Columns as `Q R`: `Q` orthonormal, `R` upper triangular.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Orthogonal {
    /// The columns of Q.
    pub(super) q: Vec<Vec<f64>>,
    /// The columns of R down to the diagonal.
    r: Vec<Vec<f64>>,
}

impl Orthogonal {
    /// Orthogonalises columns whose greatest entries are about one; the error is the index of a column that
    /// depends on those before it.
    ///
    /// Gram and Schmidt, twice for each column, which is as good as Householder's reflections (Giraud,
    /// Langou and Rozloznik 2005).
    pub(super) fn new(columns: Vec<Vec<f64>>) -> Result<Self, usize> {
        let mut basis = Self { q: Vec::with_capacity(columns.len()), r: Vec::with_capacity(columns.len()) };
        for (index, mut column) in columns.into_iter().enumerate() {
            let before = norm(&column);
            let mut coefficients = vec![0.0; index];
            for _ in 0..2 {
                for (q, sum) in basis.q.iter().zip(&mut coefficients) {
                    let part = dot(q, &column);
                    *sum += part;
                    column.iter_mut().zip(q).for_each(|(value, direction)| *value -= part * direction);
                }
            }
            let rest = norm(&column);
            if rest.is_nan() || rest <= DEPENDENT * before {
                return Err(index);
            }
            column.iter_mut().for_each(|value| *value /= rest);
            coefficients.push(rest);
            basis.q.push(column);
            basis.r.push(coefficients);
        }
        Ok(basis)
    }

    /// Returns `Q' y`.
    pub(super) fn project(&self, y: &[f64]) -> Vec<f64> {
        self.q.iter().map(|q| dot(q, y)).collect()
    }

    /// Returns `R^-1 c`.
    pub(super) fn solve(&self, c: &[f64]) -> Vec<f64> {
        let mut rest = c.to_vec();
        let mut solution = vec![0.0; c.len()];
        for (index, column) in self.r.iter().enumerate().rev() {
            let (Some(diagonal), Some(value)) = (column.last(), rest.get(index).copied()) else { continue };
            let x = value / diagonal;
            if let Some(slot) = solution.get_mut(index) {
                *slot = x;
            }
            rest.iter_mut().zip(column).for_each(|(value, weight)| *value -= weight * x);
        }
        solution
    }

    /// Returns `R^-1 M R^-T` for a symmetric M.
    pub(super) fn sandwich(&self, meat: &[Vec<f64>]) -> Vec<Vec<f64>> {
        let half: Vec<Vec<f64>> = meat.iter().map(|column| self.solve(column)).collect();
        transpose(&half).iter().map(|column| self.solve(column)).collect()
    }
}

/// Returns the sum of products, summed in blocks so that rounding errors grow slowly.
pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let parts = a.chunks(PART).zip(b.chunks(PART));
    parts.map(|(a, b)| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>()).sum()
}

fn norm(a: &[f64]) -> f64 {
    dot(a, a).sqrt()
}

fn transpose(rows: &[Vec<f64>]) -> Vec<Vec<f64>> {
    (0..rows.len()).map(|j| rows.iter().map(|row| row.get(j).copied().unwrap_or(0.0)).collect()).collect()
}

/// A column whose part outside of the others is this small a share is a combination of them.
const DEPENDENT: f64 = 1e-11;

/// Products summed at a time.
const PART: usize = 128;

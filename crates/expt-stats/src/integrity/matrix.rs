//! The little linear algebra that the integrity checks need: factor a covariance and solve with it.

/// Holds the lower Cholesky factor of a positive definite matrix, rows packed.
#[derive(Clone, Debug)]
pub(crate) struct Cholesky {
    rows: Vec<Vec<f64>>,
}

impl Cholesky {
    /// Factors a symmetric matrix of which only the lower half is read.
    ///
    /// Returns the first row that is a linear combination of earlier ones (up to a relative 1e-10 of its
    /// variance, below which a solution would be rounding noise), or is not finite.
    #[allow(clippy::indexing_slicing, reason = "kernel: every index is below the row's own length")]
    pub(crate) fn factor(matrix: &[Vec<f64>]) -> Result<Self, usize> {
        let mut rows: Vec<Vec<f64>> = Vec::with_capacity(matrix.len());
        for (i, source) in matrix.iter().enumerate() {
            let mut row = Vec::with_capacity(i + 1);
            for j in 0..=i {
                let value = *source.get(j).ok_or(i)?;
                let done = if j < i { &rows[j][..j] } else { &row[..] };
                let rest = value - dot(&row[..j], done);
                if j < i {
                    row.push(rest / rows[j][j]);
                } else if rest > 1e-10 * value.abs() && rest.is_finite() {
                    row.push(rest.sqrt());
                } else {
                    return Err(i);
                }
            }
            rows.push(row);
        }
        Ok(Self { rows })
    }

    /// Returns `L^-1 b`, whose dot products are those of `b` in the inverse matrix.
    pub(crate) fn whiten(&self, b: &[f64]) -> Vec<f64> {
        let mut solved: Vec<f64> = Vec::with_capacity(b.len());
        for (row, value) in self.rows.iter().zip(b) {
            let pivot = row.last().copied().unwrap_or(1.0);
            solved.push((value - dot(row, &solved)) / pivot);
        }
        solved
    }
}

/// Returns the sum of products, up to the end of the shorter list.
pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::close;

    /// Source: by hand, [[4, 2], [2, 10]] = L L' with L = [[2, 0], [1, 3]].
    #[test]
    fn factors_and_solves() {
        let factor = Cholesky::factor(&[vec![4.0], vec![2.0, 10.0]]).unwrap();
        let white = factor.whiten(&[2.0, 7.0]);
        close(white[0], 1.0, 1e-15);
        close(white[1], 2.0, 1e-15);
    }

    #[test]
    fn names_the_row_that_is_redundant_or_broken() {
        assert_eq!(Cholesky::factor(&[vec![1.0], vec![1.0, 1.0]]).unwrap_err(), 1);
        assert_eq!(Cholesky::factor(&[vec![0.0]]).unwrap_err(), 0);
        assert_eq!(Cholesky::factor(&[vec![f64::NAN]]).unwrap_err(), 0);
        assert_eq!(Cholesky::factor(&[vec![1.0], vec![1.0]]).unwrap_err(), 1);
    }
}

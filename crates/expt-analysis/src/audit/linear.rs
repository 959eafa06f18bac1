//! The little linear algebra that distances between covariates need.

/// The lower triangular factor `L` of a symmetric positive definite matrix `A = L L'` (Cholesky).
#[derive(Debug, Clone)]
pub(super) struct Cholesky {
    size: usize,
    /// By row; what is above the diagonal is not used.
    factor: Vec<f64>,
}

impl Cholesky {
    /// Factors a matrix given by rows.
    ///
    /// The error is the first row that depends on those before it: its pivot is below 1e-10 of its diagonal.
    #[allow(
        clippy::indexing_slicing,
        reason = "a numeric kernel: every index is below the size, checked first"
    )]
    pub(super) fn new(size: usize, matrix: &[f64]) -> Result<Self, usize> {
        if matrix.len() != size * size {
            return Err(0);
        }
        let mut factor = matrix.to_vec();
        for row in 0..size {
            for column in 0..=row {
                let known: f64 =
                    (0..column).map(|k| factor[row * size + k] * factor[column * size + k]).sum();
                let rest = matrix[row * size + column] - known;
                factor[row * size + column] = if row > column {
                    rest / factor[column * size + column]
                } else if rest > DEPENDENT * matrix[row * size + row] {
                    rest.sqrt()
                } else {
                    return Err(row);
                };
            }
        }
        Ok(Self { size, factor })
    }

    /// Replaces `x` by `L^-1 x`, whose squared length is `x' A^-1 x`.
    #[allow(
        clippy::indexing_slicing,
        reason = "a numeric kernel: every index is below the size, checked first"
    )]
    pub(super) fn whiten(&self, x: &mut [f64]) {
        if x.len() != self.size {
            return;
        }
        for row in 0..self.size {
            let known: f64 = (0..row).map(|k| self.factor[row * self.size + k] * x[k]).sum();
            x[row] = (x[row] - known) / self.factor[row * self.size + row];
        }
    }

    /// `x' A^-1 x`.
    pub(super) fn form(&self, x: &[f64]) -> f64 {
        let mut x = x.to_vec();
        self.whiten(&mut x);
        x.iter().map(|value| value * value).sum()
    }
}

/// Columns in units of their standard deviations, and the factor of their correlation matrix.
#[derive(Debug, Clone)]
pub(super) struct Scaled {
    /// By row.
    pub(super) values: Vec<f64>,
    pub(super) correlation: Cholesky,
}

impl Scaled {
    /// Centres and scales `values`, given by rows of `columns`; the divisor of the variance is `rows - 1`.
    ///
    /// The error is the first column that is constant or depends on those before it.
    pub(super) fn new(columns: usize, mut values: Vec<f64>) -> Result<Self, usize> {
        let rows = values.len() / columns.max(1);
        for column in 0..columns {
            let own =
                |values: &[f64]| values.iter().skip(column).step_by(columns).copied().collect::<Vec<_>>();
            let copy = own(&values);
            // Divided first, so that no sum leaves the range of `f64`; the scale of a column is of no interest.
            let largest = copy.iter().fold(0.0_f64, |largest, value| largest.max(value.abs()));
            if largest <= 0.0 {
                return Err(column);
            }
            let mean = copy.iter().map(|value| value / largest).sum::<f64>() / rows as f64;
            let squares: f64 = copy.iter().map(|value| (value / largest - mean).powi(2)).sum();
            let deviation = (squares / (rows as f64 - 1.0)).sqrt();
            // A constant column leaves a deviation of rounding errors only.
            if deviation.is_nan() || deviation <= 1e-13 {
                return Err(column);
            }
            for value in values.iter_mut().skip(column).step_by(columns) {
                *value = (*value / largest - mean) / deviation;
            }
        }
        let mut products = vec![0.0; columns * columns];
        for row in values.chunks_exact(columns.max(1)) {
            for (left, sums) in row.iter().zip(products.chunks_exact_mut(columns)) {
                sums.iter_mut().zip(row).for_each(|(sum, right)| *sum += left * right);
            }
        }
        products.iter_mut().for_each(|sum| *sum /= rows as f64 - 1.0);
        Ok(Self { values, correlation: Cholesky::new(columns, &products)? })
    }
}

/// `x' A^- x` for a positive semidefinite `A` given by rows, and the rank of `A`: rows that depend on those before
/// them are left out, which changes nothing if `x` is in the span of `A`.
pub(super) fn semidefinite_form(matrix: &[f64], x: &[f64]) -> (f64, usize) {
    let size = x.len();
    let mut kept: Vec<usize> = Vec::new();
    let mut best = None;
    for row in 0..size {
        kept.push(row);
        let cell = |(row, column): (&usize, &usize)| matrix.get(row * size + column).copied().unwrap_or(0.0);
        let part: Vec<f64> =
            kept.iter().flat_map(|row| kept.iter().map(move |c| (row, c))).map(cell).collect();
        match Cholesky::new(kept.len(), &part) {
            Ok(factor) => best = Some(factor),
            Err(_) => {
                kept.pop();
            }
        }
    }
    let part: Vec<f64> = kept.iter().filter_map(|row| x.get(*row)).copied().collect();
    (best.map_or(0.0, |factor| factor.form(&part)), kept.len())
}

/// The part of a variance below which a variable is said to depend on others.
const DEPENDENT: f64 = 1e-10;

#[cfg(test)]
mod tests {
    use super::*;

    /// Source: `numpy.linalg.solve` (numpy 2): `x' A^-1 x`.
    #[test]
    fn forms_agree_with_numpy() {
        let matrix = [4.0, 1.0, 0.5, 1.0, 3.0, -0.25, 0.5, -0.25, 2.0];
        let form = Cholesky::new(3, &matrix).unwrap().form(&[1.0, -2.0, 0.5]);
        assert!((form - 2.093_373_493_975_904).abs() < 1e-13, "{form}");
        assert_eq!(Cholesky::new(2, &[1.0, 1.0, 1.0, 1.0]).unwrap_err(), 1);
    }

    /// Multinomial covariances are singular: Pearson's statistic is the form.
    #[test]
    fn singular_forms_are_pearsons() {
        let (shares, counts) = ([0.2, 0.3, 0.5], [25.0, 20.0, 55.0]);
        let cell = |i: usize, j: usize| 100.0 * shares[i] * (f64::from(u8::from(i == j)) - shares[j]);
        let matrix: Vec<f64> = (0..9).map(|at| cell(at / 3, at % 3)).collect();
        let surplus: Vec<f64> =
            shares.iter().zip(counts).map(|(share, count)| count - 100.0 * share).collect();
        let pearson: f64 =
            surplus.iter().zip(shares).map(|(surplus, share)| surplus.powi(2) / (100.0 * share)).sum();
        let (form, rank) = semidefinite_form(&matrix, &surplus);
        assert!(rank == 2 && (form - pearson).abs() < 1e-12, "{form} {pearson}");
        assert_eq!(semidefinite_form(&[0.0; 4], &[0.0; 2]).1, 0);
    }

    #[test]
    fn columns_are_scaled_and_dependent_ones_named() {
        let scaled = Scaled::new(2, vec![1e300, 1.0, 2e300, 1.0, 3e300, 4.0]).unwrap();
        let first: Vec<f64> = scaled.values.iter().step_by(2).copied().collect();
        first.iter().zip([-1.0, 0.0, 1.0]).for_each(|(got, want)| assert!((got - want).abs() < 1e-12));
        assert_eq!(Scaled::new(2, vec![1.0, 0.1, 2.0, 0.1, 3.0, 0.1]).unwrap_err(), 1);
        assert_eq!(Scaled::new(2, vec![1.0, 3.0, 2.0, 5.0, 4.0, 9.0]).unwrap_err(), 1);
    }
}

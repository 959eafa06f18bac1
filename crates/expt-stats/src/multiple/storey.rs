//! q-values: Benjamini-Hochberg with an estimate of the share of null hypotheses.

use serde::{Deserialize, Serialize};

use super::correction::Correction;
use super::scale::{PValue, Scale};
use super::spline;
use crate::error::StatsError;
use crate::level::Alpha;

/// Says how the share of null hypotheses, pi0, is estimated.
///
/// Each way rests on `pi0(lambda) = #{p >= lambda} / (m (1 - lambda))` (Storey 2002), which overshoots on
/// average under independence. An estimate above one becomes one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum NullShare {
    /// At one lambda fixed beforehand.
    At(f64),
    /// A natural cubic smoothing spline with three degrees of freedom through `pi0(lambda)` over a grid, at
    /// the last grid point (Storey and Tibshirani 2003; the default of Bioconductor's qvalue).
    Smoother(Vec<f64>),
    /// The grid's estimate with the least mean squared error in its closed form, against the 10 % quantile of
    /// the estimates (Storey, Taylor and Siegmund 2004; `pi0.method = "bootstrap"` of qvalue).
    Bootstrap(Vec<f64>),
}

impl NullShare {
    /// The grid .05, .10, ..., .95 that qvalue uses.
    #[must_use]
    pub fn usual_grid() -> Vec<f64> {
        (1..=19).map(|step| 0.05 * f64::from(step)).collect()
    }

    /// [`NullShare::Smoother`] over the usual grid.
    #[must_use]
    pub fn smoother() -> Self {
        Self::Smoother(Self::usual_grid())
    }

    /// [`NullShare::Bootstrap`] over the usual grid.
    #[must_use]
    pub fn bootstrap() -> Self {
        Self::Bootstrap(Self::usual_grid())
    }

    /// Estimates the share; see [`storey`].
    ///
    /// # Errors
    /// As [`storey`].
    pub fn estimate<P: PValue>(&self, p: &[P]) -> Result<f64, StatsError> {
        let mut values = Vec::with_capacity(p.len());
        for p in p {
            p.enter()?;
            values.push(p.probability());
        }
        let grid = match self {
            Self::At(lambda) => vec![*lambda],
            Self::Smoother(grid) | Self::Bootstrap(grid) => sorted_grid(grid)?,
        };
        let last = *grid.last().unwrap_or(&0.0);
        if let Some(&value) = grid.iter().find(|lambda| !(0.0..1.0).contains(*lambda)) {
            return Err(StatsError::OutOfRange { what: "lambda", value, allowed: "0 <= lambda < 1" });
        }
        if values.iter().all(|p| *p < last) {
            return Err(StatsError::OutOfRange {
                what: "the largest lambda",
                value: last,
                allowed: "at most the largest p-value, or pi0 cannot be estimated; use Benjamini-Hochberg",
            });
        }
        let m = values.len() as f64;
        let above: Vec<f64> =
            grid.iter().map(|lambda| values.iter().filter(|p| *p >= lambda).count() as f64).collect();
        let shares: Vec<f64> = above.iter().zip(&grid).map(|(w, lambda)| w / (m * (1.0 - lambda))).collect();
        let share = match self {
            Self::At(_) => shares.first().copied().unwrap_or(1.0),
            Self::Smoother(_) => spline::last_smoothed(&grid, &shares, DEGREES_OF_FREEDOM),
            Self::Bootstrap(_) => least_error(&grid, &shares, &above, m),
        };
        Ok(if share > 0.0 { share.min(1.0) } else { 1.0 })
    }
}

/// Computes q-values: `q_i = pi0 min over j >= i of m p_(j) / j`, the least false discovery rate at which
/// hypothesis i is rejected (Storey 2002). Asymptotic control under independence or weak dependence.
///
/// A spline that falls to zero or below at the end of the grid says nothing about pi0; it becomes one, as in
/// qvalue, which makes the result Benjamini-Hochberg.
///
/// ```
/// use expt_stats::multiple::{NullShare, storey};
///
/// let found = storey(&[0.001, 0.01, 0.02, 0.3, 0.7, 0.9], &NullShare::At(0.5))?;
/// assert!((found.pi0 - 2.0 / 3.0).abs() < 1e-15);
/// assert!((found.q[0] - 0.004).abs() < 1e-15);
/// # Ok::<(), expt_stats::StatsError>(())
/// ```
///
/// # Errors
/// [`StatsError::OutOfRange`] if a probability is not in `[0, 1]`, a lambda is not in `[0, 1)`, no p-value is
/// at or above the largest lambda (there are none at all, for example), or a grid has fewer than 4 or more
/// than 100 different points.
pub fn storey<P: PValue>(p: &[P], null_share: &NullShare) -> Result<QValues<P>, StatsError> {
    let pi0 = null_share.estimate(p)?;
    let mut q = Vec::with_capacity(p.len());
    for value in Correction::BenjaminiHochberg.correct(p)?.adjusted {
        q.push(P::leave(P::Scale::times(value.enter()?, pi0)));
    }
    Ok(QValues { pi0, q })
}

/// Holds q-values in input order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct QValues<P> {
    /// The estimated share of null hypotheses.
    pub pi0: f64,
    /// One q-value per input.
    pub q: Vec<P>,
}

impl<P: PValue> QValues<P> {
    /// Tells, in input order, which hypotheses have a q-value of at most `level`.
    #[must_use]
    pub fn rejected(&self, level: Alpha) -> Vec<bool> {
        self.q.iter().map(|q| q.at_most(level)).collect()
    }
}

fn sorted_grid(grid: &[f64]) -> Result<Vec<f64>, StatsError> {
    let mut grid = grid.to_vec();
    grid.sort_by(f64::total_cmp);
    grid.dedup();
    if grid.len() < 4 || grid.len() > 100 {
        return Err(StatsError::OutOfRange {
            what: "the number of different grid points",
            value: grid.len() as f64,
            allowed: "4 to 100; for a single lambda use `NullShare::At`",
        });
    }
    Ok(grid)
}

/// The estimate whose approximate mean squared error is least; the smallest of them if several are.
fn least_error(grid: &[f64], shares: &[f64], above: &[f64], m: f64) -> f64 {
    let low = low_quantile(shares);
    let error = |((share, w), lambda): ((&f64, &f64), &f64)| {
        let variance = w / (m * m * (1.0 - lambda).powi(2)) * (1.0 - w / m);
        (variance + (share - low).powi(2), *share)
    };
    let errors = shares.iter().zip(above).zip(grid).map(error);
    errors.reduce(|best, next| if next < best { next } else { best }).map_or(1.0, |(_, share)| share)
}

/// The 10 % quantile by linear interpolation (type 7 of Hyndman and Fan 1996).
fn low_quantile(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = 0.1 * (sorted.len().saturating_sub(1)) as f64;
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at is between 0 and 10")]
    let below = at.floor() as usize;
    let low = sorted.get(below).copied().unwrap_or(1.0);
    let high = sorted.get(below + 1).copied().unwrap_or(low);
    low + (at - at.floor()) * (high - low)
}

/// Of the smoothing spline.
const DEGREES_OF_FREEDOM: f64 = 3.0;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::level::LnP;
    use crate::testing::close;

    #[test]
    fn edges_are_refused_or_conservative() {
        let below = [0.01, 0.02, 0.4];
        assert!(storey(&below, &NullShare::At(0.5)).is_err());
        assert!(storey::<f64>(&[], &NullShare::At(0.0)).is_err());
        assert!(storey(&[0.5, 0.9], &NullShare::At(1.0)).is_err());
        assert!(storey(&[0.5, 0.9], &NullShare::At(f64::NAN)).is_err());
        assert!(storey(&[0.5, 0.9], &NullShare::Smoother(vec![0.1, 0.2])).is_err());
        let null = storey(&[0.6, 0.7, 0.8, 0.9, 0.95], &NullShare::At(0.5)).unwrap();
        close(null.pi0, 1.0, 0.0);
        assert!(storey(&[0.6, 0.7, 0.99], &NullShare::bootstrap()).unwrap().pi0 <= 1.0);
    }

    #[test]
    fn both_scales_agree() {
        let p: Vec<f64> = (1..200).map(|i| (f64::from(i) / 200.0).powi(3)).collect();
        let ln_p: Vec<LnP> = p.iter().map(|p| LnP::from_p(*p).unwrap()).collect();
        for way in [NullShare::At(0.3), NullShare::smoother(), NullShare::bootstrap()] {
            let (plain, logarithms) = (storey(&p, &way).unwrap(), storey(&ln_p, &way).unwrap());
            close(logarithms.pi0, plain.pi0, 1e-12);
            plain.q.iter().zip(&logarithms.q).for_each(|(a, b)| close(b.p(), *a, 1e-12));
        }
    }
}

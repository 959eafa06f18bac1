//! Stitched boundaries: iterated-logarithm growth in closed form.

use serde::{Deserialize, Serialize};

use super::{UniformBoundary, intrinsic};
use crate::error::{StatsError, finite, positive};
use crate::level::Alpha;

/// Stitches linear boundaries over geometric epochs (Howard et al. 2021): grows like `sqrt(V ln ln V)`.
///
/// With `k1 = (η^(1/4) + η^(-1/4)) / sqrt 2`, `k2 = (sqrt η + 1) / 2` and
/// `l = s ln ln(η V/V_min) + ln(ζ(s) / (α ln^s η))`, the boundary is
/// `sqrt(k1² V l + k2² c² l²) + k2 c l`, constant below `V_min`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "StoredPoly")]
pub struct PolyStitching {
    v_min: f64,
    c: f64,
    s: f64,
    eta: f64,
}

impl PolyStitching {
    /// Makes a boundary that starts at intrinsic time `v_min`, for a sum of scale `c` (0 for a sub-Gaussian one).
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] or [`StatsError::NotFinite`] unless `v_min` is positive.
    pub fn new(v_min: f64, c: f64) -> Result<Self, StatsError> {
        Self { v_min, c, s: 1.4, eta: 2.0 }.checked()
    }

    /// Chooses how the level is spread over epochs, `s`, and their ratio, `eta`; usual are 1.4 and 2.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] or [`StatsError::NotFinite`] unless both are above 1.
    pub fn with_epochs(mut self, s: f64, eta: f64) -> Result<Self, StatsError> {
        (self.s, self.eta) = (s, eta);
        self.checked()
    }

    fn checked(self) -> Result<Self, StatsError> {
        positive("the intrinsic time to start at", self.v_min)?;
        finite("the scale c", self.c)?;
        above_one("the exponent s", self.s)?;
        above_one("the ratio of epochs eta", self.eta)?;
        Ok(self)
    }
}

impl UniformBoundary for PolyStitching {
    fn bound(&self, v: f64, alpha: Alpha) -> Result<f64, StatsError> {
        let v = intrinsic(v)?.max(self.v_min);
        let epochs = epoch_level(self.s, self.eta, v / self.v_min);
        let level = epochs + zeta(self.s).ln() - alpha.get().ln();
        Ok(sub_gamma(v, self.c, self.eta, level))
    }
}

/// Stitches over epochs and quantiles: bounds the empirical distribution function around the quantile `p`, for all `p`
/// and all times together (Howard and Ramdas 2022).
///
/// The bound is on the number of values, so the empirical quantiles `p ± bound/t` enclose the true one. `delta` sets how
/// fine the grid of quantiles is.
///
/// ```
/// use expt_stats::Alpha;
/// use expt_stats::sequential::DoubleStitching;
///
/// let bound = DoubleStitching::new(100.0)?.bound(0.05, 100.0, Alpha::FIVE_PERCENT)?;
/// assert!((bound - 19.944_685_464_663_888).abs() < 1e-12);
/// # Ok::<(), expt_stats::StatsError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "StoredDouble")]
pub struct DoubleStitching {
    t_opt: f64,
    delta: f64,
    s: f64,
    eta: f64,
}

impl DoubleStitching {
    /// Makes a boundary that starts to shrink after `t_opt` values.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] or [`StatsError::NotFinite`] unless `t_opt` is at least 1.
    pub fn new(t_opt: f64) -> Result<Self, StatsError> {
        Self { t_opt, delta: 0.5, s: 1.4, eta: 2.0 }.checked()
    }

    /// Chooses the grid of quantiles, `delta`, and the epochs as [`PolyStitching::with_epochs`]; usual are 0.5, 1.4, 2.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] or [`StatsError::NotFinite`] unless `delta` is positive and the others above 1.
    pub fn with_grid(mut self, delta: f64, s: f64, eta: f64) -> Result<Self, StatsError> {
        (self.delta, self.s, self.eta) = (delta, s, eta);
        self.checked()
    }

    fn checked(self) -> Result<Self, StatsError> {
        if finite("the number of values to start at", self.t_opt)? < 1.0 {
            let allowed = "at least 1";
            return Err(StatsError::OutOfRange {
                what: "the number of values to start at",
                value: self.t_opt,
                allowed,
            });
        }
        positive("the grid step delta", self.delta)?;
        above_one("the exponent s", self.s)?;
        above_one("the ratio of epochs eta", self.eta)?;
        Ok(self)
    }

    /// Returns the bound on the count around the quantile `p` after `t` values.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] unless `0 < p < 1` and `t` is not negative; [`StatsError::NotFinite`].
    pub fn bound(&self, p: f64, t: f64, alpha: Alpha) -> Result<f64, StatsError> {
        if !(p > 0.0 && p < 1.0) {
            return Err(StatsError::OutOfRange {
                what: "the quantile",
                value: p,
                allowed: "the open interval (0, 1)",
            });
        }
        let t = intrinsic(t)?.max(self.t_opt);
        let epochs = t / self.t_opt;
        let logit = p.ln() - (-p).ln_1p();
        let near = if p >= 0.5 {
            p
        } else {
            let moved = logit + 2.0 * self.delta * (self.eta / epochs).sqrt();
            (1.0 / (1.0 + (-moved).exp())).min(0.5)
        };
        let variance = near * (1.0 - near);
        let place = epochs.sqrt() * logit.abs() / (2.0 * self.delta) + 1.0;
        let zeta = zeta(self.s);
        let level = epoch_level(self.s, self.eta, epochs)
            + self.s * place.ln()
            + (2.0 * zeta * (2.0 * zeta + 1.0)).ln()
            - alpha.get().ln();
        let skew = (1.0 - 2.0 * p) / 3.0;
        let grid = self.delta * (self.eta * epochs * variance).sqrt();
        Ok(grid + sub_gamma(variance * t, skew, self.eta, level))
    }
}

/// Returns `s ln ln(η x) - s ln ln η`.
fn epoch_level(s: f64, eta: f64, x: f64) -> f64 {
    s * ((eta.ln() + x.ln()).ln() - eta.ln().ln())
}

/// Returns `sqrt(k1² v l + (k2 c l)²) + k2 c l`.
fn sub_gamma(v: f64, c: f64, eta: f64, level: f64) -> f64 {
    let k1_squared = 0.5 * (eta.sqrt() + eta.sqrt().recip()) + 1.0;
    let linear = 0.5 * (eta.sqrt() + 1.0) * c * level;
    (k1_squared * v * level + linear * linear).max(0.0).sqrt() + linear
}

/// Returns Riemann's ζ(s) for `s > 1` by Euler and Maclaurin, relative error below 1e-15.
pub(super) fn zeta(s: f64) -> f64 {
    let n = 14.0_f64;
    let mut k = 1.0;
    let mut sum = 0.0;
    while k < n {
        sum += k.powf(-s);
        k += 1.0;
    }
    let power = n.powf(-s);
    let mut rising = s;
    let mut tail = 0.0;
    let mut scale = power / n;
    let mut order = 0.0;
    for bernoulli in BERNOULLI {
        tail += bernoulli * rising * scale;
        rising *= (s + order + 1.0) * (s + order + 2.0);
        order += 2.0;
        scale /= n * n;
    }
    sum + power * n / (s - 1.0) + 0.5 * power + tail
}

fn above_one(what: &'static str, value: f64) -> Result<f64, StatsError> {
    if finite(what, value)? > 1.0 {
        Ok(value)
    } else {
        Err(StatsError::OutOfRange { what, value, allowed: "above 1" })
    }
}

/// `B(2k) / (2k)!`.
const BERNOULLI: [f64; 7] = [
    1.0 / 12.0,
    -1.0 / 720.0,
    1.0 / 30_240.0,
    -1.0 / 1_209_600.0,
    1.0 / 47_900_160.0,
    -691.0 / 1_307_674_368_000.0,
    1.0 / 74_724_249_600.0,
];

/// The serialised form.
#[derive(Deserialize)]
struct StoredPoly {
    v_min: f64,
    c: f64,
    s: f64,
    eta: f64,
}

impl TryFrom<StoredPoly> for PolyStitching {
    type Error = StatsError;

    fn try_from(stored: StoredPoly) -> Result<Self, StatsError> {
        Self::new(stored.v_min, stored.c)?.with_epochs(stored.s, stored.eta)
    }
}

/// The serialised form.
#[derive(Deserialize)]
struct StoredDouble {
    t_opt: f64,
    delta: f64,
    s: f64,
    eta: f64,
}

impl TryFrom<StoredDouble> for DoubleStitching {
    type Error = StatsError;

    fn try_from(stored: StoredDouble) -> Result<Self, StatsError> {
        Self::new(stored.t_opt)?.with_grid(stored.delta, stored.s, stored.eta)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::close;

    /// Source: mpmath, 40 digits.
    #[test]
    fn zeta_agrees_with_mpmath() {
        close(zeta(1.4), 3.1055472779775804, 1e-15);
        close(zeta(1.0001), 10_000.577_222_946_438, 1e-12);
        close(zeta(9.0), 1.002_008_392_826_082_2, 1e-15);
        close(zeta(300.0), 1.0, 1e-15);
    }

    /// Source: confseq 0.0.11.
    #[test]
    fn agrees_with_confseq() {
        let poly = PolyStitching::new(1.0, 0.0).unwrap();
        for (v, want) in [(0.1, 2.9168999970127762), (10.0, 11.283161737602224), (1e7, 13306.78846861048)] {
            close(poly.bound(v, Alpha::FIVE_PERCENT).unwrap(), want, 1e-13);
        }
    }

    #[test]
    fn bad_shapes_are_refused() {
        assert!(PolyStitching::new(0.0, 0.0).is_err() && PolyStitching::new(1.0, f64::NAN).is_err());
        assert!(PolyStitching::new(1.0, 0.0).unwrap().with_epochs(1.0, 2.0).is_err());
        let double = DoubleStitching::new(10.0).unwrap();
        assert!(double.with_grid(0.0, 1.4, 2.0).is_err() && DoubleStitching::new(0.5).is_err());
        for p in [0.0, 1.0, f64::NAN] {
            assert!(double.bound(p, 5.0, Alpha::FIVE_PERCENT).is_err());
        }
        for p in [1e-300, 0.5, 1.0 - 1e-15] {
            let bound = double.bound(p, 1e300, Alpha::FIVE_PERCENT).unwrap();
            assert!(bound.is_finite() && bound > 0.0);
        }
    }
}

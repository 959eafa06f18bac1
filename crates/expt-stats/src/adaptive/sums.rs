//! Weighted sums of scores.

use serde::{Deserialize, Serialize};

use crate::error::StatsError;

/// Holds the sums of one arm's scores under weights `h`; a commutative monoid up to rounding.
///
/// Two weightings: by `h` for the estimate, by `h^2` for its variance. Both are centred, so that a large common offset
/// of the scores costs no digits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct ScoreSums {
    weight: f64,
    mean: f64,
    square_weight: f64,
    square_mean: f64,
    second: f64,
}

impl ScoreSums {
    pub(super) fn single(h: f64, score: f64) -> Self {
        Self { weight: h, mean: score, square_weight: h * h, square_mean: score, second: 0.0 }
    }

    pub(super) fn merge(self, other: Self) -> Result<Self, StatsError> {
        let (weight, mean) = join((self.weight, self.mean), (other.weight, other.mean));
        let squares = ((self.square_weight, self.square_mean), (other.square_weight, other.square_mean));
        let (square_weight, square_mean) = join(squares.0, squares.1);
        let delta = other.square_mean - self.square_mean;
        let between = product(self.square_weight, other.square_weight) * delta * delta;
        let second = self.second + other.second + between;
        if [weight, mean, square_weight, square_mean, second].iter().all(|part| part.is_finite()) {
            return Ok(Self { weight, mean, square_weight, square_mean, second });
        }
        Err(StatsError::Overflow { what: "a sum of scores" })
    }

    /// Returns `sum h`.
    pub(super) const fn weight(&self) -> f64 {
        self.weight
    }

    /// Returns `sum h x / sum h`.
    pub(super) fn estimate(&self) -> Option<f64> {
        (self.weight > 0.0).then_some(self.mean)
    }

    /// Returns `sum h^2 (x - estimate)^2`.
    pub(super) fn spread(&self) -> f64 {
        let shift = self.square_mean - self.mean;
        self.second + self.square_weight * shift * shift
    }
}

/// Holds the weighted co-moment of two arms' scores with weights `h k`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct CrossSums {
    weight: f64,
    x: f64,
    y: f64,
    product: f64,
}

impl CrossSums {
    pub(super) const fn single(weight: f64, x: f64, y: f64) -> Self {
        Self { weight, x, y, product: 0.0 }
    }

    pub(super) fn merge(self, other: Self) -> Result<Self, StatsError> {
        let (weight, x) = join((self.weight, self.x), (other.weight, other.x));
        let (_, y) = join((self.weight, self.y), (other.weight, other.y));
        let between = product(self.weight, other.weight) * (other.x - self.x) * (other.y - self.y);
        let product = self.product + other.product + between;
        if [weight, x, y, product].iter().all(|part| part.is_finite()) {
            return Ok(Self { weight, x, y, product });
        }
        Err(StatsError::Overflow { what: "a sum of scores" })
    }

    /// Returns `sum h k (x - a) (y - b)`.
    pub(super) fn around(&self, a: f64, b: f64) -> f64 {
        self.product + self.weight * (self.x - a) * (self.y - b)
    }
}

/// Joins two weighted means.
fn join((v, x): (f64, f64), (w, y): (f64, f64)) -> (f64, f64) {
    let sum = v + w;
    (sum, if sum > 0.0 { x + (y - x) * (w / sum) } else { 0.0 })
}

/// Returns `v w / (v + w)`.
fn product(v: f64, w: f64) -> f64 {
    if v + w > 0.0 { v * (w / (v + w)) } else { 0.0 }
}

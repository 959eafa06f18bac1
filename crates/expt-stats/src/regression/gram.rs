//! Centred sums of products of several variables.

use serde::{Deserialize, Serialize};

use crate::error::{StatsError, finite};
use crate::twofold::Twofold;

/// Count, means and centred sums of products; a commutative monoid (Chan, Golub and LeVeque 1983).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub(super) struct Gram {
    count: u64,
    means: Vec<Twofold>,
    /// Row by row, the lower triangle with its diagonal.
    products: Vec<f64>,
}

impl Gram {
    pub(super) fn new(size: usize) -> Self {
        Self { count: 0, means: vec![Twofold::default(); size], products: vec![0.0; size * (size + 1) / 2] }
    }

    pub(super) fn size(&self) -> usize {
        self.means.len()
    }

    pub(super) const fn count(&self) -> u64 {
        self.count
    }

    pub(super) fn push(&mut self, values: &[f64]) -> Result<(), StatsError> {
        let (found, allowed) = (values.len(), self.size());
        if found != allowed {
            return Err(StatsError::Length { what: "a row, by the state's variables,", found, allowed });
        }
        for value in values {
            finite("a value of a row", *value)?;
        }
        let means = values.iter().map(|value| Twofold::new(*value)).collect();
        let one = Self { count: 1, means, products: vec![0.0; self.products.len()] };
        *self = self.merge(&one)?;
        Ok(())
    }

    pub(super) fn merge(&self, other: &Self) -> Result<Self, StatsError> {
        let (found, allowed) = (other.size(), self.size());
        if found != allowed {
            return Err(StatsError::Length { what: "the other state, by the variables,", found, allowed });
        }
        if self.count == 0 || other.count == 0 {
            return Ok(if self.count == 0 { other.clone() } else { self.clone() });
        }
        let (a, b) = if self.order(other) { (self, other) } else { (other, self) };
        let count = a.count.checked_add(b.count).ok_or(StatsError::Overflow { what: "the count" })?;
        let (na, nb, n) = (a.count as f64, b.count as f64, count as f64);
        let weight = na / n * nb;
        let shifts: Vec<f64> = b.means.iter().zip(&a.means).map(|(b, a)| b.minus(*a)).collect();
        let means = a.means.iter().zip(&shifts).map(|(mean, shift)| mean.plus(shift * (nb / n))).collect();
        let between = triangle(&shifts).map(|(left, right)| left * right * weight);
        let products = a
            .products
            .iter()
            .zip(&b.products)
            .zip(between)
            .map(|((a, b), between)| a + b + between)
            .collect();
        Self { count, means, products }.checked()
    }

    /// Returns the mean of a variable.
    pub(super) fn mean(&self, index: usize) -> f64 {
        self.means.get(index).map_or(0.0, |mean| mean.high)
    }

    /// Returns how far the mean of a variable is from that of another state.
    pub(super) fn mean_shift(&self, other: &Self, index: usize) -> f64 {
        self.means.get(index).zip(other.means.get(index)).map_or(0.0, |(own, other)| own.minus(*other))
    }

    /// Returns the centred sum of products of two variables.
    pub(super) fn product(&self, i: usize, j: usize) -> f64 {
        let (row, column) = (i.max(j), i.min(j));
        self.products.get(row * (row + 1) / 2 + column).copied().unwrap_or(0.0)
    }

    /// Orders two states so that merging does not depend on who merges whom.
    fn order(&self, other: &Self) -> bool {
        let key = |g: &Self| (g.count, g.means.iter().map(|mean| (mean.high, mean.low)).collect::<Vec<_>>());
        (key(self), &self.products) >= (key(other), &other.products)
    }

    fn checked(self) -> Result<Self, StatsError> {
        let means = self.means.iter().flat_map(|mean| [mean.high, mean.low]);
        if means.chain(self.products.iter().copied()).all(f64::is_finite) {
            Ok(self)
        } else {
            Err(StatsError::Overflow { what: "a sum of products" })
        }
    }
}

/// The pairs of the lower triangle, row by row.
fn triangle(values: &[f64]) -> impl Iterator<Item = (f64, f64)> {
    values
        .iter()
        .enumerate()
        .flat_map(move |(row, left)| values.iter().take(row + 1).map(move |right| (*left, *right)))
}

/// The serialised form.
#[derive(Serialize, Deserialize)]
struct Stored {
    count: u64,
    means: Vec<(f64, f64)>,
    products: Vec<f64>,
}

impl From<Gram> for Stored {
    fn from(gram: Gram) -> Self {
        let means = gram.means.iter().map(|mean| (mean.high, mean.low)).collect();
        Self { count: gram.count, means, products: gram.products }
    }
}

impl TryFrom<Stored> for Gram {
    type Error = StatsError;

    fn try_from(stored: Stored) -> Result<Self, StatsError> {
        let size = stored.means.len();
        let (found, allowed) = (stored.products.len(), size * (size + 1) / 2);
        if found != allowed {
            return Err(StatsError::Length {
                what: "the list of products, by the variables,",
                found,
                allowed,
            });
        }
        let means = stored.means.into_iter().map(|(high, low)| Twofold { high, low }).collect();
        let gram = Self { count: stored.count, means, products: stored.products }.checked()?;
        match (0..size).map(|i| gram.product(i, i)).find(|square| *square < 0.0) {
            Some(value) => {
                Err(StatsError::OutOfRange { what: "a sum of squares", value, allowed: "zero or more" })
            }
            None => Ok(gram),
        }
    }
}

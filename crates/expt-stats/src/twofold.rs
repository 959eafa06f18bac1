//! A number kept as an unevaluated sum of two, so that a mean near 1e9 keeps its small digits.

/// Holds `high + low`, with `low` far below the last place of `high`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Twofold {
    pub(crate) high: f64,
    pub(crate) low: f64,
}

impl Twofold {
    /// Makes one from a plain number.
    pub(crate) fn new(value: f64) -> Self {
        Self { high: value, low: 0.0 }
    }

    /// Adds a number; the rounding error of the sum goes to `low` (Knuth's TwoSum, 1969).
    pub(crate) fn plus(self, value: f64) -> Self {
        let (sum, error) = two_sum(self.high, value);
        let (high, low) = two_sum(sum, self.low + error);
        Self { high, low }
    }

    /// Returns `self - other` as one number, exact when both are close.
    pub(crate) fn minus(self, other: Self) -> f64 {
        (self.high - other.high) + (self.low - other.low)
    }
}

/// Returns the rounded sum and its error.
fn two_sum(a: f64, b: f64) -> (f64, f64) {
    let sum = a + b;
    let part = sum - a;
    (sum, (a - (sum - part)) + (b - part))
}

//! Ranks with ties.

use crate::error::{StatsError, finite};

/// The ranks of values, equal values sharing the mean of theirs.
pub(super) struct Ranks {
    /// The rank of each value, from one, in input order.
    pub(super) ranks: Vec<f64>,
    /// The sum of `t^3 - t` over groups of `t` equal values.
    pub(super) tie_term: f64,
}

impl Ranks {
    pub(super) fn new(values: impl IntoIterator<Item = f64>) -> Self {
        let mut order: Vec<(f64, usize)> = values.into_iter().enumerate().map(|(i, x)| (x, i)).collect();
        order.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut ranks = vec![0.0; order.len()];
        let (mut tie_term, mut done) = (0.0, 0.0);
        // `-0` equals `0`, and total order puts them side by side.
        #[allow(clippy::float_cmp, reason = "ties are equal values")]
        for group in order.chunk_by(|a, b| a.0 == b.0) {
            let size = group.len() as f64;
            for (_, index) in group {
                if let Some(rank) = ranks.get_mut(*index) {
                    *rank = done + 0.5 * (size + 1.0);
                }
            }
            tie_term += size * size * size - size;
            done += size;
        }
        Self { ranks, tie_term }
    }

    pub(super) fn has_ties(&self) -> bool {
        self.tie_term > 0.0
    }
}

/// Refuses a sample with fewer than `need` values or a value that is not finite.
pub(super) fn sample<'a>(what: &'static str, values: &'a [f64], need: u64) -> Result<&'a [f64], StatsError> {
    let have = values.len() as u64;
    if have < need {
        return Err(StatsError::TooFew { what, have, need });
    }
    for &value in values {
        finite("value", value)?;
    }
    Ok(values)
}

/// Ranks both samples together; the ranks of the first come first.
pub(super) fn pooled(control: &[f64], treatment: &[f64]) -> Ranks {
    Ranks::new(control.iter().chain(treatment).copied())
}

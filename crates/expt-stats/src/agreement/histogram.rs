//! Counts in fixed bins.

use serde::{Deserialize, Serialize};

use crate::error::{StatsError, finite};

/// Holds the places between bins: finite, strictly increasing, fixed before the data that is compared.
///
/// `n` edges make `n + 1` bins; bin `i` holds the values from edge `i - 1` on and below edge `i`, the outer bins are
/// open.
///
/// ```
/// use expt_stats::agreement::Edges;
///
/// let edges = Edges::from_reference(&[1.0, 2.0, 3.0, 4.0, 5.0], 2)?;
/// assert_eq!(edges.cuts(), [3.0]);
/// assert_eq!((edges.bin_of(2.9), edges.bin_of(3.0)), (0, 1));
/// # Ok::<(), expt_stats::StatsError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Vec<f64>", into = "Vec<f64>")]
pub struct Edges(Vec<f64>);

impl Edges {
    /// Takes the places from a plan.
    ///
    /// # Errors
    /// [`StatsError::NotFinite`]; [`StatsError::OutOfRange`] unless they increase strictly and number 1 to 100,000.
    pub fn new(cuts: Vec<f64>) -> Result<Self, StatsError> {
        if !(1..=MAX_CUTS).contains(&cuts.len()) {
            let (what, value, allowed) = ("the number of edges", cuts.len() as f64, "between 1 and 100,000");
            return Err(StatsError::OutOfRange { what, value, allowed });
        }
        let mut last = f64::NEG_INFINITY;
        for &cut in &cuts {
            if finite("an edge", cut)? <= last {
                return Err(StatsError::OutOfRange {
                    what: "an edge",
                    value: cut,
                    allowed: "above the edge before",
                });
            }
            last = cut;
        }
        Ok(Self(cuts))
    }

    /// Cuts the range from `low` to `high` into equal bins, with an open bin on each side.
    ///
    /// # Errors
    /// As [`Edges::new`].
    pub fn uniform(low: f64, high: f64, bins: u32) -> Result<Self, StatsError> {
        let width = finite("the range", high - low)?;
        if bins == 0 || bins as usize >= MAX_CUTS {
            let (what, value) = ("the number of bins", f64::from(bins));
            return Err(StatsError::OutOfRange { what, value, allowed: "between 1 and 99,999" });
        }
        Self::new((0..=bins).map(|i| low + width * (f64::from(i) / f64::from(bins))).collect())
    }

    /// Cuts a reference sample into about equally full bins, at its quantiles (Hyndman and Fan 1996, type 7).
    ///
    /// Equal quantiles become one edge, so ties leave fewer bins. The reference sample then is *not* to be compared with
    /// them: its bins are full by construction, and tests would be too optimistic; draw another one.
    ///
    /// # Errors
    /// [`StatsError::TooFew`] for an empty sample, [`StatsError::OutOfRange`] for fewer than 2 bins or more than 100,000,
    /// [`StatsError::NotFinite`].
    pub fn from_reference(sample: &[f64], bins: u32) -> Result<Self, StatsError> {
        if !(2..=MAX_CUTS as u32).contains(&bins) {
            let (what, value) = ("the number of bins", f64::from(bins));
            return Err(StatsError::OutOfRange { what, value, allowed: "between 2 and 100,000" });
        }
        let sorted = sorted("the reference sample", sample)?;
        let last = (sorted.len() - 1) as f64;
        let at = |index: usize| sorted.get(index).copied().unwrap_or(0.0);
        let mut cuts: Vec<f64> = (1..bins)
            .map(|k| {
                let place = last * (f64::from(k) / f64::from(bins));
                let low = at(place.floor() as usize);
                low + (at(place.ceil() as usize) - low) * place.fract()
            })
            .collect();
        cuts.dedup_by(|a, b| *a <= *b);
        Self::new(cuts)
    }

    /// Returns the places.
    #[must_use]
    pub fn cuts(&self) -> &[f64] {
        &self.0
    }

    /// Returns the number of bins.
    #[must_use]
    pub const fn bins(&self) -> usize {
        self.0.len() + 1
    }

    /// Returns the number of the bin of a value.
    #[must_use]
    pub fn bin_of(&self, value: f64) -> usize {
        self.0.partition_point(|cut| *cut <= value)
    }
}

impl TryFrom<Vec<f64>> for Edges {
    type Error = StatsError;

    fn try_from(cuts: Vec<f64>) -> Result<Self, StatsError> {
        Self::new(cuts)
    }
}

impl From<Edges> for Vec<f64> {
    fn from(edges: Edges) -> Self {
        edges.0
    }
}

/// Counts values in the bins of fixed edges; a commutative monoid for equal edges.
///
/// ```
/// use expt_stats::agreement::{BinnedComparison, Edges, EmptyBins, Histogram};
/// use expt_stats::Alpha;
///
/// let edges = Edges::new(vec![0.25, 0.5, 0.75])?;
/// let reference = Histogram::from_counts(edges.clone(), vec![10, 20, 30, 40])?;
/// let candidate = Histogram::from_counts(edges, vec![15, 25, 20, 50])?;
/// let psi = BinnedComparison::new(&reference, &candidate)?.psi(EmptyBins::Refuse, Alpha::FIVE_PERCENT)?;
/// assert!((psi.value - 0.080_919_989).abs() < 1e-9);
/// assert!(psi.value < psi.critical);
/// # Ok::<(), expt_stats::StatsError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct Histogram {
    edges: Edges,
    counts: Vec<u64>,
}

impl Histogram {
    /// Makes an empty histogram.
    #[must_use]
    pub fn new(edges: Edges) -> Self {
        let counts = vec![0; edges.bins()];
        Self { edges, counts }
    }

    /// Takes counts made elsewhere, such as in a warehouse.
    ///
    /// # Errors
    /// [`StatsError::Length`] unless there is one count a bin.
    pub fn from_counts(edges: Edges, counts: Vec<u64>) -> Result<Self, StatsError> {
        if counts.len() != edges.bins() {
            let (what, found) = ("the list of counts", counts.len());
            return Err(StatsError::Length { what, found, allowed: edges.bins() });
        }
        Ok(Self { edges, counts })
    }

    /// Counts a value; a count at `u64::MAX` stays there.
    ///
    /// # Errors
    /// [`StatsError::NotFinite`]; nothing is changed then.
    pub fn add(&mut self, value: f64) -> Result<(), StatsError> {
        let bin = self.edges.bin_of(finite("a value", value)?);
        if let Some(count) = self.counts.get_mut(bin) {
            *count = count.saturating_add(1);
        }
        Ok(())
    }

    /// Joins two histograms.
    ///
    /// # Errors
    /// [`StatsError::Refused`] if the edges differ.
    pub fn merge(&self, other: &Self) -> Result<Self, StatsError> {
        if self.edges != other.edges {
            let why = "the histograms have different edges; fix the edges in the plan";
            return Err(StatsError::Refused { what: "joining", why });
        }
        let counts = self.counts.iter().zip(&other.counts).map(|(a, b)| a.saturating_add(*b)).collect();
        Ok(Self { edges: self.edges.clone(), counts })
    }

    /// Returns the edges.
    #[must_use]
    pub const fn edges(&self) -> &Edges {
        &self.edges
    }

    /// Returns the counts of the bins.
    #[must_use]
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// Returns the number of values.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.counts.iter().fold(0, |sum, count| sum.saturating_add(*count))
    }
}

/// The serialised form.
#[derive(Serialize, Deserialize)]
struct Stored {
    edges: Edges,
    counts: Vec<u64>,
}

impl From<Histogram> for Stored {
    fn from(histogram: Histogram) -> Self {
        Self { edges: histogram.edges, counts: histogram.counts }
    }
}

impl TryFrom<Stored> for Histogram {
    type Error = StatsError;

    fn try_from(stored: Stored) -> Result<Self, StatsError> {
        Self::from_counts(stored.edges, stored.counts)
    }
}

/// Returns a sorted copy of a sample that is finite and not empty.
pub(super) fn sorted(what: &'static str, values: &[f64]) -> Result<Vec<f64>, StatsError> {
    if values.is_empty() {
        return Err(StatsError::TooFew { what, have: 0, need: 1 });
    }
    for &value in values {
        finite("a value", value)?;
    }
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    Ok(sorted)
}

const MAX_CUTS: usize = 100_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_fall_into_their_bins_and_parts_merge() {
        let edges = Edges::uniform(0.0, 1.0, 4).unwrap();
        assert_eq!((edges.bins(), edges.bin_of(-5.0), edges.bin_of(0.0), edges.bin_of(1.0)), (6, 0, 1, 5));
        let mut whole = Histogram::new(edges.clone());
        let mut parts = [Histogram::new(edges.clone()), Histogram::new(edges)];
        for i in 0..100 {
            let value = f64::from(i * 37 % 100) / 80.0 - 0.1;
            whole.add(value).unwrap();
            parts[usize::from(i % 3 == 0)].add(value).unwrap();
        }
        assert_eq!(parts[0].merge(&parts[1]).unwrap(), whole);
        assert_eq!(parts[1].merge(&parts[0]).unwrap(), whole);
        assert_eq!(whole.count(), 100);
        let text = serde_json::to_string(&whole).unwrap();
        assert_eq!(serde_json::from_str::<Histogram>(&text).unwrap(), whole);
        assert!(serde_json::from_str::<Histogram>(r#"{"edges":[1.0,0.0],"counts":[1,2,3]}"#).is_err());
        assert!(serde_json::from_str::<Histogram>(r#"{"edges":[0.0,1.0],"counts":[1,2]}"#).is_err());
    }

    #[test]
    fn hostile_edges_and_values_are_refused() {
        for bad in [vec![], vec![1.0, 1.0], vec![f64::NAN], vec![0.0, f64::INFINITY], vec![2.0, 1.0]] {
            assert!(Edges::new(bad).is_err());
        }
        assert!(Edges::uniform(1.0, 0.0, 3).is_err() && Edges::uniform(0.0, 1.0, 0).is_err());
        assert!(Edges::uniform(f64::MIN, f64::MAX, 3).is_err());
        assert!(Edges::from_reference(&[], 4).is_err() && Edges::from_reference(&[1.0], 1).is_err());
        assert!(Edges::from_reference(&[1.0, f64::NAN], 4).is_err());
        assert_eq!(Edges::from_reference(&[3.0; 50], 10).unwrap().cuts(), [3.0]);
        assert_eq!(Edges::from_reference(&[-1e300, 1e300], 4).unwrap().bins(), 4);
        let mut histogram = Histogram::new(Edges::new(vec![0.0]).unwrap());
        assert!(histogram.add(f64::NAN).is_err() && histogram.add(f64::INFINITY).is_err());
        assert_eq!(histogram.count(), 0);
        assert!(histogram.merge(&Histogram::new(Edges::new(vec![1.0]).unwrap())).is_err());
    }
}

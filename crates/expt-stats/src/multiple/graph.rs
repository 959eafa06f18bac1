//! Hypotheses that hand their level on: the graphical approach.

use serde::{Deserialize, Serialize};

use super::correction::Corrected;
use super::scale::{PValue, Scale, enter};
use crate::error::{StatsError, non_negative};

/// Holds a weighted graph of hypotheses (Bretz, Maurer, Brannath and Posch 2009): each starts with a share of
/// alpha, and a rejected hypothesis hands its share on along its edges. It keeps the family-wise error under
/// any dependence.
///
/// Holm, fixed sequence, fallback and parallel gatekeeping are such graphs.
///
/// ```
/// use expt_stats::{Alpha, multiple::Graph};
///
/// // The second is tested only if the first is rejected.
/// let sequence = Graph::fixed_sequence(3);
/// let corrected = sequence.correct(&[0.01, 0.2, 0.001])?;
/// assert_eq!(corrected.adjusted, [0.01, 0.2, 0.2]);
/// assert_eq!(corrected.rejected(Alpha::FIVE_PERCENT), [true, false, false]);
/// # Ok::<(), expt_stats::StatsError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Parts", into = "Parts")]
pub struct Graph {
    weights: Vec<f64>,
    transitions: Vec<Vec<f64>>,
}

#[derive(Serialize, Deserialize)]
struct Parts {
    weights: Vec<f64>,
    transitions: Vec<Vec<f64>>,
}

impl Graph {
    /// Makes a graph from the shares of alpha and, for each hypothesis, the shares that the others get when it
    /// is rejected.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] or [`StatsError::NotFinite`] if a number is negative or not finite, the
    /// weights or a row of transitions sum to more than one, a hypothesis hands on to itself, or the matrix is
    /// not square.
    pub fn new(weights: Vec<f64>, transitions: Vec<Vec<f64>>) -> Result<Self, StatsError> {
        shares("the sum of the weights", &weights)?;
        let square = transitions.len() == weights.len();
        if !square || transitions.iter().any(|row| row.len() != weights.len()) {
            return Err(StatsError::OutOfRange {
                what: "the number of rows of transitions",
                value: transitions.len() as f64,
                allowed: "one row for each weight, each as long as there are weights",
            });
        }
        for (i, row) in transitions.iter().enumerate() {
            shares("the sum of a row of transitions", row)?;
            if let Some(&value) = row.get(i).filter(|own| **own > 0.0) {
                return Err(StatsError::OutOfRange {
                    what: "the transition of a hypothesis to itself",
                    value,
                    allowed: "zero",
                });
            }
        }
        Ok(Self { weights, transitions })
    }

    /// Equal shares, handed on in equal parts: [`Correction::Holm`](super::Correction::Holm).
    #[must_use]
    pub fn holm(count: usize) -> Self {
        let part = 1.0 / (count.saturating_sub(1)).max(1) as f64;
        Self::build(vec![1.0 / count.max(1) as f64; count], |i, j| if i == j { 0.0 } else { part })
    }

    /// Each hypothesis is tested at full alpha, in order, until one is not rejected.
    #[must_use]
    pub fn fixed_sequence(count: usize) -> Self {
        let weights = (0..count).map(|i| if i == 0 { 1.0 } else { 0.0 }).collect();
        Self::build(weights, |i, j| if j == i + 1 { 1.0 } else { 0.0 })
    }

    /// Each hypothesis has its own share and hands everything on to the next one (Wiens 2003; with the shares
    /// that come back to no one, as in Wiens and Dmitrienko 2005 without their last step).
    ///
    /// # Errors
    /// As [`Graph::new`].
    pub fn fallback(weights: Vec<f64>) -> Result<Self, StatsError> {
        shares("the sum of the weights", &weights)?;
        Ok(Self::build(weights, |i, j| if j == i + 1 { 1.0 } else { 0.0 }))
    }

    /// Families in order; within one, equal shares of what the family has. A rejected hypothesis hands its
    /// share on to the next family in equal parts; in the last family, to the others of it if `holm_last`
    /// (parallel gatekeeping with Bonferroni gates: Dmitrienko, Offen and Westfall 2003).
    #[must_use]
    pub(super) fn parallel(families: &[&[usize]], count: usize, holm_last: bool) -> Self {
        let home = |i: usize| families.iter().position(|family| family.contains(&i));
        let homes: Vec<Option<usize>> = (0..count).map(home).collect();
        let size = |family: usize| families.get(family).map_or(0.0, |members| members.len() as f64);
        let weights = homes.iter().map(|home| if *home == Some(0) { 1.0 / size(0) } else { 0.0 }).collect();
        let last = families.len().saturating_sub(1);
        Self::build(weights, |i, j| {
            match (homes.get(i).copied().flatten(), homes.get(j).copied().flatten()) {
                (Some(from), Some(to)) if to == from + 1 => 1.0 / size(to),
                (Some(from), Some(to)) if holm_last && from == last && to == last && i != j => {
                    1.0 / (size(last) - 1.0)
                }
                _ => 0.0,
            }
        })
    }

    fn build(weights: Vec<f64>, transition: impl Fn(usize, usize) -> f64) -> Self {
        let count = weights.len();
        let row = |i: usize| (0..count).map(|j| transition(i, j)).collect();
        let transitions = (0..count).map(row).collect();
        Self { weights, transitions }
    }

    /// Adjusts p-values: the least alpha at which the sequentially rejective procedure rejects. O(m^3).
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] if a probability is not in `[0, 1]` or the number of p-values is not that of
    /// the hypotheses.
    pub fn correct<P: PValue>(&self, p: &[P]) -> Result<Corrected<P>, StatsError> {
        if p.len() != self.weights.len() {
            return Err(StatsError::OutOfRange {
                what: "the number of p-values",
                value: p.len() as f64,
                allowed: "one for each hypothesis of the graph",
            });
        }
        let values = enter(p)?;
        let mut adjusted = vec![P::Scale::ONE; values.len()];
        let mut state = self.clone();
        let mut open: Vec<usize> = (0..values.len()).collect();
        let mut largest = f64::NEG_INFINITY;
        while let Some((at, ratio)) = state.smallest::<P>(&open, &values) {
            let rejected = open.swap_remove(at);
            largest = largest.max(ratio);
            if let Some(slot) = adjusted.get_mut(rejected) {
                *slot = largest.min(P::Scale::ONE);
            }
            state.remove(rejected, &open);
        }
        Ok(Corrected { adjusted: adjusted.into_iter().map(P::leave).collect() })
    }

    /// The place in `open` of the hypothesis with the smallest p / weight, and that ratio; hypotheses without
    /// weight do not count.
    fn smallest<P: PValue>(&self, open: &[usize], values: &[f64]) -> Option<(usize, f64)> {
        let ratio = |(at, &i): (usize, &usize)| {
            let (weight, p) = (self.weights.get(i)?, values.get(i)?);
            (*weight > 0.0).then(|| (at, P::Scale::times(*p, 1.0 / weight)))
        };
        open.iter().enumerate().filter_map(ratio).reduce(|a, b| if b.1 < a.1 { b } else { a })
    }

    /// Hands the share and the edges of a rejected hypothesis on to the open ones.
    fn remove(&mut self, gone: usize, open: &[usize]) {
        let share = self.weights.get_mut(gone).map(std::mem::take).unwrap_or_default();
        let Some(outgoing) = self.transitions.get(gone).cloned() else { return };
        let out = |k: usize| outgoing.get(k).copied().unwrap_or(0.0);
        for &l in open {
            if let Some(weight) = self.weights.get_mut(l) {
                *weight += share * out(l);
            }
            let Some(row) = self.transitions.get_mut(l) else { continue };
            let to_gone = row.get(gone).copied().unwrap_or(0.0);
            let kept = 1.0 - to_gone * out(l);
            for &k in open.iter().filter(|k| **k != l) {
                if let Some(edge) = row.get_mut(k) {
                    *edge = if kept > 0.0 { (*edge + to_gone * out(k)) / kept } else { 0.0 };
                }
            }
        }
    }
}

impl TryFrom<Parts> for Graph {
    type Error = StatsError;

    fn try_from(parts: Parts) -> Result<Self, StatsError> {
        Self::new(parts.weights, parts.transitions)
    }
}

impl From<Graph> for Parts {
    fn from(graph: Graph) -> Self {
        Self { weights: graph.weights, transitions: graph.transitions }
    }
}

fn shares(what: &'static str, shares: &[f64]) -> Result<(), StatsError> {
    let mut sum = 0.0;
    for &share in shares {
        sum += non_negative("a share of alpha", share)?;
    }
    // The slack is for shares such as ten times 0.1.
    if sum > 1.0 + 1e-9 {
        return Err(StatsError::OutOfRange { what, value: sum, allowed: "at most 1" });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::level::{Alpha, LnP};
    use crate::multiple::Correction;
    use crate::testing::close;

    #[test]
    fn holm_is_a_graph() {
        let p = [0.01, 0.04, 0.03, 0.005, 0.9, 0.0, 1.0];
        let graph = Graph::holm(p.len()).correct(&p).unwrap();
        let holm = Correction::Holm.correct(&p).unwrap();
        graph.adjusted.iter().zip(&holm.adjusted).for_each(|(a, b)| close(*a, *b, 1e-12));
        let ln_p = p.map(|p| LnP::from_p(p).unwrap());
        let graph = Graph::holm(p.len()).correct(&ln_p).unwrap();
        graph.adjusted.iter().zip(&holm.adjusted).for_each(|(a, b)| close(a.p(), *b, 1e-12));
        close(Graph::holm(1).correct(&[0.3]).unwrap().adjusted[0], 0.3, 0.0);
        assert!(Graph::holm(0).correct::<f64>(&[]).unwrap().adjusted.is_empty());
    }

    /// Two primaries with half of alpha each; a rejected primary hands on to its secondary and that back to the
    /// other primary. Worked by hand from the update rules of Bretz et al. (2009).
    #[test]
    fn a_graph_with_a_way_back() {
        let transitions = vec![
            vec![0.0, 0.0, 1.0, 0.0],
            vec![0.0, 0.0, 0.0, 1.0],
            vec![0.0, 1.0, 0.0, 0.0],
            vec![1.0, 0.0, 0.0, 0.0],
        ];
        let graph = Graph::new(vec![0.5, 0.5, 0.0, 0.0], transitions).unwrap();
        let corrected = graph.correct(&[0.01, 0.04, 0.02, 0.3]).unwrap();
        // 1 at .01 / .5, 3 at .02 / .5, 2 then has everything: .04; 4 inherits everything: .3.
        for (got, want) in corrected.adjusted.iter().zip([0.02, 0.04, 0.04, 0.3]) {
            close(*got, want, 1e-12);
        }
        assert_eq!(corrected.rejected(Alpha::FIVE_PERCENT), [true, true, true, false]);
    }

    #[test]
    fn fallback_keeps_its_shares() {
        let graph = Graph::fallback(vec![0.5, 0.3, 0.2]).unwrap();
        let adjusted = graph.correct(&[0.6, 0.01, 0.02]).unwrap().adjusted;
        // The second at .01 / .3, the third with .2 + .3: .02 / .5; the first gets nothing back.
        close(adjusted[0], 1.0, 0.0);
        close(adjusted[1], 0.01 / 0.3, 1e-12);
        close(adjusted[2], 0.02 / 0.5, 1e-12);
    }

    #[test]
    fn impossible_graphs_are_refused() {
        assert!(Graph::new(vec![0.6, 0.6], vec![vec![0.0; 2]; 2]).is_err());
        assert!(Graph::new(vec![0.5, 0.5], vec![vec![0.0; 2]; 3]).is_err());
        assert!(Graph::new(vec![0.5, 0.5], vec![vec![0.5, 0.5], vec![0.0; 2]]).is_err());
        assert!(Graph::new(vec![0.5, f64::NAN], vec![vec![0.0; 2]; 2]).is_err());
        assert!(Graph::new(vec![0.5, 0.5], vec![vec![0.0, -0.1], vec![0.0; 2]]).is_err());
        assert!(Graph::holm(3).correct(&[0.1]).is_err());
        assert!(serde_json::from_str::<Graph>(r#"{"weights":[2.0],"transitions":[[0.0]]}"#).is_err());
    }
}

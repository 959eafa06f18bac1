//! Matched-pair assignment.

use std::collections::BTreeMap;

use super::matching::{Distances, match_pairs};
use super::table::{ClusterTable, Drawn, drawn_table};
use super::{Cluster, ClusterDesign};
use crate::audit::error::{AuditError, Result};
use crate::audit::linear::Scaled;

impl ClusterDesign {
    /// Pairs clusters that are alike, and tosses a coin within each pair.
    ///
    /// Distance: Mahalanobis, by the covariances over all clusters (Greevy, Lu, Silber and Rosenbaum 2004). The sum of
    /// the *squared* distances is made small: over it and the number of clusters n, `sum d^2 / n`, is the expected
    /// imbalance `M` of the covariates, which without pairs is their number.
    ///
    /// The pairing is optimal up to 18 clusters of a stratum (dynamic programming over subsets). Beyond, it is the best
    /// that greedy pairing and exchanges along cycles reach, without a guarantee: in 28 sets of 20 to 150 random points
    /// in one to eight dimensions, made after the search was settled, the sum was the optimum in 25, and at most 1.6 %
    /// above it. Only clusters of one stratum are paired.
    ///
    /// Of an odd number one cluster stays alone: the one without which the others pair best. It joins the pair to which
    /// it is nearest, and of the triple a coin says whether one or two are in the control. A stratum of one cluster is
    /// a block by itself, with an arm by a coin; it tells nothing about the effect, so merge such strata.
    ///
    /// # Errors
    /// [`AuditError::TooMany`] for more than two arms or more than 1,000 clusters; [`AuditError::OutOfRange`] for
    /// unequal shares; [`AuditError::TooFew`] without covariates, or below as many clusters as covariates and two more;
    /// [`AuditError::Duplicate`], [`AuditError::Length`], [`AuditError::NotFinite`] or [`AuditError::Dependent`] for
    /// what clusters have.
    pub fn matched_pairs(&self, clusters: &[Cluster]) -> Result<ClusterTable> {
        let (have, allowed) = (self.arms.len(), 2);
        if have > allowed {
            let remedy = "pairs are for two; use `stratified`";
            return Err(AuditError::TooMany { what: "arms", have, allowed, remedy });
        }
        let share = self.shares.as_slice().first().copied().unwrap_or(0.5);
        if (share - 0.5).abs() > 1e-12 {
            let allowed = "one half, since pairs are split evenly; use `stratified` for other shares";
            return Err(AuditError::OutOfRange { what: "the share of the control", value: share, allowed });
        }
        if self.covariates.is_empty() {
            let remedy = "name with `with_covariates` what makes clusters alike, or use `stratified`";
            return Err(AuditError::TooFew { what: "covariates", have: 0, need: 1, remedy });
        }
        let sorted = self.sorted(clusters, MAX_CLUSTERS)?;
        let points = self.whitened(&sorted)?;
        let mut strata: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (number, cluster) in sorted.iter().enumerate() {
            strata.entry(&cluster.stratum).or_default().push(number);
        }
        let mut blocks = Vec::new();
        for members in strata.into_values() {
            let distances = Distances::new(members.len(), |a, b| {
                let point = |at: usize| members.get(at).and_then(|number| points.get(*number));
                let differences = point(a).into_iter().flatten().zip(point(b).into_iter().flatten());
                differences.map(|(a, b)| (a - b).powi(2)).sum()
            });
            for block in match_pairs(&distances) {
                let square = distances.mean_within(&block);
                let clusters = block.iter().filter_map(|at| members.get(*at)).copied().collect();
                blocks.push(self.toss(&sorted, clusters, square));
            }
        }
        drawn_table(self, &sorted, blocks)
    }

    /// Covariates of each cluster, such that the squared distance of Mahalanobis is that of Euclid.
    fn whitened(&self, sorted: &[&Cluster]) -> Result<Vec<Vec<f64>>> {
        let scaled = self.scaled(sorted)?;
        let rows = scaled.values.chunks_exact(self.covariates.len());
        Ok(rows
            .map(|row| {
                let mut point = row.to_vec();
                scaled.correlation.whiten(&mut point);
                point
            })
            .collect())
    }

    /// The covariates of all clusters in units of their standard deviations.
    pub(super) fn scaled(&self, sorted: &[&Cluster]) -> Result<Scaled> {
        let (have, need) = (sorted.len(), self.covariates.len() + 2);
        if have < need {
            let remedy = "take fewer covariates";
            return Err(AuditError::TooFew { what: "clusters", have, need, remedy });
        }
        let values = sorted.iter().flat_map(|cluster| &cluster.covariates).copied().collect();
        Scaled::new(self.covariates.len(), values).map_err(|column| AuditError::Dependent {
            covariate: self.covariates.get(column).cloned().unwrap_or_default(),
        })
    }

    /// Draws the arms of one block.
    fn toss(&self, sorted: &[&Cluster], mut members: Vec<usize>, square: Option<f64>) -> Drawn {
        members.sort_by_cached_key(|&number| sorted.get(number).map(|cluster| self.draws.rank(&cluster.id)));
        let first =
            members.first().and_then(|number| sorted.get(*number)).map_or("", |cluster| cluster.id.as_str());
        // The coin is of the block: its first member is as random as the order is.
        let heads = self.draws.bits("coin", first) & 1;
        let controls = match members.len() {
            1 => heads as usize,
            3 => 1 + heads as usize,
            even => even / 2,
        };
        let arms = (0..members.len()).map(|at| usize::from(at >= controls));
        Drawn { members: members.iter().copied().zip(arms).collect(), square }
    }
}

/// The square of it is the size of a matrix, and the time of a search is about a second.
const MAX_CLUSTERS: usize = 1_000;

//! Stratified assignment.

use std::collections::BTreeMap;

use super::table::{ClusterTable, Drawn, drawn_table};
use super::{Cluster, ClusterDesign};
use crate::audit::error::Result;

impl ClusterDesign {
    /// Draws completely at random within each stratum, so that each arm has its share of every stratum, up to one
    /// cluster.
    ///
    /// Of `n` clusters of a stratum an arm with the share `w` gets `n w`, rounded down or up. The clusters that are
    /// left over by rounding down:
    /// - with equal shares, arms take them in turns, through the strata in random order, so that the arms of all
    ///   strata together are equal up to one cluster, too;
    /// - with other shares, systematic sampling in each stratum by itself: arm k ends at `floor(n (w_1 + ... + w_k) +
    ///   u)` with one uniform `u`, which has the exact expectation.
    ///
    /// Covariates are used for the balance in the table only.
    ///
    /// # Errors
    /// [`AuditError::TooFew`](crate::audit::AuditError::TooFew) below two clusters, or below as many as covariates and
    /// two more; [`TooMany`](crate::audit::AuditError::TooMany) above 100,000;
    /// [`Duplicate`](crate::audit::AuditError::Duplicate), [`Length`](crate::audit::AuditError::Length),
    /// [`NotFinite`](crate::audit::AuditError::NotFinite) or [`Dependent`](crate::audit::AuditError::Dependent) for
    /// what clusters have.
    pub fn stratified(&self, clusters: &[Cluster]) -> Result<ClusterTable> {
        let sorted = self.sorted(clusters, MAX_CLUSTERS)?;
        let mut strata: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (number, cluster) in sorted.iter().enumerate() {
            strata.entry(&cluster.stratum).or_default().push(number);
        }
        let sizes: Vec<(&str, usize)> = strata.iter().map(|(name, members)| (*name, members.len())).collect();
        let quotas = self.quotas(&sizes);
        let mut blocks = Vec::with_capacity(strata.len());
        for (mut members, quota) in strata.into_values().zip(quotas) {
            members
                .sort_by_cached_key(|&number| sorted.get(number).map(|cluster| self.draws.rank(&cluster.id)));
            let arms = quota.iter().enumerate().flat_map(|(arm, count)| std::iter::repeat_n(arm, *count));
            blocks.push(Drawn { members: members.into_iter().zip(arms).collect(), square: None });
        }
        drawn_table(self, &sorted, blocks)
    }

    /// For each stratum the clusters of each arm.
    fn quotas(&self, strata: &[(&str, usize)]) -> Vec<Vec<usize>> {
        let shares = self.shares.as_slice();
        let equal =
            shares.iter().all(|share| shares.first().is_some_and(|first| (share - first).abs() < 1e-12));
        if equal { self.in_turns(strata) } else { self.systematic(strata) }
    }

    fn in_turns(&self, strata: &[(&str, usize)]) -> Vec<Vec<usize>> {
        let count = self.arms.len();
        let mut cycle: Vec<usize> = (0..count).collect();
        let arm =
            |arm: &usize| self.arms.get(*arm).map(|arm| (self.draws.bits("turn of arm", arm.as_str()), arm));
        cycle.sort_by_cached_key(arm);
        let mut order: Vec<usize> = (0..strata.len()).collect();
        let turn = |name: &str| self.draws.bits("turn of stratum", name);
        order.sort_by_cached_key(|stratum| strata.get(*stratum).map(|(name, _)| (turn(name), *name)));
        let mut turns = cycle.into_iter().cycle();
        let mut quotas: Vec<Vec<usize>> = strata.iter().map(|(_, size)| vec![size / count; count]).collect();
        for stratum in order {
            let left = strata.get(stratum).map_or(0, |(_, size)| size % count);
            let Some(quota) = quotas.get_mut(stratum) else { continue };
            for arm in turns.by_ref().take(left) {
                quota.iter_mut().skip(arm).take(1).for_each(|units| *units += 1);
            }
        }
        quotas
    }

    fn systematic(&self, strata: &[(&str, usize)]) -> Vec<Vec<usize>> {
        let of = |(name, size): &(&str, usize)| {
            let start = self.draws.unit("systematic", name);
            let (mut sum, mut before) = (0.0, 0);
            let end = |share: &f64| {
                sum += share;
                let exact = *size as f64 * sum;
                // A whole number that rounding missed is that number.
                let exact = if (exact - exact.round()).abs() < 1e-9 { exact.round() } else { exact };
                let end = ((exact + start).floor() as usize).min(*size);
                end - std::mem::replace(&mut before, end)
            };
            self.shares.as_slice().iter().map(end).collect()
        };
        strata.iter().map(of).collect()
    }
}

const MAX_CLUSTERS: usize = 100_000;

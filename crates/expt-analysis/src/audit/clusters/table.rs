//! The table that a design makes.

use std::fmt;

use expt_core::{ArmId, ExperimentId, UnitId};
use serde::{Deserialize, Serialize};

use super::{Cluster, ClusterDesign};
use crate::audit::error::Result;

/// Which cluster gets which arm, and how good the balance is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ClusterTable {
    /// The experiment.
    pub experiment: ExperimentId,
    /// The epoch.
    pub epoch: u32,
    /// The arms, control first.
    pub arms: Vec<ArmId>,
    /// Every cluster, sorted by id.
    pub rows: Vec<ClusterRow>,
    /// The blocks within which arms were drawn.
    pub blocks: Vec<ClusterBlock>,
    /// How alike the arms are.
    pub balance: ClusterBalance,
    /// Of matched pairs: the variance of the difference of a covariate, on average over covariates, as a part of that
    /// without pairs. 0 is perfect, 1 is no better than chance.
    pub variance_kept: Option<f64>,
}

impl ClusterTable {
    /// The arm of a cluster.
    #[must_use]
    pub fn arm(&self, cluster: &UnitId) -> Option<&ArmId> {
        let row = self.rows.binary_search_by(|row| row.cluster.cmp(cluster)).ok()?;
        self.rows.get(row).map(|row| &row.arm)
    }

    /// Clusters with their arms, for a config.
    pub fn assignments(&self) -> impl Iterator<Item = (&UnitId, &ArmId)> {
        self.rows.iter().map(|row| (&row.cluster, &row.arm))
    }
}

impl fmt::Display for ClusterTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} in epoch {}: {} clusters in {} blocks",
            self.experiment,
            self.epoch,
            self.rows.len(),
            self.blocks.len()
        )?;
        for (arm, clusters) in self.arms.iter().zip(&self.balance.clusters) {
            write!(f, "; {arm} {clusters}")?;
        }
        if let Some(kept) = self.variance_kept {
            write!(f, "\npairs leave {:.2} % of the variance of covariates", 100.0 * kept)?;
        }
        for one in &self.balance.contrasts {
            let arm = self.arms.get(one.arm).map_or("", ArmId::as_str);
            write!(
                f,
                "\n{} in {arm}: {:+.4} standard deviations from control",
                one.covariate, one.standardised
            )?;
        }
        Ok(())
    }
}

/// A cluster with its arm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ClusterRow {
    /// The cluster.
    pub cluster: UnitId,
    /// Its arm.
    pub arm: ArmId,
    /// Its block, counted from 0 in [`ClusterTable::blocks`].
    pub block: usize,
}

/// Clusters among which arms were drawn together: a stratum, a pair, or the triple of an odd number.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ClusterBlock {
    /// The stratum.
    pub stratum: String,
    /// Its clusters, sorted by id.
    pub clusters: Vec<UnitId>,
    /// Of a pair its squared Mahalanobis distance, of a triple the mean of the three; two clusters at random have
    /// twice the number of covariates on average.
    pub squared_distance: Option<f64>,
}

/// How alike the arms of a table are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ClusterBalance {
    /// Clusters in each arm.
    pub clusters: Vec<u64>,
    /// `M`, as in [`Balance::statistic`](crate::audit::Balance::statistic): without blocks it is on average the number
    /// of covariates times the number of arms but one. `None` without covariates, or if an arm has no cluster.
    pub statistic: Option<f64>,
    /// Every covariate in every arm but the control; of arms with a cluster only.
    pub contrasts: Vec<ClusterContrast>,
}

/// One covariate in one arm against the control.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ClusterContrast {
    /// The covariate.
    pub covariate: String,
    /// The arm, counted from 0, the control.
    pub arm: usize,
    /// The difference of the means in units of the standard deviation over all clusters, since an arm of one cluster
    /// has none of its own.
    pub standardised: f64,
}

/// A block with the numbers of its clusters and their arms.
pub(super) struct Drawn {
    pub(super) members: Vec<(usize, usize)>,
    pub(super) square: Option<f64>,
}

/// Makes the table of what was drawn.
pub(super) fn drawn_table(
    design: &ClusterDesign,
    sorted: &[&Cluster],
    drawn: Vec<Drawn>,
) -> Result<ClusterTable> {
    let mut arm_of = vec![0; sorted.len()];
    let mut rows: Vec<ClusterRow> = Vec::with_capacity(sorted.len());
    let mut blocks = Vec::with_capacity(drawn.len());
    let squares: Vec<f64> = drawn.iter().filter_map(|block| block.square).collect();
    for (block, mut one) in drawn.into_iter().enumerate() {
        one.members.sort_unstable();
        let mut names = Vec::with_capacity(one.members.len());
        let mut stratum = String::new();
        for (number, arm) in one.members {
            arm_of.iter_mut().skip(number).take(1).for_each(|slot| *slot = arm);
            if let (Some(cluster), Some(arm)) = (sorted.get(number), design.arms.get(arm)) {
                names.push(cluster.id.clone());
                stratum.clone_from(&cluster.stratum);
                rows.push(ClusterRow { cluster: cluster.id.clone(), arm: arm.clone(), block });
            }
        }
        blocks.push(ClusterBlock { stratum, clusters: names, squared_distance: one.square });
    }
    rows.sort_unstable_by(|a, b| a.cluster.cmp(&b.cluster));
    let covariates = design.covariates.len() as f64;
    let mean_square = squares.iter().sum::<f64>() / squares.len() as f64;
    Ok(ClusterTable {
        experiment: design.experiment.clone(),
        epoch: design.epoch,
        arms: design.arms.clone(),
        rows,
        blocks,
        balance: balance(design, sorted, &arm_of)?,
        variance_kept: (!squares.is_empty()).then(|| mean_square / (2.0 * covariates)),
    })
}

fn balance(design: &ClusterDesign, sorted: &[&Cluster], arm_of: &[usize]) -> Result<ClusterBalance> {
    let mut clusters = vec![0; design.arms.len()];
    for arm in arm_of {
        clusters.iter_mut().skip(*arm).take(1).for_each(|count| *count += 1);
    }
    let columns = design.covariates.len();
    if columns == 0 {
        return Ok(ClusterBalance { clusters, statistic: None, contrasts: Vec::new() });
    }
    let scaled = design.scaled(sorted)?;
    // Columns are centred, so a mean is how far the arm is from all clusters.
    let mut means = vec![vec![0.0; columns]; design.arms.len()];
    for (row, arm) in scaled.values.chunks_exact(columns).zip(arm_of) {
        for mean in means.iter_mut().skip(*arm).take(1) {
            mean.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
        }
    }
    for (mean, count) in means.iter_mut().zip(&clusters) {
        mean.iter_mut().for_each(|sum| *sum /= (*count as f64).max(1.0));
    }
    let statistic =
        means.iter().zip(&clusters).map(|(mean, count)| *count as f64 * scaled.correlation.form(mean));
    let statistic = clusters.iter().all(|count| *count > 0).then(|| statistic.sum());
    let mut contrasts = Vec::new();
    if let (Some((control, treatments)), Some(1..)) = (means.split_first(), clusters.first()) {
        for (column, covariate) in design.covariates.iter().enumerate() {
            let arms = treatments.iter().zip(clusters.iter().skip(1)).zip(1..);
            for ((mean, _), arm) in arms.filter(|((_, count), _)| **count > 0) {
                let ends = mean.get(column).zip(control.get(column));
                let standardised = ends.map_or(0.0, |(mean, control)| mean - control);
                contrasts.push(ClusterContrast { covariate: covariate.clone(), arm, standardised });
            }
        }
    }
    Ok(ClusterBalance { clusters, statistic, contrasts })
}

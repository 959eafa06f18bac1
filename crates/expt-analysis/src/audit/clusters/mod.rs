//! Designs for few clusters: who gets which arm, when a hash would leave too much to chance.

mod draw;
mod matching;
mod pairs;
mod strata;
mod table;

use std::fmt;

use expt_core::{ArmId, ExperimentId, UnitId};
use expt_stats::Shares;

pub use table::{ClusterBalance, ClusterBlock, ClusterContrast, ClusterRow, ClusterTable};

use super::error::{AuditError, Result};
use draw::Draws;

/// Gives arms to a list of clusters (cities, stores, schools) that is known beforehand.
///
/// A hash gives each cluster an arm on its own. With twenty clusters that often means 13 against 7, or all large cities
/// in one arm. A design decides for all clusters together, by chance within blocks of clusters that are alike:
/// - [`stratified`](Self::stratified): blocks are strata that you name;
/// - [`matched_pairs`](Self::matched_pairs): blocks are pairs of clusters that are close in their covariates, which is
///   better where covariates predict the outcome well (Imai, King and Nall 2009).
///
/// The table that comes out belongs into the config, as the arms of named clusters. It is a pure function of the
/// project key, the experiment, the epoch, the arms and the clusters, in any order; another epoch is another drawing.
/// Every cluster has the chance of its arm's share to get the arm, exactly. Analyse by the blocks: the unit of analysis
/// is the cluster, differences are taken within blocks (Imbens and Rubin 2015).
///
/// ```
/// use expt_analysis::audit::{Cluster, ClusterDesign};
/// use expt_core::{ArmId, ExperimentId, UnitId};
///
/// let arms = [ArmId::new("control")?, ArmId::new("treatment")?];
/// let design = ClusterDesign::new("shop", &ExperimentId::new("courier-pay")?, 1, &arms)?
///     .with_covariates(&["population", "orders"])?;
/// let cities = [
///     ("aachen", 260.0, 3.1), ("bonn", 330.0, 4.2), ("cottbus", 99.0, 0.9), ("dresden", 560.0, 7.9),
///     ("erfurt", 215.0, 2.7), ("fulda", 68.0, 1.0), ("gera", 94.0, 0.8), ("hagen", 190.0, 2.6),
///     ("ingolstadt", 140.0, 2.0), ("jena", 111.0, 1.9), ("kassel", 204.0, 2.8), ("leipzig", 610.0, 8.3),
/// ];
/// let city = |(name, population, orders)| {
///     Cluster::new(UnitId::new(name).unwrap()).with_covariates(&[population, orders])
/// };
/// let table = design.matched_pairs(&cities.map(city))?;
///
/// assert_eq!(table.balance.clusters, [6, 6]);
/// // Dresden and Leipzig are alike, and on different sides.
/// let arm = |name| table.arm(&UnitId::new(name).unwrap()).unwrap();
/// assert_ne!(arm("dresden"), arm("leipzig"));
/// // Pairs are so close that a covariate's difference varies as little as this part of what it would without pairs.
/// assert!(table.variance_kept.unwrap() < 0.2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct ClusterDesign {
    draws: Draws,
    experiment: ExperimentId,
    epoch: u32,
    arms: Vec<ArmId>,
    shares: Shares,
    covariates: Vec<String>,
}

impl ClusterDesign {
    /// A design for an experiment in an epoch, with arms of equal shares, the control first.
    ///
    /// The project key is a secret: who knows it can work out the arms beforehand.
    ///
    /// # Errors
    /// [`AuditError::TooFew`] below two arms, [`AuditError::TooMany`] above 64, [`AuditError::Duplicate`].
    pub fn new(project_key: &str, experiment: &ExperimentId, epoch: u32, arms: &[ArmId]) -> Result<Self> {
        let have = arms.len();
        if have < 2 {
            let remedy = "give every arm, the control first";
            return Err(AuditError::TooFew { what: "arms", have, need: 2, remedy });
        }
        if have > MAX_ARMS {
            let remedy = "few clusters cannot tell many arms apart";
            return Err(AuditError::TooMany { what: "arms", have, allowed: MAX_ARMS, remedy });
        }
        for (at, arm) in arms.iter().enumerate() {
            if arms.iter().take(at).any(|before| before == arm) {
                return Err(AuditError::Duplicate { what: "arm", id: arm.to_string() });
            }
        }
        Ok(Self {
            draws: Draws::new(project_key, experiment, epoch),
            experiment: experiment.clone(),
            epoch,
            arms: arms.to_vec(),
            shares: Shares::new(&vec![1.0; have])?,
            covariates: Vec::new(),
        })
    }

    /// Sets the shares of the arms.
    ///
    /// # Errors
    /// [`AuditError::Length`] unless there is one for each arm.
    pub fn with_shares(mut self, shares: Shares) -> Result<Self> {
        let (found, allowed) = (shares.as_slice().len(), self.arms.len());
        if found != allowed {
            let row = "the design".to_owned();
            return Err(AuditError::Length { what: "shares of arms", row, found, allowed });
        }
        self.shares = shares;
        Ok(self)
    }

    /// Names the covariates that clusters come with.
    ///
    /// # Errors
    /// [`AuditError::Duplicate`] for a name that is there twice; [`AuditError::TooMany`] above 64.
    pub fn with_covariates(mut self, names: &[&str]) -> Result<Self> {
        if names.len() > MAX_COVARIATES {
            let (have, remedy) = (names.len(), "balance what predicts the metric, and only that");
            return Err(AuditError::TooMany { what: "covariates", have, allowed: MAX_COVARIATES, remedy });
        }
        for (at, name) in names.iter().enumerate() {
            if names.iter().take(at).any(|before| before == name) {
                return Err(AuditError::Duplicate { what: "covariate", id: (*name).to_owned() });
            }
        }
        self.covariates = names.iter().map(|&name| name.to_owned()).collect();
        Ok(self)
    }

    /// Checks the clusters, and sorts them by id so that their order means nothing.
    fn sorted<'a>(&self, clusters: &'a [Cluster], most: usize) -> Result<Vec<&'a Cluster>> {
        let have = clusters.len();
        if have < 2 {
            let remedy = "one cluster cannot be compared with anything";
            return Err(AuditError::TooFew { what: "clusters", have, need: 2, remedy });
        }
        if have > most {
            let remedy = "so many need no table: let the engine assign them";
            return Err(AuditError::TooMany { what: "clusters", have, allowed: most, remedy });
        }
        let mut sorted: Vec<&Cluster> = clusters.iter().collect();
        sorted.sort_unstable_by(|a, b| a.id.cmp(&b.id));
        if let Some((cluster, _)) = sorted.iter().zip(sorted.iter().skip(1)).find(|(a, b)| a.id == b.id) {
            return Err(AuditError::Duplicate { what: "cluster", id: cluster.id.to_string() });
        }
        for cluster in &sorted {
            let row = || format!("cluster {}", cluster.id);
            if cluster.covariates.len() != self.covariates.len() {
                let (found, allowed) = (cluster.covariates.len(), self.covariates.len());
                return Err(AuditError::Length { what: "covariates", row: row(), found, allowed });
            }
            let mut cells = self.covariates.iter().zip(&cluster.covariates);
            if let Some((name, &value)) = cells.find(|(_, value)| !value.is_finite()) {
                return Err(AuditError::NotFinite { row: row(), column: name.clone(), value });
            }
        }
        Ok(sorted)
    }
}

impl fmt::Debug for ClusterDesign {
    /// Without the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { draws: _, experiment, epoch, arms, shares, covariates } = self;
        let mut debug = f.debug_struct("ClusterDesign");
        debug.field("experiment", experiment).field("epoch", epoch).field("arms", arms);
        debug.field("shares", shares).field("covariates", covariates).finish_non_exhaustive()
    }
}

/// A cluster of units that get one arm together.
#[derive(Debug, Clone, PartialEq)]
pub struct Cluster {
    id: UnitId,
    stratum: String,
    covariates: Vec<f64>,
}

impl Cluster {
    /// A cluster, in the stratum without a name.
    #[must_use]
    pub const fn new(id: UnitId) -> Self {
        Self { id, stratum: String::new(), covariates: Vec::new() }
    }

    /// Sets the stratum.
    #[must_use]
    pub fn with_stratum(mut self, stratum: impl Into<String>) -> Self {
        self.stratum = stratum.into();
        self
    }

    /// Sets the covariates, one for each name of the design.
    #[must_use]
    pub fn with_covariates(mut self, values: &[f64]) -> Self {
        self.covariates = values.to_vec();
        self
    }

    /// Its id.
    #[must_use]
    pub const fn id(&self) -> &UnitId {
        &self.id
    }
}

/// The square of it is the size of a matrix.
const MAX_COVARIATES: usize = 64;

const MAX_ARMS: usize = 64;

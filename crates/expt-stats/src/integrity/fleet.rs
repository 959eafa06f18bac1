//! Sample-ratio mismatches over many experiments, and where within one the mismatch sits.

use serde::{Deserialize, Serialize};

use crate::error::StatsError;
use crate::level::{Alpha, LnP, Probability};
use crate::multiple::Correction;
use crate::special::{binomial_ln_sf, chi_square_ln_sf};
use crate::srm::{Shares, SrmMethod, SrmResult, SrmVerdict};

/// Judges the sample-ratio tests of all running experiments together.
///
/// Each experiment is blocked by its own test at `alpha` (0.001 is usual: Fabijan et al. 2019), since a false
/// alarm there costs a look and a miss a wrong launch. Over a fleet of a thousand that still means one false
/// alarm at any time; the list worth waking someone for is therefore the one corrected by Benjamini and
/// Hochberg (1995), whose false discovery rate is at most `fdr`. And if more experiments than chance allows
/// are beyond `alpha`, the cause is likely in what they share, such as assignment or logging:
/// [`FleetReport::ln_p_systemic`] is the binomial tail of that count. Assumptions: independent experiments,
/// valid p-values (the sequential ones are conservative, which is fine).
///
/// ```
/// use expt_stats::{Alpha, LnP};
/// use expt_stats::integrity::SrmFleet;
///
/// let fleet: Vec<(String, LnP)> = (1..=500)
///     .map(|i| (format!("experiment {i}"), LnP::from_p(f64::from(i) / 500.0).unwrap()))
///     .chain([("broken".to_owned(), LnP::from_p(1e-7).unwrap())])
///     .collect();
/// let report = SrmFleet::default().run(&fleet);
/// assert_eq!(report.discoveries().map(|one| one.experiment.as_str()).collect::<Vec<_>>(), ["broken"]);
/// assert!(report.ln_p_systemic.p() > 0.01);
/// # Ok::<(), expt_stats::StatsError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SrmFleet {
    alpha: Alpha,
    fdr: Alpha,
}

impl SrmFleet {
    /// Makes a fleet check from the level of each experiment and the false discovery rate of the fleet.
    #[must_use]
    pub const fn new(alpha: Alpha, fdr: Alpha) -> Self {
        Self { alpha, fdr }
    }

    /// Judges the experiments, given by name and p-value; O(m log m), input order kept.
    #[must_use]
    pub fn run(&self, experiments: &[(String, LnP)]) -> FleetReport {
        let ln_p: Vec<LnP> = experiments.iter().map(|(_, ln_p)| *ln_p).collect();
        let adjusted = Correction::BenjaminiHochberg.adjust(&ln_p);
        let judged = experiments.iter().zip(adjusted.ln_p);
        let experiments: Vec<FleetEntry> = judged
            .map(|((name, ln_p), adjusted)| FleetEntry {
                experiment: name.clone(),
                ln_p: *ln_p,
                blocked: ln_p.is_at_most(self.alpha),
                adjusted,
                discovery: adjusted.is_at_most(self.fdr),
            })
            .collect();
        let blocked = experiments.iter().filter(|one| one.blocked).count() as u64;
        let all = experiments.len() as u64;
        let systemic = match blocked.checked_sub(1) {
            Some(fewer) => binomial_ln_sf(fewer, all, Probability::clamped(self.alpha.get())),
            None => 0.0,
        };
        FleetReport { experiments, blocked, ln_p_systemic: LnP::saturating(systemic) }
    }
}

impl Default for SrmFleet {
    /// Level 0.001 each, false discovery rate 0.05.
    fn default() -> Self {
        Self { alpha: Alpha::PER_MILLE, fdr: Alpha::FIVE_PERCENT }
    }
}

/// Holds the judgement of a fleet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FleetReport {
    /// Every experiment, in input order.
    pub experiments: Vec<FleetEntry>,
    /// How many are blocked at the level of a single one.
    pub blocked: u64,
    /// The probability of at least that many if all were healthy.
    pub ln_p_systemic: LnP,
}

impl FleetReport {
    /// Returns the experiments that survive the correction over the fleet.
    pub fn discoveries(&self) -> impl Iterator<Item = &FleetEntry> {
        self.experiments.iter().filter(|one| one.discovery)
    }
}

/// Holds one experiment of a fleet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FleetEntry {
    /// Its name.
    pub experiment: String,
    /// Its p-value.
    pub ln_p: LnP,
    /// Whether no metric of it may be read: the p-value is at most the level of a single experiment.
    pub blocked: bool,
    /// The p-value corrected over the fleet.
    pub adjusted: LnP,
    /// Whether it survives the correction.
    pub discovery: bool,
}

/// Holds the counts of one segment or one period, with the shares that were promised *there*.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SrmCell {
    /// The name of the segment or period.
    pub name: String,
    /// The promised shares, which may change from period to period (ramps, bandit weights).
    pub shares: Shares,
    /// Units per arm.
    pub counts: Vec<u64>,
}

/// Finds the segments or periods that carry a sample-ratio mismatch.
///
/// Each cell is tested by Pearson's chi-square against its own shares, corrected by Holm; all cells together
/// by the sum of their statistics, with the sum of their degrees of freedom, which is the right test of an
/// experiment whose shares changed on the way (the counts of all periods against the last shares would be a
/// mismatch by construction). Count a unit once: in the period of its first exposure. Cells must be disjoint,
/// for periods and segments in turn. A mismatch confined to one browser, app version or hour names its cause;
/// one spread evenly points to assignment or logging itself.
///
/// ```
/// use expt_stats::{Alpha, Shares};
/// use expt_stats::integrity::{SrmCell, localise_srm};
///
/// let cell = |name: &str, counts: [u64; 2]| SrmCell {
///     name: name.to_owned(),
///     shares: Shares::new(&[1.0, 1.0]).unwrap(),
///     counts: counts.to_vec(),
/// };
/// let cells = [cell("web", [5_010, 4_990]), cell("ios", [3_000, 3_020]), cell("android", [4_000, 3_500])];
/// let found = localise_srm(&cells, Alpha::PER_MILLE)?;
/// assert!(found.mismatch && found.healthy_without_culprits);
/// assert_eq!(found.culprits().map(|cell| cell.name.as_str()).collect::<Vec<_>>(), ["android"]);
/// # Ok::<(), expt_stats::StatsError>(())
/// ```
///
/// # Errors
/// [`StatsError::Length`] unless every cell has one count per share; [`StatsError::Overflow`].
pub fn localise_srm(cells: &[SrmCell], alpha: Alpha) -> Result<SrmLocation, StatsError> {
    let results: Vec<SrmResult> =
        cells.iter().map(|cell| cell.shares.chi_square(&cell.counts, alpha)).collect::<Result<_, _>>()?;
    let adjusted = Correction::Holm.adjust(&results.iter().map(|result| result.ln_p).collect::<Vec<_>>());
    let culprit = |adjusted: LnP| adjusted.is_at_most(alpha);
    let ln_p = together(results.iter())?;
    let rest = results.iter().zip(&adjusted.ln_p).filter(|(_, adjusted)| !culprit(**adjusted));
    let rest = together(rest.map(|(result, _)| result))?;
    let judged = cells.iter().zip(&results).zip(&adjusted.ln_p);
    let located = |((cell, result), &adjusted): ((&SrmCell, &SrmResult), &LnP)| LocatedCell {
        name: cell.name.clone(),
        surplus: result.counts.iter().zip(&result.expected).map(|(n, e)| *n as f64 - e).collect(),
        ln_p: result.ln_p,
        adjusted,
        culprit: culprit(adjusted),
    };
    Ok(SrmLocation {
        mismatch: ln_p.is_at_most(alpha),
        ln_p,
        healthy_without_culprits: !rest.is_at_most(alpha),
        cells: judged.map(located).collect(),
    })
}

/// Holds where a mismatch sits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SrmLocation {
    /// Whether all cells together contradict their shares.
    pub mismatch: bool,
    /// The p-value of all cells together.
    pub ln_p: LnP,
    /// Whether the cells that are no culprits agree with their shares together.
    pub healthy_without_culprits: bool,
    /// Every cell, in input order.
    pub cells: Vec<LocatedCell>,
}

impl SrmLocation {
    /// Returns the cells with a mismatch of their own.
    pub fn culprits(&self) -> impl Iterator<Item = &LocatedCell> {
        self.cells.iter().filter(|cell| cell.culprit)
    }
}

/// Holds one cell of a located mismatch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LocatedCell {
    /// Its name.
    pub name: String,
    /// Units per arm beyond what was promised; negative where some are missing.
    pub surplus: Vec<f64>,
    /// Its p-value.
    pub ln_p: LnP,
    /// The p-value corrected over cells.
    pub adjusted: LnP,
    /// Whether the corrected p-value is at most alpha.
    pub culprit: bool,
}

/// Tests several cells together.
fn together<'a>(results: impl Iterator<Item = &'a SrmResult>) -> Result<LnP, StatsError> {
    let (mut sum, mut degrees) = (0.0, 0.0);
    for result in results.filter(|result| result.verdict != SrmVerdict::NoUnits) {
        if result.ln_p == LnP::IMPOSSIBLE {
            return Ok(LnP::IMPOSSIBLE);
        }
        if let SrmMethod::ChiSquare { statistic, df } = result.method {
            sum += statistic;
            degrees += f64::from(df);
        }
    }
    if degrees <= 0.0 {
        return Ok(LnP::ONE);
    }
    Ok(LnP::saturating(chi_square_ln_sf(sum, degrees)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::close;

    fn named(p: &[f64]) -> Vec<(String, LnP)> {
        let one = |(i, p): (usize, &f64)| (format!("e{i}"), LnP::from_p(*p).unwrap());
        p.iter().enumerate().map(one).collect()
    }

    /// Source: scipy 1.18 `binom.sf(2, 100, 0.001)`.
    #[test]
    fn many_mismatches_have_a_common_cause() {
        let mut p = vec![0.5; 97];
        p.extend([1e-4, 5e-4, 9e-4]);
        let report = SrmFleet::default().run(&named(&p));
        assert_eq!(report.blocked, 3);
        close(report.ln_p_systemic.p(), SYSTEMIC, 1e-9);
        assert_eq!(report.discoveries().count(), 3);
        assert_eq!(report.experiments[0].experiment, "e0");
    }

    #[test]
    fn one_per_mille_among_many_is_blocked_but_no_discovery() {
        let mut p = vec![0.5; 999];
        p.push(9e-4);
        let report = SrmFleet::default().run(&named(&p));
        assert_eq!((report.blocked, report.discoveries().count()), (1, 0));
        let none = SrmFleet::default().run(&[]);
        assert_eq!((none.blocked, none.ln_p_systemic), (0, LnP::ONE));
    }

    /// Source: scipy 1.18 `chi2.sf` of the summed statistics.
    #[test]
    fn ramped_shares_are_judged_per_period() {
        let cell = |name: &str, shares: &[f64], counts: &[u64]| SrmCell {
            name: name.to_owned(),
            shares: Shares::new(shares).unwrap(),
            counts: counts.to_vec(),
        };
        let ramp = [cell("1 %", &[99.0, 1.0], &[9_910, 90]), cell("50 %", &[1.0, 1.0], &[50_100, 49_900])];
        let found = localise_srm(&ramp, Alpha::PER_MILLE).unwrap();
        close(found.ln_p.p(), RAMP, 1e-9);
        assert!(!found.mismatch && found.culprits().count() == 0);
        assert!((found.cells[0].surplus[0] - 10.0).abs() < 1e-9);
        let empty = localise_srm(&[cell("none", &[1.0, 1.0], &[0, 0])], Alpha::PER_MILLE).unwrap();
        assert_eq!((empty.ln_p, empty.healthy_without_culprits), (LnP::ONE, true));
        assert!(localise_srm(&[cell("x", &[1.0, 1.0], &[1])], Alpha::PER_MILLE).is_err());
        let impossible = [cell("x", &[1.0, 0.0, 1.0], &[10, 1, 10])];
        assert_eq!(localise_srm(&impossible, Alpha::PER_MILLE).unwrap().ln_p, LnP::IMPOSSIBLE);
    }

    const SYSTEMIC: f64 = 0.00015037636585421164;
    const RAMP: f64 = 0.4940836199078096;
}

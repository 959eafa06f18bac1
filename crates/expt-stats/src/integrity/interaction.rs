//! Do two experiments that run at once change each other's effects?

use serde::{Deserialize, Serialize};

use crate::error::StatsError;
use crate::interval::{Coverage, Interval};
use crate::level::{Alpha, LnP};
use crate::moments::Moments;
use crate::multiple::Correction;
use crate::special::{chi_square_ln_sf, fisher_f_ln_sf, student};

use super::matrix::{Cholesky, dot};

/// Tests whether the effects of two concurrent experiments add up, from the units of every combination of
/// their arms.
///
/// Estimand: for two by two arms the interaction contrast `(m_11 - m_10) - (m_01 - m_00)`: by how much the
/// effect of one experiment differs between the arms of the other. For r by c arms, whether all
/// `(r - 1)(c - 1)` such contrasts are zero. Additivity depends on the scale: two lifts of 10 % that multiply
/// interact on the absolute scale but not on the relative one, so name the scale ([`Scale`]) in the plan.
///
/// Assumptions: both experiments randomise the same units independently, cells have approximately normal
/// means. Variances may differ between cells by default: the Welch-James statistic with the degrees of
/// freedom of Johansen (1980), which for two by two arms is exactly Welch's t test of the contrast.
/// [`Variances::Pooled`] is the classical F test of two-way analysis of variance (type III).
///
/// ```
/// use expt_stats::{Alpha, Moments};
/// use expt_stats::integrity::{InteractionOutcome, InteractionTest};
///
/// // Rows: arms of the first experiment; columns: arms of the second.
/// let cell = |events| Moments::from_counts(events, 10_000);
/// let cells = [vec![cell(1_000)?, cell(1_100)?], vec![cell(1_080)?, cell(1_020)?]];
/// let InteractionOutcome::Tested(found) = InteractionTest::new(Alpha::FIVE_PERCENT).run(&cells)? else {
///     panic!("every cell varies");
/// };
/// let contrast = found.contrast.unwrap();
/// assert!((contrast.estimate + 0.016).abs() < 1e-12);
/// assert!(contrast.interval.is_below(0.0));
/// # Ok::<(), expt_stats::StatsError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct InteractionTest {
    alpha: Alpha,
    scale: Scale,
    variances: Variances,
}

/// Says on which scale effects are expected to add up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Scale {
    /// Differences of means.
    #[default]
    Absolute,
    /// Differences of ln means: lifts multiply. The variance is that of the delta method.
    Relative,
}

/// Says what is assumed about the variances of the cells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Variances {
    /// Each cell has its own.
    #[default]
    PerCell,
    /// All cells share one, on the absolute scale of the values.
    Pooled,
}

impl InteractionTest {
    /// Makes a test of additive effects with a variance for each cell.
    #[must_use]
    pub const fn new(alpha: Alpha) -> Self {
        Self { alpha, scale: Scale::Absolute, variances: Variances::PerCell }
    }

    /// Sets the scale.
    #[must_use]
    pub const fn with_scale(mut self, scale: Scale) -> Self {
        self.scale = scale;
        self
    }

    /// Sets the assumption about variances.
    #[must_use]
    pub const fn with_variances(mut self, variances: Variances) -> Self {
        self.variances = variances;
        self
    }

    /// Runs the test on a table of cells, one row for each arm of the first experiment, control first.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] unless both experiments have 2 to 20 arms; [`StatsError::Length`] for rows
    /// of different length; [`StatsError::TooFew`] below two units in a cell; [`StatsError::OutOfRange`] for
    /// a mean that is not positive on the relative scale.
    pub fn run(&self, cells: &[Vec<Moments>]) -> Result<InteractionOutcome, StatsError> {
        let (rows, columns) = (cells.len(), cells.first().map_or(0, Vec::len));
        let smaller = rows.min(columns);
        if smaller < 2 || rows > MOST_ARMS || columns > MOST_ARMS {
            let (what, allowed) = ("the number of arms of an experiment", "2 to 20, control included");
            let value = if smaller < 2 { smaller } else { rows.max(columns) } as f64;
            return Err(StatsError::OutOfRange { what, value, allowed });
        }
        let mut flat = Vec::with_capacity(rows * columns);
        for row in cells {
            if row.len() != columns {
                let (what, found) = ("a row of cells", row.len());
                return Err(StatsError::Length { what, found, allowed: columns });
            }
            for moments in row {
                flat.push(Cell::of(moments, self.scale)?);
            }
        }
        if self.variances == Variances::Pooled {
            let squares: f64 = flat.iter().map(|cell| (cell.count - 1.0) * cell.spread).sum();
            let pooled = squares / flat.iter().map(|cell| cell.count - 1.0).sum::<f64>();
            flat.iter_mut().for_each(|cell| cell.variance = pooled / cell.count * cell.stretch);
        }
        let largest = flat.iter().fold(0.0, |a: f64, cell| a.max(cell.variance));
        let smallest = flat.iter().fold(f64::INFINITY, |a, cell| a.min(cell.variance));
        if !largest.is_normal() || flat.iter().any(|cell| !cell.value.is_finite()) {
            return Ok(InteractionOutcome::NoVariance);
        }
        if smallest <= 0.0 && (rows, columns) != (2, 2) {
            return Ok(InteractionOutcome::NoVariance);
        }
        Ok(self
            .wald(&flat, rows, columns, largest)
            .map_or(InteractionOutcome::NoVariance, InteractionOutcome::Tested))
    }

    /// Tests all contrasts against the first row and column at once.
    #[allow(clippy::indexing_slicing, reason = "kernel: the table is rectangular, checked by the caller")]
    fn wald(&self, flat: &[Cell], rows: usize, columns: usize, unit: f64) -> Option<Interaction> {
        let at = |i: usize, j: usize| &flat[i * columns + j];
        let pairs: Vec<(usize, usize)> = (1..rows).flat_map(|i| (1..columns).map(move |j| (i, j))).collect();
        let variance = |i: usize, j: usize| at(i, j).variance / unit;
        // Covariance of contrasts (i, j) and (k, l): the cells which both use.
        let covariance = |&(i, j): &(usize, usize), &(k, l): &(usize, usize)| {
            let mut sum = variance(0, 0);
            sum += if i == k { variance(i, 0) } else { 0.0 };
            sum += if j == l { variance(0, j) } else { 0.0 };
            sum + if (i, j) == (k, l) { variance(i, j) } else { 0.0 }
        };
        let contrast =
            |&(i, j): &(usize, usize)| (at(i, j).value - at(i, 0).value) - (at(0, j).value - at(0, 0).value);
        let contrasts: Vec<f64> = pairs.iter().map(|pair| contrast(pair) / unit.sqrt()).collect();
        let matrix: Vec<Vec<f64>> =
            pairs.iter().map(|a| pairs.iter().map(|b| covariance(a, b)).collect()).collect();
        let factor = Cholesky::factor(&matrix).ok()?;
        let white = factor.whiten(&contrasts);
        let statistic = dot(&white, &white);

        // Share of each cell in the estimate, for the degrees of freedom.
        let mut spread = 0.0;
        for i in 0..rows {
            for j in 0..columns {
                let sign = |&(k, l): &(usize, usize)| {
                    let (row, column) = (i == k || i == 0, j == l || j == 0);
                    let value = if (i == 0) == (j == 0) { 1.0 } else { -1.0 };
                    if row && column { value } else { 0.0 }
                };
                let signs: Vec<f64> = pairs.iter().map(sign).collect();
                let part = factor.whiten(&signs);
                let share = variance(i, j) * dot(&part, &part);
                spread += share * share / (at(i, j).count - 1.0);
            }
        }
        let df = pairs.len() as f64;
        let (scaling, df_error) = match self.variances {
            Variances::PerCell => {
                (1.0 + (2.0 * spread - 6.0 * spread / (df + 2.0)) / df, df * (df + 2.0) / (3.0 * spread))
            }
            Variances::Pooled => (1.0, flat.iter().map(|cell| cell.count - 1.0).sum()),
        };
        let f = statistic / (df * scaling);
        let ln_p = LnP::saturating(fisher_f_ln_sf(f.min(f64::MAX), df, df_error).ok()?);
        let ln_p_chi_square = LnP::saturating(chi_square_ln_sf(statistic, df).ok()?);
        let contrast = (pairs.len() == 1).then(|| {
            let estimate = contrast(&(1, 1));
            let standard_error = (covariance(&(1, 1), &(1, 1)) * unit).sqrt();
            let reach = student::upper_quantile(0.5 * self.alpha.get(), df_error) * standard_error;
            let interval = Interval::new(estimate - reach, estimate + reach, self.alpha, Coverage::Fixed);
            Contrast { estimate, standard_error, df: df_error, interval }
        });
        let verdict = ln_p.is_at_most(self.alpha);
        let (df, chi_square) = (pairs.len(), statistic);
        Some(Interaction { interacts: verdict, f, df, df_error, ln_p, chi_square, ln_p_chi_square, contrast })
    }
}

/// Holds what an interaction test yields.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
#[non_exhaustive]
pub enum InteractionOutcome {
    /// The test exists.
    Tested(Interaction),
    /// Nothing varies (two by two), or a cell does not (larger tables): there is no scale to judge by.
    NoVariance,
}

/// Holds an interaction test.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Interaction {
    /// Whether the p-value is at most the test's alpha, before any correction across pairs.
    pub interacts: bool,
    /// The F statistic.
    pub f: f64,
    /// Its numerator's degrees of freedom, `(r - 1)(c - 1)`.
    pub df: usize,
    /// Its denominator's.
    pub df_error: f64,
    /// The p-value of the F statistic.
    pub ln_p: LnP,
    /// The Wald chi-square statistic, for large samples.
    pub chi_square: f64,
    /// Its p-value.
    pub ln_p_chi_square: LnP,
    /// The contrast, for two by two arms.
    pub contrast: Option<Contrast>,
}

/// Holds the interaction contrast of two by two arms.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Contrast {
    /// By how much one effect differs between the arms of the other; a difference of ln lifts on the relative
    /// scale.
    pub estimate: f64,
    /// Its standard error.
    pub standard_error: f64,
    /// Its degrees of freedom.
    pub df: f64,
    /// Its interval.
    pub interval: Interval,
}

/// Holds one pair of experiments after correction across all pairs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ScreenedPair {
    /// The names of both experiments.
    pub pair: (String, String),
    /// The test.
    pub test: Interaction,
    /// The p-value corrected across pairs.
    pub adjusted: LnP,
    /// Whether it is at most alpha.
    pub interacts: bool,
}

/// Screens many pairs of concurrent experiments: corrects their p-values and keeps the order.
///
/// Twenty experiments have 190 pairs, of which nine or ten look like interactions at 0.05. With
/// [`Correction::BenjaminiHochberg`] at most alpha of the reported pairs are false on average, with
/// [`Correction::Holm`] any is with at most that probability. Tests of pairs that share an experiment are
/// dependent; Holm allows for any dependence.
#[must_use]
pub fn screen_interactions(
    pairs: impl IntoIterator<Item = (String, String, Interaction)>,
    correction: Correction,
    alpha: Alpha,
) -> Vec<ScreenedPair> {
    let pairs: Vec<(String, String, Interaction)> = pairs.into_iter().collect();
    let ln_p: Vec<LnP> = pairs.iter().map(|(_, _, test)| test.ln_p).collect();
    let adjusted = correction.adjust(&ln_p);
    let screened = |((first, second, test), adjusted): ((String, String, Interaction), LnP)| ScreenedPair {
        pair: (first, second),
        test,
        adjusted,
        interacts: adjusted.is_at_most(alpha),
    };
    pairs.into_iter().zip(adjusted.ln_p).map(screened).collect()
}

/// A cell on the scale of the test.
struct Cell {
    count: f64,
    value: f64,
    /// Variance of `value`.
    variance: f64,
    /// Sample variance of the units.
    spread: f64,
    /// From the variance of the mean to that of `value`.
    stretch: f64,
}

impl Cell {
    fn of(moments: &Moments, scale: Scale) -> Result<Self, StatsError> {
        let (Some(mean), Some(spread)) = (moments.mean(), moments.variance()) else {
            return Err(StatsError::TooFew { what: "a cell", have: moments.count(), need: 2 });
        };
        let count = moments.count() as f64;
        let (value, stretch) = match scale {
            Scale::Absolute => (mean, 1.0),
            Scale::Relative if mean > 0.0 => (mean.ln(), 1.0 / (mean * mean)),
            Scale::Relative => {
                let (what, allowed) = ("the mean of a cell on the relative scale", "greater than zero");
                return Err(StatsError::OutOfRange { what, value: mean, allowed });
            }
        };
        Ok(Self { count, value, variance: spread / count * stretch, spread, stretch })
    }
}

/// The time grows with the sixth power; twenty arms each make 361 contrasts.
const MOST_ARMS: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::close;

    fn cell(count: u64, mean: f64, variance: f64) -> Moments {
        Moments::from_summary(count, mean, variance).unwrap()
    }

    fn tested(test: InteractionTest, cells: &[Vec<Moments>]) -> Interaction {
        match test.run(cells).unwrap() {
            InteractionOutcome::Tested(found) => found,
            InteractionOutcome::NoVariance => panic!("no variance"),
        }
    }

    /// Source: statsmodels 0.14 or later, OLS with both factors and their product: `anova_lm(typ=3)` for the
    /// pooled F, `wald_test` with HC2 covariance (in cells: `s^2 / n`) for chi-square; Welch's contrast with
    /// scipy 1.18.
    #[test]
    fn agrees_with_statsmodels() {
        let two =
            [vec![cell(30, 1.0, 1.0), cell(45, 1.6, 2.0)], vec![cell(25, 1.4, 0.5), cell(60, 1.1, 3.0)]];
        let test = InteractionTest::new(Alpha::FIVE_PERCENT);
        let pooled = tested(test.with_variances(Variances::Pooled), &two);
        close(pooled.f, 3.6796738497379016, 1e-9);
        close(pooled.ln_p.p(), 0.05690623411120196, 1e-9);
        let own = tested(test, &two);
        close(own.chi_square, 5.481203007518812, 1e-9);
        close(own.ln_p_chi_square.p(), 0.019222025736867154, 1e-9);
        let contrast = own.contrast.unwrap();
        close(contrast.estimate, -0.9, 1e-12);
        close(contrast.df, 153.52348991276924, 1e-11);
        close(own.ln_p.p(), 0.020507549088431085, 1e-10);
        close(contrast.interval.upper.unwrap(), -0.14056667681110502, 1e-10);

        let six = [
            vec![cell(30, 1.0, 1.0), cell(45, 1.6, 2.0), cell(20, 1.2, 1.5)],
            vec![cell(25, 1.4, 0.5), cell(60, 1.1, 3.0), cell(35, 2.0, 1.0)],
        ];
        let pooled = tested(test.with_variances(Variances::Pooled), &six);
        close(pooled.f, 4.709597106284471, 1e-9);
        close(pooled.ln_p.p(), 0.009986153508611807, 1e-9);
        let own = tested(test, &six);
        close(own.chi_square, 9.29760062422784, 1e-9);
        close(own.ln_p_chi_square.p(), 0.009573079752076203, 1e-9);
    }

    #[test]
    fn scales_differ_where_lifts_multiply() {
        let cells = [
            vec![cell(10_000, 1.0, 1.0), cell(10_000, 1.5, 1.0)],
            vec![cell(10_000, 1.4, 1.0), cell(10_000, 2.1, 1.0)],
        ];
        let test = InteractionTest::new(Alpha::FIVE_PERCENT);
        assert!(tested(test, &cells).interacts);
        let relative = tested(test.with_scale(Scale::Relative), &cells);
        assert!(!relative.interacts && relative.contrast.unwrap().estimate.abs() < 1e-12);
    }

    #[test]
    fn the_order_of_experiments_and_arms_does_not_matter() {
        let test = InteractionTest::new(Alpha::FIVE_PERCENT);
        let cells: Vec<Vec<Moments>> = (0..3)
            .map(|i| {
                (0..4)
                    .map(|j| cell(50 + 9 * i + j, ((i * 5 + j * 3) % 7) as f64, 1.0 + i as f64 + j as f64))
                    .collect()
            })
            .collect();
        let turned: Vec<Vec<Moments>> = (0..4).map(|j| (0..3).map(|i| cells[2 - i][j]).collect()).collect();
        let (a, b) = (tested(test, &cells), tested(test, &turned));
        close(a.f, b.f, 1e-11);
        close(a.df_error, b.df_error, 1e-11);
        close(a.ln_p.get(), b.ln_p.get(), 1e-10);
    }

    #[test]
    fn pairs_are_corrected_together() {
        let test = InteractionTest::new(Alpha::FIVE_PERCENT);
        let pair = |shift: f64| {
            let cells = [
                vec![cell(500, 0.0, 1.0), cell(500, 0.0, 1.0)],
                vec![cell(500, 0.0, 1.0), cell(500, shift, 1.0)],
            ];
            tested(test, &cells)
        };
        let pairs = [("a", "b", 0.19), ("a", "c", 0.0), ("b", "c", 0.5)];
        let pairs = pairs.map(|(x, y, shift)| (x.to_owned(), y.to_owned(), pair(shift)));
        assert!(pairs[0].2.interacts);
        let screened = screen_interactions(pairs, Correction::Holm, Alpha::FIVE_PERCENT);
        let flags: Vec<bool> = screened.iter().map(|pair| pair.interacts).collect();
        assert_eq!(flags, [false, false, true]);
    }

    #[test]
    fn edges() {
        let test = InteractionTest::new(Alpha::FIVE_PERCENT);
        let flat = || vec![cell(5, 1.0, 0.0), cell(5, 1.0, 0.0)];
        assert_eq!(test.run(&[flat(), flat()]).unwrap(), InteractionOutcome::NoVariance);
        assert!(test.run(&[]).is_err() && test.run(&[flat()]).is_err());
        assert!(test.run(&[flat(), vec![cell(5, 1.0, 1.0)]]).is_err());
        assert!(test.run(&[flat(), vec![cell(5, 1.0, 1.0), Moments::default()]]).is_err());
        assert!(test.with_scale(Scale::Relative).run(&[flat(), vec![cell(5, -1.0, 1.0); 2]]).is_err());
        let wild = [1e300, -1e300, 5e-324, 0.0].map(|mean| cell(2, mean, 1e300));
        let _ = test.run(&[wild[..2].to_vec(), wild[2..].to_vec()]).unwrap();
    }
}

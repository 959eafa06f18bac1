//! One contingency table.

use expt_stats::{LnP, special::chi_square_ln_sf};
use serde::{Deserialize, Serialize};

use crate::audit::error::Result;

/// Whether two things go together, as far as can be said.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Association {
    /// The test.
    Tested(AssociationTest),
    /// Too few units, or a single row or column: nothing can be said.
    TooFew {
        /// The smallest number of units that a cell expects; 0 without a second row or column.
        expected: f64,
    },
}

/// A chi-square test of independence.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AssociationTest {
    /// Pearson's statistic.
    pub statistic: f64,
    /// Its degrees of freedom.
    pub df: u32,
    /// The p-value of independence.
    pub ln_p: LnP,
    /// The p-value, adjusted for all tests of the report.
    pub adjusted: LnP,
    /// Cramér's V, 0 to 1.
    pub cramers_v: f64,
    /// Cramér's V without its bias, 0 to 1: about 0 if nothing goes together, however small the table.
    pub corrected_v: f64,
}

impl Association {
    /// The test, if there is one.
    #[must_use]
    pub const fn tested(&self) -> Option<&AssociationTest> {
        match self {
            Self::Tested(test) => Some(test),
            Self::TooFew { .. } => None,
        }
    }

    /// Tests a table given by rows. Empty rows and columns are left out.
    pub(super) fn of(table: &[Vec<u64>]) -> Result<Self> {
        let columns = table.first().map_or(0, Vec::len);
        let column = |at: usize| table.iter().filter_map(|row| row.get(at)).sum::<u64>() as f64;
        let down: Vec<f64> = (0..columns).map(column).collect();
        let across: Vec<f64> = table.iter().map(|row| row.iter().sum::<u64>() as f64).collect();
        let total: f64 = down.iter().sum();
        let some = |sums: &[f64]| sums.iter().filter(|sum| **sum > 0.0).count();
        let (rows, columns) = (some(&across), some(&down));
        if rows < 2 || columns < 2 {
            return Ok(Self::TooFew { expected: 0.0 });
        }
        let (mut statistic, mut least, mut small) = (0.0, f64::MAX, 0);
        for (row, across) in table.iter().zip(&across).filter(|(_, sum)| **sum > 0.0) {
            for (count, down) in row.iter().zip(&down).filter(|(_, sum)| **sum > 0.0) {
                let expected = across / total * down;
                statistic += (*count as f64 - expected).powi(2) / expected;
                least = expected.min(least);
                small += usize::from(expected < 5.0);
            }
        }
        if least < 1.0 || 5 * small > rows * columns {
            return Ok(Self::TooFew { expected: least });
        }
        let df = ((rows - 1) * (columns - 1)) as f64;
        let ln_p = LnP::new(chi_square_ln_sf(statistic, df)?)?;
        let (cramers_v, corrected_v) = sizes(statistic, total, rows as f64, columns as f64);
        Ok(Self::Tested(AssociationTest {
            statistic,
            df: df as u32,
            ln_p,
            adjusted: ln_p,
            cramers_v,
            corrected_v,
        }))
    }
}

fn sizes(statistic: f64, total: f64, rows: f64, columns: f64) -> (f64, f64) {
    let square = statistic / total;
    let plain = (square / (rows.min(columns) - 1.0)).sqrt().min(1.0);
    let bias = (rows - 1.0) * (columns - 1.0) / (total - 1.0);
    let shrunk = |size: f64| size - (size - 1.0).powi(2) / (total - 1.0);
    let room = shrunk(rows).min(shrunk(columns)) - 1.0;
    let corrected = if room > 0.0 { ((square - bias).max(0.0) / room).sqrt().min(1.0) } else { 0.0 };
    (plain, corrected)
}

//! The betting confidence sequence: all means that the bets have not ruined.

use serde::{Deserialize, Serialize};

use super::betting::{BettingOptions, Bettor, combine};
use super::level_interval::LevelInterval;
use super::support::Support;
use crate::error::StatsError;
use crate::level::Alpha;

/// Encloses the mean of bounded values by betting against every candidate of a grid at once (Waudby-Smith and
/// Ramdas 2024): usually the narrowest exact sequence for bounded data.
///
/// The interval holds the candidates whose hedged capital is at most `1/alpha`, widened by one cell of the grid on each
/// side so that it covers between the candidates too. If all candidates are ruined it is the whole support. Adding costs
/// a multiplication a candidate; the state is O(grid).
///
/// ```
/// use expt_stats::Alpha;
/// use expt_stats::sequential::{HedgedSequence, Support};
///
/// let mut sequence = HedgedSequence::new(Alpha::FIVE_PERCENT, Support::UNIT, 200)?;
/// for i in 0..500 {
///     sequence.add(0.2 + 0.1 * f64::from(i % 2))?;
/// }
/// let interval = sequence.interval();
/// assert!(interval.contains(0.25) && !interval.contains(0.3));
/// # Ok::<(), expt_stats::StatsError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HedgedSequence {
    alpha: Alpha,
    support: Support,
    options: BettingOptions,
    bettor: Bettor,
    capitals: Vec<Capital>,
}

/// The capital of both sides at one candidate: a product, and the log of what was taken out of it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Capital {
    up: (f64, f64),
    down: (f64, f64),
}

impl HedgedSequence {
    /// Makes a sequence over `cells + 1` candidates, with the usual bets.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] for fewer than 2 cells or more than a million.
    pub fn new(alpha: Alpha, support: Support, cells: u32) -> Result<Self, StatsError> {
        Self::with_options(alpha, support, cells, BettingOptions::new(alpha))
    }

    /// Makes a sequence with other bets; the combination is always the maximum, so that the result is an interval.
    ///
    /// # Errors
    /// As [`HedgedSequence::new`], and for bad options.
    pub fn with_options(
        alpha: Alpha,
        support: Support,
        cells: u32,
        options: BettingOptions,
    ) -> Result<Self, StatsError> {
        if !(2..=MAX_CELLS).contains(&cells) {
            let (value, allowed) = (f64::from(cells), "between 2 and 1,000,000");
            return Err(StatsError::OutOfRange { what: "the number of cells", value, allowed });
        }
        let options = options.with_combination(super::BetCombination::Maximum).check()?;
        let fresh = Capital { up: (1.0, 0.0), down: (1.0, 0.0) };
        let capitals = vec![fresh; cells as usize + 1];
        Ok(Self { alpha, support, options, bettor: Bettor::default(), capitals })
    }

    /// Adds a value.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] or [`StatsError::NotFinite`] outside the support; nothing is changed then.
    pub fn add(&mut self, value: f64) -> Result<(), StatsError> {
        let x = self.support.to_unit(value)?;
        let bets = self.bettor.next(self.options, x);
        let cells = self.cells();
        let mut index = 0.0;
        for capital in &mut self.capitals {
            let (up, down) = bets.payoffs(self.options, x, index / cells);
            grow(&mut capital.up, up);
            grow(&mut capital.down, down);
            index += 1.0;
        }
        Ok(())
    }

    /// Returns the interval now: the whole support before the first value.
    #[must_use]
    pub fn interval(&self) -> LevelInterval {
        let cells = self.cells();
        let limit = -self.alpha.get().ln();
        let alive = |capital: &Capital| {
            let ln = |(product, taken): (f64, f64)| product.ln() + taken;
            combine(self.options, ln(capital.up), ln(capital.down)) <= limit
        };
        let first = self.capitals.iter().position(alive);
        let last = self.capitals.iter().rposition(alive);
        let (low, high) = match (first, last) {
            (Some(first), Some(last)) => ((first as f64 - 1.0) / cells, (last as f64 + 1.0) / cells),
            _ => (0.0, 1.0),
        };
        LevelInterval::on(self.support, low, high, self.alpha)
    }

    /// Returns how many values were added.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.bettor.count
    }

    fn cells(&self) -> f64 {
        (self.capitals.len().max(2) - 1) as f64
    }
}

/// Multiplies a capital, moving it to the logarithm before it leaves the range of `f64`.
fn grow((product, taken): &mut (f64, f64), factor: f64) {
    *product *= factor;
    if *product > LARGE || (*product < 1.0 / LARGE && *product > 0.0) {
        *taken += product.ln();
        *product = 1.0;
    }
}

const MAX_CELLS: u32 = 1_000_000;
const LARGE: f64 = 1e100;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::close;

    /// Source: confseq 0.0.11 `betting.hedged_cs`, 1,000 breaks, without the running intersection.
    #[test]
    fn agrees_with_confseq() {
        let mut sequence = HedgedSequence::new(Alpha::FIVE_PERCENT, Support::UNIT, 1000).unwrap();
        let mut bounds = Vec::new();
        for x in [0.228084, 0.168535, 0.429534, 0.416603, 0.062471] {
            sequence.add(x).unwrap();
            bounds.push((sequence.interval().lower().unwrap(), sequence.interval().upper().unwrap()));
        }
        close(bounds[0].1, 1.0, 0.0);
        close(bounds[2].1, 0.878, 1e-9);
        close(bounds[4].0, 0.005, 1e-9);
        close(bounds[4].1, 0.772, 1e-9);
    }

    #[test]
    fn long_runs_neither_over_nor_underflow() {
        let mut sequence =
            HedgedSequence::new(Alpha::FIVE_PERCENT, Support::new(-1.0, 1.0).unwrap(), 100).unwrap();
        for i in 0..20_000 {
            sequence.add(if i % 5 == 0 { 1.0 } else { -1.0 }).unwrap();
        }
        let interval = sequence.interval();
        assert!(interval.contains(-0.6) && !interval.contains(-0.5) && !interval.contains(-0.7));
        assert!(HedgedSequence::new(Alpha::FIVE_PERCENT, Support::UNIT, 1).is_err());
        assert!(HedgedSequence::new(Alpha::FIVE_PERCENT, Support::UNIT, u32::MAX).is_err());
        let json = serde_json::to_string(&sequence).unwrap();
        assert_eq!(serde_json::from_str::<HedgedSequence>(&json).unwrap(), sequence);
    }
}

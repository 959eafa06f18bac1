//! From counts to chi-square statistics, and from those to a share.

use super::bits::{BITS, BLOCK, BUCKETS, Buckets, Plane, Source, TopBits, WORDS, split};
use super::count::{Joint, SETS, five, pair};
use crate::numbers::chi_square_quantile;
use expt::stats::StatsError;

/// Which tables a cell counts.
pub(super) struct Tables {
    pub(super) ids: usize,
    pub(super) columns: usize,
    /// Two columns, and the family of tables that they belong to.
    pub(super) pairs: Vec<([u16; 2], usize)>,
    pub(super) fives: Vec<[u16; 5]>,
    pub(super) families: usize,
}

/// The values that one table in a hundred exceeds.
pub(super) struct Bounds {
    pair: f64,
    five: f64,
    column: f64,
}

impl Bounds {
    pub(super) fn new() -> Result<Self, StatsError> {
        let bound = |df: usize| chi_square_quantile(df as f64, 0.01);
        let free = BUCKETS - 1;
        Ok(Self { pair: bound(free * free)?, five: bound(31)?, column: bound(free)? })
    }
}

impl Tables {
    /// Columns of a tile of pairs: two tiles fit the second cache of a core.
    const TILE: u16 = 48;

    /// The order in which the caches like it; the sums do not depend on it.
    pub(super) fn sorted(mut self) -> Self {
        self.pairs.sort_by_key(|([one, other], _)| (one / Self::TILE, other / Self::TILE, *one, *other));
        self.fives.sort_unstable();
        self
    }

    /// The shares of tables with p < 0.01: of each family of pairs, of the fives, of the single columns.
    pub(super) fn shares(&self, source: &mut impl Source, bounds: &Bounds) -> Vec<f64> {
        let mut buckets: Vec<Buckets> = vec![[[0; WORDS]; BUCKETS - 1]; self.columns];
        let mut halves: Vec<Plane> = vec![[0; WORDS]; self.columns];
        let mut totals = vec![[0; BUCKETS]; self.columns];
        let mut joints: Vec<Joint> = vec![[[0; BUCKETS - 1]; BUCKETS - 1]; self.pairs.len()];
        let mut odds = vec![[0; SETS]; self.fives.len()];
        let mut bits: TopBits = [[0; WORDS]; BITS];
        for first in (0..self.ids).step_by(BLOCK) {
            let ids = BLOCK.min(self.ids - first);
            for column in 0..self.columns {
                source.top_bits(column, first, ids, &mut bits);
                split(&bits, ids, &mut buckets[column], &mut totals[column]);
                // The upper half is the complement of the lower four buckets, without what lies beyond.
                halves[column] = lower_half(&buckets[column]);
            }
            for (([one, other], _), joint) in self.pairs.iter().zip(&mut joints) {
                pair(&buckets[usize::from(*one)], &buckets[usize::from(*other)], joint);
            }
            for (columns, odd) in self.fives.iter().zip(&mut odds) {
                five(columns.map(|column| &halves[usize::from(column)]), odd);
            }
        }
        self.rejected(&totals, &joints, &odds, bounds)
    }

    fn rejected(
        &self,
        totals: &[[u64; BUCKETS]],
        joints: &[Joint],
        odds: &[[u32; SETS]],
        bounds: &Bounds,
    ) -> Vec<f64> {
        let mut families = vec![(0, 0); self.families];
        for (([one, other], family), joint) in self.pairs.iter().zip(joints) {
            let statistic = independence(joint, &totals[usize::from(*one)], &totals[usize::from(*other)]);
            let (rejected, tables) = &mut families[*family];
            *rejected += usize::from(statistic > bounds.pair);
            *tables += 1;
        }
        let fives = self.fives.iter().zip(odds);
        let fives = fives.filter(|(columns, odd)| {
            let singles =
                columns.map(|column| totals[usize::from(column)][..BUCKETS / 2].iter().sum::<u64>());
            all_cells_alike(&singles, odd, self.ids) > bounds.five
        });
        let columns = totals.iter().filter(|totals| uniformity(totals) > bounds.column);
        let last = [(fives.count(), self.fives.len()), (columns.count(), self.columns)];
        families.into_iter().chain(last).map(|(rejected, tables)| rejected as f64 / tables as f64).collect()
    }
}

fn lower_half(buckets: &Buckets) -> Plane {
    let mut half = [0; WORDS];
    for plane in &buckets[..BUCKETS / 2] {
        for (word, found) in half.iter_mut().zip(plane) {
            *word |= found;
        }
    }
    half
}

/// Pearson's statistic of independence, margins estimated: 49 degrees of freedom.
fn independence(joint: &Joint, rows: &[u64; BUCKETS], columns: &[u64; BUCKETS]) -> f64 {
    let total = rows.iter().sum::<u64>() as f64;
    let mut column_rest = columns.map(|count| count as f64);
    let mut statistic = 0.0;
    let mut add = |found: f64, row: u64, column: u64| {
        let expected = row as f64 * column as f64 / total;
        statistic += (found - expected).powi(2) / expected;
    };
    for (joint, row) in joint.iter().zip(rows) {
        let mut row_rest = *row as f64;
        for ((found, column), rest) in joint.iter().zip(columns).zip(&mut column_rest) {
            let found = f64::from(*found);
            row_rest -= found;
            *rest -= found;
            add(found, *row, *column);
        }
        column_rest[BUCKETS - 1] -= row_rest;
        add(row_rest, *row, columns[BUCKETS - 1]);
    }
    for (found, column) in column_rest.into_iter().zip(columns) {
        add(found, rows[BUCKETS - 1], *column);
    }
    statistic
}

/// Pearson's statistic of all 32 cells being equally likely, 31 degrees of freedom, by the identity of
/// Parseval: the sum over the cells equals a sum over the 31 sets of columns.
fn all_cells_alike(singles: &[u64; 5], odd: &[u32; SETS], ids: usize) -> f64 {
    let total = ids as f64;
    let square = |odd: f64| (total - 2.0 * odd).powi(2) / total;
    let singles: f64 = singles.iter().map(|count| square(*count as f64)).sum();
    singles + odd.iter().map(|count| square(f64::from(*count))).sum::<f64>()
}

/// Pearson's statistic of all buckets being equally likely, 7 degrees of freedom.
fn uniformity(totals: &[u64; BUCKETS]) -> f64 {
    let expected = totals.iter().sum::<u64>() as f64 / BUCKETS as f64;
    totals.iter().map(|count| (*count as f64 - expected).powi(2) / expected).sum()
}

#[cfg(test)]
mod tests {
    use super::super::bits::gather;
    use super::*;

    struct Fixed(Vec<Vec<u64>>);

    impl Source for Fixed {
        fn top_bits(&mut self, column: usize, first: usize, ids: usize, bits: &mut TopBits) {
            gather(self.0[column][first..first + ids].iter().copied(), bits);
        }
    }

    fn close(one: f64, other: f64) {
        assert!((one - other).abs() < 1e-9 * other.max(1.0), "{one} is not {other}");
    }

    /// Statistics from bitmaps equal statistics from counting one id after the other.
    #[test]
    fn agrees_with_plain_counting() {
        let ids = 2 * BLOCK + 100;
        let mut state = 1_u64;
        let mut places = |skew: u64| -> Vec<u64> {
            let mut next = || {
                state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
                state ^ state >> 31
            };
            (0..ids).map(|_| if skew > 0 && next() % skew == 0 { next() / 5 } else { next() }).collect()
        };
        let columns: Vec<Vec<u64>> = [0, 3, 0, 5, 0].map(&mut places).into();
        let bucket = |column: usize, id: usize| (columns[column][id] >> 61) as usize;
        let (mut table, mut rows, mut both) = ([[0_u64; 8]; 8], [0_u64; 8], [0_u64; 8]);
        let mut cells = [0_u64; 32];
        for id in 0..ids {
            table[bucket(1, id)][bucket(3, id)] += 1;
            rows[bucket(1, id)] += 1;
            both[bucket(3, id)] += 1;
            cells[(0..5).fold(0, |cell, column| cell * 2 + usize::from(bucket(column, id) >= 4))] += 1;
        }
        let mut by_hand = 0.0;
        for (row, found) in rows.iter().zip(&table) {
            for (column, found) in both.iter().zip(found) {
                let expected = *row as f64 * *column as f64 / ids as f64;
                by_hand += (*found as f64 - expected).powi(2) / expected;
            }
        }
        let expected = ids as f64 / 32.0;
        let five_by_hand: f64 = cells.iter().map(|found| (*found as f64 - expected).powi(2) / expected).sum();

        let tables =
            Tables { ids, columns: 5, pairs: vec![([1, 3], 0)], fives: vec![[0, 1, 2, 3, 4]], families: 1 };
        let mut source = Fixed(columns.clone());
        for (by_hand, choose) in [(by_hand, 0), (five_by_hand, 1)] {
            for (bound, share) in [(by_hand * (1.0 - 1e-9), 1.0), (by_hand * (1.0 + 1e-9), 0.0)] {
                let bounds = Bounds { pair: bound, five: bound, column: 0.0 };
                close(tables.shares(&mut source, &bounds)[choose], share);
            }
        }
    }
}

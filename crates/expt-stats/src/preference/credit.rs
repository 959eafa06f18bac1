//! From the outcomes of one interleaved list to a credit difference.

use serde::{Deserialize, Serialize};

use crate::adaptive::Propensity;
use crate::error::{StatsError, finite};

/// Names one of the two rankings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// The first ranking.
    A,
    /// The second ranking.
    B,
}

/// Holds a shown item with its outcome and its team.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct OwnedItem {
    /// The outcome: 1 for a click, or a weight such as revenue; 0 for nothing.
    pub outcome: f64,
    /// The team that the item was credited to, `None` for pinned or ignored items.
    pub owner: Option<Side>,
    /// The probability, given the list that was shown, that the item would be credited to that team: 1 where only one
    /// team could have placed it, and 1/2 for an item of both under a fair coin.
    pub propensity: Propensity,
}

/// Credits weighted outcomes to teams and returns A minus B, free of the bias of the assignment.
///
/// Each outcome counts `+` or `-` its value divided by the probability of its owner given the list (Horvitz and Thompson
/// 1952). Items that both teams could own then cancel on average, whatever the coin; under a fair coin that is so without
/// weights, but not when the draft favours a side or one list ran short. With all propensities 1 it is the plain credit
/// of team draft (Radlinski, Kurup and Joachims 2008). What it does *not* repair is team draft's blindness: it may see a tie where
/// one ranking is better (both place the only relevant item at the end of a round); [`RankCredit`] sees it.
///
/// # Errors
/// [`StatsError::NotFinite`].
///
/// ```
/// use expt_stats::adaptive::Propensity;
/// use expt_stats::preference::{OwnedItem, Side, team_credit};
///
/// let item = |outcome, owner, p| Ok::<_, expt_stats::StatsError>(OwnedItem { outcome, owner: Some(owner), propensity: Propensity::new(p)? });
/// let list = [item(1.0, Side::A, 1.0)?, item(0.0, Side::B, 1.0)?, item(1.0, Side::B, 0.5)?];
/// assert_eq!(team_credit(&list)?, -1.0);
/// # Ok::<(), expt_stats::StatsError>(())
/// ```
pub fn team_credit(items: &[OwnedItem]) -> Result<f64, StatsError> {
    let mut sum = 0.0;
    for item in items {
        let credit = finite("an outcome", item.outcome)? / item.propensity.get();
        sum += match item.owner {
            Some(Side::A) => credit,
            Some(Side::B) => -credit,
            None => 0.0,
        };
    }
    finite("the credit", sum)
}

/// Credits outcomes by rank, unbiased for the difference of the two rankings' values: the debiased credit.
///
/// Estimand: the expected sum of outcomes of the first ranks if A were shown, minus the same for B, where the outcome at a
/// rank depends on the item and the rank only (position-based examination). A rank's outcome counts for a ranking if it
/// shows the item which that ranking has there, divided by the probability that the merge shows it there: inverse
/// propensity weighting with the exact probabilities of the merge, as in debiased balanced interleaving ("Debiased Balanced
/// Interleaving at Amazon Search", CIKM 2022). Ranks at which both rankings agree cancel. If the merge can *never* show a
/// ranking's item at its rank, no credit is unbiased and the lists are refused; plain team draft, for one, never shows the
/// second item of B = bca at rank 2 beside A = abc. A mixture that sometimes shows A or B unmerged always can.
///
/// ```
/// use expt_stats::preference::RankCredit;
///
/// // Each rank shows A's or B's item with probability 1/2.
/// let credit = RankCredit::new(&[0.5, 0.5], &[0.5, 0.5])?;
/// assert_eq!(credit.difference(&[1.0, 1.0], &[true, false], &[false, true])?, 0.0);
/// assert_eq!(credit.difference(&[1.0, 0.0], &[true, false], &[false, true])?, 2.0);
/// assert!(RankCredit::new(&[0.5, 0.5], &[0.5, 0.0]).is_err());
/// # Ok::<(), expt_stats::StatsError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct RankCredit {
    a: Vec<Propensity>,
    b: Vec<Propensity>,
}

impl RankCredit {
    /// Takes, for each rank, the probability that the merge shows there the item of A, and that of B.
    ///
    /// # Errors
    /// [`StatsError::Length`] if the lists differ in length; [`StatsError::OutOfRange`] if a probability is not above 0 and
    /// at most 1.
    pub fn new(a: &[f64], b: &[f64]) -> Result<Self, StatsError> {
        if a.len() != b.len() {
            return Err(StatsError::Length { what: "the second list", found: b.len(), allowed: a.len() });
        }
        let propensities = |list: &[f64]| list.iter().map(|p| Propensity::new(*p)).collect::<Result<_, _>>();
        Ok(Self { a: propensities(a)?, b: propensities(b)? })
    }

    /// Returns the credit of A minus that of B: per rank the outcome, and whether it showed the item of A and of B.
    ///
    /// # Errors
    /// [`StatsError::Length`] unless there is one entry a rank, [`StatsError::NotFinite`].
    pub fn difference(
        &self,
        outcomes: &[f64],
        shows_a: &[bool],
        shows_b: &[bool],
    ) -> Result<f64, StatsError> {
        for (what, found) in [
            ("the list of outcomes", outcomes.len()),
            ("the list of A's places", shows_a.len()),
            ("the list of B's places", shows_b.len()),
        ] {
            if found != self.a.len() {
                return Err(StatsError::Length { what, found, allowed: self.a.len() });
            }
        }
        let mut sum = 0.0;
        let propensities = self.a.iter().zip(&self.b);
        for (((outcome, is_a), is_b), (p_a, p_b)) in
            outcomes.iter().zip(shows_a).zip(shows_b).zip(propensities)
        {
            let outcome = finite("an outcome", *outcome)?;
            let part = |shown: bool, p: Propensity| if shown { outcome / p.get() } else { 0.0 };
            sum += part(*is_a, *p_a) - part(*is_b, *p_b);
        }
        finite("the credit", sum)
    }
}

/// The serialised form.
#[derive(Serialize, Deserialize)]
struct Stored {
    a: Vec<Propensity>,
    b: Vec<Propensity>,
}

impl From<RankCredit> for Stored {
    fn from(credit: RankCredit) -> Self {
        Self { a: credit.a, b: credit.b }
    }
}

impl TryFrom<Stored> for RankCredit {
    type Error = StatsError;

    fn try_from(stored: Stored) -> Result<Self, StatsError> {
        if stored.a.len() != stored.b.len() {
            let (what, found, allowed) = ("the second list", stored.b.len(), stored.a.len());
            return Err(StatsError::Length { what, found, allowed });
        }
        Ok(Self { a: stored.a, b: stored.b })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::testing::close;

    /// A merged list: items with owners.
    type Merged = Vec<(char, Side)>;

    /// Enumerates team draft: at every position the team with fewer picks, ties by a coin that shows A with `coin`.
    fn team_draft(a: &[char], b: &[char], length: usize, coin: f64) -> Vec<(Merged, f64)> {
        let mut open = vec![(Merged::new(), 1.0)];
        let mut done = Vec::new();
        while let Some((list, p)) = open.pop() {
            let picks = |side: Side| list.iter().filter(|(_, owner)| *owner == side).count();
            let next = |ranking: &[char]| {
                ranking.iter().copied().find(|item| list.iter().all(|(seen, _)| seen != item))
            };
            let (of_a, of_b) = (next(a), next(b));
            if list.len() == length || (of_a.is_none() && of_b.is_none()) {
                done.push((list, p));
                continue;
            }
            let mut push = |item: Option<char>, side: Side, share: f64| {
                if let Some(item) = item
                    && share > 0.0
                {
                    let mut longer = list.clone();
                    longer.push((item, side));
                    open.push((longer, p * share));
                }
            };
            let (n_a, n_b) = (picks(Side::A), picks(Side::B));
            let share = match (of_a, of_b) {
                (None, _) => 0.0,
                (_, None) => 1.0,
                _ if n_a < n_b => 1.0,
                _ if n_a > n_b => 0.0,
                _ => coin,
            };
            push(of_a, Side::A, share);
            push(of_b, Side::B, 1.0 - share);
        }
        done
    }

    /// Expected outcome of an item at a rank (from 0).
    fn outcome(item: char, rank: usize) -> f64 {
        let attraction = f64::from(u32::from(item) - u32::from('a') + 1) / 10.0;
        attraction / (rank + 1) as f64
    }

    /// The debiased credit by exact enumeration of a mixture: both rankings alone a tenth of the time, else team draft.
    #[test]
    fn credit_by_rank_is_unbiased_over_all_merges() {
        for (a, b) in [("abcd", "bcda"), ("abcd", "abdc"), ("abcd", "dcba"), ("abcd", "efgh")] {
            let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
            let alone = |list: &[char]| list.iter().map(|item| (*item, Side::A)).collect::<Merged>();
            let mut merges: Vec<(Merged, f64)> =
                team_draft(&a, &b, 4, 0.5).into_iter().map(|(list, p)| (list, 0.8 * p)).collect();
            merges.push((alone(&a), 0.1));
            merges.push((alone(&b), 0.1));
            close(merges.iter().map(|(_, p)| p).sum(), 1.0, 1e-12);
            let shows = |item: char, rank: usize| -> f64 {
                merges.iter().filter(|(list, _)| list[rank].0 == item).map(|(_, p)| p).sum()
            };
            let propensities =
                |list: &[char]| -> Vec<f64> { (0..4).map(|rank| shows(list[rank], rank)).collect() };
            let credit = RankCredit::new(&propensities(&a), &propensities(&b)).unwrap();
            let got: f64 = merges
                .iter()
                .map(|(list, p)| {
                    let outcomes: Vec<f64> = (0..4).map(|rank| outcome(list[rank].0, rank)).collect();
                    let places = |own: &[char]| -> Vec<bool> {
                        (0..4).map(|rank| list[rank].0 == own[rank]).collect()
                    };
                    p * credit.difference(&outcomes, &places(&a), &places(&b)).unwrap()
                })
                .sum();
            let value = |list: &[char]| -> f64 { (0..4).map(|rank| outcome(list[rank], rank)).sum() };
            close(got, value(&a) - value(&b), 1e-12);
        }
    }

    /// The vector `tdi_blind` (A = abc, B = bca, only c relevant): plain credit is 0 though B is better, and by rank the
    /// lists are refused.
    #[test]
    fn team_draft_is_blind_there_and_rank_credit_refuses() {
        let (a, b) = (['a', 'b', 'c'], ['b', 'c', 'a']);
        let merges = team_draft(&a, &b, 3, 0.5);
        let plain: f64 = merges
            .iter()
            .map(|(list, p)| {
                let items: Vec<OwnedItem> = list
                    .iter()
                    .enumerate()
                    .map(|(rank, (item, owner))| OwnedItem {
                        outcome: if *item == 'c' { 1.0 / (rank + 1) as f64 } else { 0.0 },
                        owner: Some(*owner),
                        propensity: Propensity::new(1.0).unwrap(),
                    })
                    .collect();
                p * team_credit(&items).unwrap()
            })
            .sum();
        close(plain, 0.0, 1e-15);
        let at = |own: &[char; 3]| -> Vec<f64> {
            (0..3)
                .map(|r| merges.iter().filter(|(list, _)| list[r].0 == own[r]).map(|(_, p)| p).sum())
                .collect()
        };
        assert!(RankCredit::new(&at(&a), &at(&b)).is_err());
    }

    /// A coin of .7 favours A; equal rankings must still get no credit on average.
    #[test]
    fn owner_propensities_undo_an_unfair_coin() {
        let ranking = ['a', 'b', 'c', 'd'];
        let merges = team_draft(&ranking, &ranking, 3, 0.7);
        let mut by_list: BTreeMap<Vec<char>, f64> = BTreeMap::new();
        let key = |list: &Merged| list.iter().map(|(item, _)| *item).collect::<Vec<_>>();
        for (list, p) in &merges {
            *by_list.entry(key(list)).or_default() += p;
        }
        let owned = |shown: &[char], rank: usize, side: Side| -> f64 {
            let same = merges.iter().filter(|(list, _)| key(list) == shown && list[rank].1 == side);
            same.map(|(_, p)| p).sum::<f64>() / by_list[shown]
        };
        let expected = |weighted: bool| -> f64 {
            merges
                .iter()
                .map(|(list, p)| {
                    let items: Vec<OwnedItem> = list
                        .iter()
                        .enumerate()
                        .map(|(rank, (item, owner))| {
                            let share = if weighted { owned(&key(list), rank, *owner) } else { 1.0 };
                            let propensity = Propensity::new(share.min(1.0)).unwrap();
                            OwnedItem { outcome: outcome(*item, rank), owner: Some(*owner), propensity }
                        })
                        .collect();
                    p * team_credit(&items).unwrap()
                })
                .sum()
        };
        assert!(expected(false) > 0.01, "{}", expected(false));
        assert!(expected(true).abs() < 1e-12);
    }

    #[test]
    fn hostile_input_is_refused() {
        let item = |outcome| OwnedItem {
            outcome,
            owner: Some(Side::A),
            propensity: Propensity::new(1e-300).unwrap(),
        };
        assert!(team_credit(&[item(f64::NAN)]).is_err() && team_credit(&[item(1e300)]).is_err());
        close(team_credit(&[]).unwrap(), 0.0, 0.0);
        assert!(RankCredit::new(&[0.5], &[0.5, 0.5]).is_err() && RankCredit::new(&[1.1], &[0.5]).is_err());
        let credit = RankCredit::new(&[0.5], &[0.5]).unwrap();
        assert!(credit.difference(&[], &[true], &[false]).is_err());
        assert!(credit.difference(&[f64::INFINITY], &[true], &[false]).is_err());
        assert!(serde_json::from_str::<RankCredit>(r#"{"a":[0.5],"b":[]}"#).is_err());
    }
}

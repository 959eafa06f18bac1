//! The Kruskal-Wallis test of several samples.

use serde::{Deserialize, Serialize};

use crate::error::StatsError;
use crate::level::LnP;
use crate::rank::ranks::{Ranks, sample};
use crate::special::chi_square_ln_sf;

/// Holds a Kruskal-Wallis test.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct KruskalWallis {
    /// The statistic, corrected for ties.
    pub h: f64,
    /// The degrees of freedom: groups minus one.
    pub df: f64,
    /// The asymptotic p-value.
    pub ln_p: LnP,
}

/// Tests whether several samples come from one distribution (Kruskal and Wallis 1952).
///
/// `H = 12 / (N (N + 1)) sum n_i (mean rank_i - (N + 1) / 2)^2`, divided by `1 - sum(t^3 - t) / (N^3 - N)`
/// for ties, is asymptotically chi-square with groups minus one degrees of freedom. The chi-square
/// approximation wants about five values a group. If all values are equal, H is 0 and p is one.
///
/// # Errors
/// [`StatsError::TooFew`] below two groups or for an empty group, [`StatsError::NotFinite`] for a value that
/// is not finite.
pub fn kruskal_wallis<G: AsRef<[f64]>>(groups: &[G]) -> Result<KruskalWallis, StatsError> {
    if groups.len() < 2 {
        return Err(StatsError::TooFew { what: "the list of groups", have: groups.len() as u64, need: 2 });
    }
    for group in groups {
        sample("the group", group.as_ref(), 1)?;
    }
    let all = Ranks::new(groups.iter().flat_map(|group| group.as_ref().iter().copied()));
    let n = all.ranks.len() as f64;
    let (mut rest, mut between) = (all.ranks.as_slice(), 0.0);
    for group in groups {
        let (own, others) = rest.split_at(group.as_ref().len().min(rest.len()));
        let size = own.len() as f64;
        let mean = own.iter().sum::<f64>() / size;
        between += size * (mean - 0.5 * (n + 1.0)).powi(2);
        rest = others;
    }
    let df = (groups.len() - 1) as f64;
    let untied = 1.0 - all.tie_term / (n * n * n - n);
    if untied <= 0.0 {
        return Ok(KruskalWallis { h: 0.0, df, ln_p: LnP::ONE });
    }
    let h = 12.0 / (n * (n + 1.0)) * between / untied;
    Ok(KruskalWallis { h, df, ln_p: LnP::saturating(chi_square_ln_sf(h, df)?) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges() {
        let same = kruskal_wallis(&[vec![1.0; 3], vec![1.0; 4]]).unwrap();
        assert_eq!((same.h, same.ln_p), (0.0, LnP::ONE));
        assert!(kruskal_wallis(&[vec![1.0]]).is_err());
        assert!(kruskal_wallis(&[vec![1.0], vec![]]).is_err());
        assert!(kruskal_wallis(&[vec![1.0], vec![f64::NAN]]).is_err());
        let two = kruskal_wallis(&[[1.0], [2.0]]).unwrap();
        assert!(two.h > 0.0 && two.ln_p.p() < 1.0);
    }
}

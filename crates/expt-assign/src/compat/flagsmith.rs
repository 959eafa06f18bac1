//! Flagsmith: the percentage of a percentage split or a multivariate feature.
//!
//! The ids, such as the feature's and the identity's, are joined with `,` and hashed with MD5; the digest as one
//! whole number modulo 9,999, over 9,998, in percent.

use md5::{Digest, Md5};

/// The numerator of the percentage, from 0 to 9,998.
///
/// # Examples
/// ```
/// assert_eq!(expt_assign::compat::flagsmith::numerator(&["ranker_v2", "carol@example.com"]), 9454);
/// ```
#[must_use]
pub fn numerator(ids: &[&str]) -> u32 {
    repeated(ids, 1)
}

/// The percentage, from 0 to below 100.
///
/// Where the numerator is its largest value, the vendor hashes the ids repeated once more, until it is not.
#[must_use]
pub fn percentage(ids: &[&str]) -> f64 {
    // A digest hits the largest value once in 9,999 times; sixteen times running happens to nobody.
    let hit = (1..=16).map(|times| repeated(ids, times)).find(|numerator| *numerator < LARGEST);
    f64::from(hit.unwrap_or(0)) / f64::from(LARGEST) * 100.0
}

fn repeated(ids: &[&str], times: usize) -> u32 {
    let mut state = Md5::new();
    for (place, id) in ids.iter().cycle().take(ids.len() * times).enumerate() {
        if place > 0 {
            state.update(",");
        }
        state.update(id);
    }
    let digest: [u8; 16] = state.finalize().into();
    // Below 9,999, so it fits.
    (u128::from_be_bytes(digest) % u128::from(LARGEST + 1)) as u32
}

const LARGEST: u32 = 9_998;

#[cfg(test)]
mod tests {
    use super::*;

    /// An independent Python implementation of the formula.
    #[test]
    fn the_numerators_are_those_of_another_implementation() {
        assert_eq!(numerator(&["a", "CY7Bvqiy8CsT07Lq8TDIWG2x9aJTFMP9-2kUtMXhkPrSbbAjLGms"]), 2323);
        assert_eq!(
            numerator(&["search.layer", "qRmUR8AK3R2GgLLT_ZQ.I.SA_pQyOMqlfZZgZMnafy8h.WskBf6wmx"]),
            4627
        );
    }

    /// Python: `int(md5(b"12,18753").hexdigest(), 16) % 9999` is 9,998, the value that is hashed again.
    #[test]
    fn the_largest_numerator_is_hashed_again() {
        let ids = ["12", "18753"];
        assert_eq!(numerator(&ids), LARGEST);
        assert!((percentage(&ids) - 53.890_778_155_631_125).abs() < 1e-9);
    }
}

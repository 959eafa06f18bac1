//! Hommel's adjusted p-values in O(m log m).

use super::scale::Scale;

/// Replaces ascending p-values by Hommel's adjusted ones.
///
/// With `s_i` the Simes p-value of the `i` largest p-values, the adjusted value is the least level `a` with
/// `h(a) p <= a`, where `h(a)` is the largest `i` with `s_i > a` (Hommel 1988). That is the minimum over `j`
/// of `max(j p, max of s_i over i > j)`: one term rises and the other falls with `j`, so that one walk finds
/// it for all p-values. The `s_i` come from the monotone place of their minima (see [`simes_of_tails`]).
pub(super) fn adjust<S: Scale>(sorted: &mut [f64]) {
    let mut worst_above = simes_of_tails::<S>(sorted);
    // worst_above[j] becomes the maximum of s_i over i > j; there is none above m.
    worst_above.push(f64::NEG_INFINITY);
    let mut worst = f64::NEG_INFINITY;
    for simes in worst_above.iter_mut().rev() {
        worst = worst.max(*simes);
        *simes = worst;
    }
    let mut largest = sorted.len();
    for p in sorted.iter_mut() {
        let value = |j: usize| {
            let worst = worst_above.get(j).copied().unwrap_or(f64::NEG_INFINITY);
            if j == 0 { worst } else { worst.max(S::times(*p, j as f64)) }
        };
        // The minimum does not move up as p grows.
        while largest > 0 && value(largest - 1) <= value(largest) {
            largest -= 1;
        }
        *p = value(largest);
    }
}

/// Returns `s_i = i * min over l > m - i of p_l / (l - (m - i))` for `i = 1..=m`, l from one.
///
/// A p-value that beats a later one in the tail after `x` beats it in all longer tails, because p is
/// ascending: the place of the minimum moves monotonically, and halving finds all in O(m log m). Meijer,
/// Krebs and Goeman (2019) use a convex hull for the same purpose; comparisons alone also work on logarithms.
fn simes_of_tails<S: Scale>(sorted: &[f64]) -> Vec<f64> {
    let m = sorted.len();
    let mut simes = vec![0.0; m];
    // A task: tails starting after `x` in `from..to`, whose minima lie at places `low..=high` (from zero).
    let mut tasks = vec![(0, m, 0, m.saturating_sub(1))];
    while let Some((from, to, low, high)) = tasks.pop() {
        if from >= to {
            continue;
        }
        let x = from + (to - from) / 2;
        let first = low.max(x);
        let candidates = sorted.iter().enumerate().take(high + 1).skip(first);
        let size = (m - x) as f64;
        let (mut best, mut at) = (f64::INFINITY, first);
        for (place, &p) in candidates {
            let value = S::times(p, size / (place + 1 - x) as f64);
            if value < best {
                (best, at) = (value, place);
            }
        }
        if let Some(slot) = simes.get_mut(m - x - 1) {
            *slot = best;
        }
        tasks.push((from, x, low, at));
        tasks.push((x + 1, to, at, high));
    }
    simes
}

//! Joint counts of two columns, and of five, in a block of ids.

use super::bits::{BUCKETS, Buckets, Plane, WORDS};

/// Free counts of a column; the last bucket is what is missing to the total.
const FREE: usize = BUCKETS - 1;

/// Joint counts of two columns by bucket, without the last buckets.
pub(super) type Joint = [[u32; FREE]; FREE];

/// Sets of two to five of five columns.
pub(super) const SETS: usize = 26;

/// Adds how many ids of a block are in each bucket of one column and each of the other.
///
/// In four tiles, because the sums of a tile have to fit the registers.
pub(super) fn pair(rows: &Buckets, columns: &Buckets, joint: &mut Joint) {
    let (upper, lower) = rows.split_at(4);
    let (left, right) = columns.split_at(4);
    tile::<4, 4>(upper, left, joint, 0, 0);
    tile::<4, 3>(upper, right, joint, 0, 4);
    tile::<3, 4>(lower, left, joint, 4, 0);
    tile::<3, 3>(lower, right, joint, 4, 4);
}

fn tile<const R: usize, const C: usize>(
    rows: &[Plane],
    columns: &[Plane],
    joint: &mut Joint,
    top: usize,
    left: usize,
) {
    let (Some(rows), Some(columns)) = (rows.first_chunk::<R>(), columns.first_chunk::<C>()) else { return };
    let mut counts = [[0_u64; C]; R];
    for word in 0..WORDS {
        for r in 0..R {
            for c in 0..C {
                counts[r][c] += u64::from((rows[r][word] & columns[c][word]).count_ones());
            }
        }
    }
    for (joint, counts) in joint[top..].iter_mut().zip(counts) {
        for (sum, count) in joint[left..].iter_mut().zip(counts) {
            *sum += count as u32;
        }
    }
}

/// Adds for how many ids of a block an odd number of bits is set, for each set of two to five of the five
/// columns.
#[rustfmt::skip]
pub(super) fn five(columns: [&Plane; 5], odd: &mut [u32; SETS]) {
    let [a, b, c, d, e] = columns;
    let mut counts = [0_u64; SETS];
    for word in 0..WORDS {
        let (a, b, c, d, e) = (a[word], b[word], c[word], d[word], e[word]);
        let (ab, cd) = (a ^ b, c ^ d);
        let sets = [
            ab, a ^ c, a ^ d, a ^ e, b ^ c, b ^ d, b ^ e, cd, c ^ e, d ^ e,
            ab ^ c, ab ^ d, ab ^ e, a ^ cd, a ^ c ^ e, a ^ d ^ e, b ^ cd, b ^ c ^ e, b ^ d ^ e, cd ^ e,
            ab ^ cd, ab ^ c ^ e, ab ^ d ^ e, a ^ cd ^ e, b ^ cd ^ e,
            ab ^ cd ^ e,
        ];
        for set in 0..SETS {
            counts[set] += u64::from(sets[set].count_ones());
        }
    }
    for (sum, count) in odd.iter_mut().zip(counts) {
        *sum += count as u32;
    }
}

//! Pairs with a small sum of distances.

/// A symmetric table of distances, with a guest at no distance from anyone if there is an odd number.
#[derive(Debug, Clone)]
pub(super) struct Distances {
    /// Even.
    size: usize,
    guest: Option<usize>,
    cells: Vec<f64>,
}

impl Distances {
    pub(super) fn new(count: usize, distance: impl Fn(usize, usize) -> f64) -> Self {
        let size = count + count % 2;
        let guest = (count % 2 == 1).then_some(count);
        let cell = |at: usize| {
            let (a, b) = (at / size, at % size);
            if Some(a) == guest || Some(b) == guest { 0.0 } else { distance(a.min(b), a.max(b)) }
        };
        Self { size, guest, cells: (0..size * size).map(cell).collect() }
    }

    #[inline]
    fn at(&self, a: usize, b: usize) -> f64 {
        self.cells.get(a * self.size + b).copied().unwrap_or(f64::MAX)
    }

    /// The mean distance between the members of a block; `None` for a block of one.
    pub(super) fn mean_within(&self, block: &[usize]) -> Option<f64> {
        let pairs =
            || block.iter().enumerate().flat_map(|(at, a)| block.iter().skip(at + 1).map(move |b| (*a, *b)));
        let count = pairs().count();
        (count > 0).then(|| pairs().map(|(a, b)| self.at(a, b)).sum::<f64>() / count as f64)
    }
}

/// Blocks of two, one of them of three if there is an odd number; of one, if there is only one. In a stable order.
pub(super) fn match_pairs(distances: &Distances) -> Vec<Vec<usize>> {
    let pairs =
        if distances.size <= EXACT { optimal(distances) } else { exchanged(distances, &greedy(distances)) };
    let mut blocks = Vec::with_capacity(pairs.len());
    let mut alone = None;
    for [a, b] in pairs {
        match distances.guest {
            Some(guest) if a == guest => alone = Some(b),
            Some(guest) if b == guest => alone = Some(a),
            _ => blocks.push(vec![a.min(b), a.max(b)]),
        }
    }
    blocks.sort_unstable();
    if let Some(alone) = alone {
        let away = |block: &[usize]| block.iter().map(|other| distances.at(alone, *other)).sum::<f64>();
        match blocks.iter_mut().min_by(|a, b| away(a).total_cmp(&away(b))) {
            Some(nearest) => {
                nearest.push(alone);
                nearest.sort_unstable();
            }
            None => blocks.push(vec![alone]),
        }
        blocks.sort_unstable();
    }
    blocks
}

/// The optimum, by dynamic programming: the least sum with which the members of a set can be paired. The lowest member
/// is paired with each other one.
fn optimal(distances: &Distances) -> Vec<[usize; 2]> {
    let full = (1_usize << distances.size) - 1;
    let others = |set: usize, first: usize| (first + 1..distances.size).filter(move |at| set >> at & 1 == 1);
    let mut best = vec![(f64::MAX, 0); full + 1];
    if let Some(none) = best.first_mut() {
        none.0 = 0.0;
    }
    for set in (1..=full).filter(|set| set.count_ones() % 2 == 0) {
        let first = set.trailing_zeros() as usize;
        let sum = |other: usize| {
            let rest = best.get(set & !(1 << first) & !(1 << other)).map_or(f64::MAX, |rest| rest.0);
            (rest + distances.at(first, other), other)
        };
        let least = others(set, first).map(sum).min_by(|a, b| a.0.total_cmp(&b.0));
        if let (Some(cell), Some(least)) = (best.get_mut(set), least) {
            *cell = least;
        }
    }
    let mut pairs = Vec::with_capacity(distances.size / 2);
    let mut set = full;
    while set != 0 {
        let first = set.trailing_zeros() as usize;
        let other = best.get(set).map_or(0, |cell| cell.1);
        pairs.push([first, other]);
        set &= !(1 << first) & !(1 << other);
    }
    pairs
}

/// The closest two first, then the closest two of the rest. The guest takes who is left.
fn greedy(distances: &Distances) -> Vec<[usize; 2]> {
    let real = distances.size - usize::from(distances.guest.is_some());
    let mut all: Vec<(usize, usize)> = (0..real).flat_map(|a| (a + 1..real).map(move |b| (a, b))).collect();
    all.sort_by(|x, y| distances.at(x.0, x.1).total_cmp(&distances.at(y.0, y.1)));
    let mut free = vec![true; distances.size];
    let mut pairs = Vec::with_capacity(distances.size / 2);
    for (a, b) in all {
        if free.get(a) == Some(&true) && free.get(b) == Some(&true) {
            free.iter_mut()
                .enumerate()
                .filter(|(at, _)| *at == a || *at == b)
                .for_each(|(_, free)| *free = false);
            pairs.push([a, b]);
        }
    }
    let left: Vec<usize> = free.iter().enumerate().filter(|(_, free)| **free).map(|(at, _)| at).collect();
    pairs.extend(left.as_chunks::<2>().0);
    pairs
}

/// Exchanges partners along alternating cycles until no cycle that is looked at gains.
///
/// Two ways to pair everybody differ by cycles in which old and new pairs take turns; if one is better, some cycle
/// gains, and it can be entered where the gain stays positive all along (Lin and Kernighan 1973). So the search through
/// *all* cycles with a positive gain would end at the optimum. Here it goes from each end to its nearest
/// [`BREADTH`] only, [`DEPTH`] pairs far, and gives up a start after [`BUDGET`] steps.
fn exchanged(distances: &Distances, pairs: &[[usize; 2]]) -> Vec<[usize; 2]> {
    let mut search = Search::new(distances, pairs);
    // Every exchange lowers the sum by more than rounding, so it ends; the cap is for what cannot be foreseen.
    for _ in 0..MAX_PASSES {
        let mut gained = false;
        for start in 0..distances.size {
            gained |= search.improve(start);
        }
        if !gained {
            break;
        }
    }
    let mate = search.mate;
    mate.iter().enumerate().filter(|(a, b)| a < *b).map(|(a, b)| [a, *b]).collect()
}

/// A search for cycles that gain.
struct Search<'a> {
    distances: &'a Distances,
    mate: Vec<usize>,
    /// For each member the others, nearest first.
    near: Vec<Vec<usize>>,
    /// The ends of the path so far: old pairs are (0, 1), (2, 3), ...; new ones (1, 2), (3, 4), ...
    path: Vec<usize>,
    on_path: Vec<bool>,
    steps: usize,
}

impl<'a> Search<'a> {
    fn new(distances: &'a Distances, pairs: &[[usize; 2]]) -> Self {
        let size = distances.size;
        let near = |from: usize| {
            let mut others: Vec<usize> =
                (0..size).filter(|to| *to != from && Some(*to) != distances.guest).collect();
            others.sort_by(|a, b| distances.at(from, *a).total_cmp(&distances.at(from, *b)));
            // Everybody is equally near to the guest, and the guest to everybody.
            if Some(from) != distances.guest {
                others.truncate(BREADTH);
                others.extend(distances.guest);
            }
            others
        };
        let mut mate = vec![0; size];
        for (at, slot) in mate.iter_mut().enumerate() {
            let pair = pairs.iter().find(|pair| pair.contains(&at));
            *slot = pair.map_or(at, |[a, b]| if *a == at { *b } else { *a });
        }
        let near = (0..size).map(near).collect();
        Self { distances, mate, near, path: Vec::new(), on_path: vec![false; size], steps: 0 }
    }

    /// Looks for a cycle through the pair of `start`, and exchanges along it.
    fn improve(&mut self, start: usize) -> bool {
        let other = self.mate(start);
        self.path.clear();
        self.steps = BUDGET;
        self.push(start, other);
        let gained = self.extend(self.distances.at(start, other));
        if gained {
            let ends: Vec<usize> = self.path.iter().skip(1).chain(self.path.first()).copied().collect();
            for [a, b] in ends.as_chunks::<2>().0 {
                self.marry(*a, *b);
            }
        }
        self.on_path.iter_mut().for_each(|on| *on = false);
        gained
    }

    /// Goes on from the end of the path, which has gained so much; tells whether it closed to a cycle that gains.
    fn extend(&mut self, gain: f64) -> bool {
        let (Some(&first), Some(&end)) = (self.path.first(), self.path.last()) else { return false };
        let mut at = 0;
        while let Some(next) = self.near.get(end).and_then(|near| near.get(at)).copied() {
            at += 1;
            let Some(left) = self.steps.checked_sub(1) else { return false };
            self.steps = left;
            let rest = gain - self.distances.at(end, next);
            if rest <= GAIN * gain {
                // The guest is last in the list, out of the order of distances.
                if Some(next) == self.distances.guest || self.distances.guest.is_none() {
                    return false;
                }
                continue;
            }
            if self.on_path.get(next) != Some(&false) {
                continue;
            }
            let other = self.mate(next);
            let open = rest + self.distances.at(next, other);
            self.push(next, other);
            if open - self.distances.at(other, first) > GAIN * open {
                return true;
            }
            if self.path.len() < 2 * DEPTH && self.extend(open) {
                return true;
            }
            self.pop();
        }
        false
    }

    fn push(&mut self, a: usize, b: usize) {
        for end in [a, b] {
            self.path.push(end);
            self.mark(end, true);
        }
    }

    fn pop(&mut self) {
        for _ in 0..2 {
            if let Some(end) = self.path.pop() {
                self.mark(end, false);
            }
        }
    }

    fn mark(&mut self, end: usize, on: bool) {
        self.on_path.iter_mut().skip(end).take(1).for_each(|slot| *slot = on);
    }

    fn mate(&self, of: usize) -> usize {
        self.mate.get(of).copied().unwrap_or(of)
    }

    fn marry(&mut self, a: usize, b: usize) {
        for (of, mate) in [(a, b), (b, a)] {
            self.mate.iter_mut().skip(of).take(1).for_each(|slot| *slot = mate);
        }
    }
}

/// How many of the nearest are tried as a new partner.
const BREADTH: usize = 10;

/// How many pairs a cycle may have.
const DEPTH: usize = 10;

/// How many partners are tried from one start.
const BUDGET: usize = 20_000;

/// Sizes up to which the optimum is computed: 2^18 sets.
const EXACT: usize = 18;

/// The part by which an exchange has to be better.
const GAIN: f64 = 1e-12;

const MAX_PASSES: usize = 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    /// Squared distances of points with `dimensions` coordinates from the generator of Park and Miller (1988).
    fn points(count: usize, dimensions: usize, seed: u64) -> Distances {
        let mut state = seed;
        let mut next = || {
            state = state * 16_807 % 2_147_483_647;
            state as f64 / 2_147_483_647.0
        };
        let points: Vec<Vec<f64>> = (0..count).map(|_| (0..dimensions).map(|_| next()).collect()).collect();
        Distances::new(count, |a, b| points[a].iter().zip(&points[b]).map(|(x, y)| (x - y).powi(2)).sum())
    }

    fn sum(distances: &Distances, pairs: &[[usize; 2]]) -> f64 {
        let mut ends: Vec<usize> = pairs.iter().flatten().copied().collect();
        ends.sort_unstable();
        assert_eq!(ends, (0..distances.size).collect::<Vec<_>>());
        pairs.iter().map(|[a, b]| distances.at(*a, *b)).sum()
    }

    /// Source: networkx 3 `min_weight_matching` (blossom), with a node at distance 0 for odd numbers.
    #[test]
    fn sums_agree_with_the_blossom_algorithm() {
        let mut over = Vec::new();
        for &(count, dimensions, seed, optimum) in OPTIMA {
            let distances = points(count, dimensions, seed);
            if count <= EXACT {
                let got = sum(&distances, &optimal(&distances));
                assert!(
                    (got - optimum).abs() < 1e-9 * optimum,
                    "{count} {dimensions} {seed}: {got} {optimum}"
                );
            }
            let got = sum(&distances, &exchanged(&distances, &greedy(&distances)));
            assert!(got >= optimum * (1.0 - 1e-9), "{got} {optimum}");
            over.push(got / optimum - 1.0);
        }
        let (mean, most) =
            (over.iter().sum::<f64>() / over.len() as f64, over.iter().copied().fold(0.0, f64::max));
        assert!(mean < 0.03 && most < 0.12, "{mean} {most} {over:?}");
    }

    const OPTIMA: &[(usize, usize, u64, f64)] = &[
        (6, 2, 1, 0.6467735988251062),
        (10, 3, 2, 1.0320119457786137),
        (13, 2, 3, 0.24055010802073332),
        (18, 2, 4, 0.40720145885552983),
        (20, 1, 5, 0.023727920971526956),
        (24, 3, 6, 1.0750273308099099),
        (31, 2, 7, 0.20650832925674567),
        (40, 2, 8, 0.30907136911858857),
        (40, 5, 9, 3.7085427411073204),
        (60, 3, 10, 1.1096850768496198),
        (61, 2, 11, 0.2906469874549268),
        (80, 2, 12, 0.2940489168998147),
        (100, 4, 13, 3.6665695939476675),
    ];

    #[test]
    fn odd_numbers_make_one_triple_and_one_is_alone() {
        let on_a_line = |xs: &[f64]| match_pairs(&Distances::new(xs.len(), |a, b| (xs[a] - xs[b]).powi(2)));
        assert_eq!(on_a_line(&[5.0]), [[0]]);
        assert_eq!(on_a_line(&[5.0, 1.0]), [[0, 1]]);
        assert_eq!(on_a_line(&[1.0, 9.0, 1.1]), [[0, 1, 2]]);
        assert_eq!(on_a_line(&[0.0, 10.0, 0.1, 10.1, 14.0]), [vec![0, 2], vec![1, 3, 4]]);
        let many: Vec<f64> = (0..41).map(|n| f64::from(n / 2) + 0.1 * f64::from(n % 2)).collect();
        let blocks = on_a_line(&many);
        assert_eq!((blocks.len(), blocks.iter().filter(|block| block.len() == 3).count()), (20, 1));
    }
}

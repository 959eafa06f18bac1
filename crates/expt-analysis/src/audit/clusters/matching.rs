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
/// *all* cycles with a positive gain would end at the optimum. Here it takes two turns, broad and short for crowded
/// points, narrow and long for points on a line, and gives up a start after [`BUDGET`] steps.
fn exchanged(distances: &Distances, pairs: &[[usize; 2]]) -> Vec<[usize; 2]> {
    let mut search = Search::new(distances, pairs);
    // Every exchange lowers the sum by more than rounding, so it ends; the cap is for what cannot be foreseen.
    for _ in 0..MAX_PASSES {
        let mut gained = false;
        for (breadth, depth) in [(BREADTH, BREADTH), (BREADTH / 3, MAX_DEPTH)] {
            (search.breadth, search.depth) = (breadth, depth);
            for _ in 0..MAX_PASSES {
                if !(0..distances.size).fold(false, |more, start| search.improve(start) | more) {
                    break;
                }
                gained = true;
            }
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
    /// How many partners may still be tried from this start.
    steps: usize,
    /// How many of the nearest are tried as a new partner.
    breadth: usize,
    /// How many pairs a cycle may have.
    depth: usize,
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
        let (path, on_path) = (Vec::new(), vec![false; size]);
        Self { distances, mate, near, path, on_path, steps: 0, breadth: BREADTH, depth: BREADTH }
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
            let guests = Some(next) == self.distances.guest || Some(end) == self.distances.guest;
            if at > self.breadth && !guests {
                continue;
            }
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
            if self.path.len() < 2 * self.depth && self.extend(open) {
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

/// The longest list of nearest, and the length of the cycles in which all of it is tried.
const BREADTH: usize = 10;

/// The longest cycle, in pairs; it bounds the depth of the recursion.
const MAX_DEPTH: usize = 250;

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
        check_sums(OPTIMA, 1e-4, 2e-3);
        check_sums(FRESH, 2e-3, 0.02);
    }

    /// The mean and the largest excess over the optimum are below these.
    fn check_sums(sets: &[(usize, usize, u64, f64)], mean_bound: f64, most_bound: f64) {
        let mut over = Vec::new();
        for &(count, dimensions, seed, optimum) in sets {
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
        assert!(mean < mean_bound && most < most_bound, "{mean} {most} {over:?}");
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
        (20, 1, 101, 0.03903313040426342),
        (20, 2, 102, 0.3070365576916199),
        (20, 4, 103, 1.4697826791603752),
        (20, 8, 104, 5.007725990156277),
        (25, 1, 105, 0.02096963714223239),
        (25, 2, 106, 0.22740477700823025),
        (25, 4, 107, 1.7223416895262367),
        (25, 8, 108, 5.021911923935721),
        (30, 1, 109, 0.0278346590289451),
        (30, 2, 110, 0.37778485827042185),
        (30, 4, 111, 1.5448423563791318),
        (30, 8, 112, 8.787847123578798),
        (50, 1, 113, 0.014458985767507555),
        (50, 2, 114, 0.2896287331325782),
        (50, 4, 115, 2.8327293677021563),
        (50, 8, 116, 11.997109218805582),
        (70, 1, 117, 0.010887912277083044),
        (70, 2, 118, 0.2647254568201529),
        (70, 4, 119, 2.933859882254696),
        (70, 8, 120, 13.031424783535313),
        (100, 1, 121, 0.006811513863249157),
        (100, 2, 122, 0.2941724734698978),
        (100, 4, 123, 3.644653590176641),
        (100, 8, 124, 17.145285061619607),
        (150, 1, 125, 0.0063509969449431925),
        (150, 2, 126, 0.27534080766576247),
        (150, 4, 127, 4.0188916278708),
        (150, 8, 128, 23.93312800795182),
    ];

    /// Sets that were made after the search was settled; it was tuned on those above, which flatter it.
    const FRESH: &[(usize, usize, u64, f64)] = &[
        (20, 1, 9001, 0.03936073441784967),
        (20, 2, 9002, 0.26664717417428296),
        (20, 4, 9003, 1.7399868657144153),
        (20, 8, 9004, 5.621062736804614),
        (25, 1, 9005, 0.011600702768917299),
        (25, 2, 9006, 0.34299931152607044),
        (25, 4, 9007, 1.6616129457108137),
        (25, 8, 9008, 5.862539792501332),
        (30, 1, 9009, 0.020983474572769646),
        (30, 2, 9010, 0.21600263586097918),
        (30, 4, 9011, 2.0732687691808156),
        (30, 8, 9012, 7.253492338889196),
        (50, 1, 9013, 0.01949838623589523),
        (50, 2, 9014, 0.31255169372454233),
        (50, 4, 9015, 2.241024699931878),
        (50, 8, 9016, 10.701890215278672),
        (70, 1, 9017, 0.011873891560530534),
        (70, 2, 9018, 0.2763139512425006),
        (70, 4, 9019, 2.911810823302909),
        (70, 8, 9020, 13.179836756745122),
        (100, 1, 9021, 0.00882989189361551),
        (100, 2, 9022, 0.3098617059524465),
        (100, 4, 9023, 3.3619941295454856),
        (100, 8, 9024, 16.650495034212366),
        (150, 1, 9025, 0.005708652516776276),
        (150, 2, 9026, 0.26529837434610737),
        (150, 4, 9027, 3.936612103396545),
        (150, 8, 9028, 22.419584437997),
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

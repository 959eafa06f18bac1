//! A counter-based generator.

/// Random numbers that are a function of two keys and a counter.
///
/// The finaliser of SplitMix64 (Steele, Lea and Flood 2014) applied to each key in turn and to the counter: not
/// for secrets, good enough for resampling.
#[derive(Clone, Debug)]
pub(super) struct Stream {
    key: u64,
    counter: u64,
}

impl Stream {
    pub(super) fn new(seed: u64, purpose: u64, index: u64) -> Self {
        let key = mix(mix(mix(seed ^ 0x5bf0_3635_dcf9_8a1b).wrapping_add(purpose)).wrapping_add(index));
        Self { key, counter: 0 }
    }

    pub(super) fn next(&mut self) -> u64 {
        self.counter = self.counter.wrapping_add(GOLDEN);
        mix(self.key ^ mix(self.counter.wrapping_add(self.key)))
    }

    /// A position below `n`, each equally likely but for `n / 2^64`.
    pub(super) fn below(&mut self, n: usize) -> usize {
        ((u128::from(self.next()) * n as u128) >> 64) as usize
    }

    /// A Poisson number with mean one, by inversion.
    pub(super) fn poisson(&mut self) -> u32 {
        let u = (self.next() >> 11) as f64 * (0.5_f64).powi(53);
        let (mut k, mut term, mut sum) = (0, (-1.0_f64).exp(), (-1.0_f64).exp());
        while u >= sum && k < 40 {
            k += 1;
            term /= f64::from(k);
            sum += term;
        }
        k
    }
}

fn mix(mut x: u64) -> u64 {
    x = x.wrapping_add(GOLDEN);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// The odd number next to `2^64` over the golden ratio.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_uniform_and_poisson_has_its_moments() {
        let (mut counts, mut sum, mut squares) = ([0.0_f64; 7], 0.0, 0.0);
        let n = 70_000;
        for index in 0..n {
            let mut stream = Stream::new(3, 1, index);
            counts[stream.below(7)] += 1.0;
            let k = f64::from(stream.poisson());
            sum += k;
            squares += k * k;
        }
        let chi: f64 = counts.iter().map(|count| (count - 1e4).powi(2) / 1e4).sum();
        assert!(chi < 22.5, "{chi}"); // one in a thousand
        let (mean, second) = (sum / n as f64, squares / n as f64);
        assert!((mean - 1.0).abs() < 0.015 && (second - 2.0).abs() < 0.05, "{mean} {second}");
    }

    #[test]
    fn streams_differ_by_every_key() {
        let first = |seed, purpose, index| Stream::new(seed, purpose, index).next();
        let all = [first(1, 2, 3), first(1, 3, 2), first(2, 1, 3), first(2, 2, 3), first(1, 2, 4)];
        for (i, a) in all.iter().enumerate() {
            assert!(all.iter().skip(i + 1).all(|b| a != b));
        }
    }
}

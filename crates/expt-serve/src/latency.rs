//! Latencies in a fixed amount of memory.

use std::time::Duration;

/// Counts of durations in logarithmic buckets: 8 a doubling, so a quantile is at most 12.5 % too high.
/// What is longer than 584 years counts as 584 years.
#[derive(Debug, Clone)]
pub struct Latencies {
    buckets: Vec<u64>,
    count: u64,
}

impl Default for Latencies {
    fn default() -> Self {
        Self { buckets: vec![0; BUCKETS], count: 0 }
    }
}

impl Latencies {
    /// Adds one.
    pub fn record(&mut self, latency: Duration) {
        let index = bucket(latency);
        if let Some(bucket) = self.buckets.get_mut(index) {
            *bucket += 1;
            self.count += 1;
        }
    }

    /// How many there are.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// The upper end of the bucket in which the quantile lies; `None` without any latency.
    #[must_use]
    #[allow(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a rank among counts that are far below 2^52"
    )]
    pub fn quantile(&self, quantile: f64) -> Option<Duration> {
        let rank = (quantile.clamp(0.0, 1.0) * self.count as f64).ceil().max(1.0) as u64;
        let mut seen = 0;
        self.buckets.iter().enumerate().find_map(|(index, count)| {
            seen += count;
            (*count > 0 && seen >= rank).then(|| upper_end(index))
        })
    }
}

fn bucket(latency: Duration) -> usize {
    let nanos = u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX);
    if nanos < 8 {
        return usize::try_from(nanos).unwrap_or(0);
    }
    let doubling = 63 - nanos.leading_zeros();
    let within = (nanos >> (doubling - 3)) & 7;
    usize::try_from(u64::from(doubling - 3) * 8 + 8 + within).unwrap_or(BUCKETS - 1)
}

/// The largest duration of a bucket, in whole nanoseconds.
fn upper_end(index: usize) -> Duration {
    let index = index as u64;
    if index < 8 {
        return Duration::from_nanos(index);
    }
    let (doubling, within) = ((index - 8) / 8, (index - 8) % 8);
    // In 128 bits: the end of the last bucket is 2^64.
    let end = u128::from(8 + within + 1) << doubling;
    Duration::from_nanos(u64::try_from(end - 1).unwrap_or(u64::MAX))
}

/// Exact values below 8 ns, then 8 buckets for each of the 61 doublings up to 2^64 ns.
const BUCKETS: usize = 62 * 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_at_most_an_eighth_too_high() {
        for nanos in (0..2000).chain([123_456, 999_999_999, u64::MAX - 1, u64::MAX]) {
            let mut one = Latencies::default();
            one.record(Duration::from_nanos(nanos));
            let found = one.quantile(0.5).unwrap().as_nanos();
            let exact = u128::from(nanos);
            assert!(found >= exact && found <= exact + exact / 8, "{nanos}: {found}");
        }
    }

    #[test]
    fn extremes_have_a_bucket() {
        let mut all = Latencies::default();
        assert_eq!(all.quantile(0.5), None);
        all.record(Duration::ZERO);
        all.record(Duration::MAX);
        assert_eq!((all.count(), all.quantile(0.0)), (2, Some(Duration::ZERO)));
        for quantile in [1.0, f64::INFINITY] {
            assert_eq!(all.quantile(quantile), Some(Duration::from_nanos(u64::MAX)));
        }
        assert_eq!(all.quantile(f64::NAN), Some(Duration::ZERO));
    }

    #[test]
    fn each_bucket_begins_where_the_one_before_ends() {
        for index in 0..BUCKETS - 1 {
            let end = upper_end(index);
            assert_eq!((bucket(end), bucket(end + Duration::from_nanos(1))), (index, index + 1));
        }
        assert_eq!(bucket(upper_end(BUCKETS - 1)), BUCKETS - 1);
    }
}

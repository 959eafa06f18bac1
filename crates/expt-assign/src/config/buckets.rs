//! Places that come from another product's buckets.

use serde::{Deserialize, Serialize};

use crate::ranges::Range;

/// Another product's formula from a unit id to a bucket.
///
/// Bucket `b` of `n` stands at the place `floor(b * 2^64 / n)`, so the buckets `[lo, hi)` are exactly the
/// range from `floor(lo * 2^64 / n)` up to, but without, `floor(hi * 2^64 / n)` ([`Buckets::range`]).
/// Compiling a config that uses it needs the feature `compat`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub enum Buckets {
    /// GrowthBook, hash version 1: 1,000 buckets.
    GrowthBook1 {
        /// The seed; a feature's experiments use their key.
        seed: String,
    },
    /// GrowthBook, hash version 2: 10,000 buckets.
    GrowthBook2 {
        /// The seed.
        seed: String,
    },
    /// Eppo: `md5(salt-unit)`.
    Eppo {
        /// The salt of the shard.
        salt: String,
        /// How many buckets; 10,000 as a rule.
        total: u32,
    },
    /// Unleash, flexible rollout: 100 buckets, of which its 1 to 100 are 0 to 99 here.
    UnleashRollout {
        /// The group id.
        group: String,
    },
    /// Unleash, variants: as many buckets as the weights add up to.
    UnleashVariants {
        /// The group id.
        group: String,
        /// The sum of the weights; 1,000 as a rule.
        total: u32,
    },
    /// LaunchDarkly: 2^60 buckets of `sha1(prefix.unit)`.
    LaunchDarkly {
        /// `{flag key}.{salt}`, or the seed.
        prefix: String,
    },
    /// Statsig, a rule: 10,000 buckets.
    Statsig {
        /// The salt of the gate or config.
        spec_salt: String,
        /// The salt of the rule.
        rule_salt: String,
    },
    /// flagd, fractional with integers (2026): `total` buckets.
    Flagd {
        /// The flag key, or the seed.
        key: String,
        /// The sum of the weights.
        total: u32,
    },
    /// PlanOut: 2^60 buckets of `sha1(salt.unit)`.
    PlanOut {
        /// `{experiment salt}.{variable salt}`, or the full salt.
        salt: String,
    },
    /// Confidence, a segment: 1,000,000 buckets.
    ConfidenceSegment {
        /// The account.
        account: String,
    },
    /// Confidence, variants of a rule.
    ConfidenceVariants {
        /// The segment.
        segment: String,
        /// How many buckets the rule has.
        total: u32,
    },
}

impl Buckets {
    /// The product and formula, for people.
    #[must_use]
    pub const fn product(&self) -> &'static str {
        match self {
            Self::GrowthBook1 { .. } => "GrowthBook hash version 1",
            Self::GrowthBook2 { .. } => "GrowthBook hash version 2",
            Self::Eppo { .. } => "Eppo",
            Self::UnleashRollout { .. } => "Unleash rollout",
            Self::UnleashVariants { .. } => "Unleash variants",
            Self::LaunchDarkly { .. } => "LaunchDarkly",
            Self::Statsig { .. } => "Statsig",
            Self::Flagd { .. } => "flagd",
            Self::PlanOut { .. } => "PlanOut",
            Self::ConfidenceSegment { .. } => "Confidence segment",
            Self::ConfidenceVariants { .. } => "Confidence variants",
        }
    }

    /// How many buckets there are.
    #[must_use]
    pub const fn total(&self) -> u64 {
        match self {
            Self::GrowthBook1 { .. } => 1_000,
            Self::GrowthBook2 { .. } | Self::Statsig { .. } => 10_000,
            Self::Eppo { total, .. }
            | Self::UnleashVariants { total, .. }
            | Self::Flagd { total, .. }
            | Self::ConfidenceVariants { total, .. } => *total as u64,
            Self::UnleashRollout { .. } => 100,
            Self::LaunchDarkly { .. } | Self::PlanOut { .. } => 1 << 60,
            Self::ConfidenceSegment { .. } => 1_000_000,
        }
    }

    /// The range of the buckets from `from` up to, but without, `to`; `None` if that is none of them.
    #[must_use]
    pub fn range(&self, from: u64, to: u64) -> Option<Range> {
        let total = self.total();
        if from >= to || to > total {
            return None;
        }
        let last = border(to, total).checked_sub(1)?;
        Range::new(u64::try_from(border(from, total)).ok()?, u64::try_from(last).ok()?)
    }

    /// The place of a unit.
    pub(crate) fn place(&self, unit: &str) -> u64 {
        let total = self.total();
        // A config with no buckets, or in a build without the formulas, does not compile.
        let bucket = if total == 0 { 0 } else { self.bucket(unit) };
        u64::try_from(border(bucket, total.max(1))).unwrap_or(u64::MAX)
    }

    #[cfg(not(feature = "compat"))]
    #[allow(clippy::unused_self, reason = "the same signature as with the feature")]
    const fn bucket(&self, _unit: &str) -> u64 {
        0
    }
}

/// The lowest place of a bucket.
fn border(bucket: u64, total: u64) -> u128 {
    (u128::from(bucket) << 64) / u128::from(total)
}

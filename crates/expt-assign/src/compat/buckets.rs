//! The formulas behind [`Buckets`].

use super::{confidence, eppo, flagd, growthbook, launchdarkly, planout, statsig, unleash};
use crate::config::Buckets;

impl Buckets {
    /// The bucket of a unit, from 0 up to, but without, [`total`](Self::total).
    #[must_use]
    pub fn bucket(&self, unit: &str) -> u64 {
        match self {
            Self::GrowthBook1 { seed } => growthbook::bucket_v1(seed, unit).into(),
            Self::GrowthBook2 { seed } => growthbook::bucket_v2(seed, unit).into(),
            Self::Eppo { salt, total } => eppo::shard(salt, unit, *total).into(),
            // Both count from 1.
            Self::UnleashRollout { group } => {
                u64::from(unleash::rollout_bucket(group, unit)).saturating_sub(1)
            }
            Self::UnleashVariants { group, total } => {
                u64::from(unleash::variant_bucket(group, unit, *total)).saturating_sub(1)
            }
            Self::LaunchDarkly { prefix } => launchdarkly::bucket60(prefix, unit),
            Self::Statsig { spec_salt, rule_salt } => statsig::rule_bucket(spec_salt, rule_salt, unit).into(),
            Self::Flagd { key, total } => flagd::bucket_v2(key, unit, *total).into(),
            // Where PlanOut itself takes ASCII only, other ids are hashed as UTF-8.
            Self::PlanOut { salt } => planout::hash60_bytes(format!("{salt}.{unit}").as_bytes()),
            Self::ConfidenceSegment { account } => confidence::bucket(account, unit, self.total()),
            Self::ConfidenceVariants { segment, total } => {
                confidence::variant_bucket(segment, unit, u64::from(*total))
            }
        }
    }
}

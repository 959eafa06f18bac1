//! The cases of the buckets: a salt, a unit, and what each vendor's formula makes of them.

use std::path::Path;

use expt::assign::compat::{confidence, eppo, flagd, flagsmith, growthbook, launchdarkly, statsig, unleash};
use serde::Deserialize;

use crate::report::{Cases, Report};

pub(crate) fn run(root: &Path, report: &mut Report) {
    report.file(root, "compat_hashes.json", buckets);
}

#[derive(Deserialize)]
struct Buckets {
    vectors: Vec<Vector>,
}

#[derive(Deserialize)]
struct Vector {
    salt: String,
    unit: String,
    growthbook_v1_permille: u32,
    growthbook_v2_per10k: u32,
    growthbook_namespace_v1_permille: u32,
    growthbook_v2_utf8_bytes_per10k: u32,
    eppo_md5_shard_10000: u32,
    launchdarkly_sha1_60bit_key_salt: LaunchDarkly,
    launchdarkly_sha1_60bit_seed61: String,
    unleash_rollout_1_100: u32,
    unleash_variant_1_1000: u32,
    flagd_v1_float_0_100: f64,
    flagd_v2_bucket_total100: u32,
    flagd_v2_bucket_totalmaxint: u32,
    statsig_pass_10000: Statsig,
    statsig_user_bucket_1000: u32,
    confidence_bucket_1000000: u32,
    confidence_variant_bucket_10000: u32,
    flagsmith_pct_numer_of_9998: u32,
}

#[derive(Deserialize)]
struct LaunchDarkly {
    flag_key: String,
    salt: String,
    h60: String,
}

#[derive(Deserialize)]
struct Statsig {
    rule_salt: String,
    bucket: u32,
}

fn buckets(file: &Buckets, cases: &mut Cases) {
    for (place, vector) in file.vectors.iter().enumerate() {
        others(place, vector, cases);
        own(place, vector, cases);
    }
}

fn own(place: usize, vector: &Vector, cases: &mut Cases) {
    let (salt, unit) = (vector.salt.as_str(), vector.unit.as_str());
    let id = |column: &str| format!("vectors[{place}] {column}");

    let keyed = &vector.launchdarkly_sha1_60bit_key_salt;
    let prefix = launchdarkly::prefix(&keyed.flag_key, &keyed.salt);
    cases.check(id("launchdarkly key"), &keyed.h60, &launchdarkly::bucket60(&prefix, unit).to_string());
    let seeded = launchdarkly::bucket60("61", unit).to_string();
    cases.check(id("launchdarkly seed"), &vector.launchdarkly_sha1_60bit_seed61, &seeded);

    cases.check(id("flagd v1"), &vector.flagd_v1_float_0_100, &flagd::bucket_v1(salt, unit));
    let hundred = flagd::bucket_v2(salt, unit, 100);
    cases.check(id("flagd v2 of 100"), &vector.flagd_v2_bucket_total100, &hundred);
    let most = flagd::bucket_v2(salt, unit, i32::MAX.unsigned_abs());
    cases.check(id("flagd v2 of 2^31 - 1"), &vector.flagd_v2_bucket_totalmaxint, &most);

    let rule = &vector.statsig_pass_10000;
    cases.check(id("statsig rule"), &rule.bucket, &statsig::rule_bucket(salt, &rule.rule_salt, unit));
    cases.check(id("statsig user"), &vector.statsig_user_bucket_1000, &statsig::user_bucket(salt, unit));

    cases.check(id("flagsmith"), &vector.flagsmith_pct_numer_of_9998, &flagsmith::numerator(&[salt, unit]));
}

fn others(place: usize, vector: &Vector, cases: &mut Cases) {
    let (salt, unit) = (vector.salt.as_str(), vector.unit.as_str());
    let narrow = |bucket: u64| u32::try_from(bucket).unwrap_or(u32::MAX);
    let columns = [
        ("growthbook v1", vector.growthbook_v1_permille, growthbook::bucket_v1(salt, unit)),
        ("growthbook v2", vector.growthbook_v2_per10k, growthbook::bucket_v2(salt, unit)),
        (
            "growthbook namespace",
            vector.growthbook_namespace_v1_permille,
            growthbook::bucket_namespace(salt, unit),
        ),
        (
            "growthbook v2 of bytes",
            vector.growthbook_v2_utf8_bytes_per10k,
            growthbook::bucket_v2_bytes(salt, unit),
        ),
        ("eppo", vector.eppo_md5_shard_10000, eppo::shard(salt, unit, 10_000)),
        ("unleash rollout", vector.unleash_rollout_1_100, unleash::rollout_bucket(salt, unit)),
        ("unleash variant", vector.unleash_variant_1_1000, unleash::variant_bucket(salt, unit, 1_000)),
        (
            "confidence",
            vector.confidence_bucket_1000000,
            narrow(confidence::bucket(salt, unit, confidence::BUCKETS)),
        ),
        (
            "confidence variant",
            vector.confidence_variant_bucket_10000,
            narrow(confidence::variant_bucket(salt, unit, 10_000)),
        ),
    ];
    for (column, expected, got) in columns {
        cases.check(format!("vectors[{place}] {column}"), &expected, &got);
    }
}

//! A readout as a real test would give it: wine quality, three weeks of daily looks.

use std::collections::BTreeMap;
use std::time::Duration;

use expt_core::{Actor, Digest, Direction, MetricName, RunId, Share, Stage, Timestamp};

use crate::ledger::{Disposition, Ledger, Tally};
use crate::readout::{
    ArmReadout, Comparison, DayRow, HealthCheck, LookRow, MetricReadout, Readout, Role, ServedModel, Verdict,
};

const DAY: Duration = Duration::from_secs(86_400);
const KIND: &str = "95 % confidence sequence, valid at all looks";

pub(super) fn metric_name(name: &str) -> MetricName {
    MetricName::new(name).unwrap()
}

pub(super) fn wine() -> Readout {
    let started: Timestamp = "2026-03-02T00:00:00Z".parse().unwrap();
    let comparison = Comparison {
        treatment: "challenger".parse().unwrap(),
        verdict: Verdict::Ship,
        reason: "accuracy is better by 0.02034 [+0.00911, +0.03157]; false_positive is within its margin of 0.01".into(),
        metrics: metrics(),
        derivation: vec![
            "sample ratio: 10,412 and 10,338 units against 50 % and 50 %, sequential p = 0.74: nothing to object to".into(),
            "primary accuracy: ratio per prediction, delta method with the user as the cluster, no covariate".into(),
            "confidence sequence at 95 %, tuned to 20,000 units, so that daily looks need no further correction".into(),
            "secondaries log_loss, brier: Holm over 2, they inform and do not decide".into(),
            "guardrail false_positive: non-inferiority with margin 0.01, no correction since all must hold".into(),
            "minimum runtime of 2 weeks is over since 2026-03-16; the primary excludes 0: Ship".into(),
        ],
    };
    Readout {
        experiment: "wine-quality".parse().unwrap(),
        owner: Some(Actor::new("ana@example.com").unwrap()),
        hypothesis: "Extra trees recognise good wines better than the logistic champion, at no more false alarms."
            .into(),
        phase: "wine-quality-online-1".parse().unwrap(),
        plan: Digest::of(b"plan"),
        unit: "user".into(),
        started,
        as_of: started + DAY * 21,
        earliest_ship: started + DAY * 14,
        ends: started + DAY * 42,
        verdict: Verdict::Ship,
        reason: comparison.reason.clone(),
        health: health(),
        arms: arms(),
        looks: (1..=21).map(|day| look(started, day)).collect(),
        days: (0..21).map(|day| exposed(started, day)).collect(),
        comparisons: vec![comparison],
        ledger: ledger(),
        notes: vec![
            "The result is about users who were exposed from 2026-03-02 to 2026-03-23, outside the global holdout of 2 %."
                .into(),
            "val_accuracy of wine-extra-trees@1 is the best of 48 trials and so is looks better than it is; test_accuracy is not."
                .into(),
        ],
    }
}

fn health() -> Vec<HealthCheck> {
    let check = |name: &str, found: &str, allowed: &str| HealthCheck {
        name: name.into(),
        passed: true,
        found: found.into(),
        allowed: allowed.into(),
    };
    vec![
        check("sample ratio", "10,412 : 10,338, sequential p = 0.742", "p > 0.001 at any look"),
        check("units in two arms", "37 of 20,787 (0.18 %)", "at most 1 %"),
        check("outcomes without a prediction", "212 of 58,904 (0.36 %)", "at most 2 %"),
        check("feature pins", "0 of 83,120 predictions differ", "none"),
        check("one model version per arm", "1 and 1", "1 per arm"),
        check("join ledger", "all 4 tables balance", "all balance"),
    ]
}

fn metrics() -> Vec<MetricReadout> {
    let metric = |name: &str, role, direction, values: [f64; 4], p: f64| MetricReadout {
        metric: metric_name(name),
        role,
        direction,
        control: Some(values[0]),
        treatment: Some(values[0] + values[1]),
        difference: Some(values[1]),
        interval: Some((Some(values[2]), Some(values[3]))),
        interval_kind: KIND.into(),
        relative: Some(values[1] / values[0]),
        ln_p: Some(p.ln()),
        adjusted_ln_p: None,
        margin: None,
        conclusion: "better".into(),
    };
    let (higher, lower) = (Direction::HigherIsBetter, Direction::LowerIsBetter);
    let mut all = vec![
        metric("accuracy", Role::Primary, higher, [0.771_23, 0.020_34, 0.009_11, 0.031_57], 2.1e-5),
        metric("log_loss", Role::Secondary, lower, [0.4867, -0.0391, -0.0543, -0.0239], 3.2e-17),
        metric("brier", Role::Secondary, lower, [0.1594, -0.0021, -0.0069, 0.0027], 0.43),
        metric("false_positive", Role::Guardrail, lower, [0.1122, 0.0018, -0.0049, 0.0085], 0.0134),
    ];
    all[1].adjusted_ln_p = Some(6.4e-17_f64.ln());
    all[2].adjusted_ln_p = Some(0.43_f64.ln());
    all[2].conclusion = "no difference seen".into();
    all[3].margin = Some(0.01);
    all[3].conclusion = "within margin".into();
    all
}

fn arms() -> Vec<ArmReadout> {
    let arm = |name: &str, control, units, predictions, model, online: [f64; 4]| ArmReadout {
        arm: name.parse().unwrap(),
        is_control: control,
        share: Share::HALF,
        units,
        predictions,
        model: Some(model),
        online: ["accuracy", "log_loss", "brier", "false_positive"]
            .into_iter()
            .zip(online)
            .map(|(name, value)| (metric_name(name), Some(value)))
            .collect(),
    };
    let control =
        model("wine-logistic", 3, Stage::Production, "champion-refit", [0.7741, 0.7702, 0.8342, 0.4811]);
    let treatment =
        model("wine-extra-trees", 1, Stage::Staging, "trial-0031", [0.8012, 0.7934, 0.8719, 0.4402]);
    vec![
        arm("champion", true, 10_412, 41_733, control, [0.771_23, 0.4867, 0.1594, 0.1122]),
        arm("challenger", false, 10_338, 41_387, treatment, [0.791_57, 0.4476, 0.1573, 0.1140]),
    ]
}

fn model(name: &str, version: u32, stage: Stage, run_name: &str, offline: [f64; 4]) -> ServedModel {
    let fact = |name: &str, value: String| (name.to_owned(), value);
    ServedModel {
        model: name.parse().unwrap(),
        version,
        digest: Digest::of(name.as_bytes()),
        stage,
        run: RunId::derive([name]),
        run_name: run_name.into(),
        experiment: "wine-quality".parse().unwrap(),
        offline: ["val_accuracy", "test_accuracy", "test_auc", "test_log_loss"]
            .into_iter()
            .zip(offline)
            .map(|(name, value)| (metric_name(name), value))
            .collect(),
        lineage: vec![
            fact("Dataset", format!("winequality-red, 1,599 rows, {}", Digest::of(b"wine").short())),
            fact("Features", format!("wine-features v2, {}", Digest::of(b"features").short())),
            fact("Code", "commit 3f2a91c0d1e24b7f, no uncommitted changes".into()),
            fact("Seed", "20260301".into()),
            fact("Approved by", "ana@example.com on 2026-03-01: shadow agreed on 98.2 %".into()),
        ],
    }
}

fn look(started: Timestamp, day: u32) -> LookRow {
    let part = f64::from(day) / 21.0;
    let wave = (f64::from(day) * 1.7).sin() * 0.004 / part.sqrt().max(0.3);
    let (difference, half) =
        (0.020_34 + wave * (1.0 - part), 0.011_23 / part.sqrt() * (1.0 + 0.5 * (1.0 - part)));
    let ready = day >= 2;
    LookRow {
        treatment: "challenger".parse().unwrap(),
        as_of: started + DAY * day,
        units: u64::from(day) * 988,
        difference: ready.then_some(difference),
        interval: ready.then_some((Some(difference - half), Some(difference + half))),
        verdict: if day >= 14 { Verdict::Ship } else { Verdict::Continue },
    }
}

fn exposed(started: Timestamp, day: u32) -> DayRow {
    let level = if day % 7 >= 5 { 620.0 } else { 470.0 } * (1.25 - f64::from(day) * 0.02);
    let noise = (f64::from(day) * 2.3).sin() * 14.0;
    DayRow { day: started + DAY * day, units: vec![(level + noise) as u64, (level - noise) as u64] }
}

pub(super) fn tally(rows: &[(Disposition, u64)]) -> Tally {
    Tally { read: rows.iter().map(|(_, rows)| rows).sum(), rows: rows.iter().copied().collect() }
}

fn ledger() -> Ledger {
    use Disposition::{
        AfterWindow, Conflict, Counted, Duplicate, Holdout, MixedArms, NotByArm, NotExposed, NotYet, Orphan,
        OtherPhase, Repeated, Shadow, SubjectNotCounted, UnplannedMetric,
    };
    let outcomes = |counted| {
        tally(&[
            (Counted, counted),
            (Duplicate, 411),
            (Orphan, 212),
            (SubjectNotCounted, 188),
            (AfterWindow, 95),
        ])
    };
    Ledger {
        exposures: tally(&[
            (Counted, 20_750),
            (Repeated, 62_370),
            (NotYet, 41),
            (Holdout, 1702),
            (MixedArms, 74),
        ]),
        predictions: tally(&[
            (Counted, 83_120),
            (NotYet, 120),
            (Duplicate, 33),
            (Conflict, 1),
            (OtherPhase, 903),
            (Holdout, 6811),
            (Shadow, 12_040),
            (NotByArm, 17),
            (NotExposed, 2),
            (MixedArms, 296),
        ]),
        outcomes: BTreeMap::from([
            (metric_name("accuracy"), outcomes(57_998)),
            (metric_name("clicks"), tally(&[(UnplannedMetric, 8054)])),
            (metric_name("false_positive"), outcomes(31_402)),
        ]),
        merged_lists: Tally::default(),
    }
}

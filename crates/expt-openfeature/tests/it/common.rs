//! Configs in one line each, a client, and a sink that keeps what it takes.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use expt_assign::{
    ArmEntry, Config, ExposureSink, Full, LayerEntry, PhaseEntry, PhaseState, Pushed, Ranges, Snapshot,
    UnitEntry,
};
use expt_core::{Binding, DecisionPoint, Digest, Exposure, LayerId, ParamValue, Share, Timestamp, UnitKind};
use expt_openfeature::Provider;
use expt_store::blocking::wait;
use open_feature::provider::FeatureProvider;
use open_feature::{Client, EvaluationContext, OpenFeature};

pub(crate) fn kind(text: &str) -> UnitKind {
    UnitKind::new(text).unwrap()
}

pub(crate) fn point(text: &str) -> DecisionPoint {
    DecisionPoint::new(text).unwrap()
}

pub(crate) fn percent(from: u32, to: u32) -> Ranges {
    Ranges::between(Share::percent(from).unwrap(), Share::percent(to).unwrap())
}

pub(crate) fn params<const N: usize>(params: [(&str, ParamValue); N]) -> Binding {
    Binding::Params(params.map(|(name, value)| (name.to_owned(), value)).into())
}

/// Every point gets the number of the arm: 1 or 2.
pub(crate) fn phase(id: &str, layer: &str, points: &[&str], ranges: Ranges) -> PhaseEntry {
    let arm = |name: &str, ranges, number: i64| {
        points.iter().fold(ArmEntry::new(name.parse().unwrap(), ranges), |arm, name| {
            arm.with_binding(point(name), params([("value", number.into())]))
        })
    };
    empty_phase(id, layer, ranges).with_arm(arm("a", percent(0, 50), 1)).with_arm(arm(
        "b",
        percent(50, 100),
        2,
    ))
}

/// A running phase without arms.
pub(crate) fn empty_phase(id: &str, layer: &str, ranges: Ranges) -> PhaseEntry {
    let experiment = format!("{id}-experiment").parse().unwrap();
    PhaseEntry::new(id.parse().unwrap(), experiment, layer.parse().unwrap(), Digest::of(id.as_bytes()))
        .with_state(PhaseState::Running)
        .with_ranges(ranges)
}

/// Users with two fallbacks, and the layer `search` with the points `page` and `title`.
pub(crate) fn config() -> Config {
    let user = UnitEntry::new(kind("user"), "user_id").with_fallback("device_id").with_fallback("cookie");
    Config::new("shop", "shop-2026", 7).with_unit(user).with_layer(LayerEntry::new(
        "search".parse().unwrap(),
        kind("user"),
        [point("page"), point("title")],
    ))
}

/// The same, and half of `search` is split between two arms for `page`.
pub(crate) fn half() -> Config {
    config().with_phase(phase("p", "search", &["page"], percent(0, 50)))
}

/// The same for all of `search`.
pub(crate) fn all() -> Config {
    config().with_phase(phase("p", "search", &["page"], Ranges::all()))
}

pub(crate) fn compile(config: Config) -> Arc<Snapshot> {
    Arc::new(Snapshot::compile(config).unwrap())
}

/// A provider whose clock stands.
pub(crate) fn provider(config: Config) -> Provider {
    let snapshot = compile(config);
    Provider::new(move || Arc::clone(&snapshot)).with_clock(now)
}

pub(crate) fn now() -> Timestamp {
    "2026-03-04T00:20:00Z".parse().unwrap()
}

/// A client of an API of its own, so that tests do not share providers.
pub(crate) fn client(provider: impl FeatureProvider) -> Client {
    wait(async {
        let mut api = OpenFeature::default();
        api.set_provider(provider).await;
        api.create_client()
    })
}

pub(crate) fn unit(key: &str) -> EvaluationContext {
    EvaluationContext::default().with_targeting_key(key)
}

/// The first of `u-0`, `u-1`, … that the snapshot gives this arm of `page` in `all()`.
pub(crate) fn unit_in(arm: &str) -> String {
    let snapshot = compile(all());
    let handle = snapshot.decision_point(&point("page")).unwrap();
    let gets = |id: &String| {
        let unit = snapshot.unit(&kind("user"), id).unwrap();
        let assignment = snapshot.assign(&unit, handle, &expt_assign::Context::new(now()));
        assignment.served().unwrap().arm.as_str() == arm
    };
    (0..).map(|index| format!("u-{index}")).find(gets).unwrap()
}

#[derive(Debug, Default)]
pub(crate) struct Rows {
    rows: Mutex<Vec<(LayerId, Exposure)>>,
    pub(crate) full: AtomicBool,
}

impl Rows {
    pub(crate) fn rows(&self) -> Vec<(LayerId, Exposure)> {
        self.rows.lock().unwrap().clone()
    }

    pub(crate) fn by_unit(&self) -> BTreeMap<String, usize> {
        self.rows().iter().fold(BTreeMap::new(), |mut all, (_, row)| {
            *all.entry(row.unit.to_string()).or_default() += 1;
            all
        })
    }
}

impl ExposureSink for Rows {
    fn push(&self, layer: &LayerId, exposure: Exposure) -> Result<Pushed, Full> {
        if self.full.load(Ordering::Relaxed) {
            return Err(Full);
        }
        self.rows.lock().unwrap().push((layer.clone(), exposure));
        Ok(Pushed::Taken)
    }
}

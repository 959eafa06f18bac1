//! Finds everything that is wrong with a config.
//!
//! A check never stops at its first fault, and one fault does not hide those elsewhere. Ranges
//! and names are checked in `O(n log n)`, so that a large or hostile document is refused about as quickly
//! as it is read.

mod exclusions;
mod forced;
mod holdouts;
mod layers;
mod phases;
mod prerequisites;
mod traffic;
mod units;

use std::collections::{HashMap, HashSet};
use std::hash::Hash;

use expt_core::{HoldoutId, LayerId, PhaseId, UnitKind};

use crate::config::{Buckets, Config, HoldoutEntry, LayerEntry, PhaseEntry, UnitEntry};
use crate::error::excerpt;
use crate::fault::{FaultKind, Found};
use crate::ranges::Range;

/// Checks everything about a config but its rules, which are checked as they are compiled.
pub(crate) fn check(config: &Config) -> Found {
    let names = Names::of(config);
    let mut found = Found::default();
    units::check(config, &mut found);
    layers::check(config, &names, &mut found);
    phases::check(config, &names, &mut found);
    prerequisites::check(config, &names, &mut found);
    traffic::check(config, &mut found);
    holdouts::check(config, &names, &mut found);
    exclusions::check(config, &names, &mut found);
    forced::check(config, &names, &mut found);
    found
}

/// What the config declares, by name. Of two entries with one name the first is meant.
struct Names<'a> {
    units: HashMap<&'a UnitKind, &'a UnitEntry>,
    layers: HashMap<&'a LayerId, &'a LayerEntry>,
    phases: HashMap<&'a PhaseId, &'a PhaseEntry>,
    holdouts: HashMap<&'a HoldoutId, &'a HoldoutEntry>,
}

impl<'a> Names<'a> {
    fn of(config: &'a Config) -> Self {
        Self {
            units: first_wins(config.units.iter().map(|entry| (&entry.kind, entry))),
            layers: first_wins(config.layers.iter().map(|entry| (&entry.id, entry))),
            phases: first_wins(config.phases.iter().map(|entry| (&entry.id, entry))),
            holdouts: first_wins(config.holdouts.iter().map(|entry| (&entry.id, entry))),
        }
    }

    fn require_unit(&self, found: &mut Found, path: impl FnOnce() -> String, kind: &UnitKind) {
        if !self.units.contains_key(kind) {
            let remedy = "name a declared kind of unit, or declare it under units";
            found.add(FaultKind::Dangling, path(), quoted(kind), "is no declared kind of unit", remedy);
        }
    }

    fn require_phase(&self, found: &mut Found, path: impl FnOnce() -> String, phase: &PhaseId) {
        if !self.phases.contains_key(phase) {
            let remedy = "name a phase of this config, or remove the entry";
            found.add(FaultKind::Dangling, path(), quoted(phase), "is no phase of this config", remedy);
        }
    }

    fn require_layer(&self, found: &mut Found, path: impl FnOnce() -> String, layer: &LayerId) {
        if !self.layers.contains_key(layer) {
            let remedy = "name a layer of this config, or add it under layers";
            found.add(FaultKind::Dangling, path(), quoted(layer), "is no layer of this config", remedy);
        }
    }
}

fn first_wins<K: Eq + Hash, V>(entries: impl ExactSizeIterator<Item = (K, V)>) -> HashMap<K, V> {
    let mut map = HashMap::with_capacity(entries.len());
    for (key, value) in entries {
        map.entry(key).or_insert(value);
    }
    map
}

/// Reports each name that stands twice.
fn require_unique<'a, K: Eq + Hash + AsRef<str> + 'a>(
    found: &mut Found,
    names: impl IntoIterator<Item = &'a K, IntoIter: Clone>,
    path: impl Fn(usize) -> String,
) {
    let names = names.into_iter();
    // A few are compared with each other, which takes no memory; many are not.
    let few = names.size_hint().1.is_some_and(|most| most <= 8);
    let mut seen = HashSet::with_capacity(if few { 0 } else { names.size_hint().0 });
    for (index, name) in names.clone().enumerate() {
        let is_new =
            if few { names.clone().take(index).all(|other| other != name) } else { seen.insert(name) };
        if !is_new {
            let remedy = "give each a name of its own, or remove one";
            found.add(FaultKind::Duplicate, path(index), quoted(name), "stands here twice", remedy);
        }
    }
}

/// Reports an empty text.
fn require_text(found: &mut Found, path: impl FnOnce() -> String, text: &str, remedy: &'static str) {
    if text.is_empty() {
        found.add(FaultKind::Empty, path(), quoted(text), "is empty", remedy);
    }
}

/// Reports buckets that cannot be computed.
fn check_buckets(buckets: Option<&Buckets>, path: impl FnOnce() -> String, found: &mut Found) {
    let Some(buckets) = buckets else { return };
    if !cfg!(feature = "compat") {
        let problem = "is another product's formula, and this build has none";
        let remedy = "turn on the feature `compat` of expt-assign";
        found.add(FaultKind::Feature, path(), buckets.product(), problem, remedy);
    } else if buckets.total() == 0 {
        let remedy = "give the number of buckets, at least 1";
        found.add(FaultKind::Empty, path(), buckets.product(), "has no buckets", remedy);
    }
}

/// Text of a config in quotes, cut so that a message stays readable.
pub(crate) fn quoted(text: impl AsRef<str>) -> String {
    format!("{:?}", excerpt(text.as_ref()))
}

/// A list of ranges as text, cut so that a message stays readable.
fn listed(ranges: &[Range]) -> String {
    let shown: Vec<_> = ranges.iter().take(4).map(Range::to_string).collect();
    let more = if ranges.len() > shown.len() { ", ..." } else { "" };
    format!("[{}{more}]", shown.join(", "))
}

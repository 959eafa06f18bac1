//! The features of an application.

use std::collections::HashMap;

use super::constraint::Constraint;
use super::context::Context;
use super::error::Error;
use super::pattern::Budget;
use super::strategy::{Segments, Strategy};
use super::variant::{Definition, Variant, Variants};
use super::wire;

/// The features and segments that an Unleash server sends to an SDK.
#[derive(Debug, Default)]
pub struct Features {
    features: HashMap<String, Feature>,
    segments: Segments,
}

#[derive(Debug)]
struct Feature {
    enabled: bool,
    strategies: Vec<Strategy>,
    variants: Variants,
    dependencies: Vec<wire::Dependency>,
    /// What its patterns take of the budget.
    cost: usize,
}

/// Off, or on with or without a variant of the strategy.
type Outcome<'a> = Option<Option<&'a Definition>>;

impl Features {
    /// Reads `{"features": [...], "segments": [...]}` or a list of delta events, `{"events": [...]}`.
    ///
    /// # Errors
    /// [`Error::Json`] if it is neither; [`Error::Pattern`] if its patterns would take too much memory.
    pub fn from_json(json: &str) -> Result<Self, Error> {
        let mut features = Self::default();
        features.apply_delta(json)?;
        Ok(features)
    }

    /// Applies a list of delta events, `{"events": [...]}`, or takes over a whole new state,
    /// `{"features": [...], "segments": [...]}`. Events of unknown types are ignored; a refused list changes nothing.
    ///
    /// # Errors
    /// [`Error::Json`] if it is neither; [`Error::Pattern`] if the patterns would take too much memory.
    pub fn apply_delta(&mut self, json: &str) -> Result<(), Error> {
        let message: wire::Message = serde_json::from_str(json)?;
        let mut changes = Changes { changes: Vec::new(), budget: Budget::after(self.cost()) };
        match (message.events, message.features) {
            (Some(events), _) => events.into_iter().try_for_each(|event| changes.event(event))?,
            (None, Some(features)) => changes.state(features, message.segments)?,
            (None, None) => {
                let problem = "neither `features` nor `events`".to_owned();
                return Err(Error::Json { line: 0, column: 0, problem });
            }
        }
        changes.changes.into_iter().for_each(|change| self.change(change));
        Ok(())
    }

    /// Whether a feature is on; one that is not there is off.
    #[must_use]
    pub fn is_enabled(&self, feature: &str, context: &Context) -> bool {
        self.outcome(feature, context).is_some()
    }

    /// The variant of a feature: that of the first strategy that is on and has variants, else the feature's own.
    #[must_use]
    pub fn variant<'a>(&'a self, feature: &str, context: &Context) -> Variant<'a> {
        match self.outcome(feature, context) {
            None => Variant::of(None, false),
            Some(Some(variant)) => Variant::of(Some(variant), true),
            Some(None) => {
                let own =
                    self.features.get(feature).and_then(|own| own.variants.select(feature, feature, context));
                Variant::of(own, true)
            }
        }
    }
}

impl Features {
    fn outcome<'a>(&'a self, name: &str, context: &Context) -> Outcome<'a> {
        let feature = self.features.get(name)?;
        if !feature.enabled || !feature.dependencies.iter().all(|parent| self.satisfies(parent, context)) {
            return None;
        }
        if feature.strategies.is_empty() {
            return Some(None);
        }
        let mut strategies = feature.strategies.iter().enumerate();
        let (_, first) =
            strategies.find(|(index, item)| item.applies(name, *index, &self.segments, context))?;
        Some(first.variants.select(&first.group, name, context))
    }

    /// Only a parent without parents of its own counts, so this goes one level deep and no further.
    fn satisfies(&self, dependency: &wire::Dependency, context: &Context) -> bool {
        let name = dependency.feature.as_str();
        if self.features.get(name).is_none_or(|parent| !parent.dependencies.is_empty()) {
            return false;
        }
        match (dependency.enabled, dependency.variants.as_slice()) {
            (Some(false), _) => !self.is_enabled(name, context),
            (_, []) => self.is_enabled(name, context),
            (_, variants) => {
                let variant = self.variant(name, context);
                variant.feature_enabled && variants.iter().any(|name| name == variant.name)
            }
        }
    }

    fn cost(&self) -> usize {
        let features = self.features.values().map(|feature| feature.cost);
        features.chain(self.segments.values().map(|segment| segment.1)).fold(0, usize::saturating_add)
    }

    fn change(&mut self, change: Change) {
        match change {
            Change::Clear => *self = Self::default(),
            Change::Feature(name, feature) => drop(self.features.insert(name, feature)),
            Change::RemoveFeature(name) => drop(self.features.remove(&name)),
            Change::Segment(id, constraints, cost) => drop(self.segments.insert(id, (constraints, cost))),
            Change::RemoveSegment(id) => drop(self.segments.remove(&id)),
        }
    }
}

/// Compiled events, so that a list that is refused has changed nothing.
struct Changes {
    changes: Vec<Change>,
    budget: Budget,
}

enum Change {
    Clear,
    Feature(String, Feature),
    RemoveFeature(String),
    Segment(i64, Vec<Constraint>, usize),
    RemoveSegment(i64),
}

impl Changes {
    fn event(&mut self, event: wire::Event) -> Result<(), Error> {
        match event {
            wire::Event::Hydration { features, segments } => self.state(features, segments),
            wire::Event::FeatureUpdated { feature } => self.feature(feature),
            wire::Event::FeatureRemoved { feature_name } => {
                self.changes.push(Change::RemoveFeature(feature_name));
                Ok(())
            }
            wire::Event::SegmentUpdated { segment } => self.segment(segment),
            wire::Event::SegmentRemoved { segment_id } => {
                self.changes.push(Change::RemoveSegment(segment_id));
                Ok(())
            }
            wire::Event::Unknown => Ok(()),
        }
    }

    fn state(&mut self, features: Vec<wire::Feature>, segments: Vec<wire::Segment>) -> Result<(), Error> {
        self.changes = vec![Change::Clear];
        self.budget = Budget::after(0);
        segments.into_iter().try_for_each(|segment| self.segment(segment))?;
        features.into_iter().try_for_each(|feature| self.feature(feature))
    }

    fn feature(&mut self, feature: wire::Feature) -> Result<(), Error> {
        let before = self.budget.taken();
        let name = feature.name;
        let strategies = feature.strategies.into_iter();
        let strategies = strategies.map(|item| Strategy::compile(item, &name, &mut self.budget));
        let compiled = Feature {
            enabled: feature.enabled,
            strategies: strategies.collect::<Result<_, _>>()?,
            variants: Variants::compile(feature.variants, None),
            dependencies: feature.dependencies,
            cost: self.budget.taken() - before,
        };
        self.changes.push(Change::Feature(name, compiled));
        Ok(())
    }

    fn segment(&mut self, segment: wire::Segment) -> Result<(), Error> {
        let before = self.budget.taken();
        let constraints =
            segment.constraints.into_iter().map(|item| Constraint::compile(item, &mut self.budget));
        let constraints = constraints.collect::<Result<_, _>>()?;
        self.changes.push(Change::Segment(segment.id, constraints, self.budget.taken() - before));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(id: &str) -> Context {
        Context { user_id: Some(id.to_owned()), ..Context::default() }
    }

    /// Client specification, file 08: `Feature.Variants.B` gives variant2 to user 2.
    #[test]
    fn variants_by_weight_and_override() {
        let features = Features::from_json(
            r#"{"features": [{"name": "Feature.Variants.B", "enabled": true, "variants": [
                {"name": "variant1", "weight": 1, "payload": {"type": "string", "value": "val1"}},
                {"name": "variant2", "weight": 1, "overrides": [{"contextName": "userId", "values": ["7"]}]}]},
                {"name": "weightless", "enabled": true, "variants": [{"name": "a", "weight": 0}]}]}"#,
        )
        .unwrap();
        let variant = features.variant("Feature.Variants.B", &user("2"));
        assert_eq!((variant.name, variant.enabled, variant.feature_enabled), ("variant2", true, true));
        assert_eq!(features.variant("Feature.Variants.B", &user("7")).name, "variant2");
        let names = |id| features.variant("Feature.Variants.B", &user(id)).name;
        assert!(["0", "1", "3", "4", "5"].iter().any(|id| names(id) == "variant1"));
        let variant = features.variant("weightless", &user("2"));
        assert_eq!((variant.name, variant.enabled, variant.feature_enabled), ("disabled", false, true));
        assert!(!features.variant("missing", &user("2")).feature_enabled);
    }

    #[test]
    fn variants_of_strategies_come_first() {
        let features = Features::from_json(
            r#"{"features": [{"name": "f", "enabled": true,
                "strategies": [
                    {"name": "userWithId", "parameters": {"userIds": "1"}, "variants": [{"name": "mine", "weight": 1}]},
                    {"name": "default", "variants": []}],
                "variants": [{"name": "own", "weight": 1}]}]}"#,
        )
        .unwrap();
        assert_eq!(features.variant("f", &user("1")).name, "mine");
        assert_eq!(features.variant("f", &user("2")).name, "own");
    }

    #[test]
    fn dependencies_go_one_level_deep() {
        let features = Features::from_json(
            r#"{"features": [
                {"name": "parent", "enabled": true, "variants": [{"name": "a", "weight": 1}]},
                {"name": "off", "enabled": false},
                {"name": "child", "enabled": true, "dependencies": [{"feature": "parent"}]},
                {"name": "grandchild", "enabled": true, "dependencies": [{"feature": "child"}]},
                {"name": "cycle", "enabled": true, "dependencies": [{"feature": "cycle"}]},
                {"name": "orphan", "enabled": true, "dependencies": [{"feature": "nowhere"}]},
                {"name": "unless", "enabled": true, "dependencies": [{"feature": "off", "enabled": false}]},
                {"name": "a", "enabled": true, "dependencies": [{"feature": "parent", "variants": ["a"]}]},
                {"name": "b", "enabled": true, "dependencies": [{"feature": "parent", "variants": ["b"]}]}]}"#,
        )
        .unwrap();
        let on = |name| features.is_enabled(name, &user("1"));
        assert!(on("child") && on("unless") && on("a"));
        assert!(!on("grandchild") && !on("cycle") && !on("orphan") && !on("b") && !on("off"));
    }

    #[test]
    fn deltas() {
        let mut features = Features::from_json(
            r#"{"events": [
                {"type": "hydration", "eventId": 1, "features": [
                    {"name": "a", "enabled": true, "strategies": [{"name": "default", "segments": [1]}]},
                    {"name": "b", "enabled": true}],
                    "segments": [{"id": 1, "constraints": [
                        {"contextName": "userId", "operator": "REGEX", "value": "^1"}]}]},
                {"type": "feature-removed", "eventId": 2, "featureName": "b", "project": "default"},
                {"type": "something-new", "eventId": 3}]}"#,
        )
        .unwrap();
        assert!(features.is_enabled("a", &user("12")) && !features.is_enabled("a", &user("2")));
        assert!(!features.is_enabled("b", &user("12")));
        features
            .apply_delta(r#"{"events": [{"type": "segment-removed", "eventId": 4, "segmentId": 1}]}"#)
            .unwrap();
        assert!(!features.is_enabled("a", &user("12")));
        let refused = r#"{"events": [
            {"type": "feature-updated", "eventId": 5, "feature": {"name": "c", "enabled": true}},
            {"type": "feature-updated", "eventId": 6, "feature": {"name": "d", "enabled": true, "strategies": [
                {"name": "default", "constraints": [
                    {"contextName": "userId", "operator": "REGEX", "value": "((a{200}){200}){200}"}]}]}}]}"#;
        assert!(matches!(features.apply_delta(refused), Err(Error::Pattern { .. })));
        assert!(!features.is_enabled("c", &user("12")));
        features.apply_delta(r#"{"features": [{"name": "c", "enabled": true}]}"#).unwrap();
        assert!(features.is_enabled("c", &user("12")));
    }

    #[test]
    fn refusals() {
        for json in [
            "",
            "[]",
            "{}",
            r#"{"features": [{"enabled": true}]}"#,
            r#"{"events": [{"type": "feature-updated"}]}"#,
        ] {
            assert!(matches!(Features::from_json(json), Err(Error::Json { .. })), "{json}");
        }
        let error = Features::from_json("{}").unwrap_err().to_string();
        assert!(error.contains("neither `features` nor `events`"), "{error}");
    }
}

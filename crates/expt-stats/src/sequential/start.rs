//! When a sequential procedure may give its first answer.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::effect::Shape;

/// Keeps an asymptotic procedure silent until the normal approximation deserves trust.
///
/// Nothing is reported before the *smaller* arm has `max(100, 25 skewness^2)` units (Boos and
/// Hughes-Oliver 2000 and Kohavi et al. 2014 derive rules of this form for fixed samples) and, for a
/// proportion, 25 expected events and 25 expected non-events at the pooled rate. The rule reads
/// pooled data and the smaller arm only, never the difference, so it cannot favour an outcome. It can
/// be made stricter, never laxer.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "Stored")]
pub struct StartRule {
    min_units: u64,
}

impl StartRule {
    /// Demands at least this many units in the smaller arm; below 100 it has no effect.
    #[must_use]
    pub fn with_min_units(mut self, units: u64) -> Self {
        self.min_units = units.max(MIN_UNITS);
        self
    }

    /// Returns what is still missing, or `None` if the procedure may start.
    pub(crate) fn shortfall(self, smaller: u64, shape: Shape) -> Option<NotYet> {
        let have = smaller as f64;
        let (events, skewness) = match shape {
            Shape::Events { rate } => {
                let rate = rate.get();
                let spread = (rate * (1.0 - rate)).sqrt();
                let skewness = (spread > 0.0).then(|| (1.0 - 2.0 * rate) / spread);
                let expected = [(Shortfall::Events, rate), (Shortfall::NonEvents, 1.0 - rate)];
                (expected.map(|(what, share)| (what, MIN_EVENTS, have * share)), skewness)
            }
            Shape::Skewed { skewness } => {
                ([(Shortfall::Events, 0.0, 0.0), (Shortfall::NonEvents, 0.0, 0.0)], skewness)
            }
        };
        let Some(skewness) = skewness.filter(|skewness| skewness.is_finite()) else {
            return Some(NotYet { what: Shortfall::Variation, need: 1.0, have: 0.0 });
        };
        let wanted = (SKEWNESS_FACTOR * skewness * skewness).ceil().min(f64::MAX);
        let units = (Shortfall::Units, wanted.max(self.min_units as f64), have);
        [units]
            .into_iter()
            .chain(events)
            .find(|&(_, need, have)| have < need)
            .map(|(what, need, have)| NotYet { what, need, have })
    }
}

impl Default for StartRule {
    fn default() -> Self {
        Self { min_units: MIN_UNITS }
    }
}

/// Says what a sequential procedure still lacks before it may answer.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct NotYet {
    /// What is missing.
    pub what: Shortfall,
    /// How much is needed, in the smaller arm.
    pub need: f64,
    /// How much there is.
    pub have: f64,
}

impl fmt::Display for NotYet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.what {
            Shortfall::Variation => f.write_str("all values are equal, so there is no scale to judge by"),
            Shortfall::Units => write!(f, "the smaller arm has {} of {} units", self.have, self.need),
            Shortfall::Events => {
                write!(f, "the smaller arm expects {:.1} of {} events", self.have, self.need)
            }
            Shortfall::NonEvents => {
                write!(f, "the smaller arm expects {:.1} of {} non-events", self.have, self.need)
            }
        }
    }
}

/// Names the quantity a [`NotYet`] is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Shortfall {
    /// Units in the smaller arm.
    Units,
    /// Expected events in the smaller arm at the pooled rate.
    Events,
    /// Expected non-events in the smaller arm at the pooled rate.
    NonEvents,
    /// Any variation at all.
    Variation,
}

/// The serialised form, which cannot be laxer than the rule either.
#[derive(Deserialize)]
struct Stored {
    min_units: u64,
}

impl From<Stored> for StartRule {
    fn from(stored: Stored) -> Self {
        Self::default().with_min_units(stored.min_units)
    }
}

const MIN_UNITS: u64 = 100;
const SKEWNESS_FACTOR: f64 = 25.0;
const MIN_EVENTS: f64 = 25.0;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::level::Probability;

    fn missing(units: u64, shape: Shape) -> Option<Shortfall> {
        StartRule::default().shortfall(units, shape).map(|not_yet| not_yet.what)
    }

    #[test]
    fn units_grow_with_the_square_of_the_skewness() {
        let skewed = |skewness| Shape::Skewed { skewness: Some(skewness) };
        assert_eq!(missing(99, skewed(0.0)), Some(Shortfall::Units));
        assert_eq!(missing(100, skewed(2.0)), None);
        assert_eq!(missing(899, skewed(-6.0)), Some(Shortfall::Units));
        assert_eq!(missing(900, skewed(6.0)), None);
        assert_eq!(missing(900, Shape::Skewed { skewness: None }), Some(Shortfall::Variation));
    }

    #[test]
    fn rare_events_wait_for_25_of_them() {
        let events = |rate| Shape::Events { rate: Probability::new(rate).unwrap() };
        assert_eq!(missing(100, events(0.5)), None);
        assert_eq!(missing(110, events(0.2)), Some(Shortfall::Events));
        assert_eq!(missing(110, events(0.8)), Some(Shortfall::NonEvents));
        assert_eq!(missing(2000, events(0.01)), Some(Shortfall::Units));
        assert_eq!(missing(2600, events(0.01)), None);
        assert_eq!(missing(2600, events(0.0)), Some(Shortfall::Variation));
    }

    #[test]
    fn the_rule_only_gets_stricter() {
        assert_eq!(StartRule::default().with_min_units(1), StartRule::default());
        assert_eq!(serde_json::from_str::<StartRule>(r#"{"min_units":3}"#).unwrap(), StartRule::default());
    }
}

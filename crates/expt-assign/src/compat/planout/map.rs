//! Maps that keep the order of their keys, as Python's do.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::ser::{Serialize, Serializer};

use super::value::Value;

/// Named values in the order in which the names first came: inputs, overrides, parameters, maps of a script.
///
/// A name that comes again keeps its place and takes the new value. Two maps are equal when they have the same
/// values under the same names, in whatever order.
#[derive(Clone, Default)]
pub struct Map {
    entries: Vec<(Arc<str>, Value)>,
    places: BTreeMap<Arc<str>, usize>,
}

impl Map {
    /// An empty map.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The value under a name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        let place = self.places.get(name)?;
        self.entries.get(*place).map(|(_, value)| value)
    }

    /// Sets the value under a name.
    pub fn insert(&mut self, name: impl Into<Arc<str>>, value: impl Into<Value>) {
        let name = name.into();
        let known = self.places.get(&name).and_then(|place| self.entries.get_mut(*place));
        if let Some((_, old)) = known {
            *old = value.into();
            return;
        }
        self.places.insert(Arc::clone(&name), self.entries.len());
        self.entries.push((name, value.into()));
    }

    /// The names and values, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Value)> {
        self.entries.iter().map(|(name, value)| (&**name, value))
    }

    /// How many names there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

impl<N: Into<Arc<str>>, V: Into<Value>> FromIterator<(N, V)> for Map {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(entries: I) -> Self {
        let mut map = Self::new();
        entries.into_iter().for_each(|(name, value)| map.insert(name, value));
        map
    }
}

impl PartialEq for Map {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().all(|(name, value)| other.get(name) == Some(value))
    }
}

impl fmt::Debug for Map {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl Serialize for Map {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_comes_again_keeps_its_place_and_takes_the_new_value() {
        let map = Map::from_iter([("b", 1), ("a", 2), ("b", 3)]);
        let entries: Vec<_> = map.iter().collect();
        assert_eq!(entries, [("b", &Value::Int(3)), ("a", &Value::Int(2))]);
    }

    #[test]
    fn equality_does_not_look_at_the_order() {
        assert_eq!(Map::from_iter([("a", 1), ("b", 2)]), Map::from_iter([("b", 2), ("a", 1)]));
        assert_ne!(Map::from_iter([("a", 1)]), Map::from_iter([("a", 1), ("b", 2)]));
        assert_ne!(Map::from_iter([("a", 1)]), Map::from_iter([("a", 2)]));
    }
}

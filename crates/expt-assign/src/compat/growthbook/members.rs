//! Lists that an attribute is looked up in.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};

use serde_json::Value;

use super::js;

/// The lists that `$inGroup` and `$notInGroup` refer to by key.
#[derive(Debug, Clone, Default)]
pub struct SavedGroups {
    groups: BTreeMap<String, Members>,
}

impl SavedGroups {
    /// From the object `savedGroups` of a payload; what is not a list is an empty one.
    #[must_use]
    pub fn from_value(groups: &Value) -> Self {
        let list = |(key, value): (&String, &Value)| (key.clone(), Members::new(items(value), false));
        Self { groups: groups.as_object().into_iter().flatten().map(list).collect() }
    }

    /// Whether the value, or one of its elements, is in a group; a missing group is empty.
    pub(super) fn contain(&self, key: &str, actual: &Value) -> bool {
        self.groups.get(key).is_some_and(|members| members.meet(actual))
    }
}

/// The scalars of a list, so that a lookup does not walk it.
///
/// Lists and objects inside are left out: JavaScript compares them by identity, so they equal nothing.
#[derive(Debug, Clone)]
pub(super) struct Members {
    texts: HashSet<String>,
    numbers: HashSet<u64>,
    others: [bool; 3],
    /// Whether the case of texts is ignored.
    folded: bool,
}

impl Members {
    pub(super) fn new(list: &[Value], folded: bool) -> Self {
        let mut members = Self { texts: HashSet::new(), numbers: HashSet::new(), others: [false; 3], folded };
        for item in list {
            match item {
                Value::String(text) => {
                    members.texts.insert(members.fold(text).into_owned());
                }
                Value::Number(_) => {
                    members.numbers.insert(bits(item));
                }
                Value::Null => members.others[0] = true,
                Value::Bool(false) => members.others[1] = true,
                Value::Bool(true) => members.others[2] = true,
                Value::Array(_) | Value::Object(_) => {}
            }
        }
        members
    }

    /// Whether the value is in the list, or if it is a list itself, one of its elements.
    pub(super) fn meet(&self, actual: &Value) -> bool {
        match actual {
            Value::Array(items) => items.iter().any(|item| self.contain(item)),
            _ => self.contain(actual),
        }
    }

    fn contain(&self, item: &Value) -> bool {
        match item {
            Value::String(text) => self.texts.contains(&*self.fold(text)),
            Value::Number(_) => self.numbers.contains(&bits(item)),
            Value::Null => self.others[0],
            Value::Bool(false) => self.others[1],
            Value::Bool(true) => self.others[2],
            Value::Array(_) | Value::Object(_) => false,
        }
    }

    fn fold<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if self.folded { text.to_lowercase().into() } else { text.into() }
    }
}

/// The elements of a list; none of anything else.
pub(super) fn items(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// The same for equal numbers, of which the zeros are two.
fn bits(item: &Value) -> u64 {
    (js::number(item) + 0.0).to_bits()
}

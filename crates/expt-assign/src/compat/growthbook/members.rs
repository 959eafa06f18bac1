//! Lists that an attribute is looked up in.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};

use expt_core::ParamValue;
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

    pub(super) fn get(&self, key: &str) -> Option<&Members> {
        self.groups.get(key)
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

    /// Whether a text is in the list whatever its case.
    pub(super) fn is_folded(&self) -> bool {
        self.folded
    }

    /// What is in the list, in an order of its own.
    pub(super) fn values(&self) -> Vec<ParamValue> {
        let mut texts: Vec<_> = self.texts.iter().cloned().map(ParamValue::Text).collect();
        texts.sort_by(|a, b| a.as_str().cmp(&b.as_str()));
        let mut numbers: Vec<_> = self.numbers.iter().map(|bits| f64::from_bits(*bits)).collect();
        numbers.sort_by(f64::total_cmp);
        let [_, no, yes] = self.others;
        texts.extend(numbers.into_iter().map(ParamValue::Float));
        texts.extend(no.then_some(ParamValue::Bool(false)));
        texts.extend(yes.then_some(ParamValue::Bool(true)));
        texts
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

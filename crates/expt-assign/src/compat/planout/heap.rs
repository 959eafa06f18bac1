//! The values of one evaluation, with the identity that lists have in Python, and the budget that it may use.
//!
//! Random operators append to the very list that was given as their unit, so a list that is reached in two ways
//! changes in both. Lists therefore live here and are passed by their number.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::error::{PlanOutError, Result};
use super::map::Map;
use super::text;
use super::value::{DEEPEST, Value};

/// A value of an evaluation.
#[derive(Debug, Clone)]
pub(super) enum Item {
    Null,
    Bool(bool),
    Int(i128),
    Float(f64),
    Text(Rc<str>),
    List(usize),
    Map(usize),
}

/// A map of an evaluation.
#[derive(Debug, Clone, Default)]
pub(super) struct Dict {
    entries: Vec<(Rc<str>, Item)>,
    places: BTreeMap<Rc<str>, usize>,
}

/// All lists and maps of an evaluation.
#[derive(Debug)]
pub(super) struct Heap {
    lists: Vec<Vec<Item>>,
    maps: Vec<Dict>,
    steps: usize,
}

impl Dict {
    pub(super) fn insert(&mut self, name: Rc<str>, item: Item) {
        let known = self.places.get(&name).and_then(|place| self.entries.get_mut(*place));
        if let Some((_, old)) = known {
            *old = item;
            return;
        }
        self.places.insert(Rc::clone(&name), self.entries.len());
        self.entries.push((name, item));
    }

    pub(super) fn get(&self, name: &str) -> Option<&Item> {
        self.places.get(name).and_then(|place| self.entries.get(*place)).map(|(_, item)| item)
    }

    pub(super) fn entries(&self) -> &[(Rc<str>, Item)] {
        &self.entries
    }
}

impl Heap {
    pub(super) fn new() -> Self {
        Self { lists: Vec::new(), maps: Vec::new(), steps: STEPS }
    }

    /// Uses up some of the budget.
    pub(super) fn charge(&mut self, steps: usize) -> Result<()> {
        self.steps = self.steps.checked_sub(steps).ok_or(PlanOutError::Steps { allowed: STEPS })?;
        Ok(())
    }

    pub(super) fn text(&mut self, text: &str) -> Result<Item> {
        self.charge(1 + text.len() / BYTES)?;
        Ok(Item::Text(text.into()))
    }

    pub(super) fn new_list(&mut self, items: Vec<Item>) -> Result<Item> {
        self.charge(1 + items.len())?;
        self.lists.push(items);
        Ok(Item::List(self.lists.len() - 1))
    }

    pub(super) fn new_map(&mut self, map: Dict) -> Result<Item> {
        self.charge(1 + map.entries.len())?;
        self.maps.push(map);
        Ok(Item::Map(self.maps.len() - 1))
    }

    pub(super) fn list(&self, list: usize) -> &[Item] {
        self.lists.get(list).map_or(&[], Vec::as_slice)
    }

    /// A copy of a list, so that the heap can be used meanwhile.
    pub(super) fn items(&mut self, list: usize) -> Result<Vec<Item>> {
        self.charge(1 + self.list(list).len())?;
        Ok(self.list(list).to_vec())
    }

    pub(super) fn dict(&self, map: usize) -> Option<&Dict> {
        self.maps.get(map)
    }

    /// Appends to a list, for all who see it.
    pub(super) fn extend(&mut self, list: usize, items: impl IntoIterator<Item = Item>) -> Result<()> {
        let Some(list) = self.lists.get_mut(list) else { return Ok(()) };
        let before = list.len();
        list.extend(items);
        let added = list.len() - before;
        self.charge(added)
    }

    /// Brings a value in.
    pub(super) fn import(&mut self, value: &Value) -> Result<Item> {
        self.import_at(value, 0)
    }

    fn import_at(&mut self, value: &Value, level: usize) -> Result<Item> {
        self.charge(1)?;
        match value {
            Value::Null => Ok(Item::Null),
            Value::Bool(value) => Ok(Item::Bool(*value)),
            Value::Int(value) => Ok(Item::Int(*value)),
            Value::Float(value) if !value.is_finite() => Err(PlanOutError::NotFinite { value: *value }),
            Value::Float(value) => Ok(Item::Float(*value)),
            Value::Text(value) => self.text(value),
            Value::List(values) => {
                let level = deeper(level)?;
                let items = values.iter().map(|value| self.import_at(value, level)).collect::<Result<_>>()?;
                self.new_list(items)
            }
            Value::Map(map) => {
                let level = deeper(level)?;
                let mut dict = Dict::default();
                for (name, value) in map.iter() {
                    dict.insert(name.into(), self.import_at(value, level)?);
                }
                self.new_map(dict)
            }
        }
    }

    /// Takes a value out.
    pub(super) fn export(&mut self, item: &Item) -> Result<Value> {
        self.export_at(item, 0)
    }

    fn export_at(&mut self, item: &Item, level: usize) -> Result<Value> {
        self.charge(1)?;
        Ok(match item {
            Item::Null => Value::Null,
            Item::Bool(value) => Value::Bool(*value),
            Item::Int(value) => Value::Int(*value),
            Item::Float(value) => Value::Float(*value),
            Item::Text(value) => {
                self.charge(value.len() / BYTES)?;
                Value::Text(value.as_ref().to_owned())
            }
            Item::List(list) => {
                let level = deeper(level)?;
                let items = self.items(*list)?;
                Value::List(items.iter().map(|item| self.export_at(item, level)).collect::<Result<_>>()?)
            }
            Item::Map(map) => {
                let level = deeper(level)?;
                let mut out = Map::new();
                for (name, item) in self.entries(*map)? {
                    out.insert(&*name, self.export_at(&item, level)?);
                }
                Value::Map(out)
            }
        })
    }

    /// A copy that shares no list with the original; what is shared within the original stays shared.
    pub(super) fn deep_copy(&mut self, item: &Item) -> Result<Item> {
        self.copy_at(item, &mut BTreeMap::new(), 0)
    }

    fn copy_at(&mut self, item: &Item, copies: &mut BTreeMap<usize, Item>, level: usize) -> Result<Item> {
        match item {
            Item::List(list) => {
                if let Some(copy) = copies.get(list) {
                    return Ok(copy.clone());
                }
                let level = deeper(level)?;
                let items = self.items(*list)?;
                let items =
                    items.iter().map(|item| self.copy_at(item, copies, level)).collect::<Result<_>>()?;
                let copy = self.new_list(items)?;
                copies.insert(*list, copy.clone());
                Ok(copy)
            }
            Item::Map(map) => {
                let level = deeper(level)?;
                let mut dict = Dict::default();
                for (name, item) in self.entries(*map)? {
                    dict.insert(name, self.copy_at(&item, copies, level)?);
                }
                self.new_map(dict)
            }
            _ => Ok(item.clone()),
        }
    }

    /// Whether a list is, or lies somewhere within, a value.
    pub(super) fn reaches(&mut self, item: &Item, list: usize) -> Result<bool> {
        self.reaches_at(item, list, 0)
    }

    fn reaches_at(&mut self, item: &Item, list: usize, level: usize) -> Result<bool> {
        self.charge(1)?;
        let within = match item {
            Item::List(own) if *own == list => return Ok(true),
            Item::List(own) => self.items(*own)?,
            Item::Map(map) => self.entries(*map)?.into_iter().map(|(_, item)| item).collect(),
            _ => return Ok(false),
        };
        let level = deeper(level)?;
        for item in within {
            if self.reaches_at(&item, list, level)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// `str(item)`.
    pub(super) fn str(&mut self, item: &Item) -> Result<String> {
        match item {
            Item::Text(value) => {
                self.charge(1 + value.len() / BYTES)?;
                Ok(value.as_ref().to_owned())
            }
            _ => {
                let mut out = String::new();
                self.repr(item, &mut out, 0)?;
                Ok(out)
            }
        }
    }

    /// `str` of a tuple of several items.
    pub(super) fn str_of_tuple(&mut self, items: &[Item]) -> Result<String> {
        let mut out = String::from("(");
        for (place, item) in items.iter().enumerate() {
            if place > 0 {
                out.push_str(", ");
            }
            self.repr(item, &mut out, 0)?;
        }
        out.push(')');
        Ok(out)
    }

    fn repr(&mut self, item: &Item, out: &mut String, level: usize) -> Result<()> {
        self.charge(1)?;
        match item {
            Item::Null => out.push_str("None"),
            Item::Bool(true) => out.push_str("True"),
            Item::Bool(false) => out.push_str("False"),
            Item::Int(value) => out.push_str(&value.to_string()),
            Item::Float(value) => out.push_str(&text::float(*value)),
            Item::Text(value) => {
                self.charge(value.len() / BYTES)?;
                out.push_str(&text::quoted(value));
            }
            Item::List(list) => {
                let level = deeper(level)?;
                out.push('[');
                for (place, item) in self.items(*list)?.iter().enumerate() {
                    if place > 0 {
                        out.push_str(", ");
                    }
                    self.repr(item, out, level)?;
                }
                out.push(']');
            }
            Item::Map(map) => {
                let level = deeper(level)?;
                out.push('{');
                for (place, (name, item)) in self.entries(*map)?.iter().enumerate() {
                    if place > 0 {
                        out.push_str(", ");
                    }
                    self.charge(name.len() / BYTES)?;
                    out.push_str(&text::quoted(name));
                    out.push_str(": ");
                    self.repr(item, out, level)?;
                }
                out.push('}');
            }
        }
        Ok(())
    }

    /// The texts of a unit, and whether it is a list of units.
    pub(super) fn unit_texts(&mut self, unit: &Item) -> Result<(Vec<String>, bool)> {
        match unit {
            Item::List(list) => {
                let items = self.items(*list)?;
                Ok((items.iter().map(|item| self.str(item)).collect::<Result<_>>()?, true))
            }
            _ => Ok((vec![self.str(unit)?], false)),
        }
    }

    /// As [`unit_texts`](Self::unit_texts), for a value from outside.
    pub(super) fn unit_of(&mut self, unit: &Value) -> Result<(Vec<String>, bool)> {
        let unit = self.import(unit)?;
        self.unit_texts(&unit)
    }

    /// The text with which a choice is appended to a unit; null is not appended.
    pub(super) fn choice_text(&mut self, choice: &Item) -> Result<Option<String>> {
        if matches!(choice, Item::Null) { Ok(None) } else { self.str(choice).map(Some) }
    }

    /// As [`choice_text`](Self::choice_text), for a value from outside.
    pub(super) fn choice_of(&mut self, choice: &Value) -> Result<Option<String>> {
        let choice = self.import(choice)?;
        self.choice_text(&choice)
    }

    pub(super) fn entries(&mut self, map: usize) -> Result<Vec<(Rc<str>, Item)>> {
        let entries = self.maps.get(map).map_or(&[][..], Dict::entries);
        let (count, copy) = (entries.len(), entries.to_vec());
        self.charge(1 + count)?;
        Ok(copy)
    }

    /// Python's truth of a value.
    pub(super) fn truth(&self, item: &Item) -> bool {
        match item {
            Item::Null => false,
            Item::Bool(value) => *value,
            Item::Int(value) => *value != 0,
            Item::Float(value) => *value != 0.0,
            Item::Text(value) => !value.is_empty(),
            Item::List(list) => !self.list(*list).is_empty(),
            Item::Map(map) => self.dict(*map).is_some_and(|dict| !dict.entries.is_empty()),
        }
    }
}

impl Item {
    /// The type, for errors.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a truth value",
            Self::Int(_) => "a whole number",
            Self::Float(_) => "a number",
            Self::Text(_) => "a text",
            Self::List(_) => "a list",
            Self::Map(_) => "a map",
        }
    }
}

pub(super) fn deeper(level: usize) -> Result<usize> {
    if level == DEEPEST { Err(PlanOutError::Depth { allowed: DEEPEST }) } else { Ok(level + 1) }
}

/// How many steps an evaluation may take: some hundred milliseconds and some tens of megabytes at most.
const STEPS: usize = 1_000_000;

/// Bytes of text to a step.
pub(super) const BYTES: usize = 16;

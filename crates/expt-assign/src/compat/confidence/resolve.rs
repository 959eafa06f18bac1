//! Resolving flags.

use std::collections::BTreeMap;

use super::error::Error;
use super::evaluate::{Evaluation, Stop};
use super::materialization::{Ledger, Record};
use super::request::{Dialect, Request};
use super::resolution::{Fallthrough, Reason, Resolution, Resolved};
use super::state::{Assignment, Client, Flag, FlagRule, Outcome, Split, State};
use super::value::Value;
use super::{variant_bucket, wire};
use crate::error::excerpt;

/// Resolves the named flags, or all.
pub(super) fn flags<'a>(
    state: &'a State,
    request: &Request<'_>,
    names: &[&str],
) -> Result<Resolved<'a>, Error> {
    let known = state.clients.len();
    let client = state.clients.get(request.client_secret).ok_or(Error::Client { known })?;
    let named = |name: &str| names.is_empty() || names.contains(&name);
    let chosen = state.flags.iter().filter(|(_, flag)| flag.active && flag.clients.contains(&client.name));
    let chosen: Vec<_> = chosen.filter(|(name, _)| named(name)).collect();
    if chosen.len() > MAX_FLAGS {
        return Err(Error::Flags { count: chosen.len() });
    }
    let ledger = Ledger::new(request.materializations);
    let mut evaluation = Evaluation { state, request, ledger, steps: MAX_STEPS };
    let mut flags = Vec::with_capacity(chosen.len());
    for (name, flag) in chosen {
        let written = evaluation.ledger.to_write.len();
        match evaluation.flag(name, flag, client) {
            Ok(Some(resolution)) => flags.push(resolution),
            // It is resolved once the records have been read, and writes then.
            Ok(None) => evaluation.ledger.to_write.truncate(written),
            Err(Stop::Unsupported) => {
                flags.push(Resolution {
                    reason: Reason::MaterializationNotSupported,
                    ..Resolution::new(name)
                });
            }
            // Rules that cannot be evaluated are skipped where they stand.
            Err(Stop::Unknown) => flags.push(Resolution::new(name)),
            Err(Stop::Refused(error)) => return Err(error),
        }
    }
    let Ledger { to_read, to_write, .. } = evaluation.ledger;
    Ok(Resolved { flags, to_read, to_write })
}

/// What a rule does to a unit.
enum Verdict<'a> {
    /// Nothing: the next rule has its turn.
    Next,
    /// Nothing yet: records must be read first.
    Unknown,
    /// It takes it in, and the next rule has its turn.
    Through(Fallthrough<'a>),
    /// It is the last.
    Match(&'a Assignment, Option<String>),
    /// The unit is not usable.
    BadUnit,
}

impl<'s> Evaluation<'s, '_> {
    /// `None` if records must be read first.
    fn flag(
        &mut self,
        name: &'s str,
        flag: &'s Flag,
        client: &Client,
    ) -> Result<Option<Resolution<'s>>, Stop> {
        let mut resolution = Resolution::new(name);
        let mut unknown = false;
        for rule in &flag.rules {
            match self.rule(name, rule, client, unknown)? {
                Verdict::Next => {}
                Verdict::Unknown => unknown = true,
                Verdict::Through(through) => resolution.fallthroughs.push(through),
                Verdict::BadUnit => {
                    return Ok(Some(Resolution { reason: Reason::TargetingKeyError, ..resolution }));
                }
                Verdict::Match(assignment, unit) => {
                    let (variant, value) = match &assignment.outcome {
                        Outcome::Variant(variant) => value(name, rule, flag, variant)?,
                        _ => ("", Value::Struct(BTreeMap::new())),
                    };
                    let segment = rule.segment.and_then(|place| self.state.segments.get(place));
                    return Ok(Some(Resolution {
                        reason: Reason::Match,
                        variant,
                        value: Some(value),
                        rule: &rule.name,
                        segment: segment.map_or("", |segment| &segment.name),
                        assignment_id: &assignment.id,
                        targeting_key: unit.unwrap_or_default(),
                        targeting_key_selector: &rule.selector,
                        ..resolution
                    }));
                }
            }
        }
        Ok((!unknown).then_some(resolution))
    }

    /// `unknown` says that an earlier rule waits for records: then none of the later may match.
    fn rule(
        &mut self,
        flag: &str,
        rule: &'s FlagRule,
        client: &Client,
        unknown: bool,
    ) -> Result<Verdict<'s>, Stop> {
        let here = |name: &String| client.environments.contains(name);
        let (Some(place), true) = (rule.segment, rule.enabled) else { return Ok(Verdict::Next) };
        if !rule.environments.is_empty() && !rule.environments.iter().any(here) {
            return Ok(Verdict::Next);
        }
        let full = rule.split.as_ref().is_some_and(|split| split.full);
        let unit = match self.unit(rule) {
            Ok(None) if !rule.selector.is_empty() => return Ok(Verdict::Next),
            Ok(unit) => unit,
            // A rollout of one variant to everyone needs no unit.
            Err(BadUnit) if rule.selector.is_empty() && full => None,
            Err(BadUnit) => return Ok(Verdict::BadUnit),
        };
        let Some(split) = &rule.split else { return Ok(Verdict::Next) };
        let mut taken = Some(false);
        let mut unread = false;
        if let Some(sticky) = rule.sticky.as_ref().filter(|sticky| !sticky.read.is_empty()) {
            let Some(unit) = unit.as_deref() else { return Ok(Verdict::Next) };
            let own = (self.request.dialect == Dialect::Local).then_some(rule.name.as_str());
            self.spend(self.ledger.size(), &rule.name)?;
            match self.ledger.has(&sticky.read, unit, own, &rule.name)? {
                Some(false) if sticky.must_match => return Ok(Verdict::Next),
                Some(false) => {}
                None => unread = true,
                Some(true) => {
                    taken = if sticky.ignores_targeting {
                        Some(true)
                    } else {
                        skip(self.targeted(place, Some(unit)))?
                    };
                    let earlier = self.ledger.variant(&sticky.read, unit, &rule.name);
                    let again = earlier.filter(|_| taken == Some(true));
                    if let Some(assignment) =
                        again.and_then(|name| self.same(flag, rule, split, place, unit, name))
                    {
                        return Ok(Verdict::Match(assignment, Some(unit.to_owned())));
                    }
                }
            }
        }
        if taken != Some(true) {
            taken = skip(self.belongs(place, unit.as_deref()))?;
        }
        match taken {
            Some(true) if unread || unknown => return Ok(Verdict::Unknown),
            Some(true) => {}
            // The vendor waits for a record that was asked for even if the rule is decided without it.
            Some(false) => return Ok(if unread { Verdict::Unknown } else { Verdict::Next }),
            None => return Ok(Verdict::Unknown),
        }
        self.assign(flag, rule, split, place, unit)
    }
}

impl<'s> Evaluation<'s, '_> {
    /// The assignment of the unit's bucket, noted to be stored.
    fn assign(
        &mut self,
        flag: &str,
        rule: &'s FlagRule,
        split: &'s Split,
        place: usize,
        unit: Option<String>,
    ) -> Result<Verdict<'s>, Stop> {
        let assignment = match &unit {
            _ if split.full => split.assignments.first(),
            Some(unit) => {
                let bucket = self.bucket(flag, rule, split, place, unit)?;
                split.assignments.iter().find(|assignment| assignment.covers(bucket))
            }
            None => return Ok(Verdict::Next),
        };
        let Some(assignment) = assignment.filter(|item| !matches!(item.outcome, Outcome::Unknown)) else {
            return Ok(Verdict::Next);
        };
        if let (Some(sticky), Some(unit)) = (&rule.sticky, &unit) {
            let variant = if let Outcome::Variant(name) = &assignment.outcome { name.as_str() } else { "" };
            let record = Record {
                unit: unit.clone(),
                materialization: sticky.write.clone(),
                rule: rule.name.clone(),
                variant: variant.to_owned(),
            };
            self.spend(self.ledger.size(), &rule.name)?;
            if !self.ledger.write(record)? {
                return Err(refused(flag, rule, "has stored an assignment for this unit already"));
            }
        }
        Ok(match assignment.outcome {
            Outcome::Fallthrough => Verdict::Through(Fallthrough {
                rule: &rule.name,
                assignment_id: &assignment.id,
                targeting_key: unit.unwrap_or_default(),
                targeting_key_selector: &rule.selector,
            }),
            _ => Verdict::Match(assignment, unit),
        })
    }

    /// The assignment of an earlier variant; of several, the one with the unit's bucket.
    fn same(
        &self,
        flag: &str,
        rule: &FlagRule,
        split: &'s Split,
        place: usize,
        unit: &str,
        variant: &str,
    ) -> Option<&'s Assignment> {
        let mine = |item: &&Assignment| matches!(&item.outcome, Outcome::Variant(name) if name == variant);
        let mut matching = split.assignments.iter().filter(mine);
        let first = matching.next();
        if matching.next().is_none() {
            return first;
        }
        // Without a bucket there is no telling them apart, and the unit is assigned anew.
        let bucket = self.bucket(flag, rule, split, place, unit).ok()?;
        split.assignments.iter().filter(mine).find(|item| item.covers(bucket))
    }

    fn bucket(
        &self,
        flag: &str,
        rule: &FlagRule,
        split: &Split,
        place: usize,
        unit: &str,
    ) -> Result<u64, Stop> {
        let name = self.state.segments.get(place).map_or("", |segment| &segment.name);
        let Some(salt) = name.split('/').nth(1) else {
            return Err(refused(flag, rule, "needs a segment whose name is like segments/ID"));
        };
        if split.buckets == 0 {
            return Err(refused(flag, rule, "has a bucket count of 0"));
        }
        Ok(variant_bucket(salt, unit, u64::from(split.buckets)))
    }

    /// The unit of a rule: a text, or a whole number.
    fn unit(&self, rule: &FlagRule) -> Result<Option<String>, BadUnit> {
        let path = if rule.selector.is_empty() { "targeting_key" } else { &rule.selector };
        let unit = match self.request.context.attribute(path) {
            Value::Null => return Ok(None),
            Value::Text(text) => text.clone(),
            Value::Number(number) if number.is_finite() && number.fract() == 0.0 => format!("{number:.0}"),
            _ => return Err(BadUnit),
        };
        if unit.len() > MAX_UNIT { Err(BadUnit) } else { Ok(Some(unit)) }
    }
}

/// A unit that is no text, or too long a one.
struct BadUnit;

/// Targeting that has a rule which is not known is not met by this rule.
fn skip(result: Result<Option<bool>, Stop>) -> Result<Option<bool>, Stop> {
    match result {
        Err(Stop::Unknown) => Ok(Some(false)),
        other => other,
    }
}

/// A variant's name and value with all the fields of the schema.
fn value<'s>(name: &str, rule: &FlagRule, flag: &'s Flag, variant: &str) -> Result<(&'s str, Value), Stop> {
    let found = flag.variants.iter().find(|item| item.name == variant);
    let found = found.ok_or_else(|| refused(name, rule, "assigns a variant that the flag does not have"))?;
    // A variant without a name is as good as the client's default.
    let fields = if found.name.is_empty() { BTreeMap::new() } else { filled(&found.value, &flag.schema) };
    Ok((&found.name, Value::Struct(fields)))
}

fn filled(value: &BTreeMap<String, Value>, schema: &wire::Schema) -> BTreeMap<String, Value> {
    let mut value = value.clone();
    for (name, field) in &schema.schema {
        let inner = value.entry(name.clone()).or_insert(Value::Null);
        if let (Value::Struct(fields), Some(schema)) = (&*inner, &field.struct_schema) {
            *inner = Value::Struct(filled(fields, schema));
        }
    }
    value
}

fn refused(flag: &str, rule: &FlagRule, problem: &'static str) -> Stop {
    Stop::Refused(Error::Flag { flag: excerpt(flag), rule: excerpt(&rule.name), problem })
}

/// How many flags one request may resolve.
pub(super) const MAX_FLAGS: usize = 1000;
const MAX_UNIT: usize = 100;
/// A few ten milliseconds of work.
const MAX_STEPS: usize = 1 << 22;

//! Flags as a config.

use std::collections::BTreeMap;

use expt_core::Timestamp;
use serde_json::Value;

use super::condition::{Check, Condition, Relation};
use super::flags::{Allocation, Flag, Flags, Rule, Split};
use super::value::AssignmentValue;
use crate::compat::import::{
    ALWAYS, Arm, Builder, Gate, Import, ImportOptions, Kind, NEVER, Part, Refused, Said, Spans, all, any,
    first_wins, missing, not, of_text, one_of, present, truths,
};
use crate::config::Buckets;
use crate::error::Result;
use crate::targeting::{self, Comparison, Test};

impl Flags {
    /// Turns the flags into a config in which every subject has the values that it has here, as long as no
    /// allocation begins or ends ([`Import::valid_until`]). What that assumes and what becomes of a flag is
    /// documented [here](crate::compat::import); a flag gives nothing by itself, so there are no defaults.
    ///
    /// What a config cannot say is left out, with the whole flag: splits of one allocation by several salts at
    /// once, and variations that are not of the type of the flag. Of a configuration for clients, whose names
    /// are hidden, every flag is left out.
    ///
    /// # Errors
    /// [`AssignError::Faults`](crate::AssignError::Faults) for options of which no config can be made.
    pub fn import(&self, options: &ImportOptions<'_>) -> Result<Import> {
        let mut flags: Vec<_> = self.flags.iter().collect();
        flags.sort_by_key(|(key, _)| *key);
        let mut builder = Builder::new(options, REMEDY, flags.iter().map(|(key, _)| key.as_str()))?;
        for (key, flag) in flags {
            let parts = match flag {
                _ if self.obfuscated => {
                    Err(Refused::new(key, "this flag", "is for clients, and its names are hidden"))
                }
                None => Err(Refused::new(key, "this flag", "cannot be read")),
                Some(flag) if !flag.enabled => Ok(Vec::new()),
                Some(flag) => parts(key, flag, options.now(), &mut |time| builder.changes_at(time)),
            };
            builder.flag(key, parts, None);
        }
        builder.finish()
    }
}

fn parts(key: &str, flag: &Flag, now: Timestamp, change: &mut impl FnMut(Timestamp)) -> Said<Vec<Part>> {
    let mut parts = Vec::new();
    for (index, allocation) in flag.allocations.iter().enumerate() {
        // An allocation still runs at its end, and no longer after it.
        let after = |end: Timestamp| end.as_micros().checked_add(1).map(Timestamp::from_micros);
        let end = allocation.end.and_then(after);
        allocation.start.into_iter().chain(end).for_each(&mut *change);
        let is_over = allocation.end.is_some_and(|end| now > end);
        if is_over || allocation.start.is_some_and(|start| now < start) {
            continue;
        }
        let path = format!("flags[{key:?}].allocations[{index}]");
        parts.extend(part(flag, allocation, path)?);
    }
    Ok(parts)
}

/// Nothing if it has no split that takes anybody.
fn part(flag: &Flag, allocation: &Allocation, path: String) -> Said<Option<Part>> {
    let shards_in = |split: &Split| split.shards.iter().map(|shard| shard.ranges.len() + 1).sum::<usize>();
    let work = allocation.splits.len().saturating_mul(allocation.splits.iter().map(shards_in).sum());
    if work > MOST_COMPARED {
        let problem =
            "is how many splits it has, and their shards are too many to be compared with each other";
        return Err(Refused::new(path, allocation.splits.len(), problem));
    }
    let mut splits = Vec::new();
    for split in &allocation.splits {
        let value = value(flag, split, &path)?;
        let Some(shards) = shards(flag, split) else { continue };
        let takes_all = shards.is_empty();
        splits.push((split.variation_key.as_str(), value, shards));
        if takes_all {
            break;
        }
    }
    let Some((name, value, first)) = splits.first().cloned() else { return Ok(None) };
    let attribute = ATTRIBUTE.to_owned();
    let mut part = Part::rollout(path, allocation.key.clone(), attribute, value);
    part.arms.iter_mut().for_each(|arm| name.clone_into(&mut arm.name));
    part.when = rules(&allocation.rules);
    let total = flag.total_shards;
    let buckets = |salt: &str| Buckets::Eppo { salt: salt.to_owned(), total };
    let whole = Spans::below(total);
    let of = |shards: &BTreeMap<&str, Spans>, salt: &str| shards.get(salt).unwrap_or(&whole).clone();
    // Salts by which the splits differ; the others let subjects in, and choose nothing.
    let salts = splits.iter().flat_map(|(.., shards)| shards.keys().copied());
    let mut choosing: Vec<&str> =
        salts.filter(|salt| splits.iter().any(|(.., shards)| of(shards, salt) != of(&first, salt))).collect();
    choosing.sort_unstable();
    choosing.dedup();
    for (salt, spans) in &first {
        if !choosing.contains(salt) {
            part.gate(Gate { buckets: buckets(salt), spans: spans.clone() });
        }
    }
    let salt = match choosing.as_slice() {
        [] => return Ok(Some(part)),
        [salt] => *salt,
        several => {
            let problem = "choose between splits together, and an arm is chosen by one";
            return Err(Refused::new(part.path, several.join(", "), problem));
        }
    };
    let spans = first_wins(splits.iter().map(|(.., shards)| of(shards, salt)), total);
    let mut arms: Vec<Arm> = Vec::new();
    for ((name, value, _), spans) in splits.iter().zip(spans) {
        match arms.iter_mut().find(|arm| arm.name == *name) {
            Some(arm) => arm.spans = arm.spans.or(&spans),
            None => arms.push(Arm { name: (*name).to_owned(), value: value.clone(), spans }),
        }
    }
    part.kind = Kind::Experiment { logged: allocation.do_log };
    part.split(buckets(salt), arms);
    Ok(Some(part))
}

/// The shards of a split by salt, without those that take everybody; nothing if it takes nobody.
fn shards<'a>(flag: &Flag, split: &'a Split) -> Option<BTreeMap<&'a str, Spans>> {
    let whole = Spans::below(flag.total_shards);
    let mut salts: BTreeMap<&str, Spans> = BTreeMap::new();
    for shard in &split.shards {
        let spans = Spans::of(shard.ranges.iter().map(|range| (range.start, range.end))).and(&whole);
        let known = salts.entry(shard.salt.as_str()).or_insert_with(|| whole.clone());
        *known = known.and(&spans);
    }
    if salts.values().any(Spans::is_empty) {
        return None;
    }
    salts.retain(|_, spans| *spans != whole);
    Some(salts)
}

/// JSON stays the text that it is.
fn value(flag: &Flag, split: &Split, path: &str) -> Said<Value> {
    let variation = split.variation.and_then(|index| flag.variations.get(index));
    match variation.and_then(|variation| variation.value.as_ref()) {
        Some(AssignmentValue::Json { raw, .. }) => Ok(Value::from(raw.as_str())),
        Some(value) => Ok(value.to_json()),
        None => {
            let problem =
                format!("is no variation of this flag, or is not of its type {}", flag.variation_type);
            Err(Refused::new(format!("{path}.splits"), format!("{:?}", split.variation_key), problem))
        }
    }
}

fn rules(rules: &[Rule]) -> targeting::Rule {
    if rules.is_empty() {
        return ALWAYS;
    }
    let conditions =
        |rule: &Rule| all(rule.0.iter().map(|condition| condition.as_ref().map_or(NEVER, self::condition)));
    any(rules.iter().map(conditions))
}

fn condition(condition: &Condition) -> targeting::Rule {
    let attribute = condition.attribute.as_str();
    let test = |test| targeting::Rule::test(attribute, test);
    // What is missing matches neither a condition nor its opposite.
    let as_expected = |rule, expected| if expected { rule } else { all([present(attribute), not(rule)]) };
    match &condition.check {
        Check::Version { relation, expected } => {
            test(Test::Version(comparison(*relation), expected.to_string()))
        }
        Check::Number { relation, expected } => test(Test::Number(comparison(*relation), *expected)),
        Check::Matches { pattern, expected } => {
            let texts = test(Test::Matches(pattern.as_str().to_owned()));
            let truths = truths(attribute, |text| pattern.is_match(text));
            as_expected(any([texts, truths]), *expected)
        }
        Check::OneOf { values, expected } => {
            let mut values: Vec<_> = values.iter().collect();
            values.sort_unstable();
            as_expected(
                one_of(attribute, values.into_iter().flat_map(|text| of_text(text)).collect()),
                *expected,
            )
        }
        Check::IsNull { expected: true } => missing(attribute),
        Check::IsNull { expected: false } => present(attribute),
    }
}

fn comparison(relation: Relation) -> Comparison {
    match relation {
        Relation::Less => Comparison::Below,
        Relation::LessOrEqual => Comparison::AtMost,
        Relation::Greater => Comparison::Above,
        Relation::GreaterOrEqual => Comparison::AtLeast,
    }
}

/// The attribute that has the key of the subject.
const ATTRIBUTE: &str = "id";

/// How many splits times shards are looked at: more than any allocation has.
const MOST_COMPARED: usize = 1_000_000;

const REMEDY: &str = "keep the flag where it is, or say it in another way there";

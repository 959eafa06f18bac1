//! From the JSON of a state to what is evaluated.

use std::collections::{BTreeMap, BTreeSet};

use super::bits::{Allocation, Bloom};
use super::criterion::{Attribute, Bound, Rule, Test};
use super::error::Error;
use super::segment::{Criterion, Expression, Segment, Targeting};
use super::state::{Assignment, Client, Flag, FlagRule, Outcome, Split, State, Sticky};
use super::target::Target;
use super::time::Time;
use super::wire;
use crate::error::excerpt;

/// The vendor's own state, in the form of its specification.
pub(super) fn unpacked(state: wire::ResolverState, account: &str) -> Result<wire::State, Error> {
    let mut bitsets = BTreeMap::new();
    for packed in state.bitsets {
        let bitset = match (packed.gzipped_bitset, packed.full_bitset) {
            (Some(file), _) => wire::Bitset::Packed(file),
            (None, Some(true)) => continue,
            (None, Some(false)) => {
                return Err(refused(&packed.segment, "false", "is not allowed for fullBitset"));
            }
            (None, None) => continue,
        };
        bitsets.insert(packed.segment, bitset);
    }
    let names: BTreeSet<String> = state.clients.into_iter().map(|client| client.name).collect();
    let mut clients = BTreeMap::new();
    for credential in state.client_credentials {
        let owner = credential.name.match_indices('/').nth(1).and_then(|(at, _)| credential.name.get(..at));
        if let (Some(owner), Some(secret)) =
            (owner.filter(|owner| names.contains(*owner)), credential.client_secret)
        {
            let client = wire::Client {
                client: wire::Name { name: owner.to_owned() },
                client_credential: wire::Credential { environments: credential.environments },
            };
            clients.insert(secret.secret, client);
        }
    }
    let blooms = state.bloom_filters.into_iter().map(|packed| (packed.materialized_segment, packed.bloom));
    Ok(wire::State {
        account: wire::Name { name: format!("accounts/{account}") },
        flags: state.flags.into_iter().map(|flag| (flag.name, flag.item)).collect(),
        segments: state.segments_no_bitsets.into_iter().map(|segment| (segment.name, segment.item)).collect(),
        bitsets,
        bloom_filters: blooms.collect(),
        clients,
    })
}

/// Compiles a whole state that was read from a text of so many bytes.
pub(super) fn state(mut state: wire::State, size: usize) -> Result<State, Error> {
    let Some(account) = state.account.name.split('/').nth(1) else {
        return Err(refused("account", &state.account.name, "is not like accounts/ID"));
    };
    let places: BTreeMap<String, usize> = state.segments.keys().cloned().zip(0..).collect();
    let mut segments = Vec::with_capacity(places.len());
    let mut budget = size.saturating_mul(MOST_RATIO).saturating_add(LEAST_BITS);
    for (name, segment) in state.segments {
        let allocation = match state.bitsets.remove(&name) {
            None => Allocation::All,
            Some(wire::Bitset::Word(word)) if word == "ALL" => Allocation::All,
            Some(wire::Bitset::Word(word)) => {
                return Err(refused(&name, &word, "is not a bitset; ALL or a list is"));
            }
            Some(wire::Bitset::Buckets(buckets)) => Allocation::of(&name, &buckets)?,
            Some(wire::Bitset::Packed(file)) => Allocation::unpack(&name, &file, &mut budget)?,
        };
        let targeting = segment.targeting.map(|item| targeting(item, &name, &places)).transpose()?;
        segments.push(Segment { name, targeting, allocation });
    }
    let flags = state.flags.into_iter().map(|(name, item)| Ok((name.clone(), flag(item, &name, &places)?)));
    // Filters of other strategies are not used: their units are asked for as records.
    let blooms = state.bloom_filters.into_iter().filter(|(_, bloom)| bloom.strategy.0 == MURMUR128_MITZ_64);
    let blooms = blooms.map(|(name, bloom)| {
        let compiled = Bloom::of(&name, &bloom.data, bloom.bit_count.0, bloom.hash_function_count.0)?;
        Ok((name, compiled))
    });
    let client = |client: wire::Client| Client {
        name: client.client.name,
        environments: client.client_credential.environments,
    };
    Ok(State {
        account: account.to_owned(),
        clients: state.clients.into_iter().map(|(secret, item)| (secret, client(item))).collect(),
        flags: flags.collect::<Result<_, Error>>()?,
        segments,
        blooms: blooms.collect::<Result<_, Error>>()?,
    })
}

fn flag(flag: wire::Flag, name: &str, places: &BTreeMap<String, usize>) -> Result<Flag, Error> {
    let rules = flag.rules.into_iter().map(|item| rule(item, name, places));
    Ok(Flag {
        active: match flag.state {
            wire::FlagState::Name(name) => name == "ACTIVE",
            wire::FlagState::Number(number) => number == ACTIVE,
        },
        clients: flag.clients,
        variants: flag.variants,
        rules: rules.collect::<Result<_, _>>()?,
        schema: flag.schema,
    })
}

fn rule(rule: wire::FlagRule, flag: &str, places: &BTreeMap<String, usize>) -> Result<FlagRule, Error> {
    let sticky = |spec: wire::MaterializationSpec| Sticky {
        read: spec.read_materialization,
        write: spec.write_materialization,
        must_match: spec.mode.materialization_must_match,
        ignores_targeting: spec.mode.segment_targeting_can_be_ignored,
    };
    Ok(FlagRule {
        segment: places.get(&rule.segment).copied(),
        enabled: rule.enabled,
        environments: rule.environments,
        selector: rule.targeting_key_selector,
        split: rule.assignment_spec.map(|spec| split(spec, flag)).transpose()?,
        sticky: rule.materialization_spec.map(sticky),
        name: rule.name,
    })
}

fn split(spec: wire::AssignmentSpec, flag: &str) -> Result<Split, Error> {
    let count = spec.bucket_count.0;
    let Ok(buckets) = u32::try_from(count) else {
        return Err(refused(flag, &count.to_string(), "is not a bucket count; 0 to 4294967295 are"));
    };
    let assignments: Vec<_> = spec.assignments.into_iter().map(assignment).collect();
    let full = match assignments.as_slice() {
        [only] => matches!(only.ranges.as_slice(), [(0, upper)] if *upper == count),
        _ => false,
    };
    Ok(Split { buckets, assignments, full })
}

fn assignment(assignment: wire::Assignment) -> Assignment {
    let ranges = assignment.bucket_ranges.into_iter().map(|range| (range.lower.0, range.upper.0));
    Assignment {
        id: assignment.assignment_id,
        outcome: match (assignment.variant, assignment.fallthrough, assignment.client_default) {
            (Some(variant), _, _) => Outcome::Variant(variant.variant),
            (None, Some(_), _) => Outcome::Fallthrough,
            (None, None, Some(_)) => Outcome::ClientDefault,
            (None, None, None) => Outcome::Unknown,
        },
        ranges: ranges.collect(),
    }
}

fn targeting(
    targeting: wire::Targeting,
    segment: &str,
    places: &BTreeMap<String, usize>,
) -> Result<Targeting, Error> {
    let names: BTreeMap<String, usize> = targeting.criteria.keys().cloned().zip(0..).collect();
    let criteria = targeting.criteria.into_values().map(|item| criterion(item, segment, places));
    let criteria = criteria.collect::<Result<_, _>>()?;
    let expression = targeting.expression.map(|item| expression(item, segment, &names, 0)).transpose()?;
    Ok(Targeting { criteria, expression })
}

fn expression(
    item: wire::Expression,
    segment: &str,
    names: &BTreeMap<String, usize>,
    depth: usize,
) -> Result<Expression, Error> {
    if depth > MAX_EXPRESSION_DEPTH {
        return Err(refused(segment, "its expression", "nests too deeply; 32 levels are allowed"));
    }
    let all = |operands: wire::Operands| {
        let operands = operands.operands.into_iter();
        operands.map(|item| expression(item, segment, names, depth + 1)).collect::<Result<Vec<_>, _>>()
    };
    Ok(if let Some(name) = item.reference {
        Expression::Criterion(names.get(&name).copied())
    } else if let Some(inner) = item.not {
        Expression::Not(Box::new(expression(*inner, segment, names, depth + 1)?))
    } else if let Some(operands) = item.and {
        Expression::And(all(operands)?)
    } else if let Some(operands) = item.or {
        Expression::Or(all(operands)?)
    } else {
        Expression::Unknown
    })
}

fn criterion(
    criterion: wire::Criterion,
    segment: &str,
    places: &BTreeMap<String, usize>,
) -> Result<Criterion, Error> {
    Ok(if let Some(attribute) = criterion.attribute {
        let rule = attribute_rule(attribute.any_rule, attribute.all_rule, attribute.rule, segment)?;
        Criterion::Attribute(Attribute { path: attribute.attribute_name, rule })
    } else if let Some(other) = criterion.segment {
        Criterion::Segment(places.get(&other.segment).copied())
    } else if let Some(materialized) = criterion.materialized_segment {
        Criterion::Materialized(materialized.materialized_segment)
    } else {
        Criterion::Unknown
    })
}

fn attribute_rule(
    any: Option<wire::Inner>,
    all: Option<wire::Inner>,
    plain: wire::Rule,
    segment: &str,
) -> Result<Rule, Error> {
    let inner = |inner: wire::Inner, rule: fn(Test) -> Rule| {
        inner.rule.map_or(Ok(Rule::Unknown), |item| test(item, segment).map(rule))
    };
    match (any, all) {
        (Some(any), _) => inner(any, Rule::Any),
        (None, Some(all)) => inner(all, Rule::All),
        (None, None) => test(plain, segment).map(Rule::Some),
    }
}

fn test(rule: wire::Rule, segment: &str) -> Result<Test, Error> {
    Ok(if let Some(eq) = rule.eq_rule {
        eq.value.map_or(Ok(Test::Unknown), |value| target(value, segment).map(Test::Eq))?
    } else if let Some(set) = rule.set_rule {
        Test::Set(set.values.into_iter().map(|value| target(value, segment)).collect::<Result<_, _>>()?)
    } else if let Some(range) = rule.range_rule {
        let bound = |inclusive, exclusive: Option<_>| match (inclusive, exclusive) {
            (Some(value), _) => target(value, segment).map(|value| Some(Bound { value, inclusive: true })),
            (None, Some(value)) => {
                target(value, segment).map(|value| Some(Bound { value, inclusive: false }))
            }
            (None, None) => Ok(None),
        };
        Test::Range {
            start: bound(range.start_inclusive, range.start_exclusive)?,
            end: bound(range.end_inclusive, range.end_exclusive)?,
        }
    } else if let Some(part) = rule.starts_with_rule {
        Test::StartsWith(part.value)
    } else if let Some(part) = rule.ends_with_rule {
        Test::EndsWith(part.value)
    } else if let Some(part) = rule.contains_rule {
        Test::Contains(part.value)
    } else {
        Test::Unknown
    })
}

fn target(value: wire::Value, segment: &str) -> Result<Target, Error> {
    Ok(if let Some(value) = value.bool_value {
        Target::Bool(value)
    } else if let Some(number) = value.number_value {
        Target::Number(number.0)
    } else if let Some(text) = value.string_value {
        Target::Text(text)
    } else if let Some(text) = value.timestamp_value {
        let time = Time::parse(&text)
            .ok_or_else(|| refused(segment, &text, "is not a time like 2026-03-01T12:00:00Z"));
        Target::Time(time?)
    } else if let Some(version) = value.version_value {
        Target::Version(version.version)
    } else if let Some(list) = value.list_value {
        Target::List(list.values.into_iter().map(|value| target(value, segment)).collect::<Result<_, _>>()?)
    } else {
        Target::Unset
    })
}

fn refused(place: &str, value: &str, problem: &'static str) -> Error {
    Error::State { place: excerpt(place), value: excerpt(value), problem }
}

const ACTIVE: i64 = 1;
const MURMUR128_MITZ_64: i64 = 1;
/// Bitsets of random buckets do not pack well, so that a text which unpacks to much more than itself is hostile.
const MOST_RATIO: usize = 64;
/// What bitsets may take in any case.
const LEAST_BITS: usize = 1 << 24;
const MAX_EXPRESSION_DEPTH: usize = 32;

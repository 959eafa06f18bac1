//! Features as a config.

use serde_json::Value;

use super::buckets::{bucket_ranges, choose_variation};
use super::condition::{Condition, Subject};
use super::experiment::{Experiment, Filter, Parent, version};
use super::features::{Action, Feature, Features, Rollout, Rule, named};
use super::targeting;
use crate::compat::import::{
    ALWAYS, Arm, Builder, Gate, Import, ImportOptions, Kind, NEVER, Part, Refused, Said, Spans, all, any,
    constant, not,
};
use crate::config::Buckets;
use crate::error::Result;

impl Features {
    /// Turns the features into a config in which every unit has the values that it has here, if it is asked
    /// without sticky buckets, forced values and query strings. What that assumes and what becomes of a feature
    /// is documented [here](crate::compat::import).
    ///
    /// What rules of a config cannot say is left out, with the whole feature: prerequisites that several
    /// hashes decide, contextual bandits, rules that ask for several attributes by hash, and conditions about the
    /// order or case of texts, about lists as a whole, and about types.
    ///
    /// # Errors
    /// [`AssignError::Faults`](crate::AssignError::Faults) for options of which no config can be made.
    pub fn import(&self, options: &ImportOptions<'_>) -> Result<Import> {
        let mut features: Vec<_> = self.all().collect();
        features.sort_by_key(|(key, _)| *key);
        let mut builder = Builder::new(options, REMEDY, features.iter().map(|(key, _)| *key))?;
        let mut work = 0;
        for (key, feature) in features {
            builder.flag(key, self.parts(key, feature, &mut work, 0), Some(&feature.default));
        }
        builder.finish()
    }

    /// The rules of a feature, `depth` prerequisites away from the one that is imported.
    fn parts(&self, key: &str, feature: &Feature, work: &mut usize, depth: usize) -> Said<Vec<Part>> {
        let mut parts = Vec::new();
        for (index, rule) in feature.rules.iter().enumerate() {
            let path = format!("features[{key:?}].rules[{index}]");
            *work += weight(rule);
            if *work > MOST_RANGES {
                let problem = format!("is beyond the {MOST_RANGES} ranges of a payload that are imported");
                return Err(Refused::new(path, "this rule", problem));
            }
            Scope { features: self, feature: key, path }.rule(rule, work, depth, &mut parts)?;
        }
        Ok(parts)
    }
}

struct Scope<'a> {
    features: &'a Features,
    feature: &'a str,
    path: String,
}

impl Scope<'_> {
    fn rule(&self, rule: &Rule, work: &mut usize, depth: usize, parts: &mut Vec<Part>) -> Said<()> {
        let mut required = Required::constant(true);
        for parent in &rule.parents {
            let found = self.parent(parent, work, depth)?;
            if parent.gate {
                // Who does not pass gets null, and no rule after this one is asked.
                parts.extend(self.stopped(&required, &found)?);
            }
            self.require(&mut required, found)?;
        }
        let part = match &rule.action {
            Action::Force { value, condition, rollout } => {
                self.force(rule, value, condition.as_ref(), rollout)?
            }
            Action::Experiment { bandit: Some(bandit), .. } if self.features.bandits.contains_key(bandit) => {
                let problem = "is a contextual bandit, whose weights depend on the request";
                return Err(Refused::new(&*self.path, format!("{bandit:?}"), problem));
            }
            Action::Experiment { experiment, .. } => self.experiment(experiment)?,
            Action::Nothing => None,
        };
        let Some(mut part) = part else { return Ok(()) };
        self.filters(rule.filters.as_deref(), &mut part)?;
        parts.push(self.limited(part, required)?);
        Ok(())
    }

    fn force(
        &self,
        rule: &Rule,
        value: &Value,
        condition: Option<&Condition>,
        rollout: &Rollout,
    ) -> Said<Option<Part>> {
        let name = named(Some(&rule.id)).map_or_else(|| self.feature.to_owned(), str::to_owned);
        let mut part = Part::rollout(self.path.clone(), name, ANYBODY.to_owned(), value.clone());
        part.when = self.condition(condition)?;
        let gate = |fits: &dyn Fn(f64) -> bool| gate(&rollout.seed, rollout.version, fits);
        let gate = match (rollout.range, rollout.coverage) {
            (None, None) => return Ok(Some(part)),
            (None, Some(0.0)) => None,
            (Some(range), _) => gate(&|bucket| range.contains(bucket)),
            (None, Some(coverage)) => gate(&|bucket| bucket <= coverage),
        };
        let Some(gate) = gate else { return Ok(None) };
        named(rollout.hash_attribute.as_deref()).unwrap_or("id").clone_into(&mut part.attribute);
        part.gate(gate);
        Ok(Some(part))
    }

    fn experiment(&self, experiment: &Experiment) -> Said<Option<Part>> {
        // A rule of a feature has its prerequisites itself.
        let Experiment { definition, condition, .. } = experiment;
        let count = definition.variations.len();
        let buckets =
            buckets(named(definition.seed.as_deref()).unwrap_or(&definition.key), definition.version());
        let (Some(buckets), true) = (buckets, count >= 2) else { return Ok(None) };
        let ranges = definition.ranges.clone().unwrap_or_else(|| {
            let count = i64::try_from(count).unwrap_or(i64::MAX);
            bucket_ranges(count, definition.coverage.unwrap_or(1.0), definition.weights.as_deref())
        });
        let chosen: Vec<_> = fractions(&buckets).map(|bucket| choose_variation(bucket, &ranges)).collect();
        let meta = |index: usize| definition.meta.as_ref().and_then(|meta| meta.get(index));
        let key = |index: usize| meta(index).and_then(|meta| named(meta.key.as_deref()));
        let keys_differ = {
            let mut keys: Vec<_> =
                (0..count).map(|index| key(index).map_or_else(|| index.to_string(), str::to_owned)).collect();
            keys.sort_unstable();
            keys.windows(2).all(|pair| pair.first() != pair.last())
        };
        let arm = |(index, value): (usize, &Value)| {
            let own = key(index).filter(|_| keys_differ);
            Arm {
                name: own.map_or_else(|| index.to_string(), str::to_owned),
                value: value.clone(),
                spans: Spans::filter(total(&buckets), |bucket| {
                    chosen.get(bucket as usize) == Some(&Some(index))
                }),
            }
        };
        // Who gets a variation that is passed through gets what the rules after it say.
        let is_given = |index: usize| meta(index).is_none_or(|meta| meta.passthrough != Some(true));
        let given = definition.variations.iter().enumerate().filter(|(index, _)| is_given(*index));
        let arms = given.map(arm).collect();
        let attribute = named(definition.hash_attribute.as_deref()).unwrap_or("id").to_owned();
        let mut part = Part {
            path: self.path.clone(),
            experiment: definition.key.clone(),
            attribute,
            when: self.condition(condition.as_ref())?,
            gates: Vec::new(),
            split: None,
            arms: Vec::new(),
            kind: Kind::Experiment { logged: true },
        };
        part.split(buckets, arms);
        if let (None, Some(namespace)) = (&definition.filters, &definition.namespace) {
            let gate = gate(&format!("__{}", namespace.id), 1, |bucket| namespace.range.contains(bucket));
            gate.into_iter().for_each(|gate| part.gate(gate));
        }
        Ok(Some(part))
    }

    fn filters(&self, filters: Option<&[Filter]>, part: &mut Part) -> Said<()> {
        for filter in filters.unwrap_or_default() {
            let attribute = named(filter.attribute.as_deref()).unwrap_or("id");
            self.hash(&mut part.attribute, attribute, "by a filter")?;
            let hash_version = version(filter.hash_version.as_ref(), 2);
            let fits = |bucket| choose_variation(bucket, &filter.ranges).is_some();
            match gate(&filter.seed, hash_version, fits) {
                Some(gate) => part.gate(gate),
                None => part.when = NEVER,
            }
        }
        Ok(())
    }

    fn condition(&self, condition: Option<&Condition>) -> Said<crate::targeting::Rule> {
        let path = format!("{}.condition", self.path);
        let rule = |condition| targeting::rule(condition, &self.features.groups, &path);
        condition.map_or(Ok(ALWAYS), rule).map(|rule| all([rule]))
    }

    /// What must be true for a prerequisite to be met. Of its rules only one may hash, as a phase is for units that
    /// are in all of several buckets, and not for those that are in one or the other.
    fn parent(&self, parent: &Parent, work: &mut usize, depth: usize) -> Said<Required> {
        let refuse = |problem: &str| {
            Refused::new(format!("{}.parentConditions", self.path), format!("{:?}", parent.id), problem)
        };
        let passes = |value: &Value| {
            let passes =
                |condition: &Condition| condition.matches_subject(Subject::Only(value), &Default::default());
            parent.condition.as_ref().is_none_or(passes)
        };
        let Some((key, feature)) = self.features.feature(&parent.id) else {
            return Ok(Required::constant(passes(&Value::Null)));
        };
        *work += 1;
        if depth == DEEPEST {
            return Err(refuse("is a prerequisite of a prerequisite, and so on, or leads back to itself"));
        }
        let mut required = Required::constant(passes(&feature.default));
        for part in self.features.parts(key, feature, work, depth + 1)?.into_iter().rev() {
            let passing = || part.arms.iter().filter(|arm| passes(&arm.value));
            // Requests have an `id`, so that one which only is there is not asked for.
            let is_hashed = part.attribute != "id" || part.split.is_some() || !part.gates.is_empty();
            required = match (is_hashed, passing().next().is_some()) {
                _ if part.is_empty() => required,
                (false, true) if required.gates.is_empty() && required.hashed == ANYBODY => {
                    Required { when: any([part.when, required.when]), ..required }
                }
                (false, false) => Required { when: all([not(part.when), required.when]), ..required },
                (true, false) if required.when == NEVER => required,
                (true, true) if required.when == NEVER => {
                    let spans = passing().fold(Spans::default(), |all, arm| all.or(&arm.spans));
                    let chosen = part.split.clone().map(|buckets| Gate { buckets, spans });
                    let mut part = part;
                    chosen.into_iter().for_each(|gate| part.gate(gate));
                    Required { when: part.when, hashed: part.attribute, gates: part.gates }
                }
                _ => return Err(refuse("is a prerequisite that several rules decide, some of them by hash")),
            };
        }
        Ok(required)
    }

    /// The rules that give null to those who have `before` and not `wanted`.
    fn stopped(&self, before: &Required, wanted: &Required) -> Said<Vec<Part>> {
        if wanted.hashed != ANYBODY && wanted.hashed != "id" {
            let problem = "is hashed for a prerequisite that stops the feature, and requests may not have it";
            return Err(Refused::new(&*self.path, format!("{:?}", wanted.hashed), problem));
        }
        let null =
            || Part::rollout(self.path.clone(), self.feature.to_owned(), ANYBODY.to_owned(), Value::Null);
        let untargeted = Part { when: not(wanted.when.clone()), ..null() };
        let mut parts = vec![self.limited(untargeted, before.clone())?];
        for Gate { buckets, spans } in &wanted.gates {
            let mut outside = null();
            wanted.hashed.clone_into(&mut outside.attribute);
            outside.gate(Gate { buckets: buckets.clone(), spans: spans.others(total(buckets)) });
            parts.push(self.limited(outside, before.clone())?);
        }
        Ok(parts)
    }

    /// Limits a rule to those who have what is required.
    fn limited(&self, mut part: Part, required: Required) -> Said<Part> {
        self.hash(&mut part.attribute, &required.hashed, "for a prerequisite")?;
        part.when = all([required.when, part.when]);
        required.gates.into_iter().for_each(|gate| part.gate(gate));
        if part.attribute == ANYBODY {
            "id".clone_into(&mut part.attribute);
        }
        Ok(part)
    }

    fn require(&self, required: &mut Required, more: Required) -> Said<()> {
        self.hash(&mut required.hashed, &more.hashed, "for a prerequisite")?;
        required.when = all([required.when.clone(), more.when]);
        required.gates.extend(more.gates);
        Ok(())
    }

    /// Lets a rule hash an attribute too, which must be the one that it hashes already.
    fn hash(&self, known: &mut String, attribute: &str, by: &str) -> Said<()> {
        if known == ANYBODY {
            attribute.clone_into(known);
        }
        if attribute == ANYBODY || known == attribute {
            return Ok(());
        }
        let problem = format!("is hashed {by}, and {known:?} for another reason; a phase hashes one");
        Err(Refused::new(&*self.path, format!("{attribute:?}"), problem))
    }
}

/// What must be true of a request.
#[derive(Debug, Clone)]
struct Required {
    when: crate::targeting::Rule,
    /// The attribute that must be there, because it is hashed.
    hashed: String,
    gates: Vec<Gate>,
}

impl Required {
    fn constant(met: bool) -> Self {
        Self { when: constant(met), hashed: ANYBODY.to_owned(), gates: Vec::new() }
    }
}

/// The buckets that a value may have; nothing for a hash version that does not exist.
fn buckets(seed: &str, version: u32) -> Option<Buckets> {
    let seed = seed.to_owned();
    match version {
        1 => Some(Buckets::GrowthBook1 { seed }),
        2 => Some(Buckets::GrowthBook2 { seed }),
        _ => None,
    }
}

fn gate(seed: &str, version: u32, fits: impl Fn(f64) -> bool) -> Option<Gate> {
    let buckets = buckets(seed, version)?;
    let fractions: Vec<f64> = fractions(&buckets).collect();
    let fits = |bucket: u32| fractions.get(bucket as usize).is_some_and(|fraction| fits(*fraction));
    Some(Gate { spans: Spans::filter(total(&buckets), fits), buckets })
}

/// Every bucket as the fraction that the SDK compares with ranges.
fn fractions(buckets: &Buckets) -> impl Iterator<Item = f64> + use<> {
    let total = total(buckets);
    (0..total).map(move |bucket| f64::from(bucket) / f64::from(total))
}

fn total(buckets: &Buckets) -> u32 {
    u32::try_from(buckets.total()).unwrap_or(u32::MAX)
}

/// How many ranges a rule compares each bucket with.
fn weight(rule: &Rule) -> usize {
    let of_filters = |filters: Option<&Vec<Filter>>| -> usize {
        filters.into_iter().flatten().map(|filter| filter.ranges.len() + 1).sum()
    };
    let own = match &rule.action {
        Action::Experiment { experiment, .. } => {
            let definition = &experiment.definition;
            // The variations are looked through once more for each.
            definition.ranges.as_ref().map_or(0, Vec::len) + 2 * definition.variations.len()
        }
        Action::Force { rollout, .. } => usize::from(rollout.range.is_some() || rollout.coverage.is_some()),
        Action::Nothing => 0,
    };
    own + of_filters(rule.filters.as_ref())
}

/// How many prerequisites in a row are imported.
const DEEPEST: usize = 8;

/// The attribute of a rule that hashes none.
const ANYBODY: &str = "";

const REMEDY: &str = "keep the feature where it is, or say it in another way there";

/// Each is compared with up to 10,000 buckets.
const MOST_RANGES: usize = 20_000;

//! Activation strategies.

use std::collections::{BTreeMap, HashMap};

use super::cidr::Network;
use super::constraint::Constraint;
use super::context::Context;
use super::error::Error;
use super::pattern::Budget;
use super::variant::Variants;
use super::{rollout_bucket, text, wire};

/// The constraints of segments, by their ids.
pub(super) type Segments = HashMap<i64, (Vec<Constraint>, usize)>;

/// One way for a feature to be on: a rule, and constraints on it.
#[derive(Debug)]
pub(super) struct Strategy {
    rule: Rule,
    constraints: Vec<Constraint>,
    segments: Vec<i64>,
    /// The group of its variants.
    pub(super) group: String,
    pub(super) variants: Variants,
}

#[derive(Debug)]
enum Rule {
    Default,
    UserWithId(Vec<String>),
    /// By a field of the context, in a group.
    Gradual {
        field: &'static str,
        group: String,
        percentage: f64,
    },
    Random {
        percentage: f64,
    },
    RemoteAddress(Vec<(String, Option<Network>)>),
    Hostname(Vec<String>),
    Flexible {
        group: String,
        stickiness: String,
        percentage: f64,
    },
    Custom(String),
}

impl Strategy {
    pub(super) fn compile(
        strategy: wire::Strategy,
        feature: &str,
        budget: &mut Budget,
    ) -> Result<Self, Error> {
        let parameters = Parameters(strategy.parameters);
        let group = parameters.filled("groupId").unwrap_or(feature).to_owned();
        let constraints = strategy.constraints.into_iter().map(|item| Constraint::compile(item, budget));
        Ok(Self {
            constraints: constraints.collect::<Result<_, _>>()?,
            variants: Variants::compile(strategy.variants, parameters.filled("stickiness")),
            rule: rule(strategy.name, &parameters, &group),
            segments: strategy.segments,
            group,
        })
    }

    /// Whether it is on; a segment that is not there keeps it off.
    pub(super) fn applies(
        &self,
        feature: &str,
        index: usize,
        segments: &Segments,
        context: &Context,
    ) -> bool {
        let met = |constraints: &[Constraint]| constraints.iter().all(|constraint| constraint.holds(context));
        met(&self.constraints)
            && self
                .segments
                .iter()
                .all(|id| segments.get(id).is_some_and(|(constraints, _)| met(constraints)))
            && self.rule.applies(feature, index, context)
    }
}

impl Rule {
    fn applies(&self, feature: &str, index: usize, context: &Context) -> bool {
        let filled = |name| context.value(name).filter(|text: &&str| !text.is_empty());
        let within =
            |group, id, percentage| percentage > 0.0 && f64::from(rollout_bucket(group, id)) <= percentage;
        match self {
            Self::Default => true,
            Self::UserWithId(ids) => context.user_id.as_ref().is_some_and(|id| ids.contains(id)),
            Self::Gradual { field, group, percentage } => {
                filled(field).is_some_and(|id| within(group, id, *percentage))
            }
            Self::Random { percentage } => *percentage >= f64::from(context.draw(feature, index, 100) + 1),
            Self::RemoteAddress(ranges) => context.remote_address.as_deref().is_some_and(|address| {
                let parsed = Network::parse(address);
                ranges.iter().any(|(text, range)| {
                    text == address
                        || range.zip(parsed).is_some_and(|(range, address)| range.contains(&address))
                })
            }),
            Self::Hostname(names) => {
                context.hostname.as_ref().is_some_and(|name| names.contains(&name.to_lowercase()))
            }
            Self::Flexible { group, stickiness, percentage } => {
                let random = || (context.draw(feature, index, 10_001) + 1).to_string();
                match stickiness.as_str() {
                    "random" => within(group, &random(), *percentage),
                    "default" => match filled("userId").or_else(|| filled("sessionId")) {
                        Some(id) => within(group, id, *percentage),
                        None => within(group, &random(), *percentage),
                    },
                    name => filled(name).is_some_and(|id| within(group, id, *percentage)),
                }
            }
            Self::Custom(name) => context.custom.get(name).copied().unwrap_or(false),
        }
    }
}

/// The parameters of a strategy.
struct Parameters(BTreeMap<String, wire::Text>);

impl Parameters {
    fn filled(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.0.as_deref().filter(|text| !text.is_empty())
    }

    /// Not a number, and so no bucket, if it is missing.
    fn percentage(&self, name: &str) -> f64 {
        self.0.get(name).and_then(|value| value.0.as_deref()).map_or(f64::NAN, text::number)
    }

    fn list(&self, name: &str) -> Vec<String> {
        self.filled(name)
            .map_or(Vec::new(), |text| text.split(',').map(|item| item.trim().to_owned()).collect())
    }
}

fn rule(name: String, parameters: &Parameters, group: &str) -> Rule {
    let gradual = |field| Rule::Gradual {
        field,
        group: parameters.filled("groupId").unwrap_or_default().to_owned(),
        percentage: parameters.percentage("percentage"),
    };
    match name.as_str() {
        "default" => Rule::Default,
        "userWithId" => Rule::UserWithId(parameters.list("userIds")),
        "gradualRolloutUserId" => gradual("userId"),
        "gradualRolloutSessionId" => gradual("sessionId"),
        "gradualRolloutRandom" => Rule::Random { percentage: parameters.percentage("percentage") },
        "remoteAddress" => {
            let with_range = |text: String| (Network::parse(&text), text);
            let ranges = parameters.list("IPs").into_iter().map(with_range);
            Rule::RemoteAddress(ranges.map(|(range, text)| (text, range)).collect())
        }
        "applicationHostname" => {
            Rule::Hostname(parameters.list("hostNames").iter().map(|name| name.to_lowercase()).collect())
        }
        "flexibleRollout" => Rule::Flexible {
            group: group.to_owned(),
            stickiness: parameters.filled("stickiness").unwrap_or("default").to_owned(),
            percentage: parameters.percentage("rollout"),
        },
        _ => Rule::Custom(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn applies(json: &str, context: &Context) -> bool {
        let strategy =
            Strategy::compile(serde_json::from_str(json).unwrap(), "f", &mut Budget::after(0)).unwrap();
        strategy.applies("f", 0, &Segments::new(), context)
    }

    fn user(id: &str) -> Context {
        Context { user_id: Some(id.to_owned()), ..Context::default() }
    }

    #[test]
    fn lists() {
        let json = r#"{"name": "userWithId", "parameters": {"userIds": "123 ,222, 88"}}"#;
        assert!(applies(json, &user("222")) && applies(json, &user("123")) && !applies(json, &user("12")));
        let json = r#"{"name": "applicationHostname", "parameters": {"hostNames": "a, B"}}"#;
        assert!(applies(json, &Context { hostname: Some("b".to_owned()), ..Context::default() }));
        assert!(!applies(json, &Context::default()));
        let json = r#"{"name": "remoteAddress", "parameters": {"IPs": "x, 10.0.0.0/8"}}"#;
        let from = |text: &str| Context { remote_address: Some(text.to_owned()), ..Context::default() };
        assert!(
            applies(json, &from("10.1.2.3"))
                && applies(json, &from("x"))
                && !applies(json, &from("11.1.2.3"))
        );
    }

    /// Bucket 73 of `gr1:123`, as published by Unleash.
    #[test]
    fn rollouts() {
        let flexible = |rollout: &str| {
            let json = format!(
                r#"{{"name": "flexibleRollout", "parameters": {{"rollout": {rollout}, "groupId": "gr1", "stickiness": "userId"}}}}"#
            );
            applies(&json, &user("123"))
        };
        assert!(!flexible("\"72\"") && flexible("\"73\"") && flexible("73") && flexible("\"73.5\""));
        assert!(!flexible("\"x\"") && !flexible("null"));
        let json =
            r#"{"name": "gradualRolloutUserId", "parameters": {"percentage": "73", "groupId": "gr1"}}"#;
        assert!(
            applies(json, &user("123")) && !applies(json, &user("")) && !applies(json, &Context::default())
        );
        let json =
            r#"{"name": "gradualRolloutSessionId", "parameters": {"percentage": "100", "groupId": "gr1"}}"#;
        assert!(!applies(json, &user("123")));
        let json = r#"{"name": "flexibleRollout", "parameters": {"rollout": "100", "stickiness": "shop"}}"#;
        assert!(!applies(json, &user("123")));
    }

    /// 4 binomial standard errors around 30 %.
    #[test]
    fn chance() {
        for json in [
            r#"{"name": "gradualRolloutRandom", "parameters": {"percentage": "30"}}"#,
            r#"{"name": "flexibleRollout", "parameters": {"rollout": "30"}}"#,
            r#"{"name": "flexibleRollout", "parameters": {"rollout": "30", "stickiness": "random"}}"#,
        ] {
            let strategy =
                Strategy::compile(serde_json::from_str(json).unwrap(), "f", &mut Budget::after(0)).unwrap();
            let on = |random| {
                strategy.applies("f", 0, &Segments::new(), &Context { random, ..Context::default() })
            };
            let count = (0..10_000).filter(|random| on(*random)).count();
            assert!((2_800..=3_200).contains(&count), "{json} {count}");
        }
    }

    #[test]
    fn own_strategies_say_themselves() {
        let context = Context { custom: [("beta".to_owned(), true)].into(), ..Context::default() };
        assert!(applies(r#"{"name": "beta"}"#, &context));
        assert!(!applies(r#"{"name": "alpha"}"#, &context));
        assert!(!applies(r#"{"name": "default", "segments": [1]}"#, &context));
        assert!(!applies(r#"{"name": "default", "constraints": [null]}"#, &context));
    }
}

//! What a feature is evaluated for.

use std::collections::BTreeMap;

use expt_core::Timestamp;
use serde::Deserialize;

/// What a feature is evaluated for; its serde form is the Unleash context.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Context {
    /// The user.
    pub user_id: Option<String>,
    /// The session.
    pub session_id: Option<String>,
    /// Where the request comes from.
    pub remote_address: Option<String>,
    /// The environment of the application.
    pub environment: Option<String>,
    /// The name of the application.
    pub app_name: Option<String>,
    /// The time that `DATE_*` compares with, as ISO 8601; without an offset it is UTC.
    pub current_time: Option<String>,
    /// Other attributes.
    pub properties: BTreeMap<String, Option<String>>,
    /// The time if [`current_time`](Self::current_time) is missing; with neither, `DATE_*` is false.
    #[serde(skip)]
    pub now: Option<Timestamp>,
    /// The host, for the strategy `applicationHostname`; without it that strategy is off.
    #[serde(skip)]
    pub hostname: Option<String>,
    /// A number drawn anew for each evaluation, for everything that Unleash leaves to chance.
    #[serde(skip)]
    pub random: u64,
    /// What the application's own strategies say, by their names; one that is not here is off.
    #[serde(skip)]
    pub custom: BTreeMap<String, bool>,
}

impl Context {
    /// The value of a field or, if there is none of that name, of a property.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&str> {
        let field = match name {
            "userId" => self.user_id.as_deref(),
            "sessionId" => self.session_id.as_deref(),
            "remoteAddress" => self.remote_address.as_deref(),
            "environment" => self.environment.as_deref(),
            "appName" => self.app_name.as_deref(),
            "currentTime" => self.current_time.as_deref(),
            _ => None,
        };
        field.or_else(|| self.properties.get(name)?.as_deref())
    }

    /// One of many independent draws from [`random`](Self::random), below `below`.
    pub(super) fn draw(&self, feature: &str, index: usize, below: u32) -> u32 {
        let index = u64::try_from(index).unwrap_or_default();
        let salt = (u64::from(super::murmur3(feature, "", 0)) << 32) ^ index;
        let mixed = splitmix(self.random ^ splitmix(salt));
        u32::try_from(((mixed >> 32) * u64::from(below)) >> 32).unwrap_or_default()
    }
}

/// The finaliser of SplitMix64 (Steele, Lea and Flood, 2014).
fn splitmix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_come_before_properties() {
        let context: Context = serde_json::from_str(
            r#"{"userId": "a", "properties": {"userId": "b", "sessionId": "c", "tier": null}, "unknown": 1}"#,
        )
        .unwrap();
        assert_eq!(context.value("userId"), Some("a"));
        assert_eq!(context.value("sessionId"), Some("c"));
        assert_eq!(context.value("tier"), None);
    }

    /// 3 standard errors around the mean of a uniform draw.
    #[test]
    fn draws_are_even_and_differ() {
        let draw = |random: u64, index| Context { random, ..Context::default() }.draw("f", index, 100);
        let mean =
            |index| (0..10_000).map(|random| u64::from(draw(random, index))).sum::<u64>() as f64 / 10_000.0;
        assert!((mean(0) - 49.5).abs() < 0.87, "{}", mean(0));
        assert!((mean(1) - 49.5).abs() < 0.87, "{}", mean(1));
        let same = (0..10_000).filter(|random| draw(*random, 0) == draw(*random, 1)).count();
        assert!((70..130).contains(&same), "{same}");
    }
}

//! Versions as text that compares in their order.

use serde_json::Value;

use super::js;

/// The parts of a version, numeric ones filled up to five characters, joined by `-`.
///
/// A leading `v` and build information go; a version of exactly three parts gets a `~`, which follows every
/// pre-release. What is not a version is `0`.
pub(super) fn padded(version: &Value) -> String {
    let number;
    let version = match version {
        Value::String(text) if !text.is_empty() => text.as_str(),
        Value::Number(_) => {
            number = js::text(version);
            &number
        }
        _ => "0",
    };
    let bare = version.strip_prefix('v').unwrap_or(version);
    let bare = bare.get(..build(bare)).unwrap_or(bare);
    let mut parts: Vec<String> = bare
        .split(['-', '.'])
        .map(|part| match part.bytes().all(|byte| byte.is_ascii_digit()) && !part.is_empty() {
            true => format!("{part:>5}"),
            false => part.to_owned(),
        })
        .collect();
    if parts.len() == 3 {
        parts.push("~".to_owned());
    }
    parts.join("-")
}

/// Where build information starts: at the first plus sign that no line break follows.
fn build(version: &str) -> usize {
    let line = version.rfind(['\n', '\r', '\u{2028}', '\u{2029}']).unwrap_or(0);
    let found = version.get(line..).and_then(|rest| rest.find('+'));
    found.map_or(version.len(), |at| line + at)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// `paddedVersionString` of `packages/sdk-js/src/util.ts` (commit 8f1db44569) under Node 20.
    #[test]
    fn pads() {
        for (version, expected) in [
            (json!("v1.2.3-rc.1+build123"), "    1-    2-    3-rc-    1"),
            (json!("1.0.0"), "    1-    0-    0-~"),
            (json!("1.x"), "    1-x"),
            (json!("123456.1"), "123456-    1"),
            (json!(2.5), "    2-    5"),
            (json!(0), "    0"),
            (json!(null), "    0"),
            (json!([1]), "    0"),
            (json!("v"), ""),
        ] {
            assert_eq!(padded(&version), expected, "{version}");
        }
    }
}

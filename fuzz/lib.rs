//! What the fuzz targets share: an input is a text of several parts, so that a corpus stays readable.

use serde_json::{Map, Value};

/// The parts of an input, separated by lines of three dashes; what is missing is empty.
#[must_use]
pub fn parts<const N: usize>(input: &[u8]) -> Option<[&str; N]> {
    let mut parts = std::str::from_utf8(input).ok()?.splitn(N, "\n---\n");
    Some(std::array::from_fn(|_| parts.next().unwrap_or_default()))
}

/// The attributes that a part gives; none if it is no JSON object.
#[must_use]
pub fn object(part: &str) -> Map<String, Value> {
    serde_json::from_str(part).unwrap_or_default()
}

/// The keys of an object in a document that is read with another type, to know what to ask for.
#[must_use]
pub fn keys(document: &str, field: &str) -> Vec<String> {
    let document: Value = serde_json::from_str(document).unwrap_or_default();
    let listed = document.get(field).and_then(Value::as_object).into_iter().flat_map(Map::keys);
    listed.take(MOST_ASKED).cloned().collect()
}

/// How many flags of one document are evaluated.
pub const MOST_ASKED: usize = 8;

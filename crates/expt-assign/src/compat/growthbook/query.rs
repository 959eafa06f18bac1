//! Variations forced through an address.

use super::js;

/// The variation that the query of an address forces for an experiment, if there is one of that index.
///
/// ```
/// use expt_assign::compat::growthbook::query_string_override;
///
/// assert_eq!(query_string_override("my-test", "http://example.com?a=b&my-test=1#x", 2), Some(1));
/// assert_eq!(query_string_override("my-test", "http://example.com?my-test=5", 2), None);
/// ```
#[must_use]
pub fn query_string_override(experiment: &str, url: &str, variations: usize) -> Option<usize> {
    let query = url.split('?').nth(1)?;
    // The fragment ends with its line.
    let (query, rest) = query.split_once('#').unwrap_or((query, ""));
    let rest = rest.find(['\n', '\r', '\u{2028}', '\u{2029}']).and_then(|at| rest.get(at..)).unwrap_or("");
    let query = format!("{query}{rest}");
    let value = query.split('&').find_map(|pair| {
        let mut parts = pair.split('=');
        (parts.next() == Some(experiment)).then(|| parts.next().unwrap_or(""))
    })?;
    index(js::parse_int(value), variations)
}

/// A number as an index below a length; not if it has a fraction.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "the number is whole, not negative and below the length"
)]
pub(super) fn index(number: f64, length: usize) -> Option<usize> {
    (number >= 0.0 && number < length as f64 && number.fract() == 0.0).then_some(number as usize)
}

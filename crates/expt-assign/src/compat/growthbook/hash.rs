//! The two hash versions of GrowthBook.

/// The bucket of hash version 1, in thousandths: 0 to 999.
///
/// `fnv1a32(value + seed) % 1000` over UTF-16 code units. Known to correlate experiments; it is here for
/// experiments that already run with it.
#[must_use]
pub fn bucket_v1(seed: &str, value: &str) -> u32 {
    fnv1a(value.encode_utf16().chain(seed.encode_utf16())) % 1_000
}

/// The bucket of hash version 2, in ten-thousandths: 0 to 9999.
///
/// `fnv1a32(decimal(fnv1a32(seed + value))) % 10000` over UTF-16 code units.
#[must_use]
pub fn bucket_v2(seed: &str, value: &str) -> u32 {
    twice(seed.encode_utf16().chain(value.encode_utf16()))
}

/// As [`bucket_v2`], but over the bytes of UTF-8: what SDKs that hash bytes make of it. The two agree on ASCII.
#[must_use]
pub fn bucket_v2_bytes(seed: &str, value: &str) -> u32 {
    twice(seed.bytes().chain(value.bytes()).map(u16::from))
}

/// The hash of the decimal digits of the hash, in ten-thousandths.
fn twice(units: impl Iterator<Item = u16>) -> u32 {
    let mut first = fnv1a(units);
    let mut digits = [0_u16; 10];
    let mut count = 0;
    for place in digits.iter_mut().rev() {
        // Below 10, so the cast cannot cut.
        *place = u16::from(b'0') + (first % 10) as u16;
        count += 1;
        first /= 10;
        if first == 0 {
            break;
        }
    }
    fnv1a(digits.into_iter().skip(10 - count)) % 10_000
}

/// The bucket of a value in a namespace, in thousandths: version 1 with the seed `__{namespace}`.
#[must_use]
pub fn bucket_namespace(namespace: &str, value: &str) -> u32 {
    let seed = "__".encode_utf16().chain(namespace.encode_utf16());
    fnv1a(value.encode_utf16().chain(seed)) % 1_000
}

/// The bucket as the fraction that GrowthBook compares with ranges; nothing for a version other than 1 and 2.
///
/// ```
/// use expt_assign::compat::growthbook::hash;
///
/// assert_eq!(hash("seed", "a", 2), Some(0.0505));
/// assert_eq!(hash("abc", "def", 99), None);
/// ```
#[must_use]
pub fn hash(seed: &str, value: &str, version: u32) -> Option<f64> {
    match version {
        1 => Some(f64::from(bucket_v1(seed, value)) / 1_000.0),
        2 => Some(f64::from(bucket_v2(seed, value)) / 10_000.0),
        _ => None,
    }
}

/// FNV-1a with 32 bits, fed whole UTF-16 code units rather than bytes.
fn fnv1a(units: impl Iterator<Item = u16>) -> u32 {
    units.fold(0x811c_9dc5, |hash, unit| (hash ^ u32::from(unit)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From growthbook/growthbook, `packages/sdk-js/test/cases.json` (spec 0.8.0), section `hash`.
    #[test]
    fn agrees_with_the_published_cases() {
        for (seed, value, version, expected) in [
            ("", "a", 1, Some(0.22)),
            ("ef", "d", 1, Some(0.652)),
            ("", "___)((*\":&", 1, Some(0.563)),
            ("seed", "b", 2, Some(0.2696)),
            ("90850943850283058242805", "123", 2, Some(0.7516)),
            ("()**(%$##$%#$#", "___)((*\":&", 2, Some(0.0128)),
            ("abc", "def", 99, None),
        ] {
            assert_eq!(hash(seed, value, version), expected, "{seed} {value} {version}");
        }
    }

    /// From running `packages/sdk-js/src/util.ts` (commit 8f1db44569) under Node 20: code units, not bytes.
    #[test]
    fn hashes_code_units() {
        assert_eq!(hash("séed", "日本語🎉", 1), Some(0.08));
        assert_eq!(hash("séed", "日本語🎉", 2), Some(0.6044));
    }

    #[test]
    fn namespaces_prefix_their_name() {
        for value in ["1", "user-7", "日本"] {
            assert_eq!(bucket_namespace("ns", value), bucket_v1("__ns", value));
        }
    }
}

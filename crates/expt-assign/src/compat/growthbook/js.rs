//! The conversions and comparisons of JavaScript, which the SDKs of these products rely on.
//!
//! The functions recurse over values as deep as these are; what `serde_json` reads is at most 128 deep.

use std::borrow::Cow;
use std::cmp::Ordering;

use serde_json::Value;

/// `!!value`.
pub(in crate::compat) fn truthy(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(value) => *value,
        Value::Number(_) => number(value) != 0.0,
        Value::String(text) => !text.is_empty(),
        Value::Array(_) | Value::Object(_) => true,
    }
}

/// `String(value)`.
pub(in crate::compat) fn text(value: &Value) -> Cow<'_, str> {
    match value {
        Value::Null => "null".into(),
        Value::Bool(value) => if *value { "true" } else { "false" }.into(),
        Value::Number(_) => number_text(number(value)).into(),
        Value::String(text) => text.into(),
        Value::Array(items) => {
            let mut joined = String::new();
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    joined.push(',');
                }
                if !item.is_null() {
                    joined.push_str(&text(item));
                }
            }
            joined.into()
        }
        Value::Object(_) => "[object Object]".into(),
    }
}

/// `Number(value)`.
pub(in crate::compat) fn number(value: &Value) -> f64 {
    match value {
        Value::Null => 0.0,
        Value::Bool(value) => f64::from(u8::from(*value)),
        Value::Number(number) => number.as_f64().unwrap_or(f64::NAN),
        Value::String(text) => text_number(text),
        Value::Array(_) => text_number(&text(value)),
        Value::Object(_) => f64::NAN,
    }
}

/// `Number(text)`.
pub(in crate::compat) fn text_number(text: &str) -> f64 {
    let text = text.trim_matches(is_space);
    let radix = match text.get(..2) {
        Some("0x" | "0X") => Some(16),
        Some("0o" | "0O") => Some(8),
        Some("0b" | "0B") => Some(2),
        _ => None,
    };
    if let (Some(radix), Some(digits)) = (radix, text.get(2..)) {
        return radix_number(digits, radix);
    }
    match text {
        "" => 0.0,
        "Infinity" | "+Infinity" => f64::INFINITY,
        "-Infinity" => f64::NEG_INFINITY,
        // Rust also reads words such as `nan` and `inf`.
        _ if text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E')) => {
            text.parse().unwrap_or(f64::NAN)
        }
        _ => f64::NAN,
    }
}

/// `parseInt(text)`, without a radix.
pub(in crate::compat) fn parse_int(text: &str) -> f64 {
    let text = text.trim_start_matches(is_space);
    let (sign, text) = match text.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, text.strip_prefix('+').unwrap_or(text)),
    };
    let (radix, text) = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(rest) => (16, rest),
        None => (10, text),
    };
    let end = text.find(|letter: char| !letter.is_digit(radix)).unwrap_or(text.len());
    sign * radix_number(text.get(..end).unwrap_or(""), radix)
}

/// `String(number)`.
pub(in crate::compat) fn number_text(value: f64) -> String {
    if value.is_nan() {
        return "NaN".into();
    }
    let sign = if value < 0.0 { "-" } else { "" };
    if value.is_infinite() {
        return format!("{sign}Infinity");
    }
    // The shortest digits that read back as the same number, as `d.ddde-n`.
    let shortest = format!("{:e}", value.abs());
    let (mantissa, exponent) = shortest.split_once('e').unwrap_or((&shortest, "0"));
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let exponent: i32 = exponent.parse().unwrap_or(0);
    // Digits before the point.
    let whole = exponent + 1;
    let zeros = |count: i32| "0".repeat(usize::try_from(count).unwrap_or(0));
    let length = i32::try_from(digits.len()).unwrap_or(0);
    let split = |at: i32| digits.split_at(usize::try_from(at).unwrap_or(0).min(digits.len()));
    if (length..=21).contains(&whole) {
        format!("{sign}{digits}{}", zeros(whole - length))
    } else if (1..=21).contains(&whole) {
        let (before, after) = split(whole);
        format!("{sign}{before}.{after}")
    } else if (-5..=0).contains(&whole) {
        format!("{sign}0.{}{digits}", zeros(-whole))
    } else {
        let (before, after) = split(1);
        let point = if after.is_empty() { "" } else { "." };
        let plus = if exponent < 0 { "" } else { "+" };
        format!("{sign}{before}{point}{after}e{plus}{exponent}")
    }
}

/// `a === b`: two objects, or arrays, are never the same one.
pub(in crate::compat) fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Null, Value::Null) => true,
        (Value::Bool(a), Value::Bool(b)) => a == b,
        (Value::Number(_), Value::Number(_)) => number(a).partial_cmp(&number(b)) == Some(Ordering::Equal),
        (Value::String(a), Value::String(b)) => a == b,
        _ => false,
    }
}

/// `JSON.stringify(a) === JSON.stringify(b)`, except that the order of an object's keys does not count.
pub(in crate::compat) fn same_json(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same_json(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same_json(a, b)))
        }
        _ => same(a, b),
    }
}

/// What `a < b` and its relatives see; nothing if one is not a number, and then all of them are false.
pub(in crate::compat) fn compare(a: &Value, b: &Value) -> Option<Ordering> {
    let as_text = |value: &Value| matches!(value, Value::String(_) | Value::Array(_) | Value::Object(_));
    if as_text(a) && as_text(b) {
        return Some(compare_text(&text(a), &text(b)));
    }
    number(a).partial_cmp(&number(b))
}

/// How two texts compare: by UTF-16 code units.
pub(in crate::compat) fn compare_text(a: &str, b: &str) -> Ordering {
    a.encode_utf16().cmp(b.encode_utf16())
}

/// `typeof value === "string" ? value : JSON.stringify(value)`.
pub(in crate::compat) fn text_or_json(value: &Value) -> Cow<'_, str> {
    match value {
        Value::String(text) => text.into(),
        _ => json(value).into(),
    }
}

fn json(value: &Value) -> String {
    let list = |parts: Vec<String>| parts.join(",");
    match value {
        Value::Number(_) => number_text(number(value)),
        Value::Array(items) => format!("[{}]", list(items.iter().map(json).collect())),
        Value::Object(entries) => {
            let entry = |(key, value): (&String, &Value)| format!("{}:{}", quoted(key), json(value));
            format!("{{{}}}", list(entries.iter().map(entry).collect()))
        }
        _ => value.to_string(),
    }
}

fn quoted(key: &str) -> String {
    Value::String(key.to_owned()).to_string()
}

fn radix_number(digits: &str, radix: u32) -> f64 {
    if digits.is_empty() {
        return f64::NAN;
    }
    digits
        .chars()
        .try_fold(0.0, |sum, digit| Some(sum * f64::from(radix) + f64::from(digit.to_digit(radix)?)))
        .unwrap_or(f64::NAN)
}

fn is_space(letter: char) -> bool {
    (letter.is_whitespace() && letter != '\u{85}') || letter == '\u{feff}'
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Node 20: `String(x)`.
    #[test]
    fn numbers_as_text() {
        for (value, expected) in [
            (0.0, "0"),
            (-0.0, "0"),
            (3.0, "3"),
            (-1.5, "-1.5"),
            (1e21, "1e+21"),
            (123_456_789_012_345_680_000.0, "123456789012345680000"),
            (1e-6, "0.000001"),
            (1e-7, "1e-7"),
            (1.5e-10, "1.5e-10"),
            (0.1 + 0.2, "0.30000000000000004"),
            (f64::MAX, "1.7976931348623157e+308"),
        ] {
            assert_eq!(number_text(value), expected);
        }
    }

    /// Node 20: `Number(x)`.
    #[test]
    fn text_as_numbers() {
        for (text, expected) in [
            ("", 0.0),
            (" \n12\u{feff}", 12.0),
            ("0x1F", 31.0),
            ("0b101", 5.0),
            (".5", 0.5),
            ("5.", 5.0),
            ("+1e3", 1000.0),
            ("-Infinity", f64::NEG_INFINITY),
        ] {
            assert_eq!(text_number(text).to_bits(), f64::to_bits(expected), "{text:?}");
        }
        for text in ["1_000", "nan", "inf", "-0x1F", "1 2", "12px", "."] {
            assert!(text_number(text).is_nan(), "{text:?}");
        }
    }

    /// Node 20: `parseInt(x)`.
    #[test]
    fn leading_integers() {
        for (text, expected) in [(" 12px", 12.0), ("2.054", 2.0), ("-1", -1.0), ("0x1Fz", 31.0), ("1e3", 1.0)]
        {
            assert_eq!(parse_int(text).to_bits(), f64::to_bits(expected), "{text:?}");
        }
        assert!(parse_int("foo").is_nan() && parse_int("Infinity").is_nan());
    }

    /// Node 20: `a < b`.
    #[test]
    fn relations() {
        assert_eq!(compare(&json!("10"), &json!("9")), Some(Ordering::Less));
        assert_eq!(compare(&json!("10"), &json!(9)), Some(Ordering::Greater));
        assert_eq!(compare(&json!(null), &json!(0)), Some(Ordering::Equal));
        assert_eq!(compare(&json!("a"), &json!(0)), None);
        assert_eq!(compare(&json!([5]), &json!(4)), Some(Ordering::Greater));
        assert_eq!(compare(&json!("\u{ffff}"), &json!("\u{1f389}")), Some(Ordering::Greater));
    }
}

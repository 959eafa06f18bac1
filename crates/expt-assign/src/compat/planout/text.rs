//! Python's text of numbers and strings.

use std::fmt::Write;

/// `repr` of a finite fraction: the shortest digits that read back as the same number, with an exponent below
/// 1e-4 and from 1e16 on.
pub(super) fn float(value: f64) -> String {
    // Rust's shortest digits are the same ones; only the layout differs.
    let scientific = format!("{value:e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..16).contains(&exponent) {
        // `{:?}` may turn to an exponent; `{}` never does, but leaves out `.0`.
        let plain = format!("{value}");
        return if plain.contains('.') { plain } else { format!("{plain}.0") };
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.unsigned_abs())
}

/// `repr` of a string: in single quotes, unless it has single quotes and no double ones.
///
/// Characters beyond ASCII stay as they are; whatever contains them cannot be hashed anyway.
pub(super) fn quoted(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut out = String::with_capacity(text.len() + 2);
    out.push(quote);
    for letter in text.chars() {
        match letter {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            _ if letter == quote => {
                out.push('\\');
                out.push(letter);
            }
            '\0'..' ' | '\x7f' => {
                // Writing to a string does not fail.
                let _ = write!(out, "\\x{:02x}", u32::from(letter));
            }
            _ => out.push(letter),
        }
    }
    out.push(quote);
    out
}

/// `float(text)`: surrounding spaces and single underscores between digits are allowed; `None` for what Python
/// refuses and for what is not finite.
pub(super) fn parse_float(text: &str) -> Option<f64> {
    let text =
        text.trim_matches(|letter: char| letter.is_whitespace() || ('\x1c'..='\x1f').contains(&letter));
    let letters: Vec<char> = text.chars().collect();
    let mut digits = String::with_capacity(text.len());
    for (place, letter) in letters.iter().enumerate() {
        let beside = |other: Option<usize>| {
            other.and_then(|other| letters.get(other)).is_some_and(char::is_ascii_digit)
        };
        match letter {
            '_' if beside(place.checked_sub(1)) && beside(place.checked_add(1)) => {}
            '0'..='9' | '.' | 'e' | 'E' | '+' | '-' => digits.push(*letter),
            _ => return None,
        }
    }
    digits.parse().ok().filter(|value: &f64| value.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Python 3.11: `repr(x)`.
    #[test]
    fn floats_read_as_in_python() {
        let expected = [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1.0, "1.0"),
            (0.1, "0.1"),
            (-2.5, "-2.5"),
            (1e15, "1000000000000000.0"),
            (1e16, "1e+16"),
            (123_456_789_012_345_680.0, "1.2345678901234568e+17"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (1.5e-7, "1.5e-07"),
            (1e100, "1e+100"),
            (5e-324, "5e-324"),
        ];
        for (value, text) in expected {
            assert_eq!(float(value), text);
        }
    }

    /// Python 3.11: `repr(x)`.
    #[test]
    fn strings_are_quoted_as_in_python() {
        assert_eq!(quoted("a"), "'a'");
        assert_eq!(quoted("it's"), "\"it's\"");
        assert_eq!(quoted("it's \"x\""), "'it\\'s \"x\"'");
        assert_eq!(quoted("\\\n\t\r\0\x7f"), "'\\\\\\n\\t\\r\\x00\\x7f'");
    }

    /// Python 3.11: `float(x)`.
    #[test]
    fn text_becomes_a_number_as_in_python() {
        assert_eq!(parse_float(" 1_000.5e1\n"), Some(10_005.0));
        assert_eq!(parse_float("+.5"), Some(0.5));
        assert_eq!(parse_float("1."), Some(1.0));
        for refused in ["", "1__0", "_1", "1_", "1_.5", "nan", "inf", "0x1", "1e999", "a", "1 2"] {
            assert_eq!(parse_float(refused), None, "{refused}");
        }
    }
}

//! How the SDKs read numbers and times out of text.

/// What JavaScript's `Number` makes of a text; `NaN` if it is not a number.
pub(super) fn number(text: &str) -> f64 {
    let text = text.trim_matches(|letter: char| letter.is_whitespace() || letter == '\u{feff}');
    let radix = |digits: &str, radix| whole(digits, radix);
    match text {
        "" => 0.0,
        "Infinity" | "+Infinity" => f64::INFINITY,
        "-Infinity" => f64::NEG_INFINITY,
        _ => match text.get(..2) {
            Some("0x" | "0X") => radix(text.get(2..).unwrap_or_default(), 16),
            Some("0o" | "0O") => radix(text.get(2..).unwrap_or_default(), 8),
            Some("0b" | "0B") => radix(text.get(2..).unwrap_or_default(), 2),
            // Keeps out the words that Rust reads as numbers and JavaScript does not.
            _ if text.chars().all(|letter| matches!(letter, '0'..='9' | '+' | '-' | '.' | 'e' | 'E')) => {
                text.parse().unwrap_or(f64::NAN)
            }
            _ => f64::NAN,
        },
    }
}

/// Milliseconds since 1970 of an ISO 8601 date or time, as JavaScript's `Date` reads it; without an offset, UTC.
pub(super) fn millis(text: &str) -> Option<i64> {
    let (date, time) = match text.split_once(['T', 't', ' ']) {
        Some((date, time)) => (date, Some(time)),
        None => (text, None),
    };
    let mut parts = date.split('-');
    let year = digits(parts.next()?, 4)?;
    let month = parts.next().map_or(Some(1), |part| digits(part, 2))?;
    let day = parts.next().map_or(Some(1), |part| digits(part, 2))?;
    if parts.next().is_some() {
        return None;
    }
    let days = days_from_civil(year, month, day)?;
    Some(days * 86_400_000 + time.map_or(Some(0), time_of_day)?)
}

/// Days since 1970-01-01 of a date of the Gregorian calendar (Hinnant's algorithm); `None` if there is no such day.
pub(in crate::compat) fn days_from_civil(year: i64, month: i64, day: i64) -> Option<i64> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if !(1..=length).contains(&day) || !(-400_000..=400_000).contains(&year) {
        return None;
    }
    let year = if month <= 2 { year - 1 } else { year };
    let (era, in_era) = (year.div_euclid(400), year.rem_euclid(400));
    let in_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    Some(era * 146_097 + in_era * 365 + in_era / 4 - in_era / 100 + in_year - 719_468)
}

fn time_of_day(text: &str) -> Option<i64> {
    let (clock, offset) = match text.find(['Z', 'z', '+', '-']) {
        Some(at) => (text.get(..at)?, offset(text.get(at..)?)?),
        None => (text, 0),
    };
    let (clock, fraction) = clock.split_once('.').map_or((clock, None), |(clock, rest)| (clock, Some(rest)));
    let mut parts = clock.split(':');
    let hour = digits(parts.next()?, 2)?;
    let minute = digits(parts.next()?, 2)?;
    let second = parts.next().map(|part| digits(part, 2));
    if parts.next().is_some() || (second.is_none() && fraction.is_some()) {
        return None;
    }
    let second = second.unwrap_or(Some(0))?;
    let fraction = fraction.map_or(Some(0), thousandths)?;
    let in_day = ((hour * 60 + minute) * 60 + second) * 1000 + fraction;
    let allowed = minute < 60 && second < 60 && (hour < 24 || in_day == 86_400_000);
    allowed.then_some(in_day - offset * 60_000)
}

/// Minutes east of Greenwich.
fn offset(text: &str) -> Option<i64> {
    let sign = match text.get(..1)? {
        "+" => 1,
        "-" => -1,
        _ => return (text.len() == 1).then_some(0),
    };
    let rest = text.get(1..)?;
    let (hours, minutes) = rest.split_once(':').or_else(|| rest.split_at_checked(2))?;
    let (hours, minutes) = (digits(hours, 2)?, digits(minutes, 2)?);
    (hours < 24 && minutes < 60).then_some(sign * (hours * 60 + minutes))
}

fn thousandths(text: &str) -> Option<i64> {
    let all = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let first: String = text.chars().chain("00".chars()).take(3).collect();
    if all { first.parse().ok() } else { None }
}

fn digits(text: &str, count: usize) -> Option<i64> {
    (text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok())?
}

fn whole(digits: &str, radix: u32) -> f64 {
    if digits.is_empty() {
        return f64::NAN;
    }
    let value = |letter: char| letter.to_digit(radix).map_or(f64::NAN, f64::from);
    digits.chars().fold(0.0, |sum, letter| sum * f64::from(radix) + value(letter))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values by `Number(...)` in Node.js 22.
    #[test]
    fn numbers_as_in_javascript() {
        for (text, expected) in [
            ("12", 12.0),
            (" 12.5 ", 12.5),
            ("", 0.0),
            ("0x1F", 31.0),
            ("0b101", 5.0),
            ("1e3", 1000.0),
            (".5", 0.5),
            ("-4.", -4.0),
            ("Infinity", f64::INFINITY),
        ] {
            assert_eq!(number(text).to_bits(), f64::to_bits(expected), "{text:?}");
        }
        for text in ["abc", "1 2", "inf", "nan", "infinity", "0x", "0b2", "--1", "1_000", "é"] {
            assert!(number(text).is_nan(), "{text:?}");
        }
    }

    /// Values by `Date.parse` in Node.js 22 (the one without an offset with TZ=UTC).
    #[test]
    fn times_as_in_javascript() {
        for (text, expected) in [
            ("2022-01-29T13:00:00.000Z", 1_643_461_200_000),
            ("2022-01-22T14:00:00.000+02:00", 1_642_852_800_000),
            ("2022-01-22", 1_642_809_600_000),
            ("2022-02", 1_643_673_600_000),
            ("2022-01-22T13:00", 1_642_856_400_000),
            ("1969-12-31T23:59:59.999Z", -1),
            ("2024-02-29T24:00:00Z", 1_709_251_200_000),
            ("2022-01-22T13:00:00.1239Z", 1_642_856_400_123),
        ] {
            assert_eq!(millis(text), Some(expected), "{text}");
        }
        for text in [
            "",
            "soon",
            "2023-02-29",
            "2022-13-01",
            "2022-01-22T25:00Z",
            "2022-01-22T13:00:00.Z",
            "2022-1-2-3",
        ] {
            assert_eq!(millis(text), None, "{text}");
        }
    }
}

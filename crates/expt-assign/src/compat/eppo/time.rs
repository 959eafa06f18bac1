//! Times as the configurations write them.

use std::time::Duration;

use expt_core::Timestamp;

/// Reads `2024-04-17T19:40:53.716Z`, also with an offset such as `+02:00`, with more digits than are kept, or
/// without a time.
pub(super) fn parse(text: &str) -> Option<Timestamp> {
    if text.len() == 10 {
        return text.parse().ok();
    }
    let (date, time) = (text.get(..10)?, text.get(11..)?);
    if !text.get(10..11)?.eq_ignore_ascii_case("t") && text.get(10..11) != Some(" ") {
        return None;
    }
    let end = time.find(['Z', 'z', '+', '-'])?;
    let (clock, zone) = time.split_at(end);
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    if !fraction.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let fraction = fraction.get(..6).unwrap_or(fraction);
    let local: Timestamp = format!("{date}T{clock}.{fraction}Z").parse().ok()?;
    let mut sign_and_rest = zone.chars();
    match sign_and_rest.next()? {
        'Z' | 'z' if zone.len() == 1 => Some(local),
        '+' => Some(local - offset(sign_and_rest.as_str())?),
        '-' => Some(local + offset(sign_and_rest.as_str())?),
        _ => None,
    }
}

fn offset(text: &str) -> Option<Duration> {
    let (hours, minutes) = text.split_once(':').or_else(|| text.split_at_checked(2))?;
    let number = |text: &str, below: u64| {
        let number: u64 = (text.len() == 2).then(|| text.parse().ok())??;
        (number < below && text.bytes().all(|digit| digit.is_ascii_digit())).then_some(number)
    };
    Some(Duration::from_secs(number(hours, 24)? * 3600 + number(minutes, 60)? * 60))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Node 20: `new Date(text).toISOString()`.
    #[test]
    fn reads_offsets_and_fractions() {
        for (text, expected) in [
            ("2024-04-17T19:40:53.716Z", "2024-04-17T19:40:53.716Z"),
            ("2024-04-17T19:40:53.716912345Z", "2024-04-17T19:40:53.716912Z"),
            ("2024-04-17T01:40:53+02:00", "2024-04-16T23:40:53Z"),
            ("2024-12-31T23:30:00-0130", "2025-01-01T01:00:00Z"),
            ("2024-04-17", "2024-04-17T00:00:00Z"),
        ] {
            assert_eq!(parse(text).unwrap().to_string(), expected);
        }
        for text in [
            "",
            "2024",
            "2024-04-17T19:40:53",
            "2024-04-17T19:40:53+2",
            "2024-04-17X19:40:53Z",
            "ééééééééééé",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}

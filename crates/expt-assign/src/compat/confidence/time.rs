//! Points in time, as the resolver reads them out of contexts.

use crate::compat::unleash::text::days_from_civil;

/// Seconds since 1970-01-01 UTC and nanoseconds; a leap second has more than 999,999,999 of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Time {
    pub(super) seconds: i64,
    pub(super) nanos: u32,
}

impl Time {
    /// A date, a local time (taken as UTC), or a time with an offset.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let Some(at) = text.find(['T', ' ']) else {
            let mut reader = Reader { rest: text, strict: false };
            let seconds = reader.date()? * DAY;
            return reader.rest.is_empty().then_some(Self { seconds, nanos: 0 });
        };
        // What stands between the first and the second separator says which form it is.
        let time = text.get(at + 1..)?.split(['T', ' ']).next()?;
        let mut reader = Reader { rest: text, strict: time.contains(['Z', '+', '-']) };
        let days = reader.date()?;
        reader.rest = reader.rest.strip_prefix(['T', ' '])?;
        let (in_day, nanos) = reader.time()?;
        let offset = if reader.strict { reader.offset()? } else { 0 };
        reader.rest.is_empty().then_some(Self { seconds: days * DAY + in_day - offset, nanos })
    }

    /// Seconds since 1970, or milliseconds from 10^12 on.
    pub(super) fn from_number(number: f64) -> Option<Self> {
        if !number.is_finite() {
            return None;
        }
        #[allow(clippy::cast_possible_truncation, reason = "the vendor's cast, which saturates")]
        let whole = number as i64;
        if whole.unsigned_abs() < 1_000_000_000_000 {
            return Some(Self { seconds: whole, nanos: 0 });
        }
        let nanos = u32::try_from(whole.rem_euclid(1000)).ok()? * 1_000_000;
        let seconds = whole.div_euclid(1000);
        RANGE.contains(&seconds).then_some(Self { seconds, nanos })
    }
}

/// Reads numbers off the front of a text: with exactly as many digits as usual if it is strict, else with at most
/// as many.
struct Reader<'a> {
    rest: &'a str,
    strict: bool,
}

impl Reader<'_> {
    fn date(&mut self) -> Option<i64> {
        let year = if self.strict { self.digits(4)? } else { self.year()? };
        self.expect('-')?;
        let month = self.digits(2)?;
        self.expect('-')?;
        let day = self.digits(2)?;
        if !(-262_143..=262_142).contains(&year) {
            return None;
        }
        days_from_civil(year, month, day)
    }

    fn time(&mut self) -> Option<(i64, u32)> {
        let hour = self.digits(2)?;
        self.expect(':')?;
        let minute = self.digits(2)?;
        self.expect(':')?;
        let second = self.digits(2)?;
        let nanos = if self.expect('.').is_some() { self.fraction()? } else { 0 };
        if hour > 23 || minute > 59 || second > 60 {
            return None;
        }
        let leap = second / 60;
        let nanos = nanos + if leap == 1 { 1_000_000_000 } else { 0 };
        Some(((hour * 60 + minute) * 60 + second - leap, nanos))
    }

    /// Seconds east of Greenwich.
    fn offset(&mut self) -> Option<i64> {
        if self.expect('Z').or_else(|| self.expect('z')).is_some() {
            return Some(0);
        }
        let sign = if self.expect('+').is_some() { 1 } else { self.expect('-').map(|()| -1)? };
        let hours = self.digits(2)?;
        self.expect(':')?;
        let minutes = self.digits(2)?;
        (hours < 24 && minutes < 60).then_some(sign * (hours * 60 + minutes) * 60)
    }

    /// A year with a sign may have any number of digits.
    fn year(&mut self) -> Option<i64> {
        if self.expect('+').is_some() {
            return self.number(usize::MAX);
        }
        if self.expect('-').is_some() {
            return Some(-self.number(usize::MAX)?);
        }
        self.number(4)
    }

    /// Nanoseconds; further digits do not count.
    fn fraction(&mut self) -> Option<u32> {
        let digits = self.take(usize::MAX)?;
        let first: String = digits.chars().chain("00000000".chars()).take(9).collect();
        first.parse().ok()
    }

    fn digits(&mut self, count: usize) -> Option<i64> {
        let before = self.rest.len();
        let number = self.number(count)?;
        (!self.strict || before - self.rest.len() == count).then_some(number)
    }

    fn number(&mut self, most: usize) -> Option<i64> {
        self.take(most)?.parse().ok()
    }

    fn take(&mut self, most: usize) -> Option<&str> {
        let count = self.rest.bytes().take(most).take_while(u8::is_ascii_digit).count();
        let (digits, rest) = self.rest.split_at_checked(count).filter(|(digits, _)| !digits.is_empty())?;
        self.rest = rest;
        Some(digits)
    }

    fn expect(&mut self, letter: char) -> Option<()> {
        self.rest = self.rest.strip_prefix(letter)?;
        Some(())
    }
}

const DAY: i64 = 86_400;
/// What the vendor's calendar can express.
const RANGE: std::ops::RangeInclusive<i64> = -8_334_601_228_800..=8_210_266_876_799;

#[cfg(test)]
mod tests {
    use super::*;

    /// Values by `date -u -d ... +%s.%N`.
    #[test]
    fn texts() {
        for (text, seconds, nanos) in [
            ("2022-11-17T15:16:17.118Z", 1_668_698_177, 118_000_000),
            ("2022-11-17T17:16:17.118+02:00", 1_668_698_177, 118_000_000),
            ("2022-11-17T15:16:17", 1_668_698_177, 0),
            ("2022-11-17 15:16:17.5", 1_668_698_177, 500_000_000),
            ("2022-11-17 15:16:17Z", 1_668_698_177, 0),
            ("2022-11-17", 1_668_643_200, 0),
            ("2022-1-7", 1_641_513_600, 0),
            ("1969-12-31T23:59:59Z", -1, 0),
        ] {
            assert_eq!(Time::parse(text), Some(Time { seconds, nanos }), "{text}");
        }
        for text in [
            "",
            "soon",
            "2022-11-17T15:16",
            "2022-1-7T15:16:17Z",
            "2022-02-30",
            "2022-11-17T24:00:00Z",
            "2022-11-17T15:16:17 Z",
            "2022-11-17x",
            "20222-11-17",
            "2022-11-17T15:16:17.Z",
            "999999999999999999999-1-1",
            "+999999999-01-01",
        ] {
            assert_eq!(Time::parse(text), None, "{text}");
        }
    }

    /// By the vendor's rule: seconds below 10^12, milliseconds from there.
    #[test]
    fn numbers() {
        assert_eq!(Time::from_number(1_668_698_178.9), Some(Time { seconds: 1_668_698_178, nanos: 0 }));
        assert_eq!(
            Time::from_number(1_668_698_177_200.0),
            Some(Time { seconds: 1_668_698_177, nanos: 200_000_000 })
        );
        assert_eq!(Time::from_number(-1_000_000_000_001.0).map(|time| time.nanos), Some(999_000_000));
        for number in [f64::NAN, f64::INFINITY, 1e18, -1e300] {
            assert_eq!(Time::from_number(number), None, "{number}");
        }
    }
}

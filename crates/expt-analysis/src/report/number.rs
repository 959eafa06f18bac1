//! Numbers and times as people read them.

use expt_core::Timestamp;

/// What stands where there is no number.
pub(super) const NONE: &str = "–";

/// How the numbers of one row are written, so that they have the same decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// So many decimals, and commas between thousands.
    Fixed(usize),
    /// `1.234e-7`.
    Scientific,
}

impl Format {
    /// Four significant digits for the largest of the numbers; whole numbers from 1,000.
    pub(super) fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let finite = values.into_iter().filter(|value| value.is_finite());
        let largest = finite.fold(0.0, |largest: f64, value| largest.max(value.abs()));
        if largest == 0.0 {
            return Self::Fixed(0);
        }
        if !(1e-4..1e9).contains(&largest) {
            return Self::Scientific;
        }
        // From -4 to 8, so nothing is cut.
        let exponent = largest.log10().floor() as i32;
        Self::Fixed(usize::try_from(3 - exponent).unwrap_or(0))
    }

    /// The number, or a dash if there is none.
    pub(super) fn show(self, value: Option<f64>) -> String {
        finite(value).map_or_else(|| NONE.to_owned(), |value| self.write(value))
    }

    /// The number with its sign, or a dash if there is none.
    pub(super) fn signed(self, value: Option<f64>) -> String {
        finite(value).map_or_else(|| NONE.to_owned(), |value| self.write_signed(value))
    }

    /// `[low, high]`, with signs.
    pub(super) fn interval(self, span: Option<Span>) -> String {
        let Some(span) = span else { return NONE.to_owned() };
        let low = span.low.map_or_else(|| "-∞".to_owned(), |low| self.write_signed(low));
        let high = span.high.map_or_else(|| "+∞".to_owned(), |high| self.write_signed(high));
        format!("[{low}, {high}]")
    }

    fn write_signed(self, value: f64) -> String {
        let text = self.write(value);
        let zero = !text.chars().any(|c| ('1'..='9').contains(&c));
        if zero || text.starts_with('-') { text } else { format!("+{text}") }
    }

    fn write(self, value: f64) -> String {
        match self {
            Self::Scientific if value == 0.0 => "0".to_owned(),
            Self::Scientific => format!("{value:.3e}"),
            Self::Fixed(_) if value.abs() >= 1e15 => format!("{value:.3e}"),
            Self::Fixed(decimals) => grouped(&format!("{value:.decimals$}")),
        }
    }
}

/// The ends of an interval; an end that is `None` is unbounded.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Span {
    /// The lower end.
    pub(super) low: Option<f64>,
    /// The upper end.
    pub(super) high: Option<f64>,
}

impl Span {
    /// From the interval of a readout; ends that are not finite are unbounded.
    pub(super) fn of(interval: Option<(Option<f64>, Option<f64>)>) -> Option<Self> {
        let (low, high) = interval?;
        Some(Self { low: finite(low), high: finite(high) })
    }

    /// The ends that are numbers.
    pub(super) fn ends(self) -> impl Iterator<Item = f64> {
        [self.low, self.high].into_iter().flatten()
    }

    /// Whether it is above the value.
    pub(super) fn is_above(self, value: f64) -> bool {
        self.low.is_some_and(|low| low > value)
    }

    /// Whether it is below the value.
    pub(super) fn is_below(self, value: f64) -> bool {
        self.high.is_some_and(|high| high < value)
    }
}

/// The number, if it is one.
pub(super) fn finite(value: Option<f64>) -> Option<f64> {
    value.filter(|value| value.is_finite())
}

/// A number that a person chose, as short as it can be, with its sign: `+0.01`.
pub(super) fn exact(value: f64) -> String {
    let format = Format::of([value]);
    let text = format.signed(Some(value));
    if format == Format::Scientific || !text.contains('.') {
        return text;
    }
    // Four digits are enough only if they say the same.
    let short = text.trim_end_matches('0').trim_end_matches('.');
    let same = short.replace(',', "").parse() == Ok(value);
    if same { short.to_owned() } else { text }
}

/// A share or a relative difference in per cent, with its sign: `+2.63 %`.
pub(super) fn relative(value: Option<f64>) -> String {
    let Some(percent) = finite(value.map(|value| value * 100.0)) else { return NONE.to_owned() };
    format!("{} %", percent_format(percent).write_signed(percent))
}

/// A difference of proportions in points: `+2.03 points`.
pub(super) fn points(value: f64) -> String {
    let points = value * 100.0;
    format!("{} points", percent_format(points).write_signed(points))
}

/// A part of a whole: `49.8 %`.
pub(super) fn share(part: u64, whole: u64) -> String {
    if whole == 0 {
        return NONE.to_owned();
    }
    let percent = part as f64 / whole as f64 * 100.0;
    if part > 0 && percent < 0.1 { "< 0.1 %".to_owned() } else { format!("{percent:.1} %") }
}

fn percent_format(percent: f64) -> Format {
    match percent.abs() {
        size if size < 10.0 => Format::Fixed(2),
        size if size < 1e6 => Format::Fixed(1),
        _ => Format::Scientific,
    }
}

/// A count with commas: `12,040`.
pub(super) fn count(value: u64) -> String {
    grouped(&value.to_string())
}

/// A p-value from its logarithm, so that it is never written as 0.
pub(super) fn p_value(ln_p: Option<f64>) -> String {
    let Some(ln_p) = ln_p.filter(|ln_p| !ln_p.is_nan()) else { return NONE.to_owned() };
    let log10 = ln_p.min(0.0) / std::f64::consts::LN_10;
    if log10 < -999_999.0 {
        return "< 1e-999999".to_owned();
    }
    let p = ln_p.min(0.0).exp();
    if p > 0.9995 {
        return "1".to_owned();
    }
    if p >= 0.1 {
        return format!("{p:.3}");
    }
    if p >= 1e-4 {
        return format!("{p:.4}");
    }
    let exponent = log10.floor();
    let mantissa = 10_f64.powf(log10 - exponent);
    // 9.96 would be written as 10.0.
    let (mantissa, exponent) = if mantissa >= 9.95 { (1.0, exponent + 1.0) } else { (mantissa, exponent) };
    format!("{mantissa:.1}e{exponent:.0}")
}

/// The number with a minus sign as wide as a plus sign, for pages.
pub(super) fn typeset(number: &str) -> String {
    number.replace('-', "\u{2212}")
}

/// The date: `2026-03-02`.
pub(super) fn date(time: Timestamp) -> String {
    let text = time.to_string();
    text.split_once('T').map_or(text.clone(), |(date, _)| date.to_owned())
}

/// The date and the minute: `2026-03-02 09:30 UTC`.
pub(super) fn minute(time: Timestamp) -> String {
    let text = time.to_string();
    let Some((date, clock)) = text.split_once('T') else { return text };
    format!("{date} {} UTC", clock.get(..5).unwrap_or(clock))
}

/// Whole and tenth days between two times: `21 days`.
pub(super) fn days(from: Timestamp, to: Timestamp) -> String {
    let days = to.since(from).as_secs_f64() / 86_400.0;
    let whole = (days - days.round()).abs() < 0.05;
    let text = if whole { grouped(&format!("{days:.0}")) } else { format!("{days:.1}") };
    if text == "1" { "1 day".to_owned() } else { format!("{text} days") }
}

/// Puts commas between thousands, and drops the sign of a zero.
fn grouped(text: &str) -> String {
    let (sign, digits) = text.strip_prefix('-').map_or(("", text), |digits| ("-", digits));
    let sign = if digits.chars().any(|c| ('1'..='9').contains(&c)) { sign } else { "" };
    let (whole, fraction) = digits.split_once('.').map_or((digits, None), |(w, f)| (w, Some(f)));
    let mut out = String::from(sign);
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    if let Some(fraction) = fraction {
        out.push('.');
        out.push_str(fraction);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_significant_digits() {
        for (value, text) in [
            (0.0, "0"),
            (0.771_23, "0.7712"),
            (-0.012_345, "-0.01235"),
            (1.5, "1.500"),
            (12.3456, "12.35"),
            (999.96, "1,000.0"),
            (1234.56, "1,235"),
            (12_345_678.0, "12,345,678"),
            (3.2e-7, "3.200e-7"),
            (5e12, "5.000e12"),
            (f64::NAN, "–"),
            (f64::MAX, "1.798e308"),
            (f64::MIN_POSITIVE, "2.225e-308"),
        ] {
            assert_eq!(Format::of([value]).show(Some(value)), text, "{value}");
        }
        assert_eq!(Format::of([]).show(None), "–");
    }

    #[test]
    fn a_row_shares_its_decimals() {
        let format = Format::of([0.0203, 0.0112, 0.0294]);
        assert_eq!(format, Format::Fixed(5));
        assert_eq!(format.signed(Some(0.0203)), "+0.02030");
        assert_eq!(format.signed(Some(-0.000_000_1)), "0.00000");
        let span = Span::of(Some((Some(-0.0112), None)));
        assert_eq!(format.interval(span), "[-0.01120, +∞]");
        assert_eq!(format.interval(Span::of(Some((Some(f64::NAN), Some(0.0))))), "[-∞, 0.00000]");
        assert_eq!(format.interval(None), "–");
    }

    #[test]
    fn a_chosen_number_is_short() {
        for (value, text) in [
            (0.01, "+0.01"),
            (-0.5, "-0.5"),
            (100.0, "+100"),
            (0.123_456, "+0.1235"),
            (0.0, "0"),
            (1e-7, "+1.000e-7"),
            (f64::NAN, "–"),
        ] {
            assert_eq!(exact(value), text);
        }
    }

    #[test]
    fn a_p_value_is_never_zero() {
        for (ln_p, text) in [
            (0.0, "1"),
            (0.3, "1"),
            (0.342_f64.ln(), "0.342"),
            (0.0123_f64.ln(), "0.0123"),
            (1e-4_f64.ln() + 1e-12, "0.0001"),
            (3.2e-17_f64.ln(), "3.2e-17"),
            (9.97e-8_f64.ln(), "1.0e-7"),
            (-5000.0, "3.4e-2172"),
            (f64::NEG_INFINITY, "< 1e-999999"),
            (f64::NAN, "–"),
        ] {
            assert_eq!(p_value(Some(ln_p)), text, "{ln_p}");
        }
    }

    #[test]
    fn shares_and_relative_differences() {
        assert_eq!(relative(Some(0.026_34)), "+2.63 %");
        assert_eq!(relative(Some(-1.5)), "-150.0 %");
        assert_eq!(relative(Some(f64::MAX)), "–");
        assert_eq!(relative(Some(1e9)), "+1.000e11 %");
        assert_eq!(points(-0.0203), "-2.03 points");
        assert_eq!(
            (share(498, 1000), share(1, 1_000_000), share(1, 0)),
            ("49.8 %".into(), "< 0.1 %".into(), "–".into())
        );
        assert_eq!(count(1_234_567), "1,234,567");
    }

    #[test]
    fn times() {
        let start: Timestamp = "2026-03-02T09:30:15.5Z".parse().unwrap();
        assert_eq!(date(start), "2026-03-02");
        assert_eq!(minute(start), "2026-03-02 09:30 UTC");
        let day = std::time::Duration::from_secs(86_400);
        assert_eq!(days(start, start + day), "1 day");
        assert_eq!(days(start, start + day * 21), "21 days");
        assert_eq!(days(start, start + day / 2), "0.5 days");
        assert!(!minute(Timestamp::MIN).is_empty() && !days(Timestamp::MIN, Timestamp::MAX).is_empty());
    }
}

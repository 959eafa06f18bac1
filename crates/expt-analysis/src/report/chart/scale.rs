//! From values to pixels, and where the ticks are.

use std::time::Duration;

use expt_core::Timestamp;

use crate::report::number::{Format, date};

/// Maps values to pixels. Always finite: a domain that is empty or not a number is widened.
#[derive(Debug, Clone, Copy)]
pub(super) struct Linear {
    low: f64,
    high: f64,
    from: f64,
    to: f64,
}

impl Linear {
    /// Maps the smallest of the values to `from` and the largest to `to`, with some room at both ends.
    pub(super) fn around(values: impl IntoIterator<Item = f64>, from: f64, to: f64) -> Self {
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for value in values.into_iter().filter(|value| value.is_finite()) {
            // Where doubling would overflow, a picture shows nothing anyway.
            let value = value.clamp(-1e300, 1e300);
            (low, high) = (low.min(value), high.max(value));
        }
        if low > high {
            (low, high) = (-1.0, 1.0);
        }
        let room = 0.07 * (high - low);
        let room = if room > low.abs().max(high.abs()) * 1e-12 { room } else { low.abs().max(1e-300) * 0.1 };
        let room = if low == 0.0 && high == 0.0 { 1.0 } else { room };
        Self { low: low - room, high: high + room, from, to }
    }

    /// Maps exactly `low` to `from` and `high` to `to`.
    pub(super) fn exact(low: f64, high: f64, from: f64, to: f64) -> Self {
        if low.is_finite() && high.is_finite() && low < high {
            return Self { low, high, from, to };
        }
        Self::around([low, high], from, to)
    }

    /// The pixel of a value; far outside of the picture it stops.
    pub(super) fn at(self, value: f64) -> f64 {
        let share = (value - self.low) / (self.high - self.low);
        let share = if share.is_finite() { share.clamp(-20.0, 20.0) } else { 0.5 };
        self.from + share * (self.to - self.from)
    }

    /// The pixel of a value, or of the end of the picture that is next to it.
    pub(super) fn inside(self, value: f64) -> f64 {
        self.at(value).clamp(self.from.min(self.to), self.from.max(self.to))
    }

    /// Whether the value is in the picture.
    pub(super) fn contains(self, value: f64) -> bool {
        (self.low..=self.high).contains(&value)
    }

    /// About `wanted` round values with their labels.
    pub(super) fn ticks(self, wanted: u32, signed: bool) -> Vec<(f64, String)> {
        let step = nice_step((self.high - self.low) / f64::from(wanted.max(1)));
        let first = (self.low / step).ceil();
        let mut values: Vec<f64> = Vec::new();
        for index in 0..=2 * wanted {
            let value = (first + f64::from(index)) * step;
            if value.is_finite() && value <= self.high && values.last().is_none_or(|last| value > *last) {
                values.push(value);
            }
        }
        let largest = values.iter().fold(0.0, |largest: f64, value| largest.max(value.abs()));
        let format = if (1e-6..1e9).contains(&largest) && step >= 1e-9 {
            Format::Fixed((-step.log10()).ceil().clamp(0.0, 9.0) as usize)
        } else {
            Format::Scientific
        };
        let label = |value: f64| if signed { format.signed(Some(value)) } else { format.show(Some(value)) };
        values.into_iter().map(|value| (value, label(value))).collect()
    }
}

/// Maps times to pixels.
#[derive(Debug, Clone, Copy)]
pub(super) struct Time {
    from: Timestamp,
    to: Timestamp,
    pixels: Linear,
}

impl Time {
    /// Maps `from` to `left` and `to` to `right`, or somewhat later if they are the same.
    pub(super) fn new(from: Timestamp, to: Timestamp, left: f64, right: f64) -> Self {
        let to = to.max(from + DAY);
        let from = from.min(to - DAY);
        let pixels = Linear::exact(seconds(from), seconds(to), left, right);
        Self { from, to, pixels }
    }

    /// The pixel of a time.
    pub(super) fn at(self, time: Timestamp) -> f64 {
        self.pixels.inside(seconds(time))
    }

    /// Up to `wanted` dates at the beginning of a day, with their labels.
    pub(super) fn ticks(self, wanted: u32) -> Vec<(Timestamp, String)> {
        let length = self.to.since(self.from);
        let days = length.as_secs_f64() / 86_400.0;
        let step = DAY_STEPS.into_iter().find(|step| days / step <= f64::from(wanted));
        let step = step.unwrap_or_else(|| nice_step(days / f64::from(wanted.max(1))));
        let midnight = midnight(self.from);
        let midnight = if midnight < self.from { midnight + DAY } else { midnight };
        (0..=wanted)
            .map(|index| midnight + Duration::from_secs_f64(f64::from(index) * step * 86_400.0))
            .take_while(|time| *time <= self.to)
            .map(|time| (time, if days > 300.0 { date(time) } else { day_of_year(time) }))
            .collect()
    }
}

/// The beginning of the day.
pub(super) fn midnight(time: Timestamp) -> Timestamp {
    let day = 86_400_000_000;
    Timestamp::from_micros(time.as_micros().div_euclid(day).saturating_mul(day))
}

/// The day without its year: `Mar 2`.
pub(super) fn day_of_year(time: Timestamp) -> String {
    let date = date(time);
    let mut parts = date.rsplitn(3, '-');
    let (day, month) = (parts.next(), parts.next());
    let month = month.and_then(|month| month.parse::<usize>().ok()).and_then(|month| month.checked_sub(1));
    let month = month.and_then(|index| MONTHS.get(index));
    match (day, month) {
        (Some(day), Some(month)) => format!("{month} {}", day.trim_start_matches('0')),
        _ => date,
    }
}

fn seconds(time: Timestamp) -> f64 {
    time.as_micros() as f64 / 1e6
}

/// The smallest of 1, 2, 5 times a power of ten that is at least so large.
fn nice_step(least: f64) -> f64 {
    if !least.is_finite() || least <= 0.0 {
        return 1.0;
    }
    let power = 10_f64.powf(least.log10().floor());
    let step =
        [1.0, 2.0, 5.0, 10.0].into_iter().map(|factor| factor * power).find(|step| *step >= least * 0.999);
    step.filter(|step| step.is_normal()).unwrap_or(least)
}

const DAY: Duration = Duration::from_secs(86_400);
const DAY_STEPS: [f64; 7] = [1.0, 2.0, 7.0, 14.0, 28.0, 91.0, 182.0];
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_in_the_picture() {
        let labels =
            |scale: Linear| scale.ticks(5, true).into_iter().map(|(_, label)| label).collect::<Vec<_>>();
        assert_eq!(labels(Linear::exact(-0.013, 0.041, 0.0, 1.0)), ["0.00", "+0.02", "+0.04"]);
        assert_eq!(labels(Linear::exact(0.0, 1200.0, 0.0, 1.0)), ["0", "+500", "+1,000"]);
        assert_eq!(labels(Linear::exact(-4e-9, 4e-9, 0.0, 1.0)).first().unwrap(), "-4.000e-9");
    }

    #[test]
    fn odd_domains_stay_finite() {
        let cases: [&[f64]; 9] = [
            &[],
            &[f64::NAN],
            &[0.0],
            &[3.0, 3.0],
            &[f64::MAX, f64::MIN],
            &[f64::INFINITY, 1.0],
            &[5e-324, 0.0],
            &[1e15, 1e15 + 0.25],
            &[-1e-300, 1e300],
        ];
        for values in cases {
            let scale = Linear::around(values.iter().copied(), 0.0, 100.0);
            for probe in [0.0, -1e308, 1e308, f64::NAN, f64::INFINITY, 5e-324] {
                assert!(
                    scale.at(probe).is_finite() && (0.0..=100.0).contains(&scale.inside(probe)),
                    "{values:?}"
                );
            }
            assert!(values.iter().filter(|v| v.abs() < 1e300).all(|v| scale.contains(*v)), "{values:?}");
            let ticks = scale.ticks(5, true);
            assert!(ticks.len() <= 11 && ticks.iter().all(|(value, _)| scale.contains(*value)), "{values:?}");
        }
    }

    #[test]
    fn dates_are_whole_days() {
        let start: Timestamp = "2026-03-02T00:00:00Z".parse().unwrap();
        let labels = |length: u32, wanted: u32| {
            let scale = Time::new(start, start + DAY * length, 0.0, 1.0);
            scale.ticks(wanted).into_iter().map(|(_, label)| label).collect::<Vec<_>>()
        };
        assert_eq!(labels(21, 7), ["Mar 2", "Mar 9", "Mar 16", "Mar 23"]);
        assert_eq!(labels(0, 7), ["Mar 2", "Mar 3"]);
        assert_eq!(labels(400, 7).first().unwrap(), "2026-03-02");
        let all = Time::new(Timestamp::MIN, Timestamp::MAX, 0.0, 1.0);
        assert!(all.ticks(7).len() <= 8 && all.at(start).is_finite());
    }
}

//! First exposures by day and arm.

use expt_core::Timestamp;

use super::scale::{Linear, Time};
use super::{Plot, line, picture, series};
use crate::readout::{ArmReadout, DayRow};
use crate::report::markup::Markup;
use crate::report::number::{count, date};

/// Bars for each day, one for each arm, with the expected number as a line across each bar.
#[derive(Debug)]
pub(in crate::report) struct Exposures<'a> {
    /// The arms, in the order of the counts.
    pub(in crate::report) arms: &'a [ArmReadout],
    /// The days, oldest first.
    pub(in crate::report) days: &'a [DayRow],
}

impl Exposures<'_> {
    /// How many days one group of bars stands for.
    pub(in crate::report) fn days_per_group(&self) -> usize {
        self.days.len().div_ceil(MOST_GROUPS).max(1)
    }

    /// Draws it.
    pub(in crate::report) fn draw(&self, out: &mut Markup) {
        let groups: Vec<(Timestamp, Vec<u64>)> =
            self.days.chunks(self.days_per_group()).filter_map(|days| self.group(days)).collect();
        let (Some((first, _)), Some((last, _))) = (groups.first(), groups.last()) else { return };
        let group = DAY * u32::try_from(self.days_per_group()).unwrap_or(u32::MAX);
        let x = Time::new(*first, *last + group, PLOT.left, PLOT.right);
        let tallest = groups.iter().flat_map(|(_, units)| units).max().copied().unwrap_or(0).max(1);
        let y = Linear::exact(0.0, tallest as f64 * 1.08, PLOT.bottom, PLOT.top);
        let bars = self.arms.len().max(1) as f64;
        let width = (x.at(*first + group) - x.at(*first)).max(1.0);
        let bar = width * 0.82 / bars;
        let title = "First exposures by day and arm";
        let description = "One group of bars for each day, in the order of the arms; a line across a bar is \
                           the number that its share promises. The numbers are in the tables below.";
        picture(out, ("chart", WIDTH, PLOT.bottom + 28.0), title, description, |out| {
            PLOT.values(out, y, false);
            for (day, units) in &groups {
                let total = units.iter().fold(0_u64, |total, units| total.saturating_add(*units)) as f64;
                let left = x.at(*day) + width * 0.09;
                for (index, (arm, units)) in self.arms.iter().zip(units).enumerate() {
                    let (x, top) = (left + bar * index as f64, y.at(*units as f64));
                    let rect = out.tag("rect").class(series(index)).at("x", x).at("y", top);
                    rect.at("width", bar * 0.92).at("height", PLOT.bottom - top).nest(|out| {
                        out.tag("title").text(format!("{}, {}: {}", date(*day), arm.arm, count(*units)));
                    });
                    let expected = y.at(total * arm.share.as_f64());
                    line(out, "expected", (x - bar * 0.02, expected), (x + bar * 0.94, expected));
                }
            }
            PLOT.dates(out, x);
        });
    }

    fn group(&self, days: &[DayRow]) -> Option<(Timestamp, Vec<u64>)> {
        let at = |arm| days.iter().filter_map(move |day| day.units.get(arm));
        let sum = |arm| at(arm).fold(0_u64, |sum, units| sum.saturating_add(*units));
        Some((days.first()?.day, (0..self.arms.len()).map(sum).collect()))
    }
}

const DAY: std::time::Duration = std::time::Duration::from_secs(86_400);
const WIDTH: f64 = 880.0;
const PLOT: Plot = Plot { left: 64.0, right: 846.0, top: 12.0, bottom: 190.0 };
const MOST_GROUPS: usize = 92;

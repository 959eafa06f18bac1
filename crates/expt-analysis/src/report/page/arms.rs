//! The arms: offline beside online, and who was exposed.

use super::{Align, figure, metrics, nothing, row_name, table, table_of};
use crate::readout::Readout;
use crate::report::chart::{Exposures, series};
use crate::report::markup::Markup;
use crate::report::number::{Format, count, date, share, typeset};
use crate::report::view::{self, JoinRow, JoinTable};

pub(super) fn join(out: &mut Markup, readout: &Readout) {
    if readout.arms.is_empty() {
        return nothing(out, "There is no arm.");
    }
    out.tag("p").class("lead").text(
        "What each model promised when it was trained, beside what it did when it was served. A difference is \
         the arm minus the control, online with its interval.",
    );
    let mut columns = vec![(Align::Left, String::new())];
    for arm in &readout.arms {
        let role = if arm.is_control { " (control)" } else { "" };
        columns.push((Align::Right, format!("\u{2068}{}\u{2069}{role}", arm.arm)));
        if !arm.is_control {
            columns.push((Align::Right, "difference".to_owned()));
        }
    }
    let rows = JoinTable::of(readout);
    table_of(out, "join", &columns, |out| {
        for (title, rows) in [
            ("Served", &rows.served),
            ("Offline, from the run that trained the model", &rows.offline),
            ("Online, from this phase", &rows.online),
        ] {
            group(out, readout, title, rows, columns.len());
        }
    });
    pairing(out, readout);
}

fn group(out: &mut Markup, readout: &Readout, title: &'static str, rows: &[JoinRow], columns: usize) {
    out.tag("tr").class("group").nest(|out| {
        out.tag("th").attr("colspan", columns).attr("scope", "rowgroup").text(title);
    });
    if rows.is_empty() {
        out.tag("tr").nest(|out| out.tag("td").class("soft").attr("colspan", columns).text("none recorded"));
    }
    for row in rows {
        out.tag("tr").nest(|out| {
            row_name(out, &row.label);
            for (arm, cell) in readout.arms.iter().zip(&row.cells) {
                out.tag("td").class("num").nest(|out| {
                    if row.ids { out.tag("code").text(&cell.value) } else { out.text(&cell.value) }
                });
                if !arm.is_control {
                    out.tag("td").class("num versus").nest(|out| {
                        for part in [&cell.difference, &cell.interval].into_iter().flatten() {
                            out.tag("span").class("nowrap").text(typeset(part));
                            out.text(' ');
                        }
                    });
                }
            }
        });
    }
}

/// Did the offline differences come true? Shown for metrics that have the same name on both sides.
fn pairing(out: &mut Markup, readout: &Readout) {
    for comparison in &readout.comparisons {
        let pairs = view::pairs(readout, comparison);
        if pairs.is_empty() {
            continue;
        }
        out.tag("h3").nest(|out| {
            out.text("Did the offline difference of ");
            out.tag("bdi").text(&comparison.treatment);
            out.text(" come true?");
        });
        let columns =
            [(Align::Left, "Metric"), (Align::Right, "Offline"), (Align::Right, "Online"), (Align::Left, "")];
        table(out, "pairs", &columns, |out| {
            for pair in &pairs {
                let format = view::effect_format(pair.online);
                out.tag("tr").nest(|out| {
                    row_name(out, &pair.online.metric);
                    out.tag("td").class("num").nest(|out| {
                        for (name, difference) in &pair.offline {
                            let value = Format::of([*difference]).signed(Some(*difference));
                            out.tag("div").nest(|out| {
                                out.tag("span").class("soft").text(format_args!("\u{2068}{name}\u{2069} "));
                                out.text(typeset(&value));
                            });
                        }
                    });
                    figure(out, typeset(&format.signed(pair.online.difference)));
                    let offline = pair.offline.iter().map(|(_, difference)| *difference).collect();
                    let mut mark = metrics::mark(pair.online, offline);
                    mark.margin = None;
                    out.tag("td").class("picture").nest(|out| mark.draw_pair(out));
                });
            }
        });
    }
    if readout.comparisons.iter().any(|comparison| !view::pairs(readout, comparison).is_empty()) {
        out.tag("p").class("legend").text(
            "A diamond is the difference of the two runs offline, the disc with its interval the difference \
             online; the shaded side is worse. Metrics are paired by name, up to a prefix such as val_ or test_.",
        );
    }
}

pub(super) fn exposures(out: &mut Markup, readout: &Readout) {
    if readout.arms.is_empty() {
        return nothing(out, "There is no arm.");
    }
    if readout.days.is_empty() {
        nothing(out, "There is no exposure yet.");
    } else {
        let chart = Exposures { arms: &readout.arms, days: &readout.days };
        out.tag("figure").nest(|out| {
            out.tag("figcaption").nest(|out| match chart.days_per_group() {
                1 => out.text("Units exposed for the first time, by day"),
                days => out.text(format_args!("Units exposed for the first time, by {days} days")),
            });
            chart.draw(out);
            out.tag("p")
                .class("legend")
                .text("A line across a bar is the number that its planned share promises.");
        });
    }
    shares(out, readout);
    if !readout.days.is_empty() {
        by_day(out, readout);
    }
}

fn shares(out: &mut Markup, readout: &Readout) {
    let columns = [
        (Align::Left, "Arm"),
        (Align::Right, "Planned share"),
        (Align::Right, "First exposures"),
        (Align::Right, "Observed share"),
        (Align::Right, "Units that count"),
        (Align::Right, "Predictions that count"),
    ];
    let of = |arm: usize| {
        let units = readout.days.iter().filter_map(|day| day.units.get(arm));
        units.fold(0_u64, |sum, units| sum.saturating_add(*units))
    };
    let all = (0..readout.arms.len()).fold(0_u64, |sum, arm| sum.saturating_add(of(arm)));
    table(out, "shares", &columns, |out| {
        for (index, arm) in readout.arms.iter().enumerate() {
            out.tag("tr").nest(|out| {
                out.tag("th").attr("scope", "row").nest(|out| {
                    swatch(out, index);
                    out.tag("bdi").text(&arm.arm);
                });
                figure(out, arm.share);
                figure(out, count(of(index)));
                figure(out, share(of(index), all));
                figure(out, count(arm.units));
                figure(out, count(arm.predictions));
            });
        }
    });
}

fn swatch(out: &mut Markup, index: usize) {
    let svg = out.tag("svg").class("swatch").attr("viewBox", "0 0 12 12").attr("aria-hidden", "true");
    svg.nest(|out| out.tag("rect").class(series(index)).attr("width", 12).attr("height", 12).empty());
}

fn by_day(out: &mut Markup, readout: &Readout) {
    out.tag("details").nest(|out| {
        let shown = readout.days.len().min(MOST_DAYS);
        out.tag("summary").nest(|out| {
            if shown == readout.days.len() {
                out.text(format_args!("All {shown} days as a table"));
            } else {
                out.text(format_args!(
                    "The last {shown} of {} days as a table; the data block has all",
                    readout.days.len()
                ));
            }
        });
        let arms = readout.arms.iter().map(|arm| (Align::Right, arm.arm.to_string()));
        let columns: Vec<_> = std::iter::once((Align::Left, "Day from".to_owned())).chain(arms).collect();
        table_of(out, "days", &columns, |out| {
            for day in readout.days.iter().skip(readout.days.len() - shown) {
                out.tag("tr").nest(|out| {
                    out.tag("td").class("nowrap").text(date(day.day));
                    for units in &day.units {
                        figure(out, count(*units));
                    }
                });
            }
        });
    });
}

const MOST_DAYS: usize = 120;

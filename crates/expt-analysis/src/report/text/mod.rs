//! The report as text for a terminal.

mod table;

use super::number::{self, Format, NONE, Span, count, date, days, minute};
use super::view::{self, JoinRow, JoinTable, MetricCells};
use super::{Facts, Report};
use crate::ledger::Disposition;
use crate::readout::{Comparison, LookRow, Readout};
use table::{Table, clean, cut, width, wrapped};

/// Writes the text.
pub(super) fn write(report: &Report<'_>) -> String {
    let readout = report.readout;
    let mut out = String::new();
    header(&mut out, readout);
    checks(&mut out, readout);
    for facts in &report.facts {
        section(&mut out, &facts.title);
        facts_table(&mut out, facts);
    }
    section(&mut out, "Offline and online");
    join(&mut out, readout);
    for comparison in &readout.comparisons {
        let (treatment, control) = (&comparison.treatment, view::control(readout));
        section(&mut out, &format!("Metrics: {treatment} minus {control}"));
        if readout.comparisons.len() > 1 {
            paragraph(&mut out, &format!("{}: {}", comparison.verdict, comparison.reason));
        }
        metrics(&mut out, comparison);
        section(&mut out, &format!("Looks: {treatment} minus {control}"));
        looks(&mut out, &view::looks(readout, comparison));
        section(&mut out, &format!("Derivation: {treatment}"));
        list(&mut out, &comparison.derivation);
    }
    section(&mut out, "Join ledger");
    ledger(&mut out, readout);
    if !readout.notes.is_empty() {
        section(&mut out, "Notes");
        list(&mut out, &readout.notes);
    }
    out
}

fn header(out: &mut String, readout: &Readout) {
    let title = format!("{} / {}", clean(readout.experiment.as_str()), clean(readout.phase.as_str()));
    let verdict = readout.verdict.as_str().to_uppercase();
    let title = cut(&title, WIDTH - 20);
    let space = " ".repeat(WIDTH.saturating_sub(width(&title) + verdict.len()));
    line(out, &format!("{title}{space}{verdict}"));
    line(out, &"=".repeat(WIDTH));
    paragraph(out, &readout.reason);
    out.push('\n');
    let owner = readout.owner.as_ref().map_or("not registered", |owner| owner.as_str());
    let ran = days(readout.started, readout.as_of);
    for (name, value) in [
        ("hypothesis", readout.hypothesis.clone()),
        ("owner", owner.to_owned()),
        ("unit, plan", format!("{}, {}", readout.unit, readout.plan.short())),
        ("started", minute(readout.started)),
        ("as of", format!("{} (after {ran})", minute(readout.as_of))),
        ("may ship, ends", format!("{}, {}", date(readout.earliest_ship), date(readout.ends))),
    ] {
        named(out, 14, name, &value);
    }
}

fn checks(out: &mut String, readout: &Readout) {
    section(out, "Health checks");
    if readout.health.is_empty() {
        return line(out, "no check was made");
    }
    let names = readout.health.iter().map(|check| width(&clean(&check.name))).max().unwrap_or(0).min(34);
    for check in &readout.health {
        let mark = if check.passed { "pass" } else { "FAIL" };
        let name = cut(&clean(&check.name), names);
        let space = " ".repeat(names.saturating_sub(width(&name)));
        let found = format!("{} (allowed: {})", check.found, check.allowed);
        hanging(out, &format!("[{mark}]  {name}{space}  "), &found);
    }
}

fn facts_table(out: &mut String, facts: &Facts) {
    let names = facts.rows.iter().map(|(name, _)| width(&clean(name))).max().unwrap_or(0).min(46);
    for (name, value) in &facts.rows {
        named(out, names, name, value);
    }
}

/// Arms side by side, as many as fit.
fn join(out: &mut String, readout: &Readout) {
    let rows = JoinTable::of(readout);
    let groups = [("", &rows.served), ("offline", &rows.offline), ("online", &rows.online)];
    for (index, arms) in readout.arms.chunks(ARMS).enumerate() {
        if index > 0 {
            out.push('\n');
        }
        let mut table = Table::new(CELL, WIDTH).with_left(1..=ARMS);
        let name = |arm: &crate::readout::ArmReadout| {
            if arm.is_control { format!("{} (control)", arm.arm) } else { arm.arm.to_string() }
        };
        table.row(std::iter::once(String::new()).chain(arms.iter().map(name)));
        for (title, rows) in groups {
            if !title.is_empty() && !rows.is_empty() {
                table.line(title);
            }
            for row in rows {
                join_row(&mut table, row, index * ARMS, if title.is_empty() { "" } else { "  " });
            }
        }
        table.write(out, 0);
    }
}

fn join_row(table: &mut Table, row: &JoinRow, skipped: usize, indent: &str) {
    let cells = || row.cells.iter().skip(skipped).take(ARMS);
    let value = |cell: &view::JoinCell| match (&cell.difference, &cell.interval) {
        (Some(difference), None) => format!("{}  ({difference})", cell.value),
        _ => cell.value.clone(),
    };
    table.row(std::iter::once(format!("{indent}{}", row.label)).chain(cells().map(value)));
    if cells().any(|cell| cell.interval.is_some()) {
        let effect = |cell: &view::JoinCell| match (&cell.difference, &cell.interval) {
            (Some(difference), Some(interval)) => format!("{difference} {interval}"),
            _ => String::new(),
        };
        table.row(std::iter::once(String::new()).chain(cells().map(effect)));
    }
}

fn metrics(out: &mut String, comparison: &Comparison) {
    if comparison.metrics.is_empty() {
        return line(out, "there is no metric");
    }
    let mut table = Table::new(26, WIDTH);
    table.row(["", "control", "treatment", "difference", "interval", "relative", "p", "adjusted p"]);
    for metric in &comparison.metrics {
        let cells = MetricCells::of(metric);
        let name = metric.metric.to_string();
        let numbers = [cells.control, cells.treatment, cells.difference, cells.interval, cells.relative];
        table.row(std::iter::once(cut(&name, 18)).chain(numbers).chain([cells.p, cells.adjusted]));
        let points = cells.points.map_or(String::new(), |points| format!(", {points}"));
        let limit = metric.margin.map_or(String::new(), |_| format!(", {}", view::limit(metric)));
        let (role, direction) = (metric.role.as_str(), view::direction(metric.direction));
        let text = format!("  {role}, {direction}{limit}{points}: {}", clean(&metric.conclusion));
        table.line(&cut(&text, WIDTH));
    }
    table.write(out, 0);
    let mut kinds: Vec<&str> =
        comparison.metrics.iter().map(|metric| metric.interval_kind.as_str()).collect();
    kinds.dedup();
    paragraph(out, &format!("intervals: {}", kinds.join("; ")));
}

fn looks(out: &mut String, looks: &[&LookRow]) {
    if looks.is_empty() {
        return line(out, "there is no look yet");
    }
    let shown = view::thinned(looks, LOOKS);
    let late = shown.iter().skip(shown.len() / 4);
    let spans = late.clone().filter_map(|look| Span::of(look.interval)).flat_map(Span::ends);
    let format = Format::of(spans.chain(late.filter_map(|look| look.difference)));
    let mut table = Table::new(34, WIDTH).with_left([4]);
    table.row(["as of", "units", "difference", "interval", "verdict"]);
    for look in &shown {
        table.row([
            minute(look.as_of),
            count(look.units),
            format.signed(look.difference),
            format.interval(Span::of(look.interval)),
            look.verdict.to_string(),
        ]);
    }
    table.write(out, 0);
    if shown.len() < looks.len() {
        line(out, &format!("{} of {} looks", shown.len(), looks.len()));
    }
}

fn ledger(out: &mut String, readout: &Readout) {
    let mut table = Table::new(50, WIDTH).with_left([3]);
    for (name, tally) in readout.ledger.tables().filter(|(_, tally)| tally.read > 0 || !tally.rows.is_empty())
    {
        let balances = if tally.balances() { "balances" } else { "DOES NOT BALANCE" };
        table.row([name.as_str(), count(tally.read).as_str(), "", balances]);
        for (disposition, rows) in &tally.rows {
            let mark = if *disposition == Disposition::Counted { "*" } else { "" };
            let name = format!("  {}", disposition.as_str());
            table.row([
                name.as_str(),
                count(*rows).as_str(),
                number::share(*rows, tally.read).as_str(),
                mark,
            ]);
        }
    }
    table.write(out, 0);
}

fn section(out: &mut String, title: &str) {
    let title = cut(&clean(title), WIDTH - 4);
    out.push('\n');
    line(out, &format!("{title} {}", "-".repeat(WIDTH.saturating_sub(width(&title) + 1))));
}

fn line(out: &mut String, text: &str) {
    out.push_str(text.trim_end());
    out.push('\n');
}

fn paragraph(out: &mut String, text: &str) {
    wrapped(text, WIDTH).iter().for_each(|text| line(out, text));
}

fn named(out: &mut String, names: usize, name: &str, value: &str) {
    let name = cut(&clean(name), names);
    let value = if value.is_empty() { NONE } else { value };
    hanging(out, &format!("{name}{}  ", " ".repeat(names.saturating_sub(width(&name)))), value);
}

fn list(out: &mut String, texts: &[String]) {
    for (number, text) in texts.iter().enumerate() {
        hanging(out, &format!("{:>2}. ", number + 1), text);
    }
}

/// A text of many lines beside its beginning.
fn hanging(out: &mut String, beginning: &str, text: &str) {
    let indent = " ".repeat(width(beginning));
    for (index, text) in wrapped(text, WIDTH.saturating_sub(width(beginning)).max(20)).iter().enumerate() {
        line(out, &format!("{}{text}", if index == 0 { beginning } else { &indent }));
    }
}

const WIDTH: usize = 108;
/// How many arms stand side by side, and how wide the cells are: 28 + 2 * (2 + 38) = 108.
const ARMS: usize = 2;
const CELL: usize = 38;
/// About how many looks are listed.
const LOOKS: usize = 31;

//! What was asked, and the answer.

use super::{mark, nothing};
use crate::readout::{Comparison, Readout, Role, Verdict};
use crate::report::markup::Markup;
use crate::report::number::{count, date, days, minute, typeset};
use crate::report::view::MetricCells;

pub(super) fn write(out: &mut Markup, readout: &Readout) {
    out.tag("header").nest(|out| {
        out.tag("p").class("over").text("A/B test readout");
        out.tag("h1").text(&readout.experiment);
        if readout.hypothesis.is_empty() {
            nothing(out, "The plan states no hypothesis.");
        } else {
            out.tag("p").class("hypothesis").text(&readout.hypothesis);
        }
        banner(out, readout.verdict, &readout.reason);
        if readout.comparisons.len() > 1 {
            for comparison in &readout.comparisons {
                each(out, comparison);
            }
        }
        tiles(out, readout);
        about(out, readout);
    });
}

fn banner(out: &mut Markup, verdict: Verdict, reason: &str) {
    out.tag("div").class("banner").attr("data-verdict", verdict).attr("role", "status").nest(|out| {
        icon(out, verdict);
        out.tag("div").nest(|out| {
            out.tag("strong").text(verdict);
            out.tag("p").text(reason);
        });
    });
}

fn each(out: &mut Markup, comparison: &Comparison) {
    out.tag("p").class("each").attr("data-verdict", comparison.verdict).nest(|out| {
        icon(out, comparison.verdict);
        out.tag("strong").nest(|out| {
            out.tag("bdi").text(&comparison.treatment);
            out.text(format_args!(": {}", comparison.verdict));
        });
        out.text(' ');
        out.tag("bdi").text(&comparison.reason);
    });
}

/// The shape of a verdict: a ticked disc, an octagon, an arrow, a diamond, a triangle.
fn icon(out: &mut Markup, verdict: Verdict) {
    let (shape, sign) = match verdict {
        Verdict::Ship => ("M24 3a21 21 0 1 0 .01 0Z", "M14 25l7 7 14-15"),
        Verdict::Stop => ("M15.5 3h17L45 15.500v17L32.500 45h-17L3 32.500v-17Z", "M15 24h18"),
        Verdict::Continue => ("M4 9h22V3l19 21-19 21v-6H4Z", "M11 24h20"),
        Verdict::Inconclusive => ("M24 2 46 24 24 46 2 24Z", "M15 20h18M15 28h18"),
        Verdict::Invalid => ("M24 3 46 44H2Z", "M24 18v12M24 36v1"),
    };
    let svg = out.tag("svg").class("icon").attr("viewBox", "0 0 48 48").attr("aria-hidden", "true");
    svg.nest(|out| {
        out.tag("path").class("shape").attr("d", shape).empty();
        out.tag("path").class("sign").attr("d", sign).empty();
    });
}

fn tiles(out: &mut Markup, readout: &Readout) {
    let only = readout.comparisons.first().filter(|_| readout.comparisons.len() == 1);
    let primary =
        only.and_then(|comparison| comparison.metrics.iter().find(|metric| metric.role == Role::Primary));
    out.tag("div").class("tiles").nest(|out| {
        if let Some(metric) = primary {
            let cells = MetricCells::of(metric);
            tile(out, &format!("{} (primary)", metric.metric), &typeset(&cells.difference), |out| {
                out.text(typeset(&cells.interval));
                out.tag("br").void();
                out.text(format_args!("{} relative", typeset(&cells.relative)));
                out.tag("br").void();
                out.tag("span").class("nowrap").text(format_args!("p = {}", cells.p));
            });
        }
        let units = readout.arms.iter().fold(0_u64, |sum, arm| sum.saturating_add(arm.units));
        let ran = days(readout.started, readout.as_of);
        tile(out, &format!("Units that count ({})", readout.unit), &count(units), |out| {
            for (index, arm) in readout.arms.iter().enumerate() {
                if index > 0 {
                    out.tag("br").void();
                }
                out.tag("bdi").text(&arm.arm);
                out.text(format_args!(": {}", count(arm.units)));
            }
        });
        tile(out, "Runtime at this look", &ran, |out| {
            out.text(format_args!("minimum: {}", days(readout.started, readout.earliest_ship)));
            out.tag("br").void();
            out.text(format_args!("end: {}", days(readout.started, readout.ends)));
        });
        let passed = readout.health.iter().filter(|check| check.passed).count();
        let all = readout.health.len();
        tile(out, "Health checks passed", &format!("{passed} of {all}"), |out| {
            mark(out, passed == all, ("none failed", "see below"));
            out.tag("br").void();
            mark(out, readout.ledger.balances(), ("the ledger balances", "the ledger does not balance"));
        });
    });
}

fn tile(out: &mut Markup, title: &str, value: &str, details: impl FnOnce(&mut Markup)) {
    out.tag("div").class("tile").nest(|out| {
        out.tag("p").class("title").text(title);
        out.tag("p").class("figure").text(value);
        out.tag("p").class("details").nest(details);
    });
}

fn about(out: &mut Markup, readout: &Readout) {
    let arms = readout.arms.iter().map(|arm| {
        let role = if arm.is_control { ", control" } else { "" };
        format!("\u{2068}{}\u{2069} ({}{role})", arm.arm, arm.share)
    });
    let owner = readout.owner.as_ref().map_or("not registered".to_owned(), ToString::to_string);
    out.tag("dl").class("about").nest(|out| {
        fact(out, "Phase", readout.phase.as_str());
        fact(out, "Owner", &owner);
        fact(out, "Unit", &readout.unit);
        fact(out, "Arms", &arms.collect::<Vec<_>>().join(", "));
        fact(out, "First exposure", &minute(readout.started));
        fact(out, "As of", &minute(readout.as_of));
        fact(out, "Earliest ship", &date(readout.earliest_ship));
        fact(out, "Ends", &date(readout.ends));
        out.tag("dt").text("Sealed plan");
        out.tag("dd").class("whole").nest(|out| out.tag("code").text(readout.plan));
    });
}

fn fact(out: &mut Markup, name: &'static str, value: &str) {
    out.tag("dt").text(name);
    out.tag("dd").text(value);
}

//! Whether the numbers can be trusted, and what else was found.

use super::{Align, figure, mark, nothing, row_name, table, words};
use crate::readout::Readout;
use crate::report::Facts;
use crate::report::markup::Markup;

pub(super) fn health(out: &mut Markup, readout: &Readout) {
    if readout.health.is_empty() {
        return nothing(out, "No check was made: nothing says whether the numbers can be trusted.");
    }
    let failed = readout.health.iter().filter(|check| !check.passed).count();
    out.tag("p").class("lead").nest(|out| match failed {
        0 => out.text(format_args!("All {} checks passed.", readout.health.len())),
        _ => out.text(format_args!("{failed} of {} checks failed.", readout.health.len())),
    });
    let columns =
        [(Align::Left, "Check"), (Align::Left, "Result"), (Align::Left, "Found"), (Align::Left, "Allowed")];
    table(out, "checks", &columns, |out| {
        for check in &readout.health {
            out.tag("tr").nest(|out| {
                row_name(out, &check.name);
                out.tag("td").class("nowrap").nest(|out| mark(out, check.passed, ("pass", "FAIL")));
                words(out, &check.found);
                words(out, &check.allowed);
            });
        }
    });
}

pub(super) fn facts(out: &mut Markup, facts: &Facts) {
    if facts.rows.is_empty() {
        return nothing(out, "Nothing was found.");
    }
    table(out, "facts", &[(Align::Left, "What"), (Align::Right, "Value")], |out| {
        for (name, value) in &facts.rows {
            out.tag("tr").nest(|out| {
                row_name(out, name);
                figure(out, value);
            });
        }
    });
}

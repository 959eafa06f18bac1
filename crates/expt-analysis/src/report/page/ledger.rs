//! What became of every row.

use super::{figure, mark, nothing, row_name};
use crate::ledger::{Disposition, Tally};
use crate::readout::Readout;
use crate::report::markup::Markup;
use crate::report::number::{count, share};

pub(super) fn all(out: &mut Markup, readout: &Readout) {
    let tables: Vec<_> =
        readout.ledger.tables().filter(|(_, tally)| tally.read > 0 || !tally.rows.is_empty()).collect();
    if tables.is_empty() {
        return nothing(out, "No row was read.");
    }
    out.tag("p").class("lead").nest(|out| {
        out.text("Every row that the join read has exactly one fate. ");
        mark(out, readout.ledger.balances(), ("All tables balance.", "A table does not balance."));
    });
    out.tag("div").class("cards narrow").nest(|out| {
        for (name, tally) in &tables {
            table(out, name, tally);
        }
    });
}

fn table(out: &mut Markup, name: &str, tally: &Tally) {
    out.tag("div").class("card").nest(|out| {
        out.tag("table").class("ledger").nest(|out| {
            out.tag("caption").text(name);
            out.tag("tbody").nest(|out| {
                for (disposition, rows) in &tally.rows {
                    let counted = *disposition == Disposition::Counted;
                    out.tag("tr").class(if counted { "counted" } else { "other" }).nest(|out| {
                        row_name(out, disposition.as_str());
                        figure(out, count(*rows));
                        out.tag("td").class("num soft").text(share(*rows, tally.read));
                    });
                }
            });
            out.tag("tfoot").nest(|out| {
                out.tag("tr").nest(|out| {
                    row_name(out, "read");
                    figure(out, count(tally.read));
                    out.tag("td").class("num").nest(|out| {
                        let balances = tally.balances();
                        mark(out, balances, ("balances", "does not balance"));
                    });
                });
            });
        })
    });
}

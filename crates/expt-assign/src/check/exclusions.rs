//! Units that take part in nothing.

use super::{Names, quoted};
use crate::config::Config;
use crate::fault::{FaultKind, Found};

pub(super) fn check(config: &Config, names: &Names<'_>, found: &mut Found) {
    for (i, entry) in config.exclusions.iter().enumerate() {
        if entry.units.is_empty() && entry.when.is_none() {
            let remedy = "list units, give a rule, or remove the entry";
            let path = format!("exclusions[{i}]");
            found.add(FaultKind::Empty, path, quoted(entry.cause.as_str()), "excludes nobody", remedy);
        }
        for (j, listed) in entry.units.iter().enumerate() {
            names.require_unit(found, || format!("exclusions[{i}].units[{j}].kind"), &listed.kind);
        }
    }
}

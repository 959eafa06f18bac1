//! The project, its kinds of units, and the excluded.

use super::{Names, quoted, require_text, require_unique};
use crate::config::Config;
use crate::fault::{FaultKind, Found};

pub(super) fn check(config: &Config, names: &Names<'_>, found: &mut Found) {
    require_text(found, || "project".into(), &config.project, "name the project");
    if config.key.as_str().is_empty() {
        let remedy = "give a text that never changes and that no other project uses";
        found.add(FaultKind::Empty, "key", "\"\"", "is empty", remedy);
    }
    if config.units.is_empty() {
        found.add(FaultKind::Empty, "units", "[]", "is empty", "declare what is randomised, such as user");
    }
    require_unique(found, config.units.iter().map(|unit| &unit.kind), |i| format!("units[{i}].kind"));
    for (i, unit) in config.units.iter().enumerate() {
        let remedy = "name the attribute of a request that holds the id";
        let path = || format!("units[{i}].attribute");
        require_text(found, path, &unit.attribute, remedy);
        for (j, fallback) in unit.fallbacks.iter().enumerate() {
            let path = || format!("units[{i}].fallbacks[{j}]");
            require_text(found, path, fallback, remedy);
            if unit.attributes().take(j + 1).any(|before| before == fallback) {
                let problem = "is already tried before";
                found.add(
                    FaultKind::Duplicate,
                    path(),
                    quoted(fallback),
                    problem,
                    "name each attribute once",
                );
            }
        }
    }
    for (i, excluded) in config.excluded.iter().enumerate() {
        names.require_unit(found, || format!("excluded[{i}].kind"), &excluded.kind);
    }
}

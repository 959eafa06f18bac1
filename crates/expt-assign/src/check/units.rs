//! The project and its kinds of units.

use expt_core::UnitId;

use super::{quoted, require_text, require_unique};
use crate::config::{Config, UnitEntry};
use crate::fault::{FaultKind, Found};
use crate::unit::MAX_LINKED;

pub(super) fn check(config: &Config, found: &mut Found) {
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
        check_shape(unit, &format!("units[{i}]"), found);
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
}

fn check_shape(unit: &UnitEntry, path: &str, found: &mut Found) {
    if unit.fallbacks.len() > MAX_LINKED {
        let problem = format!("are more than the {MAX_LINKED} that a kind may have");
        let remedy = "name the best ones";
        found.add(FaultKind::TooLarge, format!("{path}.fallbacks"), unit.fallbacks.len(), problem, remedy);
    }
    if unit.window.is_some_and(|window| window.seconds == 0) {
        let remedy = "give the length of a window in seconds, at least 1";
        found.add(FaultKind::Empty, format!("{path}.window.seconds"), 0, "is no length", remedy);
    }
    let Some(clusters) = &unit.clusters else { return };
    if clusters.of.is_empty() {
        let remedy = "give values and their clusters, or leave the clusters out";
        found.add(
            FaultKind::Empty,
            format!("{path}.clusters.of"),
            "{}",
            "puts nothing into a cluster",
            remedy,
        );
    }
    for (value, cluster) in &clusters.of {
        if let Err(error) = UnitId::check(cluster) {
            let path = format!("{path}.clusters.of[{}]", quoted(value));
            let remedy = "give the cluster a name that can be a unit id";
            found.add(FaultKind::Name, path, quoted(cluster), format!("is no unit id: {error}"), remedy);
        }
    }
}

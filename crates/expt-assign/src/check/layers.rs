//! Layers and the decision points that they own.

use std::collections::HashMap;

use expt_core::DecisionPoint;

use super::{Names, check_buckets, quoted, require_unique};
use crate::config::{Config, LayerEntry};
use crate::fault::{FaultKind, Found};

pub(super) fn check(config: &Config, names: &Names<'_>, found: &mut Found) {
    if names.layers.len() < config.layers.len() {
        require_unique(found, config.layers.iter().map(|layer| &layer.id), |i| format!("layers[{i}].id"));
    }
    let points = config.layers.iter().map(|layer| layer.decision_points.len()).sum();
    let mut owners: HashMap<&DecisionPoint, &LayerEntry> = HashMap::with_capacity(points);
    for (i, layer) in config.layers.iter().enumerate() {
        names.require_unit(found, || format!("layers[{i}].unit"), &layer.unit);
        check_buckets(layer.buckets.as_ref(), || format!("layers[{i}].buckets"), found);
        if layer.decision_points.is_empty() {
            let remedy = "list what its phases may bind, or remove the layer";
            let path = format!("layers[{i}].decision_points");
            found.add(FaultKind::Empty, path, "[]", "gives nobody anything to ask for", remedy);
        }
        require_unique(found, &layer.decision_points, |j| format!("layers[{i}].decision_points[{j}]"));
        for (j, point) in layer.decision_points.iter().enumerate() {
            let owner = *owners.entry(point).or_insert(layer);
            if owner.id != layer.id {
                found.add(
                    FaultKind::PointOwnedTwice,
                    format!("layers[{i}].decision_points[{j}]"),
                    quoted(point),
                    format!("already belongs to layer {}", quoted(&owner.id)),
                    "leave it in one layer: one request must not get it from two phases",
                );
            }
        }
    }
}

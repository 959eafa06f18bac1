//! The configs that are measured.

use std::error::Error;

use expt::assign::mix::UnitHash;
use expt::assign::{ArmEntry, Config, LayerEntry, PhaseEntry, PhaseState, Ranges, Snapshot, UnitEntry};
use expt::core::{Binding, DecisionPoint, Digest, ParamValue, Share, UnitKind};

/// So many layers, each with an experiment on all of its traffic with two equal arms.
pub(crate) fn config(
    layers: usize,
    hash: UnitHash,
    targeting: Option<&str>,
) -> Result<Config, Box<dyn Error>> {
    let user = UnitKind::new("user")?;
    let mut config = Config::new("bench", "bench-2026", 1)
        .with_unit_hash(hash)
        .with_unit(UnitEntry::new(user.clone(), "user_id"));
    for index in 0..layers {
        let (layer, point) = (format!("layer-{index}"), point(index)?);
        let experiment = format!("experiment-{index}");
        let plan = Digest::of(experiment.as_bytes());
        let mut phase =
            PhaseEntry::new(format!("{experiment}/ab").parse()?, experiment.parse()?, layer.parse()?, plan)
                .with_state(PhaseState::Running)
                .with_ranges(Ranges::all());
        if let Some(rule) = targeting {
            phase = phase.with_targeting(rule.parse()?);
        }
        for (arm, ranges) in ARMS.into_iter().zip(Ranges::split(&[Share::HALF, Share::HALF])?) {
            let treated = [("treated".to_owned(), ParamValue::Bool(arm == TREATMENT))];
            let binding = Binding::Params(treated.into_iter().collect());
            phase = phase.with_arm(ArmEntry::new(arm.parse()?, ranges).with_binding(point.clone(), binding));
        }
        config = config.with_layer(LayerEntry::new(layer.parse()?, user.clone(), [point])).with_phase(phase);
    }
    Ok(config)
}

/// The same, compiled.
pub(crate) fn snapshot(
    layers: usize,
    hash: UnitHash,
    targeting: Option<&str>,
) -> Result<Snapshot, Box<dyn Error>> {
    Ok(Snapshot::compile(config(layers, hash, targeting)?)?)
}

/// The decision point of a layer.
pub(crate) fn point(layer: usize) -> Result<DecisionPoint, Box<dyn Error>> {
    Ok(DecisionPoint::new(format!("point-{layer}"))?)
}

/// Whether a binding is that of the second arm.
pub(crate) fn treated(binding: &Binding) -> bool {
    matches!(binding, Binding::Params(params) if params.get("treated") == Some(&ParamValue::Bool(true)))
}

const TREATMENT: &str = "treatment";
const ARMS: [&str; 2] = ["control", TREATMENT];

//! What comes along with an evaluation: the keys of its flag metadata.
//!
//! | key | is there | what |
//! |---|---|---|
//! | [`FLAG_SET_ID`] | always | the layer |
//! | [`VERSION`] | always | the version of the config, in decimal; an audit trail knows its digest |
//! | [`CONTEXT_ID`] | unless excluded | the id of the unit, as exposures carry it |
//! | [`UNIT_KIND`] | unless excluded | its kind |
//! | [`IDENTITY`] | unless excluded | `own`, or `fallback` |
//! | [`REASON`] | always | the word of [`expt_assign::Reason`] |
//! | [`EXPERIMENT_ID`], [`PHASE`], [`VARIANT`], [`EPOCH`] | an arm is served | what the arm is of |
//! | [`MODEL_VERSION_ID`] | the arm pins a model | `ranker@3` |
//! | [`HOLDOUT`] | in a holdout or its comparison group | the id that exposures carry |
//! | [`ANALYSED`] | always | whether an exposure is to be logged: false for what is forced, shipped, sampled out |
//!
//! The first three are keys of the OpenFeature specification (its appendix D). Nothing identifies an excluded
//! unit, because nothing but a count may be logged of it; hooks of others may still read the context that the
//! application gave.

use expt_assign::{Assignment, Outcome, Reason};
use expt_core::{Binding, Exposure, ExposureTarget, Identity, LayerId, Timestamp, UnitId, UnitKind};
use open_feature::{FlagMetadata, FlagMetadataValue};

/// `flagSetId`
pub const FLAG_SET_ID: &str = "flagSetId";
/// `version`
pub const VERSION: &str = "version";
/// `contextId`
pub const CONTEXT_ID: &str = "contextId";
/// `expt.unit.kind`
pub const UNIT_KIND: &str = "expt.unit.kind";
/// `expt.identity`
pub const IDENTITY: &str = "expt.identity";
/// `expt.reason`
pub const REASON: &str = "expt.reason";
/// `expt.experiment.id`
pub const EXPERIMENT_ID: &str = "expt.experiment.id";
/// `expt.phase`
pub const PHASE: &str = "expt.phase";
/// `expt.variant`
pub const VARIANT: &str = "expt.variant";
/// `expt.epoch`
pub const EPOCH: &str = "expt.epoch";
/// `expt.model_version.id`
pub const MODEL_VERSION_ID: &str = "expt.model_version.id";
/// `expt.holdout`
pub const HOLDOUT: &str = "expt.holdout";
/// `expt.analysed`
pub const ANALYSED: &str = "expt.analysed";

/// The metadata of an assignment.
pub(crate) fn of(assignment: &Assignment<'_>, now: Timestamp) -> FlagMetadata {
    let mut metadata = FlagMetadata::default()
        .with_value(VERSION, assignment.config_version().to_string())
        .with_value(REASON, assignment.reason().as_str())
        .with_value(ANALYSED, assignment.exposure(now).is_some());
    if let Some(layer) = assignment.layer() {
        metadata.add_value(FLAG_SET_ID, layer.as_str());
    }
    let outcome = assignment.outcome();
    if !matches!(outcome, Outcome::Excluded(_)) {
        let unit = assignment.unit();
        metadata.add_value(CONTEXT_ID, unit.id());
        metadata.add_value(UNIT_KIND, unit.kind().as_str());
        metadata.add_value(IDENTITY, if unit.identity() == Identity::Own { OWN } else { FALLBACK });
    }
    if let Some(served) = assignment.served() {
        metadata.add_value(EXPERIMENT_ID, served.experiment.as_str());
        metadata.add_value(PHASE, served.phase.as_str());
        metadata.add_value(VARIANT, served.arm.as_str());
        metadata.add_value(EPOCH, served.epoch);
        if let Binding::Pinned { model, version, .. } = served.binding {
            metadata.add_value(MODEL_VERSION_ID, format!("{model}@{version}"));
        }
    }
    if let Outcome::Holdout(holdout) | Outcome::ShippedOnly { group: holdout, .. } = outcome {
        metadata.add_value(HOLDOUT, holdout.as_str());
    }
    metadata
}

/// What metadata say of the exposure that an evaluation may be.
#[derive(Debug)]
pub(crate) enum Found {
    /// They are not of this crate's provider.
    Foreign,
    /// They are, and nothing is to be logged.
    NotAnalysed,
    /// An exposure, of this layer.
    Exposure(LayerId, Exposure),
    /// They should be, and something is missing or cannot be a name.
    Unreadable,
}

/// Reads the exposure back, so that what is logged is what was evaluated, whatever was swapped since.
pub(crate) fn exposure(metadata: &FlagMetadata, at: Timestamp) -> Found {
    match metadata.values.get(ANALYSED) {
        Some(FlagMetadataValue::Bool(false)) => Found::NotAnalysed,
        Some(FlagMetadataValue::Bool(true)) => match read(metadata, at) {
            Some((layer, exposure)) => Found::Exposure(layer, exposure),
            None => Found::Unreadable,
        },
        _ => Found::Foreign,
    }
}

/// Whether they are of an excluded unit.
pub(crate) fn is_excluded(metadata: &FlagMetadata) -> bool {
    text(metadata, REASON) == Some(Reason::Excluded.as_str())
}

pub(crate) fn text<'m>(metadata: &'m FlagMetadata, key: &str) -> Option<&'m str> {
    match metadata.values.get(key)? {
        FlagMetadataValue::String(text) => Some(text),
        _ => None,
    }
}

fn read(metadata: &FlagMetadata, at: Timestamp) -> Option<(LayerId, Exposure)> {
    let text = |key: &str| text(metadata, key);
    let target = match text(HOLDOUT) {
        Some(holdout) => ExposureTarget::Holdout { holdout: holdout.parse().ok()? },
        None => {
            let FlagMetadataValue::Int(epoch) = metadata.values.get(EPOCH)? else { return None };
            ExposureTarget::Arm {
                experiment: text(EXPERIMENT_ID)?.parse().ok()?,
                phase: text(PHASE)?.parse().ok()?,
                arm: text(VARIANT)?.parse().ok()?,
                epoch: u32::try_from(*epoch).ok()?,
            }
        }
    };
    let identity = match text(IDENTITY)? {
        OWN => Identity::Own,
        FALLBACK => Identity::Fallback,
        _ => return None,
    };
    let exposure = Exposure {
        at,
        unit: UnitId::new(text(CONTEXT_ID)?).ok()?,
        unit_kind: UnitKind::new(text(UNIT_KIND)?).ok()?,
        identity,
        target,
        config_version: text(VERSION)?.parse().ok()?,
    };
    Some((LayerId::new(text(FLAG_SET_ID)?).ok()?, exposure))
}

const OWN: &str = "own";
const FALLBACK: &str = "fallback";

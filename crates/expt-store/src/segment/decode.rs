//! Bytes to events.

use std::sync::Arc;

use expt_core::{
    ArmRef, CoreError, Digest, Event, Exposure, ExposureTarget, HoldoutId, Identity, MergedList,
    MergedPosition, MetricName, ModelName, ModelOrigin, Outcome, OutcomeId, Output, PhaseId, PinStatus,
    Prediction, PredictionId, RequestId, RunId, ScoredItem, Shown, Stamp, Subject, Timestamp, UnitId,
    UnitKind,
};

use super::record::*;
use super::wire::{Input, Malformed};

/// The dictionary of one segment, as far as its frames were read.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    entries: Vec<Entry>,
}

impl Decoder {
    /// A decoder that knows the entries already.
    pub(super) const fn knowing(entries: Vec<Entry>) -> Self {
        Self { entries }
    }

    /// Reads the definitions of a frame's payload, and gives how long they are: the rows follow.
    pub(super) fn definitions(&mut self, payload: &[u8]) -> Result<usize, Malformed> {
        let mut input = Input::new(payload);
        let length = usize::try_from(input.varint()?).unwrap_or(usize::MAX);
        let mut defines = Input::new(input.take(length)?);
        while !defines.is_empty() {
            let entry = define(&mut defines)?;
            self.entries.push(entry);
        }
        Ok(payload.len() - input.remaining())
    }

    /// Reads one row.
    pub(super) fn row(&self, input: &mut Input<'_>, before: &mut Before) -> Result<Event, Malformed> {
        let tag = input.byte()?;
        let flags = tag & !KIND_MASK;
        let allow = |allowed: u8| match flags & !allowed {
            0 => Ok(()),
            _ => Err(Malformed("a row has an unknown flag")),
        };
        match tag & KIND_MASK {
            EXPOSURE => {
                allow(SAME_UNIT | EXPOSURE_BY_FALLBACK)?;
                self.exposure(input, before, flags).map(Event::Exposure)
            }
            PREDICTION => {
                allow(SAME_UNIT | SAME_REQUEST | PREDICTION_OF_ITEMS)?;
                self.prediction(input, before, flags).map(Event::Prediction)
            }
            OUTCOME => {
                let of = flags & (OUTCOME_OF_PREDICTION | OUTCOME_OF_ITEM);
                allow(if of == 0 { SAME_UNIT } else { of })?;
                self.outcome(input, before, flags).map(Event::Outcome)
            }
            MERGED_LIST => {
                allow(SAME_UNIT | SAME_REQUEST)?;
                self.merged_list(input, before, flags).map(Event::MergedList)
            }
            _ => Err(Malformed("a row is of an unknown kind")),
        }
    }

    fn exposure(&self, input: &mut Input<'_>, before: &mut Before, flags: u8) -> Result<Exposure, Malformed> {
        Ok(Exposure {
            at: at(input, before)?,
            unit: unit(input, before, flags)?,
            unit_kind: self.unit_kind(input)?,
            identity: if flags & EXPOSURE_BY_FALLBACK == 0 { Identity::Own } else { Identity::Fallback },
            target: match self.entry(input)? {
                Entry::Target(target) => target.clone(),
                _ => return Err(WRONG_ENTRY),
            },
            config_version: input.u32()?,
        })
    }

    fn prediction(
        &self,
        input: &mut Input<'_>,
        before: &mut Before,
        flags: u8,
    ) -> Result<Prediction, Malformed> {
        Ok(Prediction {
            id: PredictionId::from_bytes(input.array()?),
            at: at(input, before)?,
            request: request(input, before, flags)?,
            unit: unit(input, before, flags)?,
            unit_kind: self.unit_kind(input)?,
            stamp: match self.entry(input)? {
                Entry::Stamp(stamp) => Arc::clone(stamp),
                _ => return Err(WRONG_ENTRY),
            },
            output: if flags & PREDICTION_OF_ITEMS == 0 {
                Output::Value(input.f64()?)
            } else {
                let item = |input: &mut Input<'_>| {
                    Ok(ScoredItem { key: input.text()?.to_owned(), score: input.f64()? })
                };
                Output::Items(list(input, LEAST_ITEM, item)?)
            },
        })
    }

    fn outcome(&self, input: &mut Input<'_>, before: &mut Before, flags: u8) -> Result<Outcome, Malformed> {
        let id = OutcomeId::from_bytes(input.array()?);
        let at = at(input, before)?;
        let received = Timestamp::from_micros(at.as_micros().wrapping_add(input.signed()?));
        let subject = match flags & (OUTCOME_OF_PREDICTION | OUTCOME_OF_ITEM) {
            0 => Subject::Unit { unit: unit(input, before, flags)?, unit_kind: self.unit_kind(input)? },
            OUTCOME_OF_PREDICTION => Subject::Prediction(PredictionId::from_bytes(input.array()?)),
            OUTCOME_OF_ITEM => {
                Subject::Item { prediction: PredictionId::from_bytes(input.array()?), index: input.u32()? }
            }
            _ => return Err(Malformed("an outcome has two subjects")),
        };
        let metric = match self.entry(input)? {
            Entry::Metric(metric) => metric.clone(),
            _ => return Err(WRONG_ENTRY),
        };
        Ok(Outcome { id, at, received, subject, metric, value: input.f64()? })
    }

    fn merged_list(
        &self,
        input: &mut Input<'_>,
        before: &mut Before,
        flags: u8,
    ) -> Result<MergedList, Malformed> {
        Ok(MergedList {
            at: at(input, before)?,
            request: request(input, before, flags)?,
            unit: unit(input, before, flags)?,
            phase: match self.entry(input)? {
                Entry::Phase(phase) => phase.clone(),
                _ => return Err(WRONG_ENTRY),
            },
            predictions: [PredictionId::from_bytes(input.array()?), PredictionId::from_bytes(input.array()?)],
            positions: list(input, LEAST_POSITION, |input| {
                let key = input.text()?.to_owned();
                let owner = match input.varint()? {
                    0 => None,
                    owner => Some(u8::try_from(owner - 1).map_err(|_| Malformed("an owner above 255"))?),
                };
                Ok(MergedPosition { key, owner, propensity: input.f64()? })
            })?,
        })
    }

    fn entry(&self, input: &mut Input<'_>) -> Result<&Entry, Malformed> {
        let id = usize::try_from(input.varint()?).unwrap_or(usize::MAX);
        self.entries.get(id).ok_or(Malformed("a row refers to what is not defined"))
    }

    fn unit_kind(&self, input: &mut Input<'_>) -> Result<UnitKind, Malformed> {
        match self.entry(input)? {
            Entry::UnitKind(kind) => Ok(kind.clone()),
            _ => Err(WRONG_ENTRY),
        }
    }
}

fn list<T>(
    input: &mut Input<'_>,
    least: usize,
    read: impl Fn(&mut Input<'_>) -> Result<T, Malformed>,
) -> Result<Vec<T>, Malformed> {
    let count = input.count(least)?;
    let mut items = Vec::with_capacity(count);
    for _ in 0..count {
        items.push(read(input)?);
    }
    Ok(items)
}

fn at(input: &mut Input<'_>, before: &mut Before) -> Result<Timestamp, Malformed> {
    input.signed().map(|step| before.step_by(step))
}

fn unit(input: &mut Input<'_>, before: &mut Before, flags: u8) -> Result<UnitId, Malformed> {
    if flags & SAME_UNIT != 0 {
        return before.unit.clone().ok_or(Malformed("the first unit of a frame is left out"));
    }
    let unit: UnitId = name(input)?;
    before.unit = Some(unit.clone());
    Ok(unit)
}

fn request(input: &mut Input<'_>, before: &mut Before, flags: u8) -> Result<RequestId, Malformed> {
    if flags & SAME_REQUEST != 0 {
        return before.request.ok_or(Malformed("the first request of a frame is left out"));
    }
    let request = RequestId::from_bytes(input.array()?);
    before.request = Some(request);
    Ok(request)
}

fn name<'a, T: TryFrom<&'a str, Error = CoreError>>(input: &mut Input<'a>) -> Result<T, Malformed> {
    T::try_from(input.text()?).map_err(|_| Malformed("a name is not a name"))
}

fn define(input: &mut Input<'_>) -> Result<Entry, Malformed> {
    Ok(match input.byte()? {
        DEFINE_UNIT_KIND => Entry::UnitKind(name(input)?),
        DEFINE_METRIC => Entry::Metric(name::<MetricName>(input)?),
        DEFINE_PHASE => Entry::Phase(name::<PhaseId>(input)?),
        DEFINE_ARM => Entry::Target(ExposureTarget::Arm {
            experiment: name(input)?,
            phase: name(input)?,
            arm: name(input)?,
            epoch: input.u32()?,
        }),
        DEFINE_HOLDOUT => Entry::Target(ExposureTarget::Holdout { holdout: name::<HoldoutId>(input)? }),
        DEFINE_STAMP => Entry::Stamp(Arc::new(stamp(input)?)),
        _ => return Err(Malformed("a definition is of an unknown kind")),
    })
}

fn stamp(input: &mut Input<'_>) -> Result<Stamp, Malformed> {
    let model = ModelOrigin {
        model: name::<ModelName>(input)?,
        version: input.u32()?,
        digest: Digest::from_bytes(input.array()?),
        run: RunId::from_bytes(input.array()?),
        experiment: name(input)?,
        features: match input.byte()? {
            0 => None,
            1 => Some(Digest::from_bytes(input.array()?)),
            _ => return Err(Malformed("a stamp has an unknown kind of feature digest")),
        },
        pin: match input.byte()? {
            0 => PinStatus::Verified,
            1 => PinStatus::Mismatch,
            2 => PinStatus::Unchecked,
            _ => return Err(Malformed("a stamp has an unknown pin status")),
        },
    };
    let arms = list(input, LEAST_ARM, |input| {
        Ok(ArmRef { experiment: name(input)?, phase: name(input)?, arm: name(input)? })
    })?;
    let config_version = input.u32()?;
    let shown = match input.byte()? {
        0 => Shown::Arm,
        1 => Shown::Holdout(name(input)?),
        2 => Shown::Excluded,
        3 => Shown::Forced,
        4 => Shown::Fallback,
        5 => Shown::Production,
        6 => Shown::Shadow,
        _ => return Err(Malformed("a stamp has an unknown reason to show")),
    };
    Ok(Stamp { model, arms, config_version, shown })
}

const WRONG_ENTRY: Malformed = Malformed("a row refers to a definition of another kind");
/// The fewest bytes of an item, a position and an arm; they keep a false count from reserving memory.
const LEAST_ITEM: usize = 9;
const LEAST_POSITION: usize = 10;
const LEAST_ARM: usize = 6;

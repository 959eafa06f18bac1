//! Whether a unit belongs to a segment.

use super::criterion::Trouble;
use super::error::Error;
use super::materialization::{Ledger, Unsupported};
use super::request::{Dialect, Request};
use super::segment::{Criterion, Expression, Segment, Targeting};
use super::state::State;
use super::value::Value;
use super::{BUCKETS, bucket};
use crate::error::excerpt;

/// Yes, no, or unknown until records have been read (Kleene's three values).
pub(super) type Known = Option<bool>;

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Stop {
    /// The targeting has a rule that this version does not know.
    Unknown,
    /// There is no store.
    Unsupported,
    /// The whole request is refused.
    Refused(Error),
}

/// One request on its way.
#[derive(Debug)]
pub(super) struct Evaluation<'s, 'r> {
    pub(super) state: &'s State,
    pub(super) request: &'r Request<'r>,
    pub(super) ledger: Ledger<'r>,
    /// How much work may still be done, so that a hostile state cannot hold a request.
    pub(super) steps: usize,
}

impl<'s> Evaluation<'s, '_> {
    /// Whether a unit is targeted and allocated.
    pub(super) fn belongs(&mut self, place: usize, unit: Option<&str>) -> Result<Known, Stop> {
        self.segment(place, unit, &mut Vec::new())
    }

    /// Whether a unit is targeted, allocated or not.
    pub(super) fn targeted(&mut self, place: usize, unit: Option<&str>) -> Result<Known, Stop> {
        let Some(segment) = self.state.segments.get(place) else { return Ok(Some(false)) };
        self.targeting(segment, unit, &mut Vec::new())
    }

    /// `path` has the segments that led here: one that leads back to itself is not met.
    fn segment(&mut self, place: usize, unit: Option<&str>, path: &mut Vec<usize>) -> Result<Known, Stop> {
        let Some(segment) = self.state.segments.get(place).filter(|_| !path.contains(&place)) else {
            return Ok(Some(false));
        };
        if path.len() >= MAX_DEPTH {
            return Err(complex(&segment.name));
        }
        path.push(place);
        let targeted = self.targeting(segment, unit, path);
        path.pop();
        let targeted = targeted?;
        if targeted == Some(false) || self.is_allocated(segment, unit) {
            Ok(targeted)
        } else {
            Ok(Some(false))
        }
    }

    /// Without a unit, only a segment with all buckets has it.
    fn is_allocated(&self, segment: &Segment, unit: Option<&str>) -> bool {
        let bucket = |unit| bucket(&self.state.account, unit, BUCKETS);
        segment.allocation.is_full() || unit.is_some_and(|unit| segment.allocation.contains(bucket(unit)))
    }

    fn targeting(
        &mut self,
        segment: &'s Segment,
        unit: Option<&str>,
        path: &mut Vec<usize>,
    ) -> Result<Known, Stop> {
        let Some(targeting) = &segment.targeting else { return Ok(Some(true)) };
        let Some(expression) = &targeting.expression else { return Ok(Some(true)) };
        let mut here = Here { segment, targeting, unit, path };
        match self.expression(expression, &mut here) {
            // The service logs what it cannot evaluate and takes the segment as not met.
            Err(Stop::Unknown | Stop::Refused(Error::Number { .. }))
                if self.request.dialect == Dialect::Service =>
            {
                Ok(Some(false))
            }
            other => other,
        }
    }

    fn expression(&mut self, expression: &Expression, here: &mut Here<'s, '_>) -> Result<Known, Stop> {
        self.spend(1, &here.segment.name)?;
        match expression {
            Expression::Criterion(None) | Expression::Unknown => Ok(Some(false)),
            Expression::Criterion(Some(place)) => self.criterion(*place, here),
            Expression::Not(inner) => Ok(self.expression(inner, here)?.map(|met| !met)),
            Expression::And(operands) => self.decided_by(false, operands, here),
            Expression::Or(operands) => self.decided_by(true, operands, here),
        }
    }

    /// One operand that is `decisive` decides; what is unknown does not stop the search, so that all records that
    /// are needed become known.
    fn decided_by(
        &mut self,
        decisive: bool,
        operands: &[Expression],
        here: &mut Here<'s, '_>,
    ) -> Result<Known, Stop> {
        let mut result = Some(!decisive);
        for operand in operands {
            match self.expression(operand, here)? {
                Some(met) if met == decisive => return Ok(Some(decisive)),
                Some(_) => {}
                None => result = None,
            }
        }
        Ok(result)
    }

    fn criterion(&mut self, place: usize, here: &mut Here<'s, '_>) -> Result<Known, Stop> {
        match here.targeting.criteria.get(place) {
            None | Some(Criterion::Unknown | Criterion::Segment(None)) => Ok(Some(false)),
            Some(Criterion::Segment(Some(other))) => self.segment(*other, here.unit, here.path),
            Some(Criterion::Attribute(attribute)) => {
                let value = self.request.context.attribute(&attribute.path);
                let values = if let Value::List(values) = value { values.len() } else { 1 };
                self.spend(attribute.size().saturating_mul(values), &here.segment.name)?;
                attribute.holds(value, self.request.dialect).map(Some).map_err(|trouble| match trouble {
                    Trouble::Unknown => Stop::Unknown,
                    Trouble::Unusable => Stop::Refused(Error::Number {
                        attribute: excerpt(&attribute.path),
                        value: excerpt(&serde_json::to_string(value).unwrap_or_default()),
                    }),
                })
            }
            Some(Criterion::Materialized(name)) => {
                let Some(unit) = here.unit else { return Ok(Some(false)) };
                if let Some(bloom) = self.state.blooms.get(name) {
                    return Ok(Some(bloom.may_contain(unit)));
                }
                self.spend(self.ledger.size(), &here.segment.name)?;
                Ok(self.ledger.has(name, unit, None, "")?)
            }
        }
    }

    /// Takes note of work, and refuses it if there has been too much.
    pub(super) fn spend(&mut self, steps: usize, place: &str) -> Result<(), Stop> {
        self.steps = self.steps.checked_sub(steps).ok_or_else(|| complex(place))?;
        Ok(())
    }
}

/// Where an evaluation is.
struct Here<'s, 'p> {
    segment: &'s Segment,
    targeting: &'s Targeting,
    unit: Option<&'p str>,
    path: &'p mut Vec<usize>,
}

impl From<Unsupported> for Stop {
    fn from(Unsupported: Unsupported) -> Self {
        Self::Unsupported
    }
}

fn complex(place: &str) -> Stop {
    Stop::Refused(Error::Complex { place: excerpt(place) })
}

/// How deep segments may refer to segments.
const MAX_DEPTH: usize = 32;

//! Units of the past.

use expt_assign::Ranges;
use expt_assign::mix::{MixKey, UnitDigest};

use crate::audit::error::{AuditError, Result};

/// Units of the past with the values of some covariates: columns such as orders and visits in the four weeks before.
///
/// A unit is known by its keyed digest only. See [`Replay`](super::Replay).
#[derive(Debug, Clone)]
pub struct History {
    names: Vec<String>,
    units: Vec<UnitDigest>,
    /// By row.
    values: Vec<f64>,
}

impl History {
    /// An empty history with these covariates.
    ///
    /// # Errors
    /// [`AuditError::TooFew`] without covariates, [`AuditError::TooMany`] above 64, [`AuditError::Duplicate`] for
    /// a name that is there twice.
    pub fn new(covariates: &[&str]) -> Result<Self> {
        if covariates.is_empty() {
            let remedy = "name what was measured before the experiment";
            return Err(AuditError::TooFew { what: "covariates", have: 0, need: 1, remedy });
        }
        if covariates.len() > MAX_COVARIATES {
            let (have, remedy) = (covariates.len(), "balance what predicts the metric, and only that");
            return Err(AuditError::TooMany { what: "covariates", have, allowed: MAX_COVARIATES, remedy });
        }
        for (at, name) in covariates.iter().enumerate() {
            if covariates.iter().take(at).any(|before| before == name) {
                return Err(AuditError::Duplicate { what: "covariate", id: (*name).to_owned() });
            }
        }
        let names = covariates.iter().map(|&name| name.to_owned()).collect();
        Ok(Self { names, units: Vec::new(), values: Vec::new() })
    }

    /// Adds a unit with one value for each covariate.
    ///
    /// # Errors
    /// [`AuditError::Length`] or [`AuditError::NotFinite`]; the history is unchanged in both cases.
    pub fn push(&mut self, unit: UnitDigest, values: &[f64]) -> Result<()> {
        let row = || format!("unit {unit}");
        if values.len() != self.names.len() {
            let (found, allowed) = (values.len(), self.names.len());
            return Err(AuditError::Length { what: "values", row: row(), found, allowed });
        }
        if let Some((name, &value)) = self.names.iter().zip(values).find(|(_, value)| !value.is_finite()) {
            return Err(AuditError::NotFinite { row: row(), column: name.clone(), value });
        }
        self.units.push(unit);
        self.values.extend_from_slice(values);
        Ok(())
    }

    /// Keeps the units whose place in the layer is in the ranges of the phase: those whom it would have reached.
    ///
    /// The key is `Xmix1::layer(layer)` of the project.
    #[must_use]
    pub fn within(mut self, layer: &MixKey, ranges: &Ranges) -> Self {
        let columns = self.names.len();
        let kept = |unit: &UnitDigest| ranges.contains(layer.place(*unit));
        let rows = self.units.iter().zip(self.values.chunks_exact(columns));
        self.values = rows.filter(|(unit, _)| kept(unit)).flat_map(|(_, row)| row).copied().collect();
        self.units.retain(kept);
        self
    }

    /// How many units there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.units.len()
    }

    /// Whether there is no unit.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.units.is_empty()
    }

    /// Names, units and values by row, sorted by unit.
    pub(super) fn sorted(self) -> Result<(Vec<String>, Vec<UnitDigest>, Vec<f64>)> {
        let columns = self.names.len();
        let mut rows: Vec<_> = self.units.iter().zip(self.values.chunks_exact(columns)).collect();
        rows.sort_unstable_by_key(|(unit, _)| **unit);
        if let Some(((unit, _), _)) = rows.iter().zip(rows.iter().skip(1)).find(|((a, _), (b, _))| a == b) {
            return Err(AuditError::Duplicate { what: "unit", id: unit.to_string() });
        }
        let units = rows.iter().map(|(unit, _)| **unit).collect();
        let values = rows.iter().flat_map(|(_, row)| *row).copied().collect();
        Ok((self.names, units, values))
    }
}

/// The square of it is the size of a matrix, and a test over more is weak.
const MAX_COVARIATES: usize = 64;

//! Boundaries on other scales than Z.

use serde::{Deserialize, Serialize};

use super::design::GroupSequential;
use crate::error::{StatsError, positive};
use crate::special::normal;

/// Names the scale on which a boundary is read.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "scale", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Scale {
    /// The test statistic Z.
    Z,
    /// The one-sided nominal p-value `1 - Φ(Z)`.
    P,
    /// The B-value `Z sqrt t` (Lan and Wittes 1988), which moves like a Brownian motion.
    BValue,
    /// The estimated effect, `Z` times its standard error at the look.
    Effect {
        /// The standard error of the estimate at full information.
        standard_error: f64,
    },
}

impl GroupSequential {
    /// Returns the efficacy bounds on a scale, `None` where a look cannot stop.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] or [`StatsError::NotFinite`] for a standard error that is not positive.
    pub fn efficacy_on(&self, scale: Scale) -> Result<Vec<Option<f64>>, StatsError> {
        self.looks().iter().map(|look| scale.read(look.efficacy, look.information)).collect()
    }

    /// Returns the futility bounds on a scale, `None` where a look cannot stop.
    ///
    /// # Errors
    /// As [`GroupSequential::efficacy_on`].
    pub fn futility_on(&self, scale: Scale) -> Result<Vec<Option<f64>>, StatsError> {
        self.looks().iter().map(|look| scale.read(look.futility, look.information)).collect()
    }
}

impl Scale {
    fn read(self, bound: Option<f64>, information: f64) -> Result<Option<f64>, StatsError> {
        let root = information.sqrt();
        let factor = match self {
            Self::Z => 1.0,
            Self::P => return Ok(bound.map(normal::sf)),
            Self::BValue => root,
            Self::Effect { standard_error } => {
                positive("the standard error at full information", standard_error)? / root
            }
        };
        Ok(bound.map(|z| z * factor))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::level::Alpha;
    use crate::sequential::{Efficacy, GroupPlan};
    use crate::testing::close;

    #[test]
    fn obrien_fleming_is_flat_as_a_b_value_and_pocock_as_a_p_value() {
        let design = |efficacy| GroupPlan::equally_spaced(Alpha::FIVE_PERCENT, 4, efficacy).design().unwrap();
        let spread = |bounds: Vec<Option<f64>>| {
            let values: Vec<f64> = bounds.into_iter().flatten().collect();
            assert_eq!(values.len(), 4);
            values.iter().for_each(|value| close(*value, values[0], 1e-13));
        };
        spread(design(Efficacy::ObrienFleming).efficacy_on(Scale::BValue).unwrap());
        spread(design(Efficacy::Pocock).efficacy_on(Scale::P).unwrap());
        let effect = design(Efficacy::Pocock).efficacy_on(Scale::Effect { standard_error: 2.0 }).unwrap();
        close(effect[0].unwrap(), 2.0 * effect[3].unwrap(), 1e-13);
        assert!(design(Efficacy::Pocock).efficacy_on(Scale::Effect { standard_error: 0.0 }).is_err());
    }
}

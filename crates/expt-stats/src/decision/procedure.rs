//! How a design looks at its data.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::sequential::Spending;

/// Says at which looks a design may decide, and by which test.
///
/// | procedure | looks | interval and p-value | price |
/// |---|---|---|---|
/// | `Anytime` | any number, at any time | asymptotic confidence sequence (Waudby-Smith et al. 2024) | some 1.5 times the width of one look, at the size to which it is tuned |
/// | `GroupSequential` | a few, timed by units and not by results | bounds that spend alpha as units accrue (Lan and DeMets 1983); repeated intervals and p-values (Jennison and Turnbull 1989) | 1.02 to 1.2 times the units of one look |
/// | `FixedHorizon` | one, at the maximum of units | Welch's t | none; nothing is known before |
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Procedure {
    /// Any number of looks.
    #[default]
    Anytime,
    /// A few looks; the readings say at which units the earlier ones were
    /// ([`Readings::with_earlier_looks`](crate::Readings::with_earlier_looks)). Information is the share of the
    /// maximum of units, and the look that reaches it spends the rest of alpha.
    GroupSequential {
        /// How alpha is spent.
        spending: Spending,
    },
    /// One look. Before the maximum of units nothing is judged, except that units can be found to be mismatched.
    FixedHorizon,
}

impl Procedure {
    pub(super) fn is_default(&self) -> bool {
        *self == Self::Anytime
    }
}

impl fmt::Display for Procedure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Anytime => f.write_str("confidence sequence, valid at all looks"),
            Self::GroupSequential { spending } => {
                write!(f, "group-sequential bounds by {}", spending_name(spending))
            }
            Self::FixedHorizon => f.write_str("Welch's t at one look"),
        }
    }
}

fn spending_name(spending: &Spending) -> String {
    match spending {
        Spending::LanDeMetsObrienFleming => "O'Brien-Fleming spending".to_owned(),
        Spending::LanDeMetsPocock => "Pocock spending".to_owned(),
        Spending::HwangShihDeCani { gamma } => format!("Hwang-Shih-DeCani spending, gamma {gamma}"),
        Spending::KimDeMets { rho } => format!("Kim-DeMets spending, rho {rho}"),
        Spending::Table { .. } => "a table of spending".to_owned(),
    }
}

//! Which boundaries a design has.

use serde::{Deserialize, Serialize};

use super::spending::Spending;

/// Names the efficacy boundary of a group-sequential design.
///
/// The classical boundaries are `c` times a power of the information fraction `t`, with one constant `c` that makes
/// the error level exact for the planned looks; the others spend it look by look.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "rule", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Efficacy {
    /// `c t^(-1/2)`: O'Brien and Fleming 1979.
    ObrienFleming,
    /// `c` at every look: Pocock 1977.
    Pocock,
    /// `c t^(delta - 1/2)`: Wang and Tsiatis 1987; 0 is O'Brien-Fleming, 1/2 Pocock.
    WangTsiatis {
        /// The shape Δ.
        delta: f64,
    },
    /// One fixed bound at the early looks, the rest of the level at the last: Haybittle 1971, Peto 1976.
    HaybittlePeto {
        /// The bound of |Z| at the early looks, usually 3.
        early: f64,
    },
    /// A spending function: Lan and DeMets 1983.
    Spending {
        /// The function.
        function: Spending,
    },
    /// The cumulative level spent up to each look, in the unit of alpha; the last equals alpha.
    Spends {
        /// One value a look, not falling.
        cumulative: Vec<f64>,
    },
    /// Bounds of Z given by the user; alpha is whatever they spend.
    Bounds {
        /// One bound a look; `None` where the look cannot stop for efficacy.
        z: Vec<Option<f64>>,
    },
}

/// Names the futility boundary of a one-sided design: stop without a claim when Z falls to it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "rule", rename_all = "snake_case")]
#[non_exhaustive]
pub enum FutilityRule {
    /// A spending function of the type II error; the drift is found such that both boundaries meet at the last
    /// look (Pampallona, Tsiatis and Kim 2001).
    Spending {
        /// The function.
        function: Spending,
        /// The type II error of the whole design, `1 - power`.
        beta: f64,
    },
    /// Bounds of Z given by the user, for all looks but the last.
    Bounds {
        /// One bound for each look but the last; `None` where the look cannot stop for futility.
        z: Vec<Option<f64>>,
    },
}

/// Says whether the error level counts on the futility boundary being obeyed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Binding {
    /// Going on below the boundary stays valid: the efficacy boundary ignores futility.
    #[default]
    NonBinding,
    /// The efficacy boundary is lowered because stopping for futility prevents errors: it must be obeyed.
    Binding,
}

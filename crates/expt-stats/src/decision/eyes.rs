//! One metric, seen as the procedure of the design allows.

use super::design::Design;
use super::procedure::Procedure;
use crate::effect::EffectState;
use crate::error::StatsError;
use crate::interval::{Coverage, Interval};
use crate::level::{Alpha, LnP};
use crate::sequential::root::find_root;
use crate::sequential::{
    DifferenceLook, DifferenceSequence, Efficacy, GroupPlan, NotYet, Shortfall, Sides, Spending,
};
use crate::special::{normal, student};

/// Looks at differences, at one point of an experiment.
#[derive(Debug)]
pub(super) enum Eyes<'a> {
    Anytime(&'a Design),
    /// The information at each look so far, this one last, as a share of the planned one.
    Groups(&'a Design, &'a Spending, Vec<f64>),
    Fixed(&'a Design),
    /// Too early: the first look is at so many units.
    Closed(u64),
}

/// What is seen.
#[derive(Clone, Copy, Debug)]
pub(super) enum Sight {
    NotYet(NotYet),
    /// There is no look before so many units.
    Closed(u64),
    Judged(Judged),
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Judged {
    pub(super) estimate: f64,
    pub(super) units: u64,
    pub(super) interval: Interval,
    pub(super) ln_p: LnP,
    /// Only a confidence sequence has one.
    pub(super) ln_e: Option<f64>,
}

impl<'a> Eyes<'a> {
    /// `earlier` are the units at the looks before.
    pub(super) fn new(design: &'a Design, units: u64, earlier: &[u64]) -> Result<Self, StatsError> {
        let most = design.max_units();
        match design.procedure() {
            Procedure::Anytime => Ok(Self::Anytime(design)),
            Procedure::FixedHorizon if units < most => Ok(Self::Closed(most)),
            Procedure::FixedHorizon => Ok(Self::Fixed(design)),
            Procedure::GroupSequential { .. } if units == 0 => Ok(Self::Closed(1)),
            Procedure::GroupSequential { spending } => {
                let mut last = 0;
                for &look in earlier.iter().chain([&units]) {
                    if look <= last {
                        let (what, allowed) = ("the units at a look", "more than at the look before it");
                        return Err(StatsError::OutOfRange { what, value: look as f64, allowed });
                    }
                    last = look;
                }
                let all = earlier.iter().copied().chain([units]);
                Ok(Self::Groups(design, spending, all.map(|units| units as f64 / most as f64).collect()))
            }
        }
    }

    pub(super) fn look(&self, state: &EffectState, alpha: Alpha, null: f64) -> Result<Sight, StatsError> {
        let (design, critical) = match self {
            Self::Closed(units) => return Ok(Sight::Closed(*units)),
            Self::Anytime(design) => {
                let sequence =
                    DifferenceSequence::new(alpha, design.tuned_units())?.with_start(design.start());
                return Ok(match sequence.look_against(state, null)? {
                    DifferenceLook::NotYet(not_yet) => Sight::NotYet(not_yet),
                    DifferenceLook::Ready(ready) => Sight::Judged(Judged {
                        estimate: ready.estimate,
                        units: ready.units,
                        interval: ready.interval,
                        ln_p: ready.ln_p,
                        ln_e: Some(ready.ln_e),
                    }),
                });
            }
            Self::Groups(design, spending, information) => (design, bound(spending, information, alpha)?),
            Self::Fixed(design) => {
                (design, Some(student::upper_quantile(0.5 * alpha.get(), welch_df(state))))
            }
        };
        let smaller = state.control().count().min(state.treatment().count());
        if let Some(not_yet) = design.start().shortfall(smaller, state.shape()) {
            return Ok(Sight::NotYet(not_yet));
        }
        let (estimate, standard_error) = (state.estimate(), state.variance().sqrt());
        if standard_error <= 0.0 {
            let (what, need, have) = (Shortfall::Variation, 1.0, 0.0);
            return Ok(Sight::NotYet(NotYet { what, need, have }));
        }
        let statistic = ((estimate - null) / standard_error).abs();
        let (coverage, ln_p) = match self {
            Self::Groups(_, spending, information) => {
                (Coverage::GroupSequential, repeated_p(spending, information, statistic)?)
            }
            _ => (Coverage::Fixed, two_sided(student::ln_sf(statistic, welch_df(state)))),
        };
        let reach = critical.map_or(f64::INFINITY, |critical| critical * standard_error);
        let interval = Interval::new(estimate - reach, estimate + reach, alpha, coverage);
        Ok(Sight::Judged(Judged { estimate, units: state.units(), interval, ln_p, ln_e: None }))
    }
}

/// The bound of |Z| at the last of several looks; nothing if that look has nothing to spend.
fn bound(spending: &Spending, information: &[f64], alpha: Alpha) -> Result<Option<f64>, StatsError> {
    let last = information.last().copied().unwrap_or(0.0);
    // The total is spent where the planned information is reached; looks after that have nothing.
    let spent = |information: &f64| spending.spent(alpha, *information, Sides::Two);
    let cumulative = information.iter().map(spent).collect::<Result<Vec<_>, _>>()?;
    // Only the ratios of information matter to how looks depend on each other.
    let shares: Vec<f64> = information.iter().map(|share| share / last).collect();
    let plan = GroupPlan::new(alpha, &shares, Efficacy::Spends { cumulative }).with_sides(Sides::Two);
    Ok(plan.design()?.looks().last().and_then(|look| look.efficacy))
}

/// The least level at which the looks so far would reject now.
fn repeated_p(spending: &Spending, information: &[f64], statistic: f64) -> Result<LnP, StatsError> {
    // A sequence of looks rejects at no lesser level than one look does.
    let least = two_sided(normal::ln_sf(statistic)).get().max(LEAST_LN_ALPHA);
    let mut fault = None;
    let mut excess = |ln_alpha: f64| {
        let found = Alpha::new(ln_alpha.exp()).and_then(|alpha| bound(spending, information, alpha));
        match found {
            Ok(bound) => bound.unwrap_or(f64::MAX) - statistic,
            Err(error) => {
                fault = Some(error);
                0.0
            }
        }
    };
    let ln_p = if excess(GREATEST_LN_ALPHA) > 0.0 {
        LnP::ONE
    } else {
        LnP::saturating(find_root(excess, least, GREATEST_LN_ALPHA))
    };
    fault.map_or(Ok(ln_p), Err)
}

fn two_sided(ln_tail: f64) -> LnP {
    LnP::saturating(ln_tail + std::f64::consts::LN_2)
}

/// Welch and Satterthwaite.
fn welch_df(state: &EffectState) -> f64 {
    let part = |arm: &crate::arm::ArmEstimate| {
        let share = arm.variance() / state.variance();
        share * share / (arm.count().max(2) - 1) as f64
    };
    let df = (part(state.control()) + part(state.treatment())).recip();
    if df.is_nan() { 1.0 } else { df }
}

const LEAST_LN_ALPHA: f64 = -600.0;
const GREATEST_LN_ALPHA: f64 = -0.001;

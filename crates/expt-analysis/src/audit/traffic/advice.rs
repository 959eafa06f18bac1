//! Answers about traffic.

use std::fmt;

use expt_core::Share;
use serde::{Deserialize, Serialize};

/// The answer to a wish for traffic.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum TrafficAdvice {
    /// It can be had.
    Feasible(TrafficOption),
    /// It cannot be had; this would do.
    Impossible(TrafficShortfall),
}

impl fmt::Display for TrafficAdvice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Feasible(option) => write!(f, "take {option}"),
            Self::Impossible(short) => short.fmt(f),
        }
    }
}

/// A share of a layer for some weeks, and what comes of it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TrafficOption {
    /// The share of the layer.
    pub share: Share,
    /// Whole weeks in which units come.
    pub weeks: u32,
    /// Whole weeks after which the outcomes of all of them are there.
    pub ready_weeks: u32,
    /// Units that come, over all arms.
    pub units: u64,
    /// Units that the wanted effect needs, over all arms.
    pub needed: u64,
    /// The smallest effect that the units that come can find, as a difference; `None` if they are too few for any.
    pub detectable: Option<f64>,
}

impl fmt::Display for TrafficOption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { share, weeks, units, needed, .. } = self;
        write!(f, "{share} of the layer for {weeks} weeks: {units} units come, {needed} are needed")
    }
}

/// Why a wish for traffic cannot be had, and what could.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TrafficShortfall {
    /// What was asked for: the share, for the longest time; or all that is free, for the weeks.
    pub asked: TrafficOption,
    /// The share of the layer that no other phase holds.
    pub free: Share,
    /// The smallest effect that all that is free finds in the weeks that were asked for, as a difference.
    pub detectable: Option<f64>,
    /// All that is free, for the fewest weeks that are enough; `None` if the longest time is not.
    pub with_free_share: Option<TrafficOption>,
    /// The longest time, with the smallest share that is enough; `None` if all that is free is not.
    pub with_all_weeks: Option<TrafficOption>,
}

impl fmt::Display for TrafficShortfall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { asked, free, .. } = self;
        if asked.share > *free {
            write!(f, "{} of the layer cannot be had: {free} are free", asked.share)?;
        } else {
            write!(f, "{asked}")?;
        }
        if let Some(option) = self.with_free_share {
            write!(f, "; instead take {option}")?;
        }
        if let Some(option) = self.with_all_weeks.filter(|option| Some(*option) != self.with_free_share) {
            write!(f, "; or take {option}")?;
        }
        if let Some(effect) = self.detectable {
            write!(f, "; or be content with an effect of {effect:+.6} in {} weeks", asked.weeks)?;
        }
        if self.with_free_share.is_none() && self.detectable.is_none() {
            write!(f, "; nothing that is free is enough for any effect: find more units")?;
        }
        Ok(())
    }
}

//! What an assignment costs: time, allocations, the load and the swap of a config, crates and bytes.
//!
//! The figures and their limits: one assignment with the digest at hand and a whole one from an id; all of 100
//! and of 1,000 layers; targeting; a config of 1,000 experiments; readers while configs are swapped; what a
//! program that links `expt-assign` grows by. `--peers` measures four other evaluators beside it.

mod configs;
pub(crate) mod footprint;
mod load;
mod method;
mod peers;
mod speed;
mod swap;

use std::error::Error;

use self::peers::Peers;
use crate::Figure;

pub(crate) fn figures(with_peers: bool) -> Result<Vec<Figure>, Box<dyn Error>> {
    // First, so that building them does not go on beside the measurements.
    let footprint = footprint::figures()?;
    let peers = if with_peers { Peers::measure()? } else { Peers::none() };
    let mut figures = speed::figures(&peers)?;
    figures.extend(load::figures()?);
    figures.extend(swap::figures()?);
    figures.extend(footprint);
    Ok(figures)
}

/// A figure of ours alone.
fn ours(name: &'static str, value: f64, unit: &'static str, limit: impl Into<Option<f64>>) -> Figure {
    Figure { name, value, unit, peer: None, limit: limit.into() }
}

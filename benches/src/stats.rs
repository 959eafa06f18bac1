//! What the statistics cost: a fleet re-read, a thousand metrics judged, columns summed, p-values corrected.
//!
//! Figures are thread CPU time, the best of several rounds. A limit that is relative to a peer is a share of what
//! the peer took. Peers are written in Python; `--peers` installs and measures them, otherwise (and for those that
//! cannot be installed) they stand at the constants of an earlier measurement and are named so. The constants of
//! onlineFDR are of its 2.19.1 built from source, as its registry is not reachable from everywhere.

mod columns;
mod correction;
mod fleet;
mod functions;
mod method;
mod metrics;
mod online;
mod peers;

use std::error::Error;

use self::peers::Peers;
use crate::Figure;

pub(crate) fn figures(with_peers: bool) -> Result<Vec<Figure>, Box<dyn Error>> {
    let peers = if with_peers { Peers::measure()? } else { Peers::constants() };
    let mut figures = metrics::figures(&peers)?;
    figures.extend(columns::figures(&peers)?);
    figures.extend(correction::figures(&peers)?);
    figures.extend(online::figures(&peers)?);
    figures.extend(fleet::figures()?);
    figures.extend(functions::figures()?);
    Ok(figures)
}

/// A figure of ours alone.
fn ours(name: &'static str, value: f64, unit: &'static str, limit: impl Into<Option<f64>>) -> Figure {
    Figure { name, value, unit, peer: None, limit: limit.into() }
}

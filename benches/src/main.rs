//! Figures, one JSON line each: `cargo run --release -q -p expt-benches -- AREA [--peers]`, with AREA `track`,
//! `events`, `assign` or `stats`.
//!
//! A line has `area`, `name`, `value`, `unit`, `peer`, `peer_value`, `ratio`, `limit` and `within`, which says
//! whether the value is within its limit; a ratio above 1 means that we are better than the peer. Each peer is
//! measured in the same run; those that have to be built first only with `--peers`. A time beyond its limit is
//! shown and no more, because a machine may be busy; a count beyond its limit ends the program with an error.
#![allow(clippy::print_stdout, reason = "a program that prints figures")]

mod assign;
mod events;
mod stats;
mod track;

use std::error::Error;

use serde_json::json;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let area = arguments.next().unwrap_or_default();
    let with_peers = match arguments.next().as_deref() {
        None => false,
        Some("--peers") => true,
        Some(other) => return Err(format!("argument {other:?} is not known; give --peers or nothing").into()),
    };
    let figures = match area.as_str() {
        "track" => track::figures()?,
        "events" => events::figures()?,
        "assign" => assign::figures(with_peers)?,
        "stats" => stats::figures(with_peers)?,
        _ => return Err(format!("area {area:?} is not known; give track, events, assign or stats").into()),
    };
    let mut beyond = Vec::new();
    for Figure { name, value, unit, peer, limit } in figures {
        let (peer, peer_value) = peer.map_or((None, None), |(name, value)| (Some(name), Some(value)));
        // Nothing compares with no allocations.
        let ratio = peer_value.filter(|_| value > 0.0).map(|peer: f64| peer / value);
        let within = limit.map(|limit| value <= limit);
        if within == Some(false) && COUNTED.contains(&unit) {
            beyond.push(name);
        }
        println!(
            "{}",
            json!({
                "area": area, "name": name, "value": value, "unit": unit,
                "peer": peer, "peer_value": peer_value, "ratio": ratio, "limit": limit,
                "within": within,
            })
        );
    }
    if beyond.is_empty() { Ok(()) } else { Err(format!("counted beyond the limit: {beyond:?}").into()) }
}

/// One figure; smaller is better.
#[derive(Clone)]
struct Figure {
    name: &'static str,
    value: f64,
    unit: &'static str,
    /// What it is compared with, measured in the same run.
    peer: Option<(&'static str, f64)>,
    /// What it must not exceed.
    limit: Option<f64>,
}

/// The units of what is counted, and does not depend on the machine.
const COUNTED: [&str; 2] = ["allocations", "crates"];

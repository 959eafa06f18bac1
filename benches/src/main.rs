//! Figures, one JSON line each: `cargo run --release -q -p expt-benches -- AREA`, with AREA `track` or `events`.
//!
//! A line has `area`, `name`, `value`, `unit`, `peer`, `peer_value`, `ratio` and `limit`; a ratio above 1 means
//! that we are better than the peer. Each peer is measured in the same run.
#![allow(clippy::print_stdout, reason = "a program that prints figures")]

mod events;
mod track;

use std::error::Error;

use serde_json::json;

fn main() -> Result<(), Box<dyn Error>> {
    let area = std::env::args().nth(1).unwrap_or_default();
    let figures = match area.as_str() {
        "track" => track::figures()?,
        "events" => events::figures()?,
        _ => return Err(format!("area {area:?} is not known; give track or events").into()),
    };
    for Figure { name, value, unit, peer, limit } in figures {
        let (peer, peer_value) = peer.map_or((None, None), |(name, value)| (Some(name), Some(value)));
        let ratio = peer_value.map(|peer: f64| peer / value);
        println!(
            "{}",
            json!({
                "area": area, "name": name, "value": value, "unit": unit,
                "peer": peer, "peer_value": peer_value, "ratio": ratio, "limit": limit,
            })
        );
    }
    Ok(())
}

/// One figure; smaller is better.
struct Figure {
    name: &'static str,
    value: f64,
    unit: &'static str,
    /// What it is compared with, measured in the same run.
    peer: Option<(&'static str, f64)>,
    /// What it must not exceed.
    limit: Option<f64>,
}

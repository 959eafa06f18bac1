//! From the text of a config to a snapshot.

use std::error::Error;
use std::hint::black_box;

use expt::assign::mix::UnitHash;
use expt::assign::{Config, Snapshot};
use expt::core::canonical;

use super::configs::config;
use super::method::nanoseconds;
use super::ours;
use crate::Figure;

pub(crate) fn figures() -> Result<Vec<Figure>, Box<dyn Error>> {
    // The bytes that a serving program reads: those of the stored document.
    let text = canonical::to_bytes(&config(1_000, UnitHash::default(), None)?)?;
    let parsed = Config::from_json(&text)?;
    Snapshot::compile(parsed.clone())?;
    let milliseconds = |pass: &mut dyn FnMut()| nanoseconds(1, pass) / 1e6;
    let parse = milliseconds(&mut || {
        let _ = black_box(Config::from_json(black_box(&text)));
    });
    let both = milliseconds(&mut || {
        let _ = black_box(Config::from_json(black_box(&text)).map(Snapshot::compile));
    });
    Ok(vec![
        ours("config of 1,000 experiments from JSON to snapshot", both, "ms", 5.0),
        ours("of it, parsing", parse, "ms", None),
        ours("of it, checking and compiling", both - parse, "ms", None),
        ours("JSON of a config of 1,000 experiments", text.len() as f64 / 1e3, "KB", None),
    ])
}

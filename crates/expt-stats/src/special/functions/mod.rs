//! The public functions: they check their arguments and name the tail.

mod beta;
mod chi_square;
mod discrete;
mod fisher;
mod gamma;
mod noncentral;
mod normal;
mod student;

pub use beta::*;
pub use chi_square::*;
pub use discrete::*;
pub use fisher::*;
pub use gamma::*;
pub use noncentral::*;
pub use normal::*;
pub use student::*;

use crate::error::{StatsError, positive};

fn ordered(what: &'static str, value: f64) -> Result<f64, StatsError> {
    if value.is_nan() {
        return Err(StatsError::OutOfRange { what, value, allowed: "any number" });
    }
    Ok(value)
}

fn degrees(df: f64) -> Result<f64, StatsError> {
    if df > 0.0 {
        return Ok(if df.is_finite() { df.clamp(SMALLEST, LARGEST) } else { df });
    }
    Err(StatsError::OutOfRange { what: "df", value: df, allowed: "greater than zero, infinity included" })
}

fn inside_unit(p: f64) -> Result<f64, StatsError> {
    if p > 0.0 && p < 1.0 {
        return Ok(p);
    }
    Err(StatsError::OutOfRange { what: "p", value: p, allowed: "the open interval (0, 1)" })
}

/// Takes a positive parameter. Beyond these bounds no probability in the range of `f64` changes any more, but
/// products of parameters would overflow.
fn shape(what: &'static str, value: f64) -> Result<f64, StatsError> {
    Ok(positive(what, value)?.clamp(SMALLEST, LARGEST))
}

const SMALLEST: f64 = 1e-290;
const LARGEST: f64 = 1e290;

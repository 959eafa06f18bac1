//! The public functions: they check their arguments and name the tail.

mod beta;
mod chi_square;
mod fisher;
mod gamma;
mod normal;
mod student;

pub use beta::*;
pub use chi_square::*;
pub use fisher::*;
pub use gamma::*;
pub use normal::*;
pub use student::*;

use crate::error::StatsError;

fn ordered(what: &'static str, value: f64) -> Result<f64, StatsError> {
    if value.is_nan() {
        return Err(StatsError::OutOfRange { what, value, allowed: "any number" });
    }
    Ok(value)
}

fn degrees(df: f64) -> Result<f64, StatsError> {
    if df > 0.0 {
        return Ok(df);
    }
    Err(StatsError::OutOfRange { what: "df", value: df, allowed: "greater than zero, infinity included" })
}

fn inside_unit(p: f64) -> Result<f64, StatsError> {
    if p > 0.0 && p < 1.0 {
        return Ok(p);
    }
    Err(StatsError::OutOfRange { what: "p", value: p, allowed: "the open interval (0, 1)" })
}

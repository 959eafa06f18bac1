//! Whether outputs agree.

use serde::Deserialize;
use serde_json::{Map, Value};

/// Numbers agree when `|x - y| <= max(abs, rel * |y|)`, where `y` is what was expected.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct Tolerance {
    rel: f64,
    abs: f64,
}

/// Demands every expected output; more outputs do no harm.
pub(super) fn objects(
    expected: &Map<String, Value>,
    got: &Value,
    tolerance: Tolerance,
) -> Result<(), String> {
    for (name, expected) in expected {
        let got = got.get(name).ok_or_else(|| format!("there is no output {name:?} in {got}"))?;
        if !agree(expected, got, tolerance) {
            return Err(format!("{name} expected {expected}, got {got}"));
        }
    }
    Ok(())
}

fn agree(expected: &Value, got: &Value, tolerance: Tolerance) -> bool {
    match (expected, got) {
        (Value::Number(expected), Value::Number(got)) => {
            let (Some(expected), Some(got)) = (expected.as_f64(), got.as_f64()) else { return false };
            let bound = tolerance.abs.max(tolerance.rel * expected.abs());
            (got - expected).abs() <= bound
        }
        (Value::Array(expected), Value::Array(got)) => {
            expected.len() == got.len()
                && expected.iter().zip(got).all(|(expected, got)| agree(expected, got, tolerance))
        }
        (Value::Object(expected), Value::Object(_)) => objects(expected, got, tolerance).is_ok(),
        _ => expected == got,
    }
}

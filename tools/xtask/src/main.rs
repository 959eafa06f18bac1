//! Checks of form: `cargo xtask deps` and `cargo xtask sizes`.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program that reports to a person")]

mod deps;
mod sizes;

use std::process::ExitCode;

fn main() -> ExitCode {
    let task = std::env::args().nth(1).unwrap_or_default();
    let faults = match task.as_str() {
        "deps" => deps::check(),
        "sizes" => sizes::check(),
        _ => {
            Err(format!("xtask {task:?} is not known; run `cargo xtask deps` or `cargo xtask sizes`").into())
        }
    };
    match faults {
        Ok(faults) if faults.is_empty() => ExitCode::SUCCESS,
        Ok(faults) => {
            for fault in &faults {
                eprintln!("fault: {fault}");
            }
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Every fault that a check found, or why it could not look.
type Outcome = Result<Vec<String>, Box<dyn std::error::Error>>;

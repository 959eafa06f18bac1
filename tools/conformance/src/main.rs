//! Runs vector files against the public API: `cargo run --release -q -p conformance -- FAMILY DIR [--quick]`.
//!
//! It reads every file of the family below DIR and prints a line a file, each failed case with what was expected
//! and what came out, and the sums last. A case that the library cannot express counts as failed; skipped is what
//! the library deliberately does not offer, and the reason is printed.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program that reports to a person")]

mod assign;
mod report;
mod stats;

use std::path::Path;
use std::process::ExitCode;

use crate::report::Report;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (options, places): (Vec<_>, Vec<_>) = arguments.iter().partition(|text| text.starts_with("--"));
    let known = options.iter().all(|option| *option == "--quick");
    let ([family, folder], true) = (places.as_slice(), known) else {
        eprintln!("usage: conformance FAMILY DIR [--quick]; families: assign, stats");
        return ExitCode::FAILURE;
    };
    let mut report = Report::default();
    match family.as_str() {
        "assign" => assign::run(Path::new(folder), &mut report),
        "stats" => stats::run(Path::new(folder), &mut report),
        _ => {
            eprintln!("family {family:?} is not known; families: assign, stats");
            return ExitCode::FAILURE;
        }
    }
    report.finish()
}

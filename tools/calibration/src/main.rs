//! Measures the statistical promises of expt against marks that are fixed before the run.
//!
//! `cargo run --release -q -p calibration -- [--quick] [SCENARIO]`. Without a scenario all of them run. The
//! exit code says whether all marks are met. Everything is seeded, so a run says the same every time.
//! For full runs set `RUSTFLAGS="-C target-cpu=native"`: they count bits.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program that reports to a person")]
#![allow(clippy::indexing_slicing, reason = "kernels over arrays of known lengths")]
#![allow(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "counts below 2^53")]

mod assign;
mod compare;
mod numbers;
mod parallel;
mod stats;

use std::process::ExitCode;
use std::time::Instant;

use expt::stats::StatsError;

/// How much of a scenario runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scale {
    /// What the published numbers come from.
    Full,
    /// Seconds, for every change: catches what is broken, proves nothing.
    Quick,
}

/// Whether all marks are met.
type Verdict = Result<bool, StatsError>;

/// Its name, what it shows, and how.
type Scenario = (&'static str, &'static str, fn(Scale) -> Verdict);

const SCENARIOS: [Scenario; 8] = [
    ("assign-mix", "places in different layers are independent", assign::mix),
    ("assign-epochs", "epochs, arms, layers and holdouts are independent", assign::epochs),
    ("stats-peeking", "looks at every unit keep the error level", stats::peeking),
    ("stats-power", "widths, power and sizes are as designed", stats::power),
    ("stats-fixed", "intervals at one look cover what they should", stats::fixed),
    ("stats-fdr", "online procedures keep their error rate", stats::fdr),
    ("stats-stack", "the default stack errs as rarely as it says", stats::stack),
    ("stats-integrity", "fading effects and selected launches are found out", stats::integrity),
];

fn main() -> ExitCode {
    let mut scale = Scale::Full;
    let mut wanted = Vec::new();
    for argument in std::env::args().skip(1) {
        match argument.as_str() {
            "--quick" => scale = Scale::Quick,
            name if SCENARIOS.iter().any(|(known, ..)| *known == name) => wanted.push(argument),
            other => {
                eprintln!("{other:?} is not known; allowed are --quick and these scenarios:");
                for (name, about, _) in SCENARIOS {
                    eprintln!("  {name:<15} {about}");
                }
                return ExitCode::from(2);
            }
        }
    }
    let mut met = true;
    for (name, about, run) in SCENARIOS {
        if !wanted.is_empty() && wanted.iter().all(|wanted| wanted != name) {
            continue;
        }
        println!("== {name}: {about} ({scale:?})");
        let start = Instant::now();
        match run(scale) {
            Ok(passed) => {
                println!("{} {name}", if passed { "PASS" } else { "FAIL" });
                met &= passed;
            }
            Err(error) => {
                eprintln!("error: {name}: {error}");
                met = false;
            }
        }
        eprintln!("{name} took {:.0?}", start.elapsed());
    }
    if met { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

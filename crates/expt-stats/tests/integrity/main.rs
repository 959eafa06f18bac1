//! Error rates of the integrity checks, by simulation with fixed seeds.
//!
//! Bounds: a rate p that is claimed as a maximum passes while the count is at most
//! `runs p + 3.09 sqrt(runs p (1 - p))`, a minimum likewise from below: a failure has a probability below
//! 0.001 if the claim is just true. Negative controls must fail.
//!
//! Each test makes a few hundred runs. With `INTEGRITY_RUNS=10000 cargo test --release -p expt-stats --test
//! integrity -- --nocapture` all make that many and print their rates.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    missing_docs,
    reason = "a failed assertion or unwrap is how a test reports"
)]

mod audits;
mod launches;
mod novelty;

/// Counts how often an event happened.
#[derive(Clone, Copy, Debug, Default)]
struct Rate {
    runs: u32,
    hits: u32,
}

impl Rate {
    fn count(&mut self, hit: bool) {
        self.runs += 1;
        self.hits += u32::from(hit);
    }

    fn value(self) -> f64 {
        f64::from(self.hits) / f64::from(self.runs)
    }

    fn slack(self, p: f64) -> f64 {
        3.09 * (p * (1.0 - p) / f64::from(self.runs)).sqrt()
    }

    #[track_caller]
    fn at_most(self, what: &str, p: f64) {
        println!("{what}: {:.4} in {} runs, at most {p}", self.value(), self.runs);
        assert!(self.value() <= p + self.slack(p), "{what}: {self:?}, at most {p}");
    }

    #[track_caller]
    fn at_least(self, what: &str, p: f64) {
        println!("{what}: {:.4} in {} runs, at least {p}", self.value(), self.runs);
        assert!(self.value() >= p - self.slack(p), "{what}: {self:?}, at least {p}");
    }

    #[track_caller]
    fn between(self, what: &str, low: f64, high: f64) {
        self.at_least(what, low);
        self.at_most(what, high);
    }
}

/// Returns the number of runs, `quick` unless the environment says otherwise.
fn runs(quick: u32) -> u32 {
    std::env::var("INTEGRITY_RUNS").ok().and_then(|text| text.parse().ok()).unwrap_or(quick)
}

//! Estimates against marks, and what is printed about them.

use expt::stats::StatsError;

use super::draw::{Bits, bits};
use crate::parallel;

/// How many standard errors an estimate may lie beyond its mark: one chance in a thousand if the truth is
/// the mark.
pub(super) const ERRORS: f64 = 3.09;

/// The mean of what the runs of a cell yielded.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Mean {
    pub(super) runs: u64,
    pub(super) sum: f64,
    squares: f64,
}

impl Mean {
    /// Adds a value; NaN says that the run has none.
    fn add(&mut self, value: f64) {
        if !value.is_nan() {
            self.runs += 1;
            self.sum += value;
            self.squares += value * value;
        }
    }

    fn join(&mut self, other: &Self) {
        self.runs += other.runs;
        self.sum += other.sum;
        self.squares += other.squares;
    }

    pub(super) fn estimate(&self) -> f64 {
        self.sum / self.runs as f64
    }

    /// The standard error, estimated from the runs.
    pub(super) fn error(&self) -> f64 {
        let n = self.runs as f64;
        ((self.squares / n - self.estimate().powi(2)).max(0.0) / (n - 1.0)).sqrt()
    }

    /// As a share whose truth is `p`: [`ERRORS`] binomial standard errors.
    fn slack(&self, p: f64) -> f64 {
        ERRORS * (p * (1.0 - p) / self.runs as f64).sqrt()
    }

    /// One minus a share.
    pub(super) fn complement(&self) -> Self {
        let n = self.runs as f64;
        Self { runs: self.runs, sum: n - self.sum, squares: n - self.sum }
    }
}

/// Runs every cell and returns the means of what its runs yield; the same for any number of threads.
pub(super) fn simulate<C: Sync>(
    scenario: &str,
    cells: &[C],
    runs: impl Fn(&C) -> u64,
    run: impl Fn(&C, &mut Bits) -> Result<Vec<f64>, StatsError> + Sync,
) -> Result<Vec<Vec<Mean>>, StatsError> {
    let mut jobs = Vec::new();
    for (cell, of) in cells.iter().enumerate() {
        let runs = runs(of);
        let chunk = runs.div_ceil(CHUNKS).max(1);
        let starts = (0..runs).step_by(chunk as usize);
        jobs.extend(starts.map(|start| (cell, start, runs.min(start + chunk))));
    }
    let done = parallel::map(&jobs, |&(cell, start, end)| {
        let mut means = Vec::new();
        for number in start..end {
            let values = run(&cells[cell], &mut bits(scenario, cell, number))?;
            means.resize(values.len().max(means.len()), Mean::default());
            for (mean, value) in means.iter_mut().zip(values) {
                mean.add(value);
            }
        }
        Ok(means)
    });
    let mut results = vec![Vec::new(); cells.len()];
    for (&(cell, ..), means) in jobs.iter().zip(done) {
        let (means, result): (Vec<Mean>, &mut Vec<Mean>) = (means?, &mut results[cell]);
        result.resize(means.len().max(result.len()), Mean::default());
        for (total, part) in result.iter_mut().zip(means) {
            total.join(&part);
        }
    }
    Ok(results)
}

/// Parts of a cell that may run at once.
const CHUNKS: u64 = 32;

/// Prints estimates with their marks and remembers whether all are met.
#[derive(Debug, Default)]
pub(super) struct Marks {
    judged: usize,
    failed: Vec<String>,
    listed: usize,
}

impl Marks {
    pub(super) fn heading(&self, text: &str) {
        println!("\n{text}");
    }

    /// A share that must not be above `p`.
    pub(super) fn at_most(&mut self, name: &str, share: &Mean, p: f64) {
        let (estimate, slack) = (share.estimate(), share.slack(p));
        let mark = format!("<= {p} + {slack:.4}");
        self.judge(name, estimate, share.runs, &mark, estimate <= p + slack);
    }

    /// A share that must not be below `p`.
    pub(super) fn at_least(&mut self, name: &str, share: &Mean, p: f64) {
        let (estimate, slack) = (share.estimate(), share.slack(p));
        let mark = format!(">= {p} - {slack:.4}");
        self.judge(name, estimate, share.runs, &mark, estimate >= p - slack);
    }

    /// A share that must lie between two marks.
    pub(super) fn between(&mut self, name: &str, share: &Mean, low: f64, high: f64) {
        let (estimate, below, above) = (share.estimate(), share.slack(low), share.slack(high));
        let mark = format!("{low} - {below:.4} .. {high} + {above:.4}");
        self.judge(name, estimate, share.runs, &mark, (low - below..=high + above).contains(&estimate));
    }

    /// A mean of values between 0 and 1, such as a false discovery proportion, that must not be above `p`.
    pub(super) fn mean_at_most(&mut self, name: &str, mean: &Mean, p: f64) {
        let (estimate, slack) = (mean.estimate(), ERRORS * mean.error());
        let mark = format!("<= {p} + {slack:.4}");
        self.judge(name, estimate, mean.runs, &mark, estimate <= p + slack);
    }

    /// A number that is computed, not estimated.
    pub(super) fn computed(&mut self, name: &str, value: f64, mark: &str, met: bool) {
        self.verdict_line(name, &format!("{value:.7}"), mark, met);
    }

    /// A negative control: its share must be above `p`, or the simulation could not find a fault.
    pub(super) fn control_above(&mut self, name: &str, share: &Mean, p: f64) {
        let (estimate, slack) = (share.estimate(), share.slack(p));
        let mark = format!("control > {p} + {slack:.4}");
        self.judge(name, estimate, share.runs, &mark, estimate > p + slack);
    }

    /// An estimate without a mark.
    pub(super) fn listed(&mut self, name: &str, mean: &Mean, why: &str) {
        self.listed += 1;
        let shown = if mean.runs == 0 { "-".to_owned() } else { format!("{:.4}", mean.estimate()) };
        println!("  {name:<WIDTH$} {shown:>9}  n {:<6} {why}", mean.runs);
    }

    /// Prints the sum of it all.
    pub(super) fn met(self) -> bool {
        println!(
            "\n{} marks, {} met, {} failed; {} cells without a mark",
            self.judged,
            self.judged - self.failed.len(),
            self.failed.len(),
            self.listed
        );
        for name in &self.failed {
            println!("  FAILED: {name}");
        }
        self.failed.is_empty()
    }

    fn judge(&mut self, name: &str, estimate: f64, runs: u64, mark: &str, met: bool) {
        self.verdict_line(name, &format!("{estimate:.4}"), &format!("n {runs:<6} {mark}"), met);
    }

    fn verdict_line(&mut self, name: &str, value: &str, mark: &str, met: bool) {
        println!("  {name:<WIDTH$} {value:>9}  {mark}: {}", if met { "pass" } else { "FAIL" });
        self.judged += 1;
        if !met {
            self.failed.push(format!("{name}: {value}, {mark}"));
        }
    }
}

const WIDTH: usize = 66;

//! Cells against the same cells on random bits.

use expt::stats::StatsError;
use expt::stats::special::student_t_quantile;

use crate::Verdict;
use crate::numbers::{binomial_quantile, deviation, kolmogorov_smirnov, mean, quantile};

/// The marks. They were fixed before the first full run.
const BAND: f64 = 0.99;
const CONFIDENCE: f64 = 0.999;
const KS_P: f64 = 0.001;

/// One statistic: its values on random bits, and on what is tested.
pub(crate) struct Statistic {
    pub(crate) name: String,
    pub(crate) random: Vec<f64>,
    /// By group, such as a kind of id.
    pub(crate) tested: Vec<(&'static str, Vec<f64>)>,
    /// For comparison only: the other digest.
    pub(crate) compared: Vec<f64>,
}

/// Where a statistic lies on random bits.
#[derive(Clone, Copy)]
pub(crate) struct Band {
    low: f64,
    high: f64,
}

impl Band {
    /// Where the next value on random bits lies with probability 0.99: Student's prediction interval. The
    /// extremes of two hundred replicates would say the same with three times the error.
    pub(crate) fn of(random: &[f64]) -> Result<Self, StatsError> {
        let n = random.len() as f64;
        let t = student_t_quantile(f64::midpoint(BAND, 1.0), n - 1.0)?;
        let reach = t * deviation(random) * (1.0 + 1.0 / n).sqrt();
        Ok(Self { low: mean(random) - reach, high: mean(random) + reach })
    }

    pub(crate) fn holds(self, value: f64) -> bool {
        (self.low..=self.high).contains(&value)
    }

    fn outside(self, values: &[f64]) -> usize {
        values.iter().filter(|value| !self.holds(**value)).count()
    }
}

/// Prints everything and says whether the statistics, together, meet the marks.
pub(crate) fn judge(statistics: &[Statistic]) -> Verdict {
    let cells: usize = statistics.iter().flat_map(|s| &s.tested).map(|(_, values)| values.len()).sum();
    let allowed = binomial_quantile(cells, 1.0 - BAND, CONFIDENCE);
    println!(
        "marks: at most {allowed} of {cells} cells outside the 99 % band (99.9 % binomial); KS p > {KS_P}"
    );
    let (mut outside, mut passed) = (0, true);
    for statistic in statistics {
        let band = Band::of(&statistic.random)?;
        println!("\n{}: band {} to {}", statistic.name, show(band.low), show(band.high));
        line("random bits", &statistic.random, band);
        let mut all = Vec::new();
        for (group, values) in &statistic.tested {
            line(group, values, band);
            all.extend_from_slice(values);
        }
        line("all tested", &all, band);
        line("with blake3", &statistic.compared, band);
        let (distance, p) = kolmogorov_smirnov(&all, &statistic.random);
        println!("  KS distance {distance:.4}, p = {p:.4}: {}", if p > KS_P { "pass" } else { "FAIL" });
        for (group, values) in &statistic.tested {
            if values.len() >= 20 {
                println!(
                    "  {group}: KS p = {:.4} (no mark)",
                    kolmogorov_smirnov(values, &statistic.random).1
                );
            }
        }
        passed &= p > KS_P;
        outside += band.outside(&all);
    }
    let within = outside <= allowed;
    println!(
        "\n{outside} of {cells} cells outside, allowed {allowed}: {}",
        if within { "pass" } else { "FAIL" }
    );
    Ok(passed && within)
}

/// Every value, as a share of 100,000, so that a reader can test otherwise.
pub(crate) fn list(statistics: &[Statistic]) {
    println!("\nEvery cell, in tables of 100,000:");
    for statistic in statistics {
        let random = std::iter::once(("random bits", &statistic.random));
        for (group, values) in random.chain(statistic.tested.iter().map(|(group, values)| (*group, values))) {
            let shown: Vec<_> = values.iter().map(|value| format!("{:.0}", value * 1e5)).collect();
            println!("  {}, {group}: {}", statistic.name, shown.join(" "));
        }
    }
}

pub(crate) fn show(share: f64) -> String {
    format!("{share:.5}")
}

fn line(name: &str, values: &[f64], band: Band) {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let quantiles = [0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0].map(|share| show(quantile(&sorted, share)));
    println!(
        "  {name:<14} {:>3} cells, {:>2} outside; mean {} sd {}; 0 5 25 50 75 95 100 %: {}",
        values.len(),
        band.outside(values),
        show(mean(values)),
        show(deviation(values)),
        quantiles.join(" ")
    );
}

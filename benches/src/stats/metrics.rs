//! Metrics of two arms from their moments.

use std::error::Error;
use std::hint::black_box;

use expt::stats::fixed::{Cuped, Evidence, TTest};
use expt::stats::{
    Alpha, ArmEstimate, CoMoments, Correction, DifferenceLook, DifferenceSequence, EffectState, LnP, Moments,
    StatsError,
};

use super::method::{Random, best};
use super::ours;
use super::peers::{Peer, Peers};
use crate::Figure;

pub(crate) fn figures(peers: &Peers) -> Result<Vec<Figure>, Box<dyn Error>> {
    let metrics = metrics()?;
    let test = TTest::new(Alpha::FIVE_PERCENT);
    let mut failed = None;
    let alone = best(METRICS, || {
        for metric in &metrics {
            match evidence(&test, black_box(metric)) {
                Ok(evidence) => drop(black_box(evidence)),
                Err(error) => failed = Some(error),
            }
        }
    });
    if let Some(error) = failed {
        return Err(error.into());
    }
    let with_interval = best(METRICS, || {
        for metric in &metrics {
            let (control, treatment) = black_box((&metric.control, &metric.treatment));
            black_box(test.welch(control, treatment).ok());
        }
    });
    let mut judged = Ok(0);
    let all = best(1, || {
        if judged.is_ok() {
            judged = judge(black_box(&metrics));
        }
    }) / 1e6;
    judged?;
    let name = "Welch's statistic and p-value alone, a metric";
    let against = |peer: Peer, times: f64| Figure {
        limit: Some(peers.nanoseconds(peer) / times),
        peer: Some((peers.name(peer), peers.nanoseconds(peer))),
        ..ours(name, alone, "ns", None)
    };
    let beside = |name, value, peer: Peer| Figure {
        peer: Some((peers.name(peer), peers.nanoseconds(peer))),
        ..ours(name, value, "ns", None)
    };
    Ok(vec![
        against(Peer::ScipyColumns, 2.0),
        against(Peer::ScipyLoop, 1.0),
        against(Peer::Gbstats, 500.0),
        against(Peer::TeaTasting, 500.0),
        ours("Welch with interval and cautions, a metric", with_interval, "ns", None),
        ours("1,000 metrics: Welch, CUPED, confidence sequence, corrected verdict", all, "ms", 0.5),
        beside(
            "Welch, CUPED, confidence sequence, corrected verdict, a metric",
            all * 1e6 / METRICS as f64,
            Peer::TeaTastingCuped,
        ),
    ])
}

/// What is known of one metric: the outcome, and the outcome with its covariate.
struct Metric {
    control: Moments,
    treatment: Moments,
    control_pairs: CoMoments,
    treatment_pairs: CoMoments,
}

fn evidence(test: &TTest, metric: &Metric) -> Result<Option<Evidence>, StatsError> {
    let (control, treatment) = (ArmEstimate::mean(&metric.control)?, ArmEstimate::mean(&metric.treatment)?);
    Ok(test.evidence(&control, &treatment))
}

/// Of each metric Welch's test with its interval, the same of the difference adjusted by CUPED (without its health
/// checks), and a look of the confidence sequence at that; then who is better after Holm's correction of the anytime-valid
/// p-values.
fn judge(metrics: &[Metric]) -> Result<usize, Box<dyn Error>> {
    let test = TTest::new(Alpha::FIVE_PERCENT);
    let sequence = DifferenceSequence::new(Alpha::FIVE_PERCENT, 100_000)?;
    let (mut signs, mut p) = (Vec::with_capacity(metrics.len()), Vec::with_capacity(metrics.len()));
    for metric in metrics {
        black_box(&test.welch(&metric.control, &metric.treatment)?);
        let adjusted = Cuped::default().pair(&metric.control_pairs, &metric.treatment_pairs)?;
        black_box(&test.compare(&adjusted.control, &adjusted.treatment));
        let skewness = adjusted.skewness.ok_or("a constant outcome")?;
        let look =
            match sequence.look(&EffectState::from_arms(adjusted.control, adjusted.treatment, skewness)?) {
                DifferenceLook::Ready(look) => (look.estimate > 0.0, look.ln_p),
                _ => (false, LnP::ONE),
            };
        signs.push(look.0);
        p.push(look.1);
    }
    let rejected = Correction::Holm.adjust(&p).rejected(Alpha::FIVE_PERCENT);
    Ok(signs.iter().zip(rejected).filter(|(better, rejected)| **better && *rejected).count())
}

/// As the peers' script makes them.
fn metrics() -> Result<Vec<Metric>, Box<dyn Error>> {
    let mut random = Random::new(1);
    (0..METRICS).map(|_| metric(&mut random)).collect()
}

fn metric(random: &mut Random) -> Result<Metric, Box<dyn Error>> {
    let effect = 0.02 * random.normal();
    let mean = 5.0 + random.normal();
    let mut arm = |mean_y: f64| -> Result<CoMoments, Box<dyn Error>> {
        // Few rows give the shape; taken 2^doublings times they give the size, with means as such a size has them.
        let (few, doublings) = (60 + (random.unit() * 60.0) as usize, 4 + (random.unit() * 6.0) as i32);
        let rows: Vec<(f64, f64)> = (0..few)
            .map(|_| {
                let before = 2.0 * random.normal();
                (before, 0.6 * before + 1.5 * random.normal())
            })
            .collect();
        let mut around_zero = CoMoments::default();
        rows.iter().try_for_each(|&(x, y)| around_zero.push(x, y))?;
        let noise = (few as f64 * 2_f64.powi(doublings)).sqrt().recip();
        let (before, after) = (2.0 * noise * random.normal(), 1.5 * noise * random.normal());
        let (zero_x, zero_y) = around_zero.mean_x().zip(around_zero.mean_y()).ok_or("an empty arm")?;
        let (x0, y0) = (mean + before - zero_x, mean_y + 0.6 * before + after - zero_y);
        let mut pairs = CoMoments::default();
        rows.iter().try_for_each(|&(x, y)| pairs.push(x + x0, y + y0))?;
        for _ in 0..doublings {
            pairs = pairs.merge(&pairs)?;
        }
        Ok(pairs)
    };
    let (control, treatment) = (arm(mean)?, arm(mean + effect)?);
    let outcome = |pairs: &CoMoments| -> Result<Moments, Box<dyn Error>> {
        let (mean, variance) = pairs.mean_y().zip(pairs.variance_y()).ok_or("an empty arm")?;
        Ok(Moments::from_summary(pairs.count(), mean, variance)?.with_skewness(0.1)?)
    };
    Ok(Metric {
        control: outcome(&control)?,
        treatment: outcome(&treatment)?,
        control_pairs: control,
        treatment_pairs: treatment,
    })
}

const METRICS: usize = 1_000;

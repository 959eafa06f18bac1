//! Methods that hold at every sample size, on the distributions that they assume.

use expt::stats::sequential::{
    AnytimeT, BernoulliCounts, BernoulliSequence, BettingMartingale, BettingOptions,
    EmpiricalBernsteinSequence, GammaExponentialMixture, GammaPoissonMixture, HedgedSequence,
    HoeffdingSequence, Mixture, Msprt, NormalMixture, PolyStitching, PredictableBernstein, QuantileAb,
    QuantileSequence, RunningLevel, Sides, Support, UniformBoundary,
};
use expt::stats::srm::SrmSequence;
use expt::stats::{Alpha, Moments, Probability, Shares, StatsError};
use rand_distr::{Distribution, Poisson};

use super::ALPHA;
use crate::Scale;
use crate::stats::draw::{Bits, Law, chance, normal, uniform};
use crate::stats::marks::{Marks, simulate};

/// What is looked at after every value.
#[derive(Clone, Copy, Debug)]
enum Method {
    Msprt {
        tau2: f64,
    },
    AnytimeT {
        law: Law,
        share: f64,
    },
    BetaBinomial(f64),
    Betting(Law),
    EmpiricalBernstein(Law),
    PredictableBernstein(Law),
    Hoeffding(Law),
    Hedged(Law),
    Quantile(Law, f64),
    Srm(&'static [f64]),
    /// Sums of standard normal values.
    NormalMixture,
    Stitching,
    /// Sums of centred exponential values.
    GammaExponential,
    /// Sums of centred Poisson counts.
    GammaPoisson,
    /// A common quantile of two arms, a look every fifty values.
    QuantileAb(Law, f64),
}

use Method::{
    AnytimeT as T, BetaBinomial, Betting, EmpiricalBernstein, Hedged, Hoeffding, Msprt as Likelihood,
    PredictableBernstein as Predictable, Quantile, Srm,
};

/// They cost O(1) a look.
const QUICK_LOOKS: [Method; 21] = [
    Likelihood { tau2: 1e-2 },
    Likelihood { tau2: 1e-4 },
    T { law: Law::Normal, share: 0.5 },
    T { law: Law::Normal, share: 0.05 },
    BetaBinomial(0.5),
    BetaBinomial(0.01),
    BetaBinomial(0.001),
    Betting(Law::Bernoulli(0.5)),
    Betting(Law::Bernoulli(0.01)),
    Betting(Law::Uniform),
    Betting(Law::Capped { sigma: 2.0, quantile: 0.99 }),
    Srm(&[0.5, 0.5]),
    Srm(&[0.95, 0.05]),
    Srm(&[0.6, 0.3, 0.1]),
    Method::NormalMixture,
    Method::Stitching,
    Method::GammaExponential,
    Method::GammaPoisson,
    T { law: Law::LogNormal { sigma: 1.0 }, share: 0.5 },
    T { law: Law::LogNormal { sigma: 1.0 }, share: 0.05 },
    T { law: Law::Bernoulli(0.01), share: 0.05 },
];

/// They solve an equation, or move a whole grid, at each look.
const SLOW_LOOKS: [Method; 11] = [
    EmpiricalBernstein(Law::Uniform),
    EmpiricalBernstein(Law::Bernoulli(0.01)),
    EmpiricalBernstein(Law::Capped { sigma: 2.0, quantile: 0.99 }),
    Predictable(Law::Uniform),
    Predictable(Law::Bernoulli(0.01)),
    Hoeffding(Law::Bernoulli(0.5)),
    Hedged(Law::Bernoulli(0.5)),
    Hedged(Law::Uniform),
    Quantile(Law::LogNormal { sigma: 1.0 }, 0.9),
    Method::QuantileAb(Law::LogNormal { sigma: 1.0 }, 0.5),
    Method::QuantileAb(Law::LogNormal { sigma: 1.0 }, 0.9),
];

pub(super) fn judge(scale: Scale, marks: &mut Marks) -> Result<(), StatsError> {
    let (runs, horizon) = match scale {
        Scale::Full => ((20_000, 2_000), (100_000, 10_000)),
        Scale::Quick => ((200, 100), (5_000, 1_000)),
    };
    let quick = QUICK_LOOKS.map(|method| (method, horizon.0, runs.0));
    let slow = SLOW_LOOKS.map(|method| (method, horizon.1, runs.1));
    let cells: Vec<_> = quick.into_iter().chain(slow).collect();
    let results = simulate("peeking, exact", &cells, |cell| cell.2, |cell, bits| run(cell.0, cell.1, bits))?;
    marks.heading("Exact methods, a look a value");
    for (cell, means) in cells.iter().zip(&results) {
        let name = format!("{}, to n = {}", name(cell.0), cell.1);
        match cell.0 {
            T { law, .. } if law != Law::Normal => {
                marks.listed(&name, &means[0], "not calibrated: the t test assumes normal values");
            }
            _ => marks.at_most(&name, &means[0], ALPHA),
        }
    }
    Ok(())
}

fn name(method: Method) -> String {
    match method {
        Likelihood { tau2 } => format!("mSPRT, tau^2 = {tau2}, normal pairs"),
        T { law, share } => format!("anytime t, {}, treatment {share}", law.name()),
        BetaBinomial(p) => format!("beta-binomial sequence, Bernoulli {p}"),
        Betting(law) => format!("betting, {}", law.name()),
        EmpiricalBernstein(law) => format!("empirical Bernstein, {}", law.name()),
        Predictable(law) => format!("predictable Bernstein, {}", law.name()),
        Hoeffding(law) => format!("Hoeffding, {}", law.name()),
        Hedged(law) => format!("hedged grid of 100, {}", law.name()),
        Quantile(law, q) => format!("quantile {q}, {}", law.name()),
        Srm(shares) => format!("sequential SRM, shares {shares:?}"),
        Method::NormalMixture => "normal mixture, two-sided, normal sums".to_owned(),
        Method::Stitching => "stitched boundary, one-sided, normal sums".to_owned(),
        Method::GammaExponential => "gamma-exponential mixture, exponential sums".to_owned(),
        Method::GammaPoisson => "gamma-Poisson mixture, Poisson sums".to_owned(),
        Method::QuantileAb(law, q) => format!("common quantile {q} of two arms, {}", law.name()),
    }
}

/// Yields whether any look excluded the truth.
fn run(method: Method, horizon: u64, bits: &mut Bits) -> Result<Vec<f64>, StatsError> {
    let alpha = Alpha::new(ALPHA)?;
    let erred = match method {
        Likelihood { tau2 } => {
            let test = Msprt::new(alpha, tau2, 0.0)?;
            let mut sum = 0.0;
            any(horizon / 2, |pair| {
                sum += normal(bits) - normal(bits);
                let look = test.look(pair, sum / pair as f64, 2.0)?;
                Ok(look.ln_p.is_at_most(alpha))
            })?
        }
        T { law, share } => {
            // The prior precision that suits effects of a tenth of a standard deviation.
            let test = AnytimeT::new(alpha, 100.0)?;
            let mut arms = [Moments::default(); 2];
            any(horizon, |_| {
                arms[usize::from(chance(bits, share))].push(law.draw(bits))?;
                let [Some(control), Some(treatment)] = [arms[0].variance(), arms[1].variance()] else {
                    return Ok(false);
                };
                let [m, n] = [arms[0].count() as f64, arms[1].count() as f64];
                let pooled = (control * (m - 1.0) + treatment * (n - 1.0)) / (m + n - 2.0);
                let difference = arms[1].mean().unwrap_or(0.0) - arms[0].mean().unwrap_or(0.0);
                if pooled <= 0.0 {
                    return Ok(false);
                }
                let t = difference / (pooled * (1.0 / m + 1.0 / n)).sqrt();
                let look = test.look(t, arms[0].count() + arms[1].count() - 2, m * n / (m + n))?;
                Ok(look.ln_p.is_at_most(alpha))
            })?
        }
        BetaBinomial(p) => {
            let sequence = BernoulliSequence::new(alpha, 10_000.0, alpha)?;
            let mut counts = BernoulliCounts::default();
            any(horizon, |_| {
                counts.add(chance(bits, p));
                Ok(sequence.evidence(counts, p)?.rejects(alpha))
            })?
        }
        Betting(law) => {
            let (support, top, mean) = bounded(law)?;
            let mut bets = BettingMartingale::new(mean, support, BettingOptions::new(alpha))?;
            any(horizon, |_| Ok(bets.add(law.draw(bits).min(top))?.rejects(alpha)))?
        }
        EmpiricalBernstein(law) => {
            let (support, top, mean) = bounded(law)?;
            let per_value = law.variance()? / (support.high() - support.low()).powi(2);
            let mut sequence = EmpiricalBernsteinSequence::new(alpha, support, horizon as f64 * per_value)?;
            any(horizon, |_| {
                sequence.add(law.draw(bits).min(top))?;
                Ok(!sequence.interval()?.contains(mean))
            })?
        }
        Predictable(law) => {
            let (support, top, mean) = bounded(law)?;
            let mut sequence = PredictableBernstein::new(alpha, support, 0.5)?;
            any(horizon, |_| {
                sequence.add(law.draw(bits).min(top))?;
                Ok(!sequence.interval().contains(mean))
            })?
        }
        Hoeffding(law) => {
            let (support, top, mean) = bounded(law)?;
            let mut sequence = HoeffdingSequence::new(alpha, support, horizon as f64)?;
            any(horizon, |_| {
                sequence.add(law.draw(bits).min(top))?;
                Ok(!sequence.interval()?.contains(mean))
            })?
        }
        Hedged(law) => {
            let (support, top, mean) = bounded(law)?;
            let mut sequence = HedgedSequence::new(alpha, support, 100)?;
            // The running intersection, as it is reported.
            let mut running = RunningLevel::new(alpha);
            any(horizon, |_| {
                sequence.add(law.draw(bits).min(top))?;
                running.add(&sequence.interval());
                Ok(running.interval().is_none_or(|interval| !interval.contains(mean)))
            })?
        }
        Quantile(law, q) => quantile(law, q, horizon, bits)?,
        Method::NormalMixture => {
            let mixture = NormalMixture::tuned(1_000.0, alpha, Sides::Two)?;
            evidence(&mixture, alpha, horizon, || normal(bits))?
        }
        Method::Stitching => {
            let boundary = PolyStitching::new(10.0, 0.0)?;
            let mut sum = 0.0;
            any(horizon, |count| {
                sum += normal(bits);
                Ok(sum >= boundary.bound(count as f64, alpha)?)
            })?
        }
        Method::GammaExponential => {
            let mixture = GammaExponentialMixture::tuned(1_000.0, 1.0, alpha)?;
            evidence(&mixture, alpha, horizon, || Law::Exponential.draw(bits) - 1.0)?
        }
        Method::GammaPoisson => {
            let mixture = GammaPoissonMixture::tuned(1_000.0, 1.0, alpha)?;
            let law = Poisson::new(1.0).ok();
            evidence(&mixture, alpha, horizon, || law.map_or(0.0, |law| law.sample(bits) - 1.0))?
        }
        Method::QuantileAb(law, q) => {
            let test = QuantileAb::new(Probability::new(q)?, horizon as f64 / 2.0, alpha)?;
            let mut arms = [Vec::new(), Vec::new()];
            any(horizon, |count| {
                let (value, arm) = (law.draw(bits), &mut arms[usize::from(chance(bits, 0.5))]);
                arm.insert(arm.partition_point(|other| *other < value), value);
                Ok(count % 50 == 0 && test.evidence(&arms[0], &arms[1])?.rejects(alpha))
            })?
        }
        Srm(shares) => {
            let mut sequence = SrmSequence::new(Shares::new(shares)?);
            any(horizon, |_| {
                let mut place = uniform(bits);
                let arm = shares.iter().position(|share| {
                    place -= share;
                    place < 0.0
                });
                let mut counts = vec![0; shares.len()];
                counts[arm.unwrap_or(0)] = 1;
                sequence.add(&counts)?;
                Ok(sequence.ln_p().is_at_most(alpha))
            })?
        }
    };
    Ok(vec![f64::from(erred)])
}

/// The sequence excludes the quantile when the share of values at most it is too far from its level.
fn quantile(law: Law, q: f64, horizon: u64, bits: &mut Bits) -> Result<bool, StatsError> {
    let Law::LogNormal { sigma } = law else { return Ok(false) };
    let truth = (sigma * expt::stats::special::normal_quantile(q)?).exp();
    let (alpha, level) = (Alpha::new(ALPHA)?, Probability::new(q)?);
    let sequence = QuantileSequence::new(level, alpha, horizon as f64)?;
    let mut below = 0_u64;
    any(horizon, |count| {
        below += u64::from(law.draw(bits) <= truth);
        let ranks = sequence.ranks(count);
        // Excluded if the value of the lower rank lies above the truth, or that of the upper rank at or below it.
        let too_high = ranks.lower.is_some_and(|rank| below < rank);
        let too_low = ranks.upper.is_some_and(|rank| below >= rank);
        Ok(too_high || too_low)
    })
}

/// Looks at sums of values of variance 1, whose intrinsic time is their number.
fn evidence(
    mixture: &impl Mixture,
    alpha: Alpha,
    horizon: u64,
    mut draw: impl FnMut() -> f64,
) -> Result<bool, StatsError> {
    let mut sum = 0.0;
    any(horizon, |count| {
        sum += draw();
        Ok(mixture.evidence(sum, count as f64)?.rejects(alpha))
    })
}

/// The range of a bounded law, where it is cut, and its mean.
fn bounded(law: Law) -> Result<(Support, f64, f64), StatsError> {
    let top = law.cap()?.unwrap_or(1.0);
    Ok((Support::new(0.0, top)?, top, law.mean()?))
}

/// Tells whether a look errs, counting looks from one.
fn any(looks: u64, mut look: impl FnMut(u64) -> Result<bool, StatsError>) -> Result<bool, StatsError> {
    for number in 1..=looks {
        if look(number)? {
            return Ok(true);
        }
    }
    Ok(false)
}

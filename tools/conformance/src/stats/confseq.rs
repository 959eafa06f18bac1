//! Cases of the family `confseq`.

use expt::stats::sequential::{
    BernoulliCounts, BernoulliSequence, BetaBinomialMixture, BettingMartingale, BettingOptions,
    DoubleStitching, EmpiricalBernsteinSequence, EmpiricalProcessBound, GammaExponentialMixture,
    GammaPoissonMixture, HedgedSequence, HoeffdingSequence, LevelInterval, Mixture, NormalMixture,
    PolyStitching, PredictableBernstein, PredictableHoeffding, QuantileAb, RunningLevel, Sides, Support,
    UniformBoundary,
};
use expt::stats::{Alpha, Probability, StatsError};
use serde_json::{Value, json};

use super::case::{Answer, Fault, Input, number, numbers};

pub(super) fn answer(function: &str, input: &Input<'_>) -> Answer {
    if let Some(name) = function.strip_suffix("_mixture_bound") {
        return bounds(mixture(name, input)?.as_ref(), input);
    }
    if let Some(name) = function.strip_suffix("_log_mixture") {
        let evidence = mixture(name, input)?.evidence(input.get("s")?, input.get("v")?)?;
        return Ok(json!({ "ln_m": number(evidence.ln()) }));
    }
    let alpha = || -> Result<Alpha, Fault> { Ok(Alpha::new(input.get("alpha")?)?) };
    match function {
        "poly_stitching_bound" => {
            let bound = PolyStitching::new(input.get("v_min")?, input.find("c")?.unwrap_or(0.0))?
                .with_epochs(input.find("s")?.unwrap_or(1.4), input.find("eta")?.unwrap_or(2.0))?;
            bounds(&bound, input)
        }
        "double_stitching_bound" => {
            let bound = DoubleStitching::new(input.get("t_opt")?)?.with_grid(
                input.find("delta")?.unwrap_or(0.5),
                input.find("s")?.unwrap_or(1.4),
                input.find("eta")?.unwrap_or(2.0),
            )?;
            Ok(json!({ "bound": number(bound.bound(input.get("quantile_p")?, input.get("t")?, alpha()?)?) }))
        }
        "empirical_process_lil_bound" => {
            let a = input.find("a")?.unwrap_or(0.85);
            let bound = EmpiricalProcessBound::new(alpha()?, input.get("t_min")?, a)?.at(input.get("t")?)?;
            Ok(json!({ "bound": number(bound.unwrap_or(f64::INFINITY)) }))
        }
        "bernoulli_cs" => {
            let sequence = BernoulliSequence::new(alpha()?, input.get("t_opt")?, tuned_for(input)?)?;
            let counts = BernoulliCounts::new(input.get("successes")?, input.get("n")?)?;
            let interval = sequence.interval(counts);
            Ok(json!({ "lo": lower(&interval), "hi": upper(&interval) }))
        }
        "quantile_ab_p_value" => {
            let p = Probability::new(input.get("quantile_p")?)?;
            let test = QuantileAb::new(p, input.get("t_opt")?, tuned_for(input)?)?;
            let evidence = test.evidence(&sorted(input, "a")?, &sorted(input, "b")?)?;
            Ok(json!({ "p": number(evidence.to_p().p()) }))
        }
        "betting_martingale" => martingales(alpha()?, input),
        _ => sequence(function, alpha()?, input),
    }
}

/// A confidence sequence for the mean of values in the unit interval, read at some of them.
fn sequence(function: &str, alpha: Alpha, input: &Input<'_>) -> Answer {
    match function {
        "hoeffding_normal_mixture_cs" => {
            let mut state = HoeffdingSequence::new(alpha, Support::UNIT, input.get("t_opt")?)?;
            follow(alpha, input, |x| state.add(x).and_then(|()| state.interval()))
        }
        "empirical_bernstein_gamma_exp_cs" => {
            // The producer halves alpha twice.
            let mut state =
                EmpiricalBernsteinSequence::new(alpha.split(2), Support::UNIT, input.get("v_opt")?)?;
            follow(alpha, input, |x| state.add(x).and_then(|()| state.interval()))
        }
        "predictable_mixture_empirical_bernstein_cs" => {
            let truncation = input.find("truncation")?.unwrap_or(0.5);
            let mut state = PredictableBernstein::new(alpha, Support::UNIT, truncation)?;
            follow(alpha, input, |x| state.add(x).map(|()| state.interval()))
        }
        "predictable_mixture_hoeffding_cs" => {
            let mut state = PredictableHoeffding::new(alpha, Support::UNIT);
            follow(alpha, input, |x| state.add(x).map(|()| state.interval()))
        }
        "hedged_betting_cs" => {
            let mut state = HedgedSequence::with_options(
                alpha,
                Support::UNIT,
                input.find("breaks")?.unwrap_or(1000),
                options(alpha, input)?,
            )?;
            follow(alpha, input, |x| state.add(x).map(|()| state.interval()))
        }
        _ => Err(Fault::Unknown),
    }
}

fn follow(
    alpha: Alpha,
    input: &Input<'_>,
    mut add: impl FnMut(f64) -> Result<LevelInterval, StatsError>,
) -> Answer {
    let (values, at): (Vec<f64>, Vec<usize>) = (input.get("x")?, input.get("at")?);
    let intersect: bool = input.find("running_intersection")?.unwrap_or(false);
    let mut running = RunningLevel::new(alpha);
    let mut path = Vec::with_capacity(values.len());
    for x in values {
        let now = add(x)?;
        running.add(&now);
        path.push(if intersect { (running.lower(), running.upper()) } else { (now.lower(), now.upper()) });
    }
    let read = |index: &usize| {
        let look = index.checked_sub(1).and_then(|index| path.get(index));
        look.ok_or_else(|| Fault::Shape(format!("there is no value number {index}")))
    };
    let looks = at.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    Ok(json!({
        "lo": numbers(looks.iter().map(|look| look.0.unwrap_or(f64::NEG_INFINITY))),
        "hi": numbers(looks.iter().map(|look| look.1.unwrap_or(f64::INFINITY))),
    }))
}

fn martingales(alpha: Alpha, input: &Input<'_>) -> Answer {
    let (values, at): (Vec<f64>, Vec<usize>) = (input.get("x")?, input.get("at")?);
    let mut rows = Vec::new();
    for m in input.get::<Vec<f64>>("m")? {
        let mut bets = BettingMartingale::new(m, Support::UNIT, options(alpha, input)?)?;
        let path = values.iter().map(|x| Ok(bets.add(*x)?.ln())).collect::<Result<Vec<f64>, Fault>>()?;
        rows.push(numbers(at.iter().filter_map(|index| path.get(index.checked_sub(1)?).copied())));
    }
    Ok(json!({ "ln_m": rows }))
}

fn options(alpha: Alpha, input: &Input<'_>) -> Result<BettingOptions, Fault> {
    Ok(BettingOptions::new(alpha)
        .with_theta(input.find("theta")?.unwrap_or(0.5))
        .with_truncation(input.find("trunc_scale")?.unwrap_or(0.5)))
}

fn mixture(name: &str, input: &Input<'_>) -> Result<Box<dyn Mixture>, Fault> {
    let (v_opt, alpha_opt) = (input.get("v_opt")?, tuned_for(input)?);
    let sides = || -> Result<Sides, Fault> {
        Ok(if input.find("one_sided")?.unwrap_or(true) { Sides::One } else { Sides::Two })
    };
    Ok(match name {
        "normal" => Box::new(NormalMixture::tuned(v_opt, alpha_opt, sides()?)?),
        "gamma_exponential" => Box::new(GammaExponentialMixture::tuned(v_opt, input.get("c")?, alpha_opt)?),
        "gamma_poisson" => Box::new(GammaPoissonMixture::tuned(v_opt, input.get("c")?, alpha_opt)?),
        "beta_binomial" => {
            let (g, h) = (input.get("g")?, input.get("h")?);
            Box::new(BetaBinomialMixture::tuned(v_opt, g, h, alpha_opt, sides()?)?)
        }
        _ => return Err(Fault::Unknown),
    })
}

fn bounds<B: UniformBoundary + ?Sized>(boundary: &B, input: &Input<'_>) -> Answer {
    let alpha = Alpha::new(input.get("alpha")?)?;
    let at = |v: f64| Ok(boundary.bound(v, alpha)?);
    Ok(match input.get::<Value>("v")? {
        Value::Array(_) => {
            let bounds =
                input.get::<Vec<f64>>("v")?.into_iter().map(at).collect::<Result<Vec<f64>, Fault>>()?;
            json!({ "bound": numbers(bounds) })
        }
        _ => json!({ "bound": number(at(input.get("v")?)?) }),
    })
}

fn tuned_for(input: &Input<'_>) -> Result<Alpha, Fault> {
    Ok(Alpha::new(input.find("alpha_opt")?.unwrap_or(0.05))?)
}

fn sorted(input: &Input<'_>, name: &str) -> Result<Vec<f64>, Fault> {
    let mut values: Vec<f64> = input.get(name)?;
    values.sort_by(f64::total_cmp);
    Ok(values)
}

fn lower(interval: &LevelInterval) -> Value {
    number(interval.lower().unwrap_or(f64::NEG_INFINITY))
}

fn upper(interval: &LevelInterval) -> Value {
    number(interval.upper().unwrap_or(f64::INFINITY))
}

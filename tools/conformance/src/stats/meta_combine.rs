//! Cases of the family `meta_combine`.

use expt::stats::meta::{
    Heterogeneity, MetaAnalysis, MetaInterval, PCombination, Study, combine_p_values, stouffer,
};
use expt::stats::{Alpha, LnP, StatsError};
use serde_json::{Value, json};

use super::case::{Answer, Fault, Input, number};

pub(super) fn answer(function: &str, input: &Input<'_>) -> Answer {
    match function {
        "combine_p" => combine_p(input),
        "meta" => meta(input),
        _ => Err(Fault::Unknown),
    }
}

fn combine_p(input: &Input<'_>) -> Answer {
    let p: Vec<f64> = input.get("p")?;
    let p = p.into_iter().map(LnP::from_p).collect::<Result<Vec<LnP>, StatsError>>()?;
    let rule = match input.get::<String>("method")?.as_str() {
        "fisher" => PCombination::Fisher,
        "pearson" => PCombination::Pearson,
        "tippett" => PCombination::Tippett,
        "stouffer" => PCombination::Stouffer,
        "mudholkar_george" => PCombination::MudholkarGeorge,
        "cauchy" => PCombination::Cauchy,
        "harmonic" | "harmonic_mean" => PCombination::HarmonicMean,
        other => return Err(Fault::Shape(format!("method {other:?}"))),
    };
    let got = match input.find::<Vec<f64>>("weights")? {
        Some(weights) if rule == PCombination::Stouffer => stouffer(&p, &weights)?,
        _ => combine_p_values(&p, rule)?,
    };
    Ok(json!({ "stat": boundless(got.statistic), "p": got.ln_p.p(), "ln_p": got.ln_p.get() }))
}

fn meta(input: &Input<'_>) -> Answer {
    let (effects, variances): (Vec<f64>, Vec<f64>) = (input.get("effect")?, input.get("var")?);
    if effects.len() != variances.len() {
        return Err(Fault::Shape("as many effects as variances".into()));
    }
    let studies: Vec<Study> =
        effects.into_iter().zip(variances).map(|(effect, variance)| Study { effect, variance }).collect();
    let alpha = Alpha::new(1.0 - input.find("conf")?.unwrap_or(0.95))?;
    let mut analysis = MetaAnalysis::new(alpha);
    if input.find::<String>("method")?.is_some_and(|name| name == "pm" || name == "paule_mandel") {
        analysis = analysis.with_heterogeneity(Heterogeneity::PauleMandel);
    }
    if input.find::<bool>("hksj")? == Some(true) {
        analysis = analysis.with_interval(MetaInterval::HartungKnapp);
    }
    let got = analysis.combine(&studies)?;
    Ok(json!({
        "fixed": got.fixed.estimate,
        "fixed_se": got.fixed.standard_error,
        "fixed_lo": got.fixed.interval.lower,
        "fixed_hi": got.fixed.interval.upper,
        "random": got.random.estimate,
        "random_se": got.random.standard_error,
        "random_lo": got.random.interval.lower,
        "random_hi": got.random.interval.upper,
        "q": got.q,
        "i2": got.i2,
        "tau2": got.tau2,
    }))
}

/// The library keeps statistics finite: the greatest double stands for infinity.
fn boundless(value: f64) -> Value {
    number(if value.abs() >= f64::MAX { value.signum() * f64::INFINITY } else { value })
}

//! Cases of the family `bayes`.

use expt::stats::bayes::{
    BetaPosterior, EffectPrior, EffectScale, Posterior, compare, effect_outcome, effect_posterior,
};
use expt::stats::{Alpha, ArmEstimate, Moments};
use serde_json::json;

use super::case::{Answer, Fault, Input, numbers};

pub(super) fn answer(function: &str, input: &Input<'_>) -> Answer {
    match function {
        "beta_binomial" => beta_binomial(input),
        "normal_effect" => normal_effect(input),
        _ => Err(Fault::Unknown),
    }
}

fn beta_binomial(input: &Input<'_>) -> Answer {
    let prior = BetaPosterior::new(input.get("prior_alpha")?, input.get("prior_beta")?)?;
    let arm = |events: &str, count: &str| -> Result<BetaPosterior, Fault> {
        Ok(prior.updated(input.get(events)?, input.get(count)?)?)
    };
    let (a, b) = (arm("x_a", "n_a")?, arm("x_b", "n_b")?);
    let alpha = alpha(input)?;
    let got = compare(&a, &b)?;
    let interval = |arm: &BetaPosterior| numbers(<[f64; 2]>::from(arm.credible_interval(alpha)));
    Ok(json!({
        "p_b_gt_a": got.treatment_better,
        "loss_choose_a": got.loss_control,
        "loss_choose_b": got.loss_treatment,
        "mean_a": a.mean(),
        "mean_b": b.mean(),
        "cred_a": interval(&a),
        "cred_b": interval(&b),
    }))
}

fn normal_effect(input: &Input<'_>) -> Answer {
    let arm = |count: &str, mean: &str, variance: &str| -> Result<ArmEstimate, Fault> {
        let moments = Moments::from_summary(input.get(count)?, input.get(mean)?, input.get(variance)?)?;
        Ok(ArmEstimate::mean(&moments)?)
    };
    let (a, b) = (arm("n_a", "mean_a", "var_a")?, arm("n_b", "mean_b", "var_b")?);
    let scale = |name: &str| -> Result<EffectScale, Fault> {
        match input.find::<String>(name)?.as_deref() {
            Some("relative") => Ok(EffectScale::Relative),
            None | Some("absolute") => Ok(EffectScale::Absolute),
            Some(other) => Err(Fault::Shape(format!("{name} {other:?}"))),
        }
    };
    let prior = if input.find::<bool>("prior_proper")? == Some(true) {
        let (mean, variance) = (input.get("prior_mean")?, input.get("prior_var")?);
        Some(EffectPrior::new(mean, variance, scale("prior_scale")?)?)
    } else {
        None
    };
    let effect = effect_posterior(&a, &b, scale("difference")?, prior)?;
    let outcome = effect_outcome(&effect);
    let (lo, hi) = effect.credible_interval(alpha(input)?);
    Ok(json!({
        "chance_to_win": outcome.treatment_better,
        "est": effect.mean(),
        "lo": lo,
        "hi": hi,
        "risk_control": outcome.loss_control,
        "risk_treatment": outcome.loss_treatment,
        "sd": effect.standard_deviation(),
    }))
}

fn alpha(input: &Input<'_>) -> Result<Alpha, Fault> {
    Ok(Alpha::new(1.0 - input.find::<f64>("conf")?.unwrap_or(0.95))?)
}

//! Cases of the family `always_valid`.

use expt::stats::sequential::{AnytimeT, AsymptoticBoundary, EValue, Msprt, Radius};
use expt::stats::{Alpha, ArmEstimate, EffectState, Moments};
use serde_json::json;

use super::case::{Answer, Fault, Input, number};

pub(super) fn answer(function: &str, input: &Input<'_>) -> Answer {
    let alpha = Alpha::new(input.find("alpha")?.unwrap_or(0.05))?;
    match function {
        "asymptotic_cs_two_sample" => two_sample(alpha, input),
        "msprt_normal" => {
            let test = Msprt::new(alpha, input.get("tau2")?, input.get("theta0")?)?;
            let look = test.look(input.get("n")?, input.get("mean")?, input.get("var")?)?;
            Ok(json!({
                "ln_lambda": number(look.evidence.ln()),
                "p": number(look.ln_p.p()),
                "lo": number(look.interval.lower.unwrap_or(f64::NEG_INFINITY)),
                "hi": number(look.interval.upper.unwrap_or(f64::INFINITY)),
            }))
        }
        "anytime_t" => {
            let t: f64 = input.get("t2")?;
            let look = AnytimeT::new(alpha, input.get("phi")?)?.look(
                t.sqrt(),
                input.get("nu")?,
                input.get("z2")?,
            )?;
            let radius = match look.radius {
                Radius::Finite { standard_errors } => standard_errors,
                Radius::WholeLine => f64::INFINITY,
            };
            Ok(json!({
                "ln_e": number(look.evidence.ln()),
                "p": number(look.ln_p.p()),
                "radius_in_se": number(radius),
            }))
        }
        _ => Err(Fault::Unknown),
    }
}

fn two_sample(alpha: Alpha, input: &Input<'_>) -> Answer {
    let arm = |count: &str, mean: &str, variance: &str| -> Result<ArmEstimate, Fault> {
        let moments = Moments::from_summary(input.get(count)?, input.get(mean)?, input.get(variance)?)?;
        Ok(ArmEstimate::mean(&moments)?)
    };
    let (a, b) = (arm("n_a", "mean_a", "var_a")?, arm("n_b", "mean_b", "var_b")?);
    let state = EffectState::from_arms(a, b, 0.0)?;
    let (estimate, variance) = match input.get::<String>("difference")?.as_str() {
        "absolute" => (state.estimate(), state.variance()),
        "relative" => state.relative()?,
        other => return Err(Fault::Shape(format!("input \"difference\": {other}"))),
    };
    let boundary = AsymptoticBoundary::new(alpha, input.get("tuning")?)?.at(state.units());
    let error = variance.sqrt();
    let evidence = EValue::from_ln(boundary.ln_e(estimate / error))?;
    Ok(json!({
        "est": number(estimate),
        "lo": number(estimate - error * boundary.reach()),
        "hi": number(estimate + error * boundary.reach()),
        "ln_e": number(evidence.ln()),
        "p": number(evidence.to_p().p()),
    }))
}

//! Cases of the family `multiple_testing`.

use expt::stats::multiple::{Corrected, NullShare, TwoStage, e_bh, storey, weighted_bh};
use expt::stats::{Alpha, Correction};
use serde_json::json;

use super::case::{Answer, Fault, Input, numbers};

pub(super) fn answer(function: &str, input: &Input<'_>) -> Answer {
    match function {
        "adjust" => adjust(input),
        "reject_only" => {
            let p: Vec<f64> = input.get("p")?;
            let found = two_stage(&input.get::<String>("method")?)?.correct(&p, alpha(input)?)?;
            Ok(json!({"adj": numbers(found.adjusted), "reject": found.rejected}))
        }
        "adjust_weighted_bh" => {
            let (p, weights): (Vec<f64>, Vec<f64>) = (input.get("p")?, input.get("weights")?);
            corrected(weighted_bh(&p, &weights)?, input)
        }
        "e_bh" => {
            let e: Vec<f64> = input.get("e")?;
            let ln_e: Vec<f64> = e.iter().map(|e| e.ln()).collect();
            let found = e_bh(&ln_e, alpha(input)?)?;
            Ok(json!({"reject": found.rejected, "k": found.count}))
        }
        "storey_q" => q_values(input, &NullShare::At(input.get("lambda")?)),
        "storey_q_smoother" => q_values(input, &NullShare::smoother()),
        "storey_q_bootstrap" => q_values(input, &NullShare::bootstrap()),
        _ => Err(Fault::Unknown),
    }
}

fn adjust(input: &Input<'_>) -> Answer {
    let method: String = input.get("method")?;
    let p: Vec<f64> = input.get("p")?;
    let correction = match method.as_str() {
        "bonferroni" => Correction::Bonferroni,
        "sidak" => Correction::Sidak,
        "holm" => Correction::Holm,
        "holm_sidak" => Correction::HolmSidak,
        "hochberg" | "simes_hochberg" => Correction::Hochberg,
        "hommel" => Correction::Hommel,
        "bh" | "fdr_bh" => Correction::BenjaminiHochberg,
        "by" | "fdr_by" => Correction::BenjaminiYekutieli,
        other => {
            let found = two_stage(other)?.correct(&p, alpha(input)?)?;
            return Ok(json!({"adj": numbers(found.adjusted), "reject": found.rejected}));
        }
    };
    corrected(correction.correct(&p)?, input)
}

fn two_stage(method: &str) -> Result<TwoStage, Fault> {
    match method {
        "two_stage_bh_2006_bky" | "two_stage_bky" | "bky" | "fdr_tsbky" => Ok(TwoStage::Bky),
        "two_stage_bh" | "fdr_tsbh" => Ok(TwoStage::Bh),
        other => Err(Fault::Shape(format!("there is no method {other:?}"))),
    }
}

fn corrected(found: Corrected<f64>, input: &Input<'_>) -> Answer {
    let rejected = found.rejected(alpha(input)?);
    Ok(json!({"adj": numbers(found.adjusted), "reject": rejected}))
}

fn q_values(input: &Input<'_>, null_share: &NullShare) -> Answer {
    let p: Vec<f64> = input.get("p")?;
    let found = storey(&p, null_share)?;
    let first: Vec<f64> = found.q.iter().copied().take(100).collect();
    Ok(json!({"pi0": found.pi0, "q": numbers(found.q), "q_first_100": numbers(first)}))
}

fn alpha(input: &Input<'_>) -> Result<Alpha, Fault> {
    Ok(Alpha::new(input.get("alpha")?)?)
}

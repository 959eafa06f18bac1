//! Cases of the family `evalues`.

use expt::stats::LnP;
use expt::stats::sequential::{Calibrator, EValue};
use serde_json::json;

use super::case::{Answer, Fault, Input, number};

pub(super) fn answer(function: &str, input: &Input<'_>) -> Answer {
    match function {
        "p_to_e" => {
            let calibrator = match input.find::<String>("kind")?.as_deref() {
                Some("kappa") => Calibrator::Kappa { kappa: input.get("kappa")? },
                Some("mixture") => Calibrator::Mixture,
                Some("shafer") => Calibrator::Shafer,
                _ => return Err(Fault::Unknown),
            };
            let e = calibrator.calibrate(LnP::from_p(input.number("p")?)?)?;
            Ok(json!({ "e": number(e.value()), "ln_e": number(e.ln()) }))
        }
        "e_to_p" => {
            let p = EValue::from_value(input.number("e")?)?.to_p();
            Ok(json!({ "p": number(p.p()), "ln_p": number(p.get()) }))
        }
        "merge" => {
            let values: Vec<f64> = input.get("e")?;
            let values = values.into_iter().map(EValue::from_value).collect::<Result<Vec<_>, _>>()?;
            let merged = match (input.get::<String>("method")?.as_str(), input.find::<Vec<f64>>("weights")?) {
                ("mean", None) => EValue::mean(&values)?,
                ("mean", Some(weights)) => EValue::weighted_mean(&values, &weights)?,
                ("product", None) => EValue::product(&values),
                _ => return Err(Fault::Unknown),
            };
            Ok(json!({ "e": number(merged.value()) }))
        }
        // `e_lond` is online testing over many hypotheses: it is answered from `expt::stats::online` once that exists.
        _ => Err(Fault::Unknown),
    }
}

//! Cases of the family `cuped`.

use expt::stats::fixed::{Cuped, CupedAdjusted, CupedRatio, CupedRatioState, CupedState, JointMoments};
use serde_json::json;

use super::case::{Answer, Fault, Input, extended};
use super::ratio_delta::{Aggregates, comparison, lift, test};

pub(super) fn answer(function: &str, input: &Input<'_>) -> Answer {
    match function {
        "cuped_mean" => {
            let arm = |name: &str| -> Result<CupedState, Fault> {
                Ok(CupedState::from_joint(joint(&input.get(name)?, &["y", "x"])?, 0)?)
            };
            result(input, &Cuped::default().adjust(&arm("a")?, &arm("b")?)?)
        }
        "cuped_ratio" => {
            let arm = |name: &str| -> Result<CupedRatioState, Fault> {
                Ok(CupedRatioState::from_joint(joint(&input.get(name)?, &["y", "w", "py", "pw"])?, 0)?)
            };
            result(input, &CupedRatio::default().adjust(&arm("a")?, &arm("b")?)?)
        }
        _ => Err(Fault::Unknown),
    }
}

fn joint(arm: &Aggregates, names: &[&str]) -> Result<JointMoments, Fault> {
    let mean = names.iter().map(|name| arm.mean(name)).collect::<Result<Vec<_>, _>>()?;
    let row =
        |one: &&str| names.iter().map(|other| arm.covariance(one, other)).collect::<Result<Vec<_>, _>>();
    let covariance = names.iter().map(row).collect::<Result<Vec<_>, _>>()?;
    let rows: Vec<&[f64]> = covariance.iter().map(Vec::as_slice).collect();
    Ok(JointMoments::from_summary(arm.n, &mean, &rows)?)
}

fn result(input: &Input<'_>, adjusted: &CupedAdjusted) -> Answer {
    let test = adjusted.test(&test(input)?).tested()?;
    let lift = adjusted.lift(&lift(input)?);
    let outputs = comparison(&adjusted.control, &adjusted.treatment, &test, &lift);
    Ok(extended(outputs, json!({ "theta": adjusted.theta.first() })))
}

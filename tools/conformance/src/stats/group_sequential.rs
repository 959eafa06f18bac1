//! Cases of the family `group_sequential`.

use expt::stats::Alpha;
use expt::stats::sequential::{Efficacy, GroupPlan};
use serde_json::json;

use super::alpha_spending::{sides, spending};
use super::case::{Answer, Fault, Input, number, numbers};

pub(super) fn answer(function: &str, input: &Input<'_>) -> Answer {
    let (alpha, efficacy) = (Alpha::new(input.get("alpha")?)?, efficacy(input)?);
    match function {
        "boundary" => {
            let information: Vec<f64> = input.get("info")?;
            let design = GroupPlan::new(alpha, &information, efficacy).with_sides(sides(input)?).design()?;
            let looks = design.looks();
            Ok(json!({
                "crit": numbers(looks.iter().map(|look| look.efficacy.unwrap_or(f64::INFINITY))),
                "alpha_spent": numbers(looks.iter().map(|look| look.alpha_spent)),
                "stage_level": numbers(looks.iter().map(|look| look.stage_level)),
            }))
        }
        "constant" => {
            let plan = GroupPlan::equally_spaced(alpha, input.get("K")?, efficacy).with_sides(sides(input)?);
            let last = plan.design()?.looks().last().and_then(|look| look.efficacy);
            Ok(json!({ "c": number(last.unwrap_or(f64::INFINITY)) }))
        }
        _ => Err(Fault::Unknown),
    }
}

/// Why an expected boundary contradicts itself: by the definition of the family it spends alpha, and this one spends
/// something else. Some that the producer marks as numerically doubtful do.
pub(super) fn refutation(function: &str, input: &Input<'_>, expected: &Input<'_>) -> Option<String> {
    let spent = || -> Result<(f64, f64), Fault> {
        let alpha = Alpha::new(input.get("alpha")?)?;
        let (information, bounds): (Vec<f64>, Vec<f64>) = (input.get("info")?, expected.get("crit")?);
        let efficacy = Efficacy::Bounds { z: bounds.into_iter().map(Some).collect() };
        let design = GroupPlan::new(alpha, &information, efficacy).with_sides(sides(input)?).design()?;
        let spent = design.looks().last().map_or(0.0, |look| look.alpha_spent);
        Ok((alpha.get(), spent))
    };
    let (alpha, spent) = (function == "boundary").then(spent)?.ok()?;
    let is_wrong = (spent / alpha - 1.0).abs() > LEAST_CONTRADICTION;
    is_wrong.then(|| format!("the expected boundary spends {spent:.6}, and should spend {alpha}"))
}

fn efficacy(input: &Input<'_>) -> Result<Efficacy, Fault> {
    let kind: String = input.get("type")?;
    if let Some(function) = spending(&kind, input)? {
        return Ok(Efficacy::Spending { function });
    }
    match kind.as_str() {
        "obrien_fleming" => Ok(Efficacy::ObrienFleming),
        "pocock" => Ok(Efficacy::Pocock),
        "wang_tsiatis" => Ok(Efficacy::WangTsiatis { delta: input.get("delta")? }),
        "haybittle_peto" => {
            let early = input.find("early")?.or(input.find("bound")?).unwrap_or(3.0);
            Ok(Efficacy::HaybittlePeto { early })
        }
        "user" => Ok(Efficacy::Spends { cumulative: input.get("spending")? }),
        _ => Err(Fault::Unknown),
    }
}

/// Ten times what rounding a boundary to the tolerance of the family can do.
const LEAST_CONTRADICTION: f64 = 0.004;

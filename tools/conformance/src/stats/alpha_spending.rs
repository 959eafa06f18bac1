//! Cases of the family `alpha_spending`.

use expt::stats::Alpha;
use expt::stats::sequential::{Sides, Spending};
use serde_json::json;

use super::case::{Answer, Fault, Input, number};

pub(super) fn answer(function: &str, input: &Input<'_>) -> Answer {
    if function != "spend" {
        return Err(Fault::Unknown);
    }
    let kind: String = input.get("kind")?;
    let spending = spending(&kind, input)?.ok_or(Fault::Unknown)?;
    let spent = spending.spent(Alpha::new(input.get("alpha")?)?, input.number("t")?, sides(input)?)?;
    Ok(json!({ "spent": number(spent) }))
}

/// The spending function of that name, if there is one.
pub(super) fn spending(kind: &str, input: &Input<'_>) -> Result<Option<Spending>, Fault> {
    Ok(Some(match kind {
        "lan_demets_obf" => Spending::LanDeMetsObrienFleming,
        "lan_demets_pocock" => Spending::LanDeMetsPocock,
        "hwang_shih_decani" => Spending::HwangShihDeCani { gamma: input.get("gamma")? },
        "kim_demets" => Spending::KimDeMets {
            rho: input.find("gamma")?.or(input.find("rho")?).map_or_else(|| input.get("rho"), Ok)?,
        },
        _ => return Ok(None),
    }))
}

pub(super) fn sides(input: &Input<'_>) -> Result<Sides, Fault> {
    match input.find::<u32>("sided")? {
        Some(2) => Ok(Sides::Two),
        Some(1) | None => Ok(Sides::One),
        Some(other) => Err(Fault::Shape(format!("input \"sided\": {other}"))),
    }
}

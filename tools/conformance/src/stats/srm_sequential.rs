//! Cases of the family `srm_sequential`.

use expt::stats::srm::{Shares, SrmPrior, SrmSequence};
use serde_json::json;

use super::case::{Answer, Fault, Input, numbers};

pub(super) fn answer(function: &str, input: &Input<'_>) -> Answer {
    if function != "multinomial_srm" {
        return Err(Fault::Unknown);
    }
    let shares = Shares::new(&input.get::<Vec<f64>>("theta0")?)?;
    let mut sequence = SrmSequence::with_prior(shares, SrmPrior::single(input.get("k")?)?);
    let (mut ln_odds, mut p_running) = (Vec::new(), Vec::new());
    for counts in input.get::<Vec<Vec<u64>>>("increments")? {
        ln_odds.push(sequence.add(&counts)?);
        p_running.push(sequence.ln_p().p());
    }
    Ok(json!({ "ln_odds": numbers(ln_odds), "p_running": numbers(p_running) }))
}

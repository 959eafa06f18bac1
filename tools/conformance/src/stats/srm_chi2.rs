//! Cases of the family `srm_chi2`.

use expt::stats::Alpha;
use expt::stats::srm::{Shares, SrmMethod};
use serde_json::json;

use super::case::{Answer, Fault, Input, number};

pub(super) fn answer(function: &str, input: &Input<'_>) -> Answer {
    let shares = Shares::new(&input.get::<Vec<f64>>("weights")?)?;
    let counts: Vec<u64> = input.get("counts")?;
    let result = match function {
        "srm_chi2" => shares.chi_square(&counts, Alpha::PER_MILLE)?,
        "srm_g_test" => shares.g_test(&counts, Alpha::PER_MILLE)?,
        _ => return Err(Fault::Unknown),
    };
    let (statistic, df) = match result.method {
        SrmMethod::ChiSquare { statistic, df } | SrmMethod::LikelihoodRatio { statistic, df } => {
            (statistic, df)
        }
        _ => return Err(Fault::Unknown),
    };
    let (p, ln_p) = (number(result.ln_p.p()), number(result.ln_p.get()));
    Ok(json!({ "chi2": number(statistic), "g": number(statistic), "df": df, "p": p, "ln_p": ln_p }))
}

//! Cases of the family `rank_tests`.

use expt::stats::Alpha;
use expt::stats::rank::{MannWhitney, Null, Smirnov, Wilcoxon, Zeros, brunner_munzel, kruskal_wallis};
use serde_json::json;

use super::case::{Answer, Fault, Input, number};
use super::quantile::alternative;

pub(super) fn answer(function: &str, input: &Input<'_>) -> Answer {
    match function {
        "mann_whitney" => mann_whitney(input),
        "wilcoxon_signed_rank" => wilcoxon(input),
        "brunner_munzel" => {
            let (a, b) = samples(input)?;
            let got = brunner_munzel(&a, &b, alternative(input)?, Alpha::FIVE_PERCENT)?;
            let test = got.test;
            Ok(json!({
                "stat": test.map(|test| test.statistic),
                "p": test.map(|test| test.ln_p.p()),
                "ln_p": test.map(|test| test.ln_p.get()),
            }))
        }
        "ks_2samp" => {
            let (a, b) = samples(input)?;
            let test = Smirnov::new().with_alternative(alternative(input)?).with_null(null(input)?);
            let got = test.compare(&a, &b)?;
            Ok(json!({ "d": got.distance, "p": got.ln_p.p(), "ln_p": got.ln_p.get() }))
        }
        "kruskal" => {
            let got = kruskal_wallis(&input.get::<Vec<Vec<f64>>>("groups")?)?;
            Ok(json!({ "h": number(got.h), "p": got.ln_p.p(), "ln_p": got.ln_p.get() }))
        }
        _ => Err(Fault::Unknown),
    }
}

fn mann_whitney(input: &Input<'_>) -> Answer {
    let (a, b) = samples(input)?;
    let mut test = MannWhitney::new().with_alternative(alternative(input)?).with_null(null(input)?);
    if input.find("continuity")? == Some(false) {
        test = test.without_continuity();
    }
    let got = test.compare(&a, &b)?;
    let (u_a, u_b) = (got.u_control, got.u_treatment);
    Ok(json!({ "u_a": u_a, "u_b": u_b, "p": got.ln_p.p(), "ln_p": got.ln_p.get() }))
}

fn wilcoxon(input: &Input<'_>) -> Answer {
    let zeros = match input.find::<String>("zero_method")?.as_deref() {
        None | Some("wilcox") => Zeros::Drop,
        Some("pratt") => Zeros::Pratt,
        Some("zsplit") => Zeros::Split,
        Some(other) => return Err(Fault::Shape(format!("zero_method {other:?}"))),
    };
    let mut test =
        Wilcoxon::new().with_alternative(alternative(input)?).with_null(null(input)?).with_zeros(zeros);
    if input.find("correction")? == Some(true) {
        test = test.with_continuity();
    }
    let got = test.compare(&input.get::<Vec<f64>>("d")?)?;
    Ok(json!({
        "w_min": got.w_plus.min(got.w_minus),
        "w_plus": got.w_plus,
        "w_minus": got.w_minus,
        "p": got.ln_p.p(),
        "ln_p": got.ln_p.get(),
    }))
}

fn samples(input: &Input<'_>) -> Result<(Vec<f64>, Vec<f64>), Fault> {
    Ok((input.get("a")?, input.get("b")?))
}

fn null(input: &Input<'_>) -> Result<Null, Fault> {
    match input.find::<String>("method")?.as_deref() {
        None | Some("auto") => Ok(Null::Auto),
        Some("exact") => Ok(Null::Exact),
        Some("asymptotic" | "asymp" | "normal" | "approx") => Ok(Null::Asymptotic),
        Some(other) => Err(Fault::Shape(format!("method {other:?}"))),
    }
}

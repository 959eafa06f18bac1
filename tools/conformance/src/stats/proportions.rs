//! Cases of the family `proportions`.

use expt::stats::fixed::{
    Counts, DifferenceMethod, OddsRatio, OddsRatioMethod, ProportionDifference, ProportionEstimate,
    ProportionMethod, ProportionTest, RateRatio, RateRatioMethod, ZVariance, binomial_test, fisher_exact,
};
use expt::stats::{Interval, Probability};
use serde_json::{Value, json};

use super::case::{Answer, Fault, Input, number};
use super::welch::{alternative, level};

pub(super) fn answer(function: &str, input: &Input<'_>) -> Answer {
    match function {
        "two_proportion_z" => z_test(input),
        "diff_ci" => {
            let (control, treatment) = arms(input)?;
            let got = ProportionDifference::new(&control, &treatment, difference(input)?, level(input)?)?;
            Ok(bounds(&got.interval))
        }
        "ratio_ci" => {
            let (control, treatment) = arms(input)?;
            Ok(bounds(&RateRatio::new(&control, &treatment, ratio(input)?, level(input)?)?.interval))
        }
        "odds_ratio_ci" => {
            let (control, treatment) = arms(input)?;
            Ok(bounds(&OddsRatio::new(&control, &treatment, odds(input)?, level(input)?)?.interval))
        }
        "proportion_ci" => Ok(bounds(
            &ProportionEstimate::new(&counts(input, "x", "n")?, single(input)?, level(input)?)?.interval,
        )),
        "fisher_exact" => {
            let (control, treatment) = arms(input)?;
            let got = fisher_exact(&control, &treatment, alternative(input)?)?;
            Ok(json!({ "p": got.ln_p.p(), "ln_p": got.ln_p.get(), "odds_ratio": got.odds_ratio }))
        }
        "binomial_test" => {
            let null = Probability::new(input.number("p0")?)?;
            let ln_p = binomial_test(&counts(input, "x", "n")?, null, alternative(input)?)?;
            Ok(json!({ "p": ln_p.p(), "ln_p": ln_p.get() }))
        }
        _ => Err(Fault::Unknown),
    }
}

fn counts(input: &Input<'_>, events: &str, count: &str) -> Result<Counts, Fault> {
    Ok(Counts::new(input.count(events)?, input.count(count)?)?)
}

fn arms(input: &Input<'_>) -> Result<(Counts, Counts), Fault> {
    Ok((counts(input, "x_a", "n_a")?, counts(input, "x_b", "n_b")?))
}

fn bounds(interval: &Interval) -> Value {
    json!({
        "ci_lo": number(interval.lower.unwrap_or(f64::NEG_INFINITY)),
        "ci_hi": number(interval.upper.unwrap_or(f64::INFINITY)),
    })
}

fn z_test(input: &Input<'_>) -> Answer {
    let (control, treatment) = arms(input)?;
    let variance = match input.get::<String>("variance")?.as_str() {
        "pooled" => ZVariance::Pooled,
        "unpooled" => ZVariance::Unpooled,
        "score" | "restricted" => ZVariance::Restricted,
        other => return Err(Fault::Shape(format!("there is no variance {other:?}"))),
    };
    let test = ProportionTest::default().with_variance(variance).with_alternative(alternative(input)?);
    let test = test.with_null(input.find("null")?.unwrap_or(0.0))?.compare(&control, &treatment)?.tested()?;
    Ok(json!({
        "diff": test.difference,
        "se": test.standard_error,
        "z": test.statistic,
        "p": test.ln_p.p(),
        "ln_p": test.ln_p.get(),
    }))
}

/// The name of a method with every separator made the same.
fn method(input: &Input<'_>) -> Result<String, Fault> {
    Ok(input.get::<String>("method")?.to_lowercase().replace(['_', ' '], "-"))
}

fn no_method<T>(name: &str) -> Result<T, Fault> {
    Err(Fault::Shape(format!("there is no method {name:?}")))
}

fn single(input: &Input<'_>) -> Result<ProportionMethod, Fault> {
    Ok(match method(input)?.as_str() {
        "wilson" => ProportionMethod::Wilson,
        "agresti-coull" => ProportionMethod::AgrestiCoull,
        "clopper-pearson" | "beta" | "exact" => ProportionMethod::ClopperPearson,
        "jeffreys" => ProportionMethod::Jeffreys,
        "wald" | "normal" => ProportionMethod::Wald,
        other => return no_method(other),
    })
}

fn difference(input: &Input<'_>) -> Result<DifferenceMethod, Fault> {
    Ok(match method(input)?.as_str() {
        "newcombe" | "newcomb" => DifferenceMethod::Newcombe,
        // The producer of the vectors is statsmodels.
        "score" | "miettinen-nurminen" => DifferenceMethod::StatsmodelsScore,
        "mee" => DifferenceMethod::Mee,
        "agresti-caffo" => DifferenceMethod::AgrestiCaffo,
        "wald" => DifferenceMethod::Wald,
        other => return no_method(other),
    })
}

fn ratio(input: &Input<'_>) -> Result<RateRatioMethod, Fault> {
    Ok(match method(input)?.as_str() {
        "score" | "miettinen-nurminen" => RateRatioMethod::MiettinenNurminen,
        "koopman" => RateRatioMethod::Koopman,
        "log" | "katz" => RateRatioMethod::Log,
        "log-adjusted" => RateRatioMethod::LogAdjusted,
        other => return no_method(other),
    })
}

fn odds(input: &Input<'_>) -> Result<OddsRatioMethod, Fault> {
    Ok(match method(input)?.as_str() {
        "score" | "miettinen-nurminen" => OddsRatioMethod::MiettinenNurminen,
        "logit" | "woolf" => OddsRatioMethod::Logit,
        "logit-adjusted" => OddsRatioMethod::LogitAdjusted,
        "logit-smoothed" => OddsRatioMethod::LogitSmoothed,
        other => return no_method(other),
    })
}

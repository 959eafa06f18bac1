//! Cases of the family `welch`.

use expt::stats::fixed::{Equivalence, TOutcome, TResult, TTest};
use expt::stats::{Alpha, Alternative, Moments, PairedMoments};
use serde_json::{Value, json};

use super::case::{Answer, Fault, Input, extended, number};

pub(super) fn answer(function: &str, input: &Input<'_>) -> Answer {
    match function {
        "welch_t" => result(test(input)?.welch(&summary(input, "a")?, &summary(input, "b")?)?),
        "pooled_t" => result(test(input)?.pooled(&summary(input, "a")?, &summary(input, "b")?)?),
        "welch_t_raw" => raw(input),
        "paired_t" => paired(input),
        "one_sample_t" => one_sample(input),
        "tost_welch" => tost(input),
        _ => Err(Fault::Unknown),
    }
}

/// The statistics of one arm, its inputs marked by a suffix.
pub(super) fn summary(input: &Input<'_>, arm: &str) -> Result<Moments, Fault> {
    let (mean, variance) = (input.number(&format!("mean_{arm}"))?, input.number(&format!("var_{arm}"))?);
    Ok(Moments::from_summary(input.count(&format!("n_{arm}"))?, mean, variance)?)
}

pub(super) fn level(input: &Input<'_>) -> Result<Alpha, Fault> {
    Ok(Alpha::new(1.0 - input.find::<f64>("conf")?.unwrap_or(0.95))?)
}

pub(super) fn alternative(input: &Input<'_>) -> Result<Alternative, Fault> {
    match input.find::<String>("alternative")?.as_deref() {
        None | Some("two-sided") => Ok(Alternative::TwoSided),
        Some("greater" | "larger") => Ok(Alternative::Greater),
        Some("less" | "smaller") => Ok(Alternative::Less),
        Some(other) => Err(Fault::Shape(format!("there is no alternative {other:?}"))),
    }
}

fn test(input: &Input<'_>) -> Result<TTest, Fault> {
    let null = input.find("null")?.or(input.find("mu0")?).unwrap_or(0.0);
    Ok(TTest::new(level(input)?).with_alternative(alternative(input)?).with_null(null)?)
}

fn result(outcome: TOutcome) -> Answer {
    Ok(object(&outcome.tested()?))
}

fn object(test: &TResult) -> Value {
    json!({
        "diff": number(test.estimate),
        "se": number(test.standard_error),
        "df": test.df,
        "t": number(test.statistic),
        "p": test.ln_p.p(),
        "ln_p": test.ln_p.get(),
        "ci_lo": number(test.interval.lower.unwrap_or(f64::NEG_INFINITY)),
        "ci_hi": number(test.interval.upper.unwrap_or(f64::INFINITY)),
    })
}

/// Both ways of filling a state must give what is expected, so both are taken and their difference shows.
fn raw(input: &Input<'_>) -> Answer {
    let arm = |name: &str| -> Result<(Moments, Moments), Fault> {
        let values: Vec<f64> = input.get(name)?;
        let mut one_by_one = Moments::default();
        for &value in &values {
            one_by_one.push(value)?;
        }
        let mut merged = Moments::default();
        for chunk in values.chunks(4) {
            merged = merged.merge(&Moments::from_values(chunk)?)?;
        }
        Ok((one_by_one, merged))
    };
    let ((a, a_merged), (b, b_merged)) = (arm("a")?, arm("b")?);
    let answer = |a: &Moments, b: &Moments| -> Answer {
        let moments =
            json!({ "mean_a": a.mean(), "var_a": a.variance(), "mean_b": b.mean(), "var_b": b.variance() });
        Ok(extended(result(test(input)?.welch(a, b)?)?, moments))
    };
    let (pushed, merged) = (answer(&a, &b)?, answer(&a_merged, &b_merged)?);
    let close = |name: &str| {
        let read = |outputs: &Value| outputs.get(name).and_then(Value::as_f64);
        read(&pushed).zip(read(&merged)).is_none_or(|(x, y)| (x - y).abs() <= 1e-10 * x.abs())
    };
    match ["se", "t", "mean_a", "var_a", "mean_b", "var_b"].into_iter().find(|name| !close(name)) {
        Some(name) => Err(Fault::Shape(format!("{name}: one by one {pushed}, merged {merged}"))),
        None => Ok(pushed),
    }
}

fn paired(input: &Input<'_>) -> Answer {
    let (a, b): (Vec<f64>, Vec<f64>) = (input.get("a")?, input.get("b")?);
    if a.len() != b.len() {
        return Err(Fault::Shape("the pairs are not complete".to_owned()));
    }
    let mut pairs = PairedMoments::new(0.0)?;
    for (a, b) in a.into_iter().zip(b) {
        pairs.push(a, b)?;
    }
    result(test(input)?.paired(&pairs)?)
}

fn one_sample(input: &Input<'_>) -> Answer {
    let values: Vec<f64> = input.get("x")?;
    result(test(input)?.one_sample(&Moments::from_values(&values)?)?)
}

fn tost(input: &Input<'_>) -> Answer {
    let test = Equivalence::new(input.number("low")?, input.number("high")?, Alpha::FIVE_PERCENT)?;
    let test = test.welch(&summary(input, "a")?, &summary(input, "b")?)?;
    Ok(json!({
        "p": test.ln_p.p(),
        "ln_p": test.ln_p.get(),
        "p_low": test.low.ln_p.p(),
        "p_high": test.high.ln_p.p(),
    }))
}

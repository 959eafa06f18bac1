//! Cases of the family `ratio_delta`.

use expt::stats::fixed::{Fieller, FiellerSet, Lift, LiftResult, Reference, TResult, TTest};
use expt::stats::{ArmEstimate, CoMoments, LiftScale, StatsError};
use serde::Deserialize;
use serde_json::{Value, json};

use super::case::{Answer, Fault, Input, extended, number};
use super::welch::{alternative, level, summary};

pub(super) fn answer(function: &str, input: &Input<'_>) -> Answer {
    match function {
        "ratio_delta" => {
            let (control, treatment) = (ratio(&input.get("a")?)?, ratio(&input.get("b")?)?);
            let test = test(input)?.compare(&control, &treatment).tested()?;
            Ok(comparison(&control, &treatment, &test, &lift(input)?.compare(&control, &treatment)))
        }
        "fieller" => fieller(input),
        "welch_diff" => {
            let test = test(input)?.welch(&summary(input, "a")?, &summary(input, "b")?)?.tested()?;
            let (lower, upper) = (test.interval.lower, test.interval.upper);
            Ok(estimate(test.estimate, lower, upper, test.ln_p.p()))
        }
        "relative_lift_delta" => {
            let scale = Lift::new(LiftScale::Linear, level(input)?).with_alternative(alternative(input)?);
            let (control, treatment) = (mean(input, "a")?, mean(input, "b")?);
            let lift = scale.with_reference(reference(input)?).compare(&control, &treatment)?;
            let ln_p = lift.ln_p.ok_or(StatsError::NoVariance { what: "the metric" })?;
            Ok(estimate(lift.lift, lift.interval.lower, lift.interval.upper, ln_p.p()))
        }
        _ => Err(Fault::Unknown),
    }
}

/// Means, variances and covariances by the names of the variables.
#[derive(Debug, Deserialize)]
pub(super) struct Aggregates {
    pub(super) n: u64,
    pub(super) mean: serde_json::Map<String, Value>,
    pub(super) var: serde_json::Map<String, Value>,
    pub(super) cov: serde_json::Map<String, Value>,
}

impl Aggregates {
    pub(super) fn mean(&self, name: &str) -> Result<f64, Fault> {
        read(&self.mean, name)
    }

    /// A variance, or a covariance in either order of its names.
    pub(super) fn covariance(&self, one: &str, other: &str) -> Result<f64, Fault> {
        if one == other {
            return read(&self.var, one);
        }
        read(&self.cov, &format!("{one},{other}")).or_else(|_| read(&self.cov, &format!("{other},{one}")))
    }
}

fn read(map: &serde_json::Map<String, Value>, name: &str) -> Result<f64, Fault> {
    let value = map.get(name).and_then(Value::as_f64);
    value.ok_or_else(|| Fault::Shape(format!("there is no aggregate {name:?}")))
}

pub(super) fn test(input: &Input<'_>) -> Result<TTest, Fault> {
    let test = TTest::new(level(input)?).with_alternative(alternative(input)?);
    Ok(test.with_reference(reference(input)?))
}

pub(super) fn lift(input: &Input<'_>) -> Result<Lift, Fault> {
    let lift = Lift::new(LiftScale::Log, level(input)?).with_alternative(alternative(input)?);
    Ok(lift.with_reference(reference(input)?))
}

fn reference(input: &Input<'_>) -> Result<Reference, Fault> {
    let student = input.find::<bool>("use_t")?.unwrap_or(true);
    Ok(if student { Reference::Student } else { Reference::Normal })
}

/// The outputs of a comparison; without a lift (of opposite signs, say) the rest still counts.
pub(super) fn comparison(
    control: &ArmEstimate,
    treatment: &ArmEstimate,
    test: &TResult,
    lift: &Result<LiftResult, StatsError>,
) -> Value {
    let outputs = json!({
        "control": control.estimate(),
        "treatment": treatment.estimate(),
        "diff": test.estimate,
        "diff_lo": number(test.interval.lower.unwrap_or(f64::NEG_INFINITY)),
        "diff_hi": number(test.interval.upper.unwrap_or(f64::INFINITY)),
        "stat": test.statistic,
        "p": test.ln_p.p(),
        "ln_p": test.ln_p.get(),
    });
    let Ok(lift) = lift else { return outputs };
    let relative = json!({
        "rel": lift.lift,
        "rel_lo": number(lift.interval.lower.unwrap_or(f64::NEG_INFINITY)),
        "rel_hi": number(lift.interval.upper.unwrap_or(f64::INFINITY)),
    });
    extended(outputs, relative)
}

fn ratio(arm: &Aggregates) -> Result<ArmEstimate, Fault> {
    let mean = (arm.mean("w")?, arm.mean("y")?);
    let variance = (arm.covariance("w", "w")?, arm.covariance("y", "y")?);
    let pairs = CoMoments::from_summary(arm.n, mean, variance, arm.covariance("w", "y")?)?;
    Ok(ArmEstimate::ratio(&pairs)?)
}

fn mean(input: &Input<'_>, arm: &str) -> Result<ArmEstimate, Fault> {
    Ok(ArmEstimate::mean(&summary(input, arm)?)?)
}

fn fieller(input: &Input<'_>) -> Answer {
    let got = Fieller::new(level(input)?).compare(&mean(input, "a")?, &mean(input, "b")?)?;
    let (lower, upper) = match got.set {
        FiellerSet::Interval { lower, upper } => (Some(lower), Some(upper)),
        _ => (None, None),
    };
    Ok(json!({ "ratio": got.ratio, "lo": lower, "hi": upper, "bounded": got.set.is_bounded() }))
}

fn estimate(value: f64, lower: Option<f64>, upper: Option<f64>, p: f64) -> Value {
    json!({
        "est": value,
        "lo": number(lower.unwrap_or(f64::NEG_INFINITY)),
        "hi": number(upper.unwrap_or(f64::INFINITY)),
        "p": p,
    })
}

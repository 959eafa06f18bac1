//! Cases of the family `regression`.

use std::collections::HashMap;

use expt::stats::regression::{ClusterCorrection, Covariance, ancova, lin_adjusted};
use expt::stats::{Alpha, Alternative, LnP};
use serde_json::{Value, json};

use super::case::{Answer, Fault, Input};

pub(super) fn answer(function: &str, input: &Input<'_>) -> Answer {
    let (y, d): (Vec<f64>, Vec<f64>) = (input.get("y")?, input.get("d")?);
    let x: Vec<Vec<f64>> = covariates(input)?;
    let names: Vec<String> = (0..x.len()).map(|index| format!("x{index}")).collect();
    let columns: Vec<(&str, &[f64])> =
        names.iter().map(String::as_str).zip(x.iter().map(Vec::as_slice)).collect();
    let clusters = clusters(input)?;
    let fit = match function {
        "ancova" | "cluster_robust" => ancova(&y, &d, &columns)?,
        "lin_interacted" => lin_adjusted(&y, &d, &columns)?,
        _ => return Err(Fault::Unknown),
    };
    let covariance = match (input.find::<String>("cov")?.as_deref(), clusters.as_deref()) {
        (None | Some("cluster" | "CR1"), Some(clusters)) => {
            Covariance::Cluster { clusters, correction: ClusterCorrection::Cr1 }
        }
        (Some("CR0"), Some(clusters)) => Covariance::Cluster { clusters, correction: ClusterCorrection::Cr0 },
        (None | Some("nonrobust"), None) => Covariance::Classical,
        (Some("HC0"), _) => Covariance::Hc0,
        (Some("HC1"), _) => Covariance::Hc1,
        (Some("HC2"), _) => Covariance::Hc2,
        (Some("HC3"), _) => Covariance::Hc3,
        (other, _) => return Err(Fault::Shape(format!("cov {other:?}"))),
    };
    let got = fit.coefficient("treatment", covariance, Alpha::FIVE_PERCENT, Alternative::TwoSided)?;
    let p = |ln_p: Option<LnP>| ln_p.map(LnP::p);
    Ok(json!({
        "b": got.estimate,
        "se": got.standard_error,
        "t": got.t,
        "z": got.t,
        "p": p(got.ln_p),
        "p_t": p(got.ln_p),
        "ln_p": got.ln_p.map(LnP::get),
        "p_normal": p(got.ln_p_normal),
    }))
}

/// No covariate, one, or several.
fn covariates(input: &Input<'_>) -> Result<Vec<Vec<f64>>, Fault> {
    match input.find::<Vec<Value>>("x")? {
        None => Ok(Vec::new()),
        Some(values) if values.iter().all(Value::is_number) => Ok(vec![input.get("x")?]),
        Some(_) => input.get("x"),
    }
}

/// The labels of the clusters as numbers.
fn clusters(input: &Input<'_>) -> Result<Option<Vec<u64>>, Fault> {
    let Some(labels) = input.find::<Vec<Value>>("cluster")? else { return Ok(None) };
    let mut known = HashMap::new();
    let mut number = |label: &Value| {
        let next = known.len() as u64;
        *known.entry(label.to_string()).or_insert(next)
    };
    Ok(Some(labels.iter().map(&mut number).collect()))
}

//! Cases of the family `online_fdr`.

use expt::stats::Alpha;
use expt::stats::online::{BatchProcedure, BatchedFdr, OnlineDecision, OnlineFdr, Procedure};
use serde_json::{Value, json};

use super::case::{Answer, Fault, Input, number, numbers};

pub(super) fn answer(function: &str, input: &Input<'_>) -> Answer {
    let alpha = Alpha::new(input.get("alpha")?)?;
    let p: Vec<f64> = input.get("p")?;
    if let Some(procedure) = batch_procedure(function, input)? {
        return batches(BatchedFdr::new(procedure, alpha)?, &p, &input.get::<Vec<u64>>("batch")?);
    }
    let (base, version) = match function.split_once("star_") {
        Some((base, version)) => (base, Some(version)),
        None => (function, None),
    };
    let procedure = procedure(base, version.is_some(), alpha, input)?;
    let mut state = OnlineFdr::new(procedure, alpha)?;
    let decisions = match version {
        None => match input.find::<Vec<u64>>("decision_times")? {
            Some(times) => state.run_async(&p, &times)?,
            None => state.run(&p)?,
        },
        Some("async") => state.run_async(&p, &input.get::<Vec<u64>>("decision_times")?)?,
        Some("dep") => state.run_lagged(&p, &input.get::<Vec<u64>>("lags")?)?,
        Some("batch") => state.run_batched(&p, &input.get::<Vec<usize>>("batch_sizes")?)?,
        Some(_) => return Err(Fault::Unknown),
    };
    Ok(decided(&decisions))
}

/// The defaults of the family, and what the case says otherwise.
fn procedure(name: &str, star: bool, alpha: Alpha, input: &Input<'_>) -> Result<Procedure, Fault> {
    let mut procedure = match name {
        "lond" => Procedure::Lond {
            modified: star || !input.find("original")?.unwrap_or(true),
            dependent: input.find("dep")?.unwrap_or(false),
        },
        "lord_plus_plus" | "lord" => Procedure::lord_plus_plus(alpha),
        "lord3" => Procedure::lord_3(alpha),
        "lord_discard" => Procedure::lord_discard(alpha),
        "lord_dep" => Procedure::lord_dependent(alpha),
        "saffron" => Procedure::saffron(alpha),
        "addis" => Procedure::addis(alpha),
        "addis_spending" => Procedure::addis_spending(),
        "alpha_investing" => Procedure::alpha_investing(alpha),
        "alpha_spending" => Procedure::AlphaSpending,
        "online_fallback" => Procedure::OnlineFallback,
        _ => return Err(Fault::Unknown),
    };
    let set = |name: &str, value: &mut f64| -> Result<(), Fault> {
        *value = input.find(name)?.unwrap_or(*value);
        Ok(())
    };
    match &mut procedure {
        Procedure::LordPlusPlus { w0 } | Procedure::AlphaInvesting { w0 } => set("w0", w0)?,
        Procedure::Lord3 { w0, b0 } | Procedure::LordDependent { w0, b0 } => {
            set("w0", w0)?;
            set("b0", b0)?;
        }
        Procedure::LordDiscard { w0, tau } => {
            set("w0", w0)?;
            set("tau", tau)?;
        }
        Procedure::Saffron { w0, lambda } => {
            set("w0", w0)?;
            set("lambda", lambda)?;
        }
        Procedure::Addis { w0, lambda, tau } => {
            set("w0", w0)?;
            set("lambda", lambda)?;
            set("tau", tau)?;
        }
        Procedure::AddisSpending { lambda, tau } => {
            set("lambda", lambda)?;
            set("tau", tau)?;
        }
        _ => {}
    }
    Ok(procedure)
}

fn batch_procedure(name: &str, input: &Input<'_>) -> Result<Option<BatchProcedure>, Fault> {
    Ok(match name {
        "batchbh" => Some(BatchProcedure::BenjaminiHochberg),
        "batchstbh" => Some(BatchProcedure::Storey { lambda: input.find("lambda")?.unwrap_or(0.5) }),
        "batchprds" => Some(BatchProcedure::PositiveDependence),
        _ => None,
    })
}

/// Neighbours with one label are a batch.
fn batches(mut state: BatchedFdr, p: &[f64], labels: &[u64]) -> Answer {
    let (mut levels, mut rejected): (Vec<f64>, Vec<bool>) = (Vec::new(), Vec::new());
    let mut rest = p;
    for labels in labels.chunk_by(|a, b| a == b) {
        let Some((batch, after)) = rest.split_at_checked(labels.len()) else {
            return Err(Fault::Shape("there are more batch labels than p-values".to_owned()));
        };
        rest = after;
        let decision = state.record(batch)?;
        levels.extend(batch.iter().map(|_| decision.level));
        rejected.extend(decision.rejected);
    }
    Ok(json!({"alpha_t": numbers(levels), "reject": rejected}))
}

fn decided(decisions: &[OnlineDecision]) -> Value {
    let levels: Value = decisions.iter().map(|decision| number(decision.level)).collect();
    let rejected: Vec<bool> = decisions.iter().map(|decision| decision.rejected).collect();
    json!({"alpha_t": levels, "reject": rejected})
}

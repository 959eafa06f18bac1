//! Cases of the family `power`.

use expt::stats::power::{
    ChiSquarePower, OneMean, OppositeTail, ProportionMethod, Reference, TwoMeans, TwoProportions,
};
use expt::stats::{Alpha, Alternative, Probability};
use serde_json::json;

use super::case::{Answer, Fault, Input};

pub(super) fn answer(function: &str, input: &Input<'_>) -> Answer {
    let number = |name: &str| input.number(name);
    let alpha = Alpha::new(number("alpha")?)?;
    let power = || Ok::<_, Fault>(Probability::new(number("power")?)?);
    let ratio = input.find("ratio")?.unwrap_or(1.0);
    let t_test = || {
        Ok::<_, Fault>(
            TwoMeans::new(alpha, 1.0, 1.0)?
                .with_reference(Reference::Student)?
                .with_alternative(alternative(input)?)?
                .with_opposite_tail(OppositeTail::Counted)
                .with_ratio(ratio)?,
        )
    };
    let one_sample = || Ok::<_, Fault>(OneMean::new(alpha, 1.0)?.with_alternative(alternative(input)?));
    Ok(match function {
        "t_power" => json!({ "power": t_test()?.power(number("effect_d")?, number("n_a")?)?.get() }),
        "t_sample_size" => json!({ "n_a": t_test()?.sample_size(number("effect_d")?, power()?)?.control }),
        "t_mde" => json!({ "effect_d": t_test()?.detectable(number("n_a")?, power()?)? }),
        "one_sample_t_power" => {
            json!({ "power": one_sample()?.power(number("effect_d")?, number("n")?)?.get() })
        }
        "one_sample_t_sample_size" => {
            json!({ "n": one_sample()?.sample_size(number("effect_d")?, power()?)?.control })
        }
        "one_sample_t_mde" => json!({ "effect_d": one_sample()?.detectable(number("n")?, power()?)? }),
        "proportion_sample_size_cohen_h" => {
            let test = TwoProportions::new(alpha, Probability::new(number("p_a")?)?)?
                .with_method(ProportionMethod::Arcsine)
                .with_alternative(alternative(input)?)
                .with_opposite_tail(OppositeTail::Counted)
                .with_ratio(ratio)?;
            let treatment = Probability::new(number("p_b")?)?;
            let size = test.sample_size(treatment, power()?)?;
            json!({ "h": test.cohen_h(treatment), "n_a": size.control })
        }
        "z_sample_size" => {
            let test = TwoMeans::new(alpha, number("var_a")?, number("var_b")?)?.with_ratio(ratio)?;
            let size = test.with_alternative(alternative(input)?)?.sample_size(number("delta")?, power()?)?;
            json!({ "n_a": size.control, "n_a_ceil": size.units().control })
        }
        "srm_power" => {
            let test = ChiSquarePower::new(alpha, number("bins")? - 1.0)?;
            json!({ "power": test.power(number("w")?, number("n")?)?.get() })
        }
        _ => return Err(Fault::Unknown),
    })
}

fn alternative(input: &Input<'_>) -> Result<Alternative, Fault> {
    match input.find::<String>("alternative")?.as_deref() {
        None | Some("two-sided") => Ok(Alternative::TwoSided),
        Some("larger" | "greater") => Ok(Alternative::Greater),
        Some("smaller" | "less") => Ok(Alternative::Less),
        Some(other) => Err(Fault::Shape(format!("there is no alternative {other:?}"))),
    }
}

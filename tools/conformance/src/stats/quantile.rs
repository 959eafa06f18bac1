//! Cases of the family `quantile`.

use expt::stats::quantile::{QuantileMethod, RankInterval, SortedSample};
use expt::stats::{Alpha, Alternative, Probability};
use serde_json::{Map, Value, json};

use super::case::{Answer, Fault, Input, number};

pub(super) fn answer(function: &str, input: &Input<'_>) -> Answer {
    match function {
        "quantile" => quantile(input),
        "quantile_ci_ranks" => ranks(input),
        "quantile_test" => test(input),
        _ => Err(Fault::Unknown),
    }
}

fn quantile(input: &Input<'_>) -> Answer {
    let sample = SortedSample::new(&input.get::<Vec<f64>>("x")?)?;
    let q = Probability::new(input.get("q")?)?;
    let named =
        METHODS.iter().map(|(name, method)| ((*name).to_owned(), number(sample.quantile(q, *method))));
    Ok(Value::Object(named.collect::<Map<_, _>>()))
}

fn ranks(input: &Input<'_>) -> Answer {
    let q = Probability::new(input.get("q")?)?;
    let got = RankInterval::new(input.get("n")?, q, alpha(input)?, alternative(input)?);
    Ok(json!({
        "lower_rank": got.lower_rank,
        "upper_rank": got.upper_rank,
        "coverage": got.coverage.get(),
    }))
}

fn test(input: &Input<'_>) -> Answer {
    let sample = SortedSample::new(&input.get::<Vec<f64>>("x")?)?;
    let (q, alternative) = (Probability::new(input.get("q")?)?, alternative(input)?);
    let test = sample.test_quantile(q, input.number("value")?, alternative)?;
    let interval = sample.interval(q, alpha(input)?, alternative);
    Ok(json!({
        "p": test.ln_p.p(),
        "ln_p": test.ln_p.get(),
        "ci_lo": interval.lower,
        "ci_hi": interval.upper,
    }))
}

fn alpha(input: &Input<'_>) -> Result<Alpha, Fault> {
    Ok(Alpha::new(1.0 - input.get::<f64>("conf")?)?)
}

pub(super) fn alternative(input: &Input<'_>) -> Result<Alternative, Fault> {
    match input.find::<String>("alternative")?.as_deref() {
        None | Some("two-sided") => Ok(Alternative::TwoSided),
        Some("greater") => Ok(Alternative::Greater),
        Some("less") => Ok(Alternative::Less),
        Some(other) => Err(Fault::Shape(format!("alternative {other:?}"))),
    }
}

const METHODS: [(&str, QuantileMethod); 9] = [
    ("inverted_cdf", QuantileMethod::InvertedCdf),
    ("averaged_inverted_cdf", QuantileMethod::AveragedInvertedCdf),
    ("closest_observation", QuantileMethod::ClosestObservation),
    ("interpolated_inverted_cdf", QuantileMethod::InterpolatedInvertedCdf),
    ("hazen", QuantileMethod::Hazen),
    ("weibull", QuantileMethod::Weibull),
    ("linear", QuantileMethod::Linear),
    ("median_unbiased", QuantileMethod::MedianUnbiased),
    ("normal_unbiased", QuantileMethod::NormalUnbiased),
];

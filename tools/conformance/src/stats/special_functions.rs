//! Cases of the family `special_functions`.

use expt::stats::special;
use serde_json::json;

use super::case::{Answer, Fault, Input, number};

pub(super) fn answer(function: &str, input: &Input<'_>) -> Answer {
    let x = || input.number("x");
    let p = || input.number("p");
    let df = || input.number("df");
    let (a, b) = (|| input.number("a"), || input.number("b"));
    let value = match function {
        "norm_cdf" => special::normal_cdf(x()?),
        "norm_sf" => special::normal_sf(x()?),
        "norm_ppf" => special::normal_quantile(p()?),
        "t_cdf" => special::student_t_cdf(x()?, df()?),
        "t_sf" => special::student_t_sf(x()?, df()?),
        "t_ppf" => special::student_t_quantile(p()?, df()?),
        "chi2_cdf" => special::chi_square_cdf(x()?, df()?),
        "chi2_sf" => special::chi_square_sf(x()?, df()?),
        "chi2_ppf" => special::chi_square_quantile(p()?, df()?),
        "beta_cdf" => special::beta_cdf(x()?, a()?, b()?),
        "beta_sf" => special::beta_sf(x()?, a()?, b()?),
        "beta_ppf" => special::beta_quantile(p()?, a()?, b()?),
        "f_cdf" => special::fisher_f_cdf(x()?, input.number("df1")?, input.number("df2")?),
        "f_sf" => special::fisher_f_sf(x()?, input.number("df1")?, input.number("df2")?),
        "f_ppf" => special::fisher_f_quantile(p()?, input.number("df1")?, input.number("df2")?),
        "ln_gamma" => special::ln_gamma(x()?),
        "ln_beta" => special::ln_beta(a()?, b()?),
        _ => return Err(Fault::Unknown),
    };
    Ok(json!({ "value": number(value?) }))
}

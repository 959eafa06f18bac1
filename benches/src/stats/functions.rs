//! Single calls of the distribution functions.

use std::error::Error;
use std::hint::black_box;

use expt::stats::StatsError;
use expt::stats::special;

use super::method::{Random, best};
use super::ours;
use crate::Figure;

pub(crate) fn figures() -> Result<Vec<Figure>, Box<dyn Error>> {
    let mut random = Random::new(6);
    let p: Vec<f64> = (0..1024).map(|_| random.unit()).collect();
    let z: Vec<f64> = (0..1024).map(|_| 2.0 * random.normal()).collect();
    let large: Vec<f64> = p.iter().map(|p| 40.0 * p).collect();
    type Call = fn(f64) -> Result<f64, StatsError>;
    let calls: [(&str, &[f64], Call); 15] = [
        ("normal tail", &z, special::normal_sf),
        ("normal ln tail", &z, special::normal_ln_sf),
        ("normal quantile", &p, special::normal_quantile),
        ("t tail, df 5", &z, |t| special::student_t_sf(t, 5.0)),
        ("t tail, df 30", &z, |t| special::student_t_sf(t, 30.0)),
        ("t tail, df 54,321.5", &z, |t| special::student_t_sf(t, 54_321.5)),
        ("t quantile, df 5", &p, |p| special::student_t_quantile(p, 5.0)),
        ("t quantile, df 30", &p, |p| special::student_t_quantile(p, 30.0)),
        ("t quantile, df 54,321.5", &p, |p| special::student_t_quantile(p, 54_321.5)),
        ("chi-square tail, df 10", &large, |x| special::chi_square_sf(x, 10.0)),
        ("chi-square quantile, df 10", &p, |p| special::chi_square_quantile(p, 10.0)),
        ("beta tail, 120 and 880", &p, |x| special::beta_sf(0.06 + 0.12 * x, 120.0, 880.0)),
        ("beta quantile, 120 and 880", &p, |p| special::beta_quantile(p, 120.0, 880.0)),
        ("F tail, 3 and 100", &large, |x| special::fisher_f_sf(0.1 * x, 3.0, 100.0)),
        ("ln gamma", &large, |x| special::ln_gamma(x + 0.1)),
    ];
    let mut figures = Vec::new();
    for (name, arguments, call) in calls {
        let taken = best(arguments.len(), || {
            for &argument in arguments {
                black_box(call(black_box(argument)).ok());
            }
        });
        figures.push(ours(name, taken, "ns", None));
    }
    Ok(figures)
}

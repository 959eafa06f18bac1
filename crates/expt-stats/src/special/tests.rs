//! Every public function against 60-digit values (`testdata/special.py`, mpmath 1.4.1).

use super::*;
use crate::error::StatsError;

fn evaluate(name: &str, v: &[f64]) -> f64 {
    let result = match (name, v) {
        ("normal_cdf", &[x]) => normal_cdf(x),
        ("normal_sf", &[x]) => normal_sf(x),
        ("normal_ln_cdf", &[x]) => normal_ln_cdf(x),
        ("normal_ln_sf", &[x]) => normal_ln_sf(x),
        ("normal_quantile_lower", &[p]) => normal_quantile(p),
        ("normal_quantile_upper", &[p]) => normal_upper_quantile(p),
        ("normal_ln_quantile_lower", &[p]) => normal_quantile_at(Tail::LnLower(p)),
        ("normal_ln_quantile_upper", &[p]) => normal_quantile_at(Tail::LnUpper(p)),
        ("erf", &[x]) => erf(x),
        ("erfc", &[x]) => erfc(x),
        ("ln_gamma", &[x]) => ln_gamma(x),
        ("ln_beta", &[a, b]) => ln_beta(a, b),
        ("student_t_cdf", &[x, df]) => student_t_cdf(x, df),
        ("student_t_sf", &[x, df]) => student_t_sf(x, df),
        ("student_t_ln_cdf", &[x, df]) => student_t_ln_cdf(x, df),
        ("student_t_ln_sf", &[x, df]) => student_t_ln_sf(x, df),
        ("student_t_quantile_lower", &[p, df]) => student_t_quantile(p, df),
        ("student_t_quantile_upper", &[p, df]) => student_t_upper_quantile(p, df),
        ("student_t_ln_quantile_lower", &[p, df]) => student_t_quantile_at(Tail::LnLower(p), df),
        ("student_t_ln_quantile_upper", &[p, df]) => student_t_quantile_at(Tail::LnUpper(p), df),
        ("chi_square_cdf", &[x, df]) => chi_square_cdf(x, df),
        ("chi_square_sf", &[x, df]) => chi_square_sf(x, df),
        ("chi_square_ln_cdf", &[x, df]) => chi_square_ln_cdf(x, df),
        ("chi_square_ln_sf", &[x, df]) => chi_square_ln_sf(x, df),
        ("chi_square_quantile_lower", &[p, df]) => chi_square_quantile(p, df),
        ("chi_square_quantile_upper", &[p, df]) => chi_square_upper_quantile(p, df),
        ("chi_square_ln_quantile_lower", &[p, df]) => chi_square_quantile_at(Tail::LnLower(p), df),
        ("chi_square_ln_quantile_upper", &[p, df]) => chi_square_quantile_at(Tail::LnUpper(p), df),
        ("beta_cdf", &[x, a, b]) => beta_cdf(x, a, b),
        ("beta_sf", &[x, a, b]) => beta_sf(x, a, b),
        ("beta_ln_cdf", &[x, a, b]) => beta_ln_cdf(x, a, b),
        ("beta_ln_sf", &[x, a, b]) => beta_ln_sf(x, a, b),
        ("beta_quantile_lower", &[p, a, b]) => beta_quantile(p, a, b),
        ("beta_quantile_upper", &[p, a, b]) => beta_upper_quantile(p, a, b),
        ("beta_ln_quantile_lower", &[p, a, b]) => beta_quantile_at(Tail::LnLower(p), a, b),
        ("beta_ln_quantile_upper", &[p, a, b]) => beta_quantile_at(Tail::LnUpper(p), a, b),
        ("fisher_f_cdf", &[x, a, b]) => fisher_f_cdf(x, a, b),
        ("fisher_f_sf", &[x, a, b]) => fisher_f_sf(x, a, b),
        ("fisher_f_ln_cdf", &[x, a, b]) => fisher_f_ln_cdf(x, a, b),
        ("fisher_f_ln_sf", &[x, a, b]) => fisher_f_ln_sf(x, a, b),
        ("fisher_f_quantile_lower", &[p, a, b]) => fisher_f_quantile(p, a, b),
        ("fisher_f_quantile_upper", &[p, a, b]) => fisher_f_upper_quantile(p, a, b),
        ("fisher_f_ln_quantile_lower", &[p, a, b]) => fisher_f_quantile_at(Tail::LnLower(p), a, b),
        ("fisher_f_ln_quantile_upper", &[p, a, b]) => fisher_f_quantile_at(Tail::LnUpper(p), a, b),
        _ => panic!("no function {name} of {v:?}"),
    };
    result.unwrap()
}

#[test]
fn all_functions_agree_with_mpmath_to_1e_minus_12() {
    let mut count = 0;
    for line in include_str!("../../testdata/special.txt").lines() {
        let mut words = line.split(' ');
        let name = words.next().unwrap();
        let numbers: Vec<f64> = words.map(|word| word.parse().unwrap()).collect();
        let (want, arguments) = numbers.split_last().unwrap();
        let got = evaluate(name, arguments);
        assert!((got - want).abs() <= 1e-12 * want.abs(), "{line}: got {got:e}");
        count += 1;
    }
    assert!(count > 500);
}

/// Numbers at which floating-point code breaks.
const ADVERSARIAL: [f64; 17] = [
    f64::NEG_INFINITY,
    f64::MIN,
    -1.0,
    -5e-324,
    0.0,
    5e-324,
    f64::MIN_POSITIVE,
    1e-200,
    1e-17,
    0.5,
    1.0 - f64::EPSILON / 2.0,
    1.0,
    1.0 + f64::EPSILON,
    1e17,
    1e200,
    f64::MAX,
    f64::INFINITY,
];

#[test]
fn nothing_is_nan_and_every_logarithm_is_finite() {
    type Function = fn(f64, f64, f64) -> Result<f64, StatsError>;
    let plain: [Function; 12] = [
        |x, _, _| normal_cdf(x),
        |x, df, _| student_t_sf(x, df),
        |x, df, _| student_t_cdf(x, df),
        |x, df, _| chi_square_cdf(x, df),
        |x, df, _| chi_square_sf(x, df),
        gamma_cdf,
        beta_cdf,
        beta_sf,
        fisher_f_cdf,
        fisher_f_sf,
        |x, _, _| erf(x).map(f64::abs),
        |x, _, _| erfc(x).map(|y| 0.5 * y),
    ];
    let logarithms: [Function; 8] = [
        |x, _, _| normal_ln_cdf(x),
        |x, df, _| student_t_ln_sf(x, df),
        |x, df, _| chi_square_ln_cdf(x, df),
        |x, df, _| chi_square_ln_sf(x, df),
        beta_ln_cdf,
        beta_ln_sf,
        fisher_f_ln_cdf,
        fisher_f_ln_sf,
    ];
    let quantiles: [Function; 10] = [
        |p, df, _| student_t_quantile(p, df),
        |p, df, _| student_t_quantile_at(Tail::LnUpper(p), df),
        |p, df, _| chi_square_quantile(p, df),
        |p, df, _| chi_square_quantile_at(Tail::LnLower(p), df),
        |p, df, _| chi_square_quantile_at(Tail::LnUpper(p), df),
        beta_quantile,
        |p, a, b| beta_quantile_at(Tail::LnLower(p), a, b),
        |p, a, b| beta_quantile_at(Tail::LnUpper(p), a, b),
        fisher_f_quantile,
        |p, a, b| fisher_f_quantile_at(Tail::LnUpper(p), a, b),
    ];
    for a in ADVERSARIAL {
        for b in ADVERSARIAL {
            for x in ADVERSARIAL {
                for (which, function) in plain.iter().enumerate() {
                    if let Ok(p) = function(x, a, b) {
                        assert!((0.0..=1.0).contains(&p), "function {which} of {x:e} {a:e} {b:e} is {p:e}");
                    }
                }
                for (which, function) in logarithms.iter().enumerate() {
                    if let Ok(ln_p) = function(x, a, b) {
                        assert!(
                            ln_p.is_finite() && ln_p <= 0.0,
                            "ln {which} of {x:e} {a:e} {b:e} is {ln_p:e}"
                        );
                    }
                }
                for (which, function) in quantiles.iter().enumerate() {
                    if let Ok(value) = function(x, a, b) {
                        assert!(value.is_finite(), "quantile {which} of {x:e} {a:e} {b:e} is {value:e}");
                    }
                }
            }
        }
    }
}

#[test]
fn tails_fall_and_quantiles_rise_across_every_change_of_method() {
    for (a, b) in [(0.3, 0.7), (5.0, 0.2), (1.0, 60.0), (39.0, 41.0), (80.0, 79.0), (3e4, 7.0), (1e5, 2e6)] {
        let (mut last_beta, mut last_gamma, mut last_t) = (f64::MAX, f64::MAX, f64::MAX);
        let (mut last_quantile, mut last_chi) = (0.0, 0.0);
        let mean: f64 = a / (a + b);
        for step in 1..400 {
            let u = f64::from(step) / 400.0;
            let x = (mean + (u - 0.5) * 20.0 * (mean * (1.0 - mean) / (a + b)).sqrt()).clamp(0.0, 1.0);
            let tail = beta_ln_sf(x, a, b).unwrap();
            assert!(tail <= last_beta, "beta {a} {b} at {x}");
            last_beta = tail;
            let tail = chi_square_ln_sf(a * (1.0 + (u - 0.3) * 9.0 / a.sqrt()), a).unwrap();
            assert!(tail <= last_gamma, "chi-square {a} step {step}");
            last_gamma = tail;
            let tail = student_t_ln_sf((u - 0.3) * 20.0, a).unwrap();
            assert!(tail <= last_t, "t {a} step {step}");
            last_t = tail;
            let value = beta_quantile(u, a, b).unwrap();
            assert!(value >= last_quantile, "beta quantile {a} {b} at {u}");
            last_quantile = value;
            let value = chi_square_quantile(u, a).unwrap();
            assert!(value >= last_chi, "chi-square quantile {a} at {u}");
            last_chi = value;
        }
    }
}

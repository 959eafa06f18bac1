//! Every public function against 60-digit values (`testdata/special.py`, mpmath 1.4.1).

use super::*;
use crate::error::StatsError;
use crate::level::Probability;

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
        ("binomial_ln_pmf", &[k, n, p]) => {
            Ok(binomial_ln_pmf(k as u64, n as u64, Probability::new(p).unwrap()))
        }
        ("binomial_ln_cdf", &[k, n, p]) => {
            Ok(binomial_ln_cdf(k as u64, n as u64, Probability::new(p).unwrap()))
        }
        ("binomial_ln_sf", &[k, n, p]) => {
            Ok(binomial_ln_sf(k as u64, n as u64, Probability::new(p).unwrap()))
        }
        ("poisson_ln_pmf", &[k, rate]) => poisson_ln_pmf(k as u64, rate),
        ("poisson_ln_cdf", &[k, rate]) => poisson_ln_cdf(k as u64, rate),
        ("poisson_ln_sf", &[k, rate]) => poisson_ln_sf(k as u64, rate),
        ("hypergeometric_ln_pmf", &[k, a, b, c]) => {
            hypergeometric_ln_pmf(k as u64, a as u64, b as u64, c as u64)
        }
        ("hypergeometric_ln_cdf", &[k, a, b, c]) => {
            hypergeometric_ln_cdf(k as u64, a as u64, b as u64, c as u64)
        }
        ("noncentral_t_sf", &[t, df, shift]) => noncentral_t_sf(t, df, shift),
        ("noncentral_t_cdf", &[t, df, shift]) => noncentral_t_cdf(t, df, shift),
        ("noncentral_chi_square_sf", &[x, df, shift]) => noncentral_chi_square_sf(x, df, shift),
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
fn a_quantile_beyond_all_reason_is_a_number() {
    let far = student_t_quantile_at(Tail::LnUpper(-1e108), 1e155).unwrap();
    assert!((far / 2e108_f64.sqrt() - 1.0).abs() < 1e-12);
    assert!(student_t_quantile_at(Tail::LnUpper(-1e200), 1e-3).unwrap() > 1e307);
    assert!(chi_square_quantile_at(Tail::LnUpper(-1e300), 3.0).unwrap() > 1e300);
    assert!(beta_quantile(1e-300, 1e-3, 1e-3).unwrap() <= 0.0);
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

/// At every place where the sum of the hypergeometric tail changes to an integral, and where counts are huge.
#[test]
fn discrete_tails_are_complete() {
    for (population, successes, draws) in
        [(20, 7, 9), (5_000_000, 2_000_000, 1_500_000), (1 << 50, 1 << 49, 1 << 48)]
    {
        let mean = (successes as f64 * (draws as f64 / population as f64)) as u64;
        let sf = |k: u64| hypergeometric_sf(k, population, successes, draws).unwrap();
        let cdf = |k: u64| hypergeometric_cdf(k, population, successes, draws).unwrap();
        let pmf = |k: u64| hypergeometric_ln_pmf(k, population, successes, draws).unwrap().exp();
        assert!((cdf(mean) + sf(mean) - 1.0).abs() < 1e-15);
        for k in [mean - 1, mean, mean + 1] {
            assert!((cdf(k) - cdf(k - 1) - pmf(k)).abs() < 1e-12, "{population} {k}");
        }
        assert!(cdf(successes.min(draws)) > 1.0 - 1e-16 && sf(successes.min(draws)) < 1e-300);
    }
    assert!(hypergeometric_sf(1, 5, 6, 2).is_err());
    assert!(binomial_ln_pmf(3, 2, Probability::new(0.5).unwrap()) < -1e308);
}

#[test]
fn noncentral_tails_end_at_zero_and_one() {
    for df in [0.5, 3.0, 1e6, 1e15, f64::INFINITY] {
        for (t, shift) in [(2.0, 1e5), (-1e300, 3.0), (2.0, -40.0), (0.0, 0.3), (1e-300, 5.0)] {
            let (sf, cdf) = (noncentral_t_sf(t, df, shift).unwrap(), noncentral_t_cdf(t, df, shift).unwrap());
            assert!((sf + cdf - 1.0).abs() < 1e-12, "t {t:e} df {df:e} shift {shift:e}: {sf:e} + {cdf:e}");
        }
    }
    for shift in [0.0, 1e-300, 50.0, 1e6, 1e9, 1e12, 1e300] {
        let at = |x: f64| noncentral_chi_square_sf(x, 3.0, shift).unwrap();
        assert!(at(shift * 0.5) >= at(shift + 1.0) && at(1e308) <= at(shift + 1.0), "{shift:e}");
        assert!((0.3..=0.9).contains(&at(shift + 2.0)), "{shift:e}: {}", at(shift + 2.0));
    }
}

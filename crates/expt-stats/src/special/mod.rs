//! Distribution functions that stay right in the tails, for large degrees of freedom, and on the log
//! scale.
//!
//! The usual libraries fail where experiments live: statrs 0.19.1 never returns from the t quantile
//! at df = 1e8 and loses ten digits in the normal tail. Everything here terminates, and a probability
//! too small for an `f64` is still exact as a logarithm. Only the normal quantile is statrs' own.
//!
//! ```
//! use expt_stats::special::{student_t_ln_sf, student_t_quantile};
//!
//! assert!((student_t_quantile(0.975, 1e8)? - 1.959_964_0).abs() < 1e-6);
//! assert!((student_t_ln_sf(40.0, 1e6)? + 804.0).abs() < 1.0); // p itself would be about 1e-349
//! # Ok::<(), expt_stats::StatsError>(())
//! ```

pub(crate) mod beta;
mod central;
mod discrete;
mod functions;
pub(crate) mod gamma;
pub(crate) mod noncentral;
pub(crate) mod normal;
mod numeric;
mod quadrature;
pub(crate) mod student;
mod tables;
mod target;

pub use functions::*;
pub use target::Tail;

#[cfg(test)]
mod tests;

#[cfg(test)]
mod edges {
    use super::*;
    use crate::testing::close;

    #[test]
    fn arguments_outside_the_domain_are_errors() {
        assert!(normal_sf(f64::NAN).is_err());
        assert!(normal_quantile(0.0).is_err() && normal_quantile(1.0).is_err());
        assert!(student_t_sf(1.0, 0.0).is_err() && student_t_sf(1.0, f64::NAN).is_err());
        assert!(chi_square_sf(1.0, -1.0).is_err());
        assert!(beta_cdf(1.5, 1.0, 1.0).is_err() && beta_cdf(0.5, 0.0, 1.0).is_err());
        assert!(ln_gamma(0.0).is_err() && ln_gamma(1e308).is_err());
    }

    #[test]
    fn edges_are_values() {
        close(chi_square_sf(-1.0, 3.0).unwrap(), 1.0, 0.0);
        close(chi_square_ln_sf(f64::INFINITY, 3.0).unwrap(), f64::MIN, 0.0);
        close(beta_cdf(0.0, 2.0, 3.0).unwrap(), 0.0, 0.0);
        close(beta_cdf(1.0, 2.0, 3.0).unwrap(), 1.0, 0.0);
        assert!(chi_square_ln_sf(1e300, 1.0).unwrap() < -1e299);
    }
}

//! The distributions that the scenarios draw from, with what is known about them.

use chacha20::ChaCha12Rng;
use chacha20::rand_core::{Rng, SeedableRng};
use expt::stats::StatsError;
use expt::stats::special::{normal_cdf, normal_quantile};
use rand_distr::{Distribution, StandardNormal};

/// The source of all randomness.
pub(super) type Bits = ChaCha12Rng;

/// Random bits of their own for each run of each cell, whichever thread does it.
pub(super) fn bits(scenario: &str, cell: usize, run: u64) -> Bits {
    let mut seed = [0; 32];
    // FNV-1a: scenarios need different streams, not unpredictable ones.
    let name = scenario.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    seed[..8].copy_from_slice(&name.to_le_bytes());
    seed[8..16].copy_from_slice(&(cell as u64).to_le_bytes());
    seed[16..24].copy_from_slice(&run.to_le_bytes());
    Bits::from_seed(seed)
}

/// A distribution of one value per unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Law {
    Normal,
    /// Values 0 and 1.
    Bernoulli(f64),
    Exponential,
    Uniform,
    LogNormal {
        sigma: f64,
    },
    /// A log-normal that is cut at this quantile of itself.
    Capped {
        sigma: f64,
        quantile: f64,
    },
    /// Zero but for this share, which is log-normal.
    ZeroInflated {
        share: f64,
        sigma: f64,
    },
}

impl Law {
    pub(super) fn draw(self, bits: &mut Bits) -> f64 {
        match self {
            Self::Normal => normal(bits),
            Self::Bernoulli(p) => f64::from(chance(bits, p)),
            Self::Exponential => -(1.0 - uniform(bits)).ln(),
            Self::Uniform => uniform(bits),
            // The cap itself is the library's to apply.
            Self::LogNormal { sigma } | Self::Capped { sigma, .. } => (sigma * normal(bits)).exp(),
            Self::ZeroInflated { share, sigma } => {
                if chance(bits, share) {
                    (sigma * normal(bits)).exp()
                } else {
                    0.0
                }
            }
        }
    }

    /// Returns the cap, if there is one.
    pub(super) fn cap(self) -> Result<Option<f64>, StatsError> {
        match self {
            Self::Capped { sigma, quantile } => Ok(Some((sigma * normal_quantile(quantile)?).exp())),
            _ => Ok(None),
        }
    }

    /// Returns the expectation.
    pub(super) fn mean(self) -> Result<f64, StatsError> {
        self.moment(1)
    }

    /// Returns the variance.
    pub(super) fn variance(self) -> Result<f64, StatsError> {
        Ok(self.moment(2)? - self.moment(1)?.powi(2))
    }

    /// Returns the skewness.
    pub(super) fn skewness(self) -> Result<f64, StatsError> {
        let (first, second, third) = (self.moment(1)?, self.moment(2)?, self.moment(3)?);
        let variance = second - first * first;
        Ok((third - 3.0 * first * second + 2.0 * first.powi(3)) / variance.powf(1.5))
    }

    fn moment(self, k: i32) -> Result<f64, StatsError> {
        let power = f64::from(k);
        let log_normal = |sigma: f64| (0.5 * power * power * sigma * sigma).exp();
        Ok(match self {
            Self::Normal => [0.0, 1.0, 0.0][k as usize - 1],
            Self::Bernoulli(p) => p,
            Self::Exponential => [1.0, 2.0, 6.0][k as usize - 1],
            Self::Uniform => 1.0 / (power + 1.0),
            Self::LogNormal { sigma } => log_normal(sigma),
            Self::ZeroInflated { share, sigma } => share * log_normal(sigma),
            Self::Capped { sigma, quantile } => {
                let z = normal_quantile(quantile)?;
                log_normal(sigma) * normal_cdf(z - power * sigma)?
                    + (power * sigma * z).exp() * (1.0 - quantile)
            }
        })
    }

    pub(super) fn name(self) -> String {
        match self {
            Self::Normal => "normal".to_owned(),
            Self::Bernoulli(p) => format!("Bernoulli {p}"),
            Self::Exponential => "exponential".to_owned(),
            Self::Uniform => "uniform".to_owned(),
            Self::LogNormal { sigma } => format!("log-normal {sigma}"),
            Self::Capped { sigma, quantile } => {
                format!("log-normal {sigma} capped at {} %", quantile * 100.0)
            }
            Self::ZeroInflated { share, sigma } => {
                format!("{} % zeros, else log-normal {sigma}", 100.0 * (1.0 - share))
            }
        }
    }
}

pub(super) fn normal(bits: &mut Bits) -> f64 {
    StandardNormal.sample(bits)
}

/// Uniform on [0, 1).
pub(super) fn uniform(bits: &mut Bits) -> f64 {
    (bits.next_u64() >> 11) as f64 * (1.0 / (1_u64 << 53) as f64)
}

pub(super) fn chance(bits: &mut Bits, p: f64) -> bool {
    uniform(bits) < p
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Closed forms: skewness of a log-normal `(e^s + 2) sqrt(e^s - 1)`, of an exponential 2, of Bernoulli
    /// `(1 - 2 p) / sqrt(p (1 - p))`; a cap that never binds changes nothing.
    #[test]
    fn moments_are_those_of_the_textbook() {
        let near = |found: f64, wanted: f64| assert!((found - wanted).abs() < 1e-6 * wanted.abs().max(1.0));
        let e = 1_f64.exp();
        near(Law::LogNormal { sigma: 1.0 }.skewness().unwrap(), (e + 2.0) * (e - 1.0).sqrt());
        near(Law::Exponential.skewness().unwrap(), 2.0);
        near(Law::Bernoulli(0.01).skewness().unwrap(), 0.98 / 0.0099_f64.sqrt());
        near(Law::Capped { sigma: 0.1, quantile: 1.0 - 1e-14 }.mean().unwrap(), 0.005_f64.exp());
    }

    #[test]
    fn draws_have_the_moments() {
        let laws = [
            Law::Normal,
            Law::Bernoulli(0.3),
            Law::Exponential,
            Law::Uniform,
            Law::LogNormal { sigma: 0.5 },
            Law::Capped { sigma: 1.0, quantile: 0.9 },
            Law::ZeroInflated { share: 0.2, sigma: 0.5 },
        ];
        for (cell, law) in laws.into_iter().enumerate() {
            let mut bits = bits("test", cell, 0);
            let cap = law.cap().unwrap().unwrap_or(f64::INFINITY);
            let n = 40_000;
            let mean = (0..n).map(|_| law.draw(&mut bits).min(cap)).sum::<f64>() / f64::from(n);
            let error = (law.variance().unwrap() / f64::from(n)).sqrt();
            assert!((mean - law.mean().unwrap()).abs() < 4.0 * error, "{law:?}");
        }
    }
}

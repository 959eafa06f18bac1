//! Which params to try next.

use std::fmt::Debug;

use crate::space::{Params, Space};
use crate::study::Observation;

/// Suggests params: a pure function of the space, what was seen, and a counter.
pub trait Sampler: Debug + Send + Sync {
    /// Its name, as the study's tags show it.
    fn name(&self) -> &'static str;

    /// The params of a trial. The same arguments give the same params.
    fn suggest(&self, space: &Space, history: &[Observation], context: SuggestContext) -> Params;
}

/// What makes suggestions different and repeatable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct SuggestContext {
    /// The seed of the study.
    pub seed: u64,
    /// The number of the trial, from 0.
    pub trial: u64,
}

impl SuggestContext {
    /// The context of a trial of a study.
    #[must_use]
    pub const fn new(seed: u64, trial: u64) -> Self {
        Self { seed, trial }
    }

    /// A number in [0, 1) for a param: 53 bits of a blake3 hash of seed, trial and name. It depends on
    /// nothing else, so trials that run side by side can be replayed one by one.
    #[must_use]
    #[allow(clippy::cast_precision_loss, reason = "53 bits are exact")]
    pub fn uniform(self, name: &str) -> f64 {
        let mut hasher = blake3::Hasher::new_derive_key("expt 2026 suggestion stream v1");
        hasher.update(&self.seed.to_le_bytes()).update(&self.trial.to_le_bytes()).update(name.as_bytes());
        let mut bytes = [0; 8];
        hasher.finalize_xof().fill(&mut bytes);
        (u64::from_le_bytes(bytes) >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// Draws each param independently (Bergstra, Bengio 2012). It looks at no history.
#[derive(Debug, Clone, Copy, Default)]
pub struct RandomSampler;

impl Sampler for RandomSampler {
    fn name(&self) -> &'static str {
        "random"
    }

    fn suggest(&self, space: &Space, _history: &[Observation], context: SuggestContext) -> Params {
        space.draw(|name| context.uniform(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_is_even_and_depends_on_each_part() {
        let context = SuggestContext::new(1, 2);
        assert!((context.uniform("a") - SuggestContext::new(1, 2).uniform("a")).abs() < f64::EPSILON);
        assert!((context.uniform("a") - context.uniform("b")).abs() > 1e-9);
        assert!((context.uniform("a") - SuggestContext::new(2, 2).uniform("a")).abs() > 1e-9);
        // The mean of n uniforms has standard deviation sqrt(1 / (12 n)); five of them is one in 1.7 million.
        let n = 20_000;
        let mean = (0..n).map(|trial| SuggestContext::new(7, trial).uniform("x")).sum::<f64>() / n as f64;
        assert!((mean - 0.5).abs() < 5.0 * (1.0 / (12.0 * n as f64)).sqrt(), "{mean}");
    }
}

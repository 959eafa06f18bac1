//! Compatibility: the buckets and evaluations of other products, exactly.
//!
//! Each module reproduces what one product's own SDK does, bit for bit, so that a team can move without
//! reshuffling its users. Nothing here is a model for new experiments: several of these formulas correlate
//! experiments or have coarse buckets, which is why this crate has its own ([`mix`](crate::mix)).
//!
//! Three ways to move: evaluate the other product's document here as it is; take single layers and phases over with
//! its [`Buckets`](crate::Buckets); or turn all its flags into a config with [`import`].

mod buckets;

pub mod confidence;
pub mod eppo;
pub mod flagd;
pub mod flagsmith;
pub mod growthbook;
pub mod import;
pub mod launchdarkly;
pub mod planout;
pub mod statsig;
pub mod unleash;

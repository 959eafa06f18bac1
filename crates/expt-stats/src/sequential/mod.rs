//! Inference that stays valid however often one looks.
//!
//! | question | type |
//! |---|---|
//! | difference of two arms, any number of looks | [`DifferenceSequence`]; value by value [`DifferenceStream`] |
//! | the same with known variance, or in a linear model with few rows | [`Msprt`], [`AnytimeT`] |
//! | a few looks planned beforehand | [`GroupPlan`] to [`GroupSequential`]; other looks than planned [`GroupMonitor`] |
//! | a level: asymptotic | [`LevelSequence`] |
//! | a level: exact for bounded values | [`HedgedSequence`], [`EmpiricalBernsteinSequence`], [`PredictableBernstein`], [`HoeffdingSequence`], [`PredictableHoeffding`] |
//! | a level: exact for proportions | [`BernoulliSequence`] |
//! | a quantile, two arms' quantiles | [`QuantileSequence`], [`QuantileAb`] |
//! | a sum with known tails | [`UniformBoundary`], [`Mixture`] and what implements them |
//! | evidence: merge, calibrate, running p-value | [`EValue`], [`Calibrator`], [`AlwaysValidP`] |
//!
//! What is about a level has a type of its own ([`LevelLook`], [`LevelInterval`]) and cannot be passed where a decision
//! wants a difference. Evidence is a logarithm throughout.

mod anytime_t;
mod boundary;
mod bounded;
mod difference;
mod dirichlet;
mod evalue;
mod group;
mod level;
mod msprt;
mod quantile;
pub(crate) mod root;
mod start;
mod stream;
mod uniform;

pub use anytime_t::{AnytimeT, AnytimeTLook, Radius};
pub(crate) use boundary::AsymptoticBoundary as Boundary;
pub use boundary::{AsymptoticBoundary, BoundaryAt};
pub use bounded::{
    BernoulliCounts, BernoulliSequence, BetCombination, BettingMartingale, BettingOptions,
    EmpiricalBernsteinSequence, HedgedSequence, HoeffdingSequence, LevelInterval, PredictableBernstein,
    PredictableHoeffding, RunningLevel, Support,
};
pub use difference::{DifferenceEstimate, DifferenceLook, DifferenceSequence};
pub(crate) use dirichlet::ln_bayes_factor;
pub use evalue::{AlwaysValidP, Calibrator, EValue};
pub use group::{
    Binding, Efficacy, ExitProbabilities, FutilityRule, GroupAdjusted, GroupLook, GroupMonitor, GroupPlan,
    GroupSequential, Observation, Scale, Sides, Spending,
};
pub use level::{LevelEstimate, LevelLook, LevelSequence};
pub use msprt::{Msprt, MsprtLook};
pub use quantile::{QuantileAb, QuantileRanks, QuantileSequence};
pub use start::{NotYet, Shortfall, StartRule};
pub use stream::DifferenceStream;
pub use uniform::{
    BetaBinomialMixture, DoubleStitching, EmpiricalProcessBound, GammaExponentialMixture,
    GammaPoissonMixture, Mixture, NormalMixture, PolyStitching, UniformBoundary,
};

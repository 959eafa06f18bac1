//! Inference that stays valid however often one looks.

mod anytime_t;
mod boundary;
mod bounded;
mod difference;
mod dirichlet;
mod evalue;
mod group;
mod level;
mod msprt;
mod root;
mod start;
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
pub use evalue::{AlwaysValidP, Calibrator, EValue};
pub use group::{
    Binding, Efficacy, ExitProbabilities, FutilityRule, GroupAdjusted, GroupLook, GroupMonitor, GroupPlan,
    GroupSequential, Observation, Scale, Sides, Spending,
};
pub use level::{LevelEstimate, LevelLook, LevelSequence};
pub use msprt::{Msprt, MsprtLook};
pub use start::{NotYet, Shortfall, StartRule};
pub use uniform::{
    BetaBinomialMixture, DoubleStitching, EmpiricalProcessBound, GammaExponentialMixture,
    GammaPoissonMixture, Mixture, NormalMixture, PolyStitching, UniformBoundary,
};

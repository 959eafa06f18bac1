//! The user's own training code: real data, real models, nothing of ours.
//!
//! The data are the 1,599 red wines of Cortez et al. (2009), which the crate `linfa-datasets` ships; the
//! question is whether a wine was rated 6 or better. The models are those of `smartcore`. A platform that
//! tracks, searches and serves models must live with code like this as it is, so this module knows neither
//! its types nor its traits.
//!
//! - [`data`]: the rows, their canonical bytes, leak-free splits and folds
//! - [`features`]: the fitted feature pipeline, which travels inside each model
//! - [`model`]: what to train ([`ModelSpec`]) and what comes out ([`Model`])
//! - [`metrics`]: how good the scores are

pub mod data;
pub mod features;
pub mod metrics;
pub mod model;

mod fitted;
#[cfg(test)]
mod tests;

pub use data::{Dataset, Fold, Row, Split};
pub use features::{Definition, Pipeline, Recipe};
pub use metrics::Metrics;
pub use model::{Model, ModelSpec};

/// What can go wrong in this module.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MlError {
    /// A row has another number of values than there are columns.
    #[error("expected {expected} feature values, found {found}")]
    Width {
        /// The number of columns.
        expected: usize,
        /// The number of values given.
        found: usize,
    },
    /// A value is not a finite number, so that no model could rank it.
    #[error("value of {column:?} is {value}, only finite numbers can be scored")]
    NotFinite {
        /// The column.
        column: String,
        /// The value given.
        value: f64,
    },
    /// A recipe needs a column which the data do not have.
    #[error("column {column:?} is missing from the data")]
    MissingColumn {
        /// The column.
        column: &'static str,
    },
    /// A hyper-parameter makes no sense.
    #[error("{name} is {value}, it must be finite and at least {least}")]
    Parameter {
        /// The parameter.
        name: &'static str,
        /// The value given.
        value: f64,
        /// The least value allowed.
        least: f64,
    },
    /// There are too few rows, or rows of one label only.
    #[error("{rows} rows are not enough for {task}: at least one row of each label is needed")]
    TooFewRows {
        /// The number of rows given.
        rows: usize,
        /// What the rows were for.
        task: &'static str,
    },
    /// The bytes do not begin as those of a model do.
    #[error("the bytes are not a model of format {expected:?}")]
    Format {
        /// The expected first bytes.
        expected: &'static str,
    },
    /// The bytes of a model could not be written or read.
    #[error("model codec: {0}")]
    Codec(#[from] postcard::Error),
    /// The learning library refused the data or the parameters.
    #[error("training library: {0}")]
    Training(#[from] smartcore::error::Failed),
}

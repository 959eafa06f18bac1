//! What to train, and what comes out: a model with its pipeline inside.

use serde::{Deserialize, Serialize};

use super::fitted::Fitted;
use super::{Dataset, MlError, Pipeline};

/// What to train: a family and its hyper-parameters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum ModelSpec {
    /// Logistic regression, fitted by L-BFGS.
    Logistic {
        /// Weight of the ridge penalty: `alpha / 2 · |w|²` is added to the *summed* log loss.
        alpha: f64,
    },
    /// One decision tree.
    Tree {
        /// Most levels of nodes. The root is the first, so 2 allows one cut and 1 none.
        max_depth: u16,
        /// Fewest rows in a leaf.
        min_leaf: usize,
    },
    /// Random forest: bootstrap samples, best cut among `m` random features.
    Forest {
        /// Number of trees.
        trees: usize,
        /// Most levels of nodes. The root is the first, so 2 allows one cut and 1 none.
        max_depth: u16,
        /// Fewest rows in a leaf.
        min_leaf: usize,
        /// Number of features that a cut may choose from.
        m: usize,
    },
    /// Extremely randomised trees: all rows, random cuts, the best of `m` features.
    ExtraTrees {
        /// Number of trees.
        trees: usize,
        /// Most levels of nodes. The root is the first, so 2 allows one cut and 1 none.
        max_depth: u16,
        /// Fewest rows in a leaf.
        min_leaf: usize,
        /// Number of features that a cut may choose from.
        m: usize,
    },
    /// Gradient boosting on the squared error.
    Boosted {
        /// Number of rounds, one tree each.
        rounds: usize,
        /// Most cuts on the way to a leaf (the library counts otherwise here than for the other trees).
        max_depth: u16,
        /// Factor on each tree's answer.
        learning_rate: f64,
        /// Fewest rows in a leaf.
        min_leaf: usize,
        /// Share of the rows that each tree sees, in `(0, 1]`.
        subsample: f64,
        /// Ridge penalty on the leaves.
        lambda: f64,
    },
}

/// A trained model, complete: it takes raw measurements.
#[derive(Debug, Serialize, Deserialize)]
pub struct Model {
    spec: ModelSpec,
    pipeline: Pipeline,
    fitted: Fitted,
}

impl ModelSpec {
    /// Returns the name of the family, such as `forest`.
    #[must_use]
    pub fn family(&self) -> &'static str {
        match self {
            Self::Logistic { .. } => "logistic",
            Self::Tree { .. } => "tree",
            Self::Forest { .. } => "forest",
            Self::ExtraTrees { .. } => "extra-trees",
            Self::Boosted { .. } => "boosted",
        }
    }

    /// Checks the values that the library would take and turn into nonsense, such as a forest without trees,
    /// whose mean is NaN.
    fn check(&self) -> Result<(), MlError> {
        let (name, value, least) = match *self {
            Self::Logistic { alpha } => ("alpha", alpha, 0.0),
            Self::Tree { max_depth, .. } => ("max_depth", f64::from(max_depth), 1.0),
            Self::Forest { trees, .. } | Self::ExtraTrees { trees, .. } => ("trees", trees as f64, 1.0),
            Self::Boosted { learning_rate, lambda, .. } if lambda >= 0.0 => {
                ("learning_rate", learning_rate, 0.0)
            }
            Self::Boosted { lambda, .. } => ("lambda", lambda, 0.0),
        };
        if value.is_finite() && value >= least {
            return Ok(());
        }
        Err(MlError::Parameter { name, value, least })
    }
}

impl Model {
    /// Trains a model on the rows, seen through a fitted pipeline. The same arguments give the same model,
    /// to the byte. (The seed does not matter to [`ModelSpec::Logistic`].)
    ///
    /// # Errors
    /// [`MlError::Parameter`] and [`MlError::Training`] if a parameter makes no sense,
    /// [`MlError::TooFewRows`] if a label is missing, and the errors of [`Pipeline::apply`].
    pub fn train(spec: ModelSpec, pipeline: Pipeline, data: &Dataset, seed: u64) -> Result<Self, MlError> {
        spec.check()?;
        data.check_labels("training")?;
        let features = apply_all(&pipeline, data)?;
        let fitted = Fitted::train(&spec, &features, &data.labels(), seed)?;
        Ok(Self { spec, pipeline, fitted })
    }

    /// Returns the probability-like score, in `[0, 1]`, that the wine with these raw measurements is good.
    ///
    /// # Errors
    /// Those of [`Pipeline::apply`].
    pub fn score(&self, raw: &[f64]) -> Result<f64, MlError> {
        let scores = self.fitted.scores(&[self.pipeline.apply(raw)?])?;
        scores.first().copied().ok_or(MlError::TooFewRows { rows: 0, task: "scoring" })
    }

    /// Scores all rows of a dataset at once; each score is the same as that of [`Model::score`], to the bit.
    ///
    /// # Errors
    /// Those of [`Pipeline::apply`].
    pub fn score_all(&self, data: &Dataset) -> Result<Vec<f64>, MlError> {
        self.fitted.scores(&apply_all(&self.pipeline, data)?)
    }

    /// Returns the same model behind another pipeline, which need not be the one it was trained with.
    #[must_use]
    pub fn with_pipeline(self, pipeline: Pipeline) -> Self {
        Self { pipeline, ..self }
    }

    /// Returns what was trained.
    #[must_use]
    pub fn spec(&self) -> &ModelSpec {
        &self.spec
    }

    /// Returns the feature pipeline.
    #[must_use]
    pub fn pipeline(&self) -> &Pipeline {
        &self.pipeline
    }

    /// Writes the model as bytes: a format tag, then postcard, which keeps every bit of every number. (JSON
    /// would be five times as long, and `serde_json` without its feature `float_roundtrip` reads some numbers
    /// back one bit off.)
    ///
    /// # Errors
    /// [`MlError::Codec`] if the library's types refuse to be serialised.
    pub fn to_bytes(&self) -> Result<Vec<u8>, MlError> {
        Ok(postcard::to_extend(self, FORMAT.as_bytes().to_vec())?)
    }

    /// Reads a model that [`Model::to_bytes`] wrote. It scores as the original did, to the bit.
    ///
    /// The bytes must be trusted: tree nodes are not checked for sense. Compare a digest first.
    ///
    /// # Errors
    /// [`MlError::Format`] if the tag is another, [`MlError::Codec`] if the rest is damaged.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, MlError> {
        let body = bytes.strip_prefix(FORMAT.as_bytes()).ok_or(MlError::Format { expected: FORMAT })?;
        Ok(postcard::from_bytes(body)?)
    }
}

fn apply_all(pipeline: &Pipeline, data: &Dataset) -> Result<Vec<Vec<f64>>, MlError> {
    data.rows.iter().map(|row| pipeline.apply(&row.features)).collect()
}

/// The first bytes of a serialised model. A new layout, here or in `smartcore`, needs a new tag.
const FORMAT: &str = "wine-model/1 smartcore/0.7\n";

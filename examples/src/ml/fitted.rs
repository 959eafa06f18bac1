//! The fitted part of a model, as the learning library keeps it.
//!
//! Tree families are fitted as regressions on the label as 0 or 1. For two classes that changes nothing in
//! the tree (the variance of a 0/1 label is half its Gini impurity, so the best cuts are the same), and it
//! makes a leaf answer with its share of good wines rather than with a class. Boosting fits the squared error
//! in the same way; its sums can leave `[0, 1]` and are clamped.

use serde::{Deserialize, Serialize};
use smartcore::ensemble::extra_trees_regressor::{ExtraTreesRegressor, ExtraTreesRegressorParameters};
use smartcore::ensemble::random_forest_regressor::{RandomForestRegressor, RandomForestRegressorParameters};
use smartcore::linalg::basic::arrays::Array;
use smartcore::linalg::basic::matrix::DenseMatrix;
use smartcore::linear::logistic_regression::{LogisticRegression, LogisticRegressionParameters};
use smartcore::tree::decision_tree_regressor::{DecisionTreeRegressor, DecisionTreeRegressorParameters};
use smartcore::xgboost::{XGRegressor, XGRegressorParameters};

use super::{MlError, ModelSpec};

/// The fitted part, as the library keeps it; of the logistic model its coefficients.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Fitted {
    Logistic { weights: Vec<f64>, intercept: f64 },
    Tree(DecisionTreeRegressor<f64, f64, Matrix, Values>),
    Forest(RandomForestRegressor<f64, f64, Matrix, Values>),
    ExtraTrees(ExtraTreesRegressor<f64, f64, Matrix, Values>),
    Boosted(XGRegressor<f64, f64, Matrix, Values>),
}

type Matrix = DenseMatrix<f64>;
type Values = Vec<f64>;

impl Fitted {
    /// Fits the family that `spec` names to rows of features.
    pub(super) fn train(
        spec: &ModelSpec,
        features: &[Vec<f64>],
        labels: &[bool],
        seed: u64,
    ) -> Result<Self, MlError> {
        let x = &matrix(features)?;
        let y: Values = labels.iter().map(|&label| f64::from(label)).collect();
        Ok(match *spec {
            ModelSpec::Logistic { alpha } => {
                let y: Vec<u8> = labels.iter().map(|&label| u8::from(label)).collect();
                let parameters = LogisticRegressionParameters::default().with_alpha(alpha);
                let fitted = LogisticRegression::fit(x, &y, parameters)?;
                let weights = fitted.coefficients().iterator(0).copied().collect();
                let intercept = fitted.intercept().iterator(0).sum();
                Self::Logistic { weights, intercept }
            }
            ModelSpec::Tree { max_depth, min_leaf } => {
                let parameters = DecisionTreeRegressorParameters {
                    seed: Some(seed),
                    ..DecisionTreeRegressorParameters::default()
                        .with_max_depth(max_depth)
                        .with_min_samples_leaf(min_leaf)
                };
                Self::Tree(DecisionTreeRegressor::fit(x, &y, parameters)?)
            }
            ModelSpec::Forest { trees, max_depth, min_leaf, m } => {
                let parameters = RandomForestRegressorParameters::default()
                    .with_n_trees(trees)
                    .with_max_depth(max_depth)
                    .with_min_samples_leaf(min_leaf)
                    .with_m(m)
                    .with_seed(seed);
                Self::Forest(RandomForestRegressor::fit(x, &y, parameters)?)
            }
            ModelSpec::ExtraTrees { trees, max_depth, min_leaf, m } => {
                let parameters = ExtraTreesRegressorParameters::default()
                    .with_n_trees(trees)
                    .with_max_depth(max_depth)
                    .with_min_samples_leaf(min_leaf)
                    .with_m(m)
                    .with_seed(seed);
                Self::ExtraTrees(ExtraTreesRegressor::fit(x, &y, parameters)?)
            }
            ModelSpec::Boosted { rounds, max_depth, learning_rate, min_leaf, subsample, lambda } => {
                let parameters = XGRegressorParameters::default()
                    .with_n_estimators(rounds)
                    .with_max_depth(max_depth)
                    .with_learning_rate(learning_rate)
                    .with_min_child_weight(min_leaf)
                    .with_subsample(subsample)
                    .with_lambda(lambda)
                    .with_seed(seed);
                Self::Boosted(XGRegressor::fit(x, &y, parameters)?)
            }
        })
    }

    /// Scores rows of features, each on its own, so that a row's score does not depend on the others.
    pub(super) fn scores(&self, features: &[Vec<f64>]) -> Result<Values, MlError> {
        if features.is_empty() {
            return Ok(Vec::new());
        }
        let raw = match self {
            Self::Logistic { weights, intercept } => {
                features.iter().map(|row| sigmoid(intercept + dot(weights, row))).collect()
            }
            Self::Tree(model) => model.predict(&matrix(features)?)?,
            Self::Forest(model) => model.predict(&matrix(features)?)?,
            Self::ExtraTrees(model) => model.predict(&matrix(features)?)?,
            Self::Boosted(model) => model.predict(&matrix(features)?)?,
        };
        Ok(raw.into_iter().map(|score| score.clamp(0.0, 1.0)).collect())
    }
}

fn matrix(rows: &[Vec<f64>]) -> Result<Matrix, MlError> {
    let width = rows.first().map_or(0, Vec::len);
    Ok(DenseMatrix::new(rows.len(), width, rows.concat(), false)?)
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn sigmoid(logit: f64) -> f64 {
    1.0 / (1.0 + (-logit).exp())
}

//! The feature pipeline: from raw measurements to what a model sees.
//!
//! A pipeline is a list of named formulas plus the centre and scale of each, fitted on training rows. It is
//! part of a model and is serialised with it. [`Pipeline::definitions`] spells it out for whoever wants to pin
//! the features that a model was trained on.

use serde::{Deserialize, Serialize};

use super::{Dataset, MlError};

/// A fitted feature pipeline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pipeline {
    recipe: Recipe,
    inputs: Vec<String>,
    features: Vec<Feature>,
}

/// Which formulas a pipeline uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Recipe {
    /// Natural logarithms of the skewed columns; free over total sulfur dioxide.
    V1,
    /// What a well-meant clean-up made of [`Recipe::V1`]: logarithms to base 10. Same names, same number of
    /// features, other values in five of them.
    V2,
}

/// One feature in words: enough to compute it, and to notice that it changed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Definition {
    /// The feature's name.
    pub name: String,
    /// The whole formula, with the fitted centre and scale in full precision.
    pub expression: String,
    /// The raw columns it reads.
    pub inputs: Vec<String>,
}

impl Pipeline {
    /// Fits the centre (mean) and scale (standard deviation) of each feature of a recipe on the rows.
    ///
    /// Fit on training rows only: on a fold, that means the fold's own training rows.
    ///
    /// # Errors
    /// [`MlError::MissingColumn`] if the recipe needs a column the data lack, [`MlError::TooFewRows`] if
    /// there are no rows, [`MlError::Width`] and [`MlError::NotFinite`] if a row is malformed.
    pub fn fit(recipe: Recipe, data: &Dataset) -> Result<Self, MlError> {
        if data.rows.is_empty() {
            return Err(MlError::TooFewRows { rows: 0, task: "fitting a pipeline" });
        }
        let inputs = data.feature_names.clone();
        let mut features = formulas(recipe, &inputs)?;
        for row in &data.rows {
            check(&inputs, &row.features)?;
        }
        for feature in &mut features {
            let values: Vec<f64> = data.rows.iter().map(|row| feature.formula.eval(&row.features)).collect();
            (feature.centre, feature.scale) = centre_and_scale(&values);
        }
        Ok(Self { recipe, inputs, features })
    }

    /// Computes the features of one raw row.
    ///
    /// # Errors
    /// [`MlError::Width`] if the row has the wrong length, [`MlError::NotFinite`] if a value is NaN or
    /// infinite.
    pub fn apply(&self, raw: &[f64]) -> Result<Vec<f64>, MlError> {
        check(&self.inputs, raw)?;
        Ok(self.features.iter().map(|f| (f.formula.eval(raw) - f.centre) / f.scale).collect())
    }

    /// Returns this pipeline as it behaves after its formulas were replaced underneath it: the fitted centres
    /// and scales stay, the formulas are those of `recipe`. This is the training/serving skew that pinning
    /// features is to catch.
    ///
    /// # Errors
    /// [`MlError::MissingColumn`] if the recipe needs a column the pipeline does not read.
    pub fn moved_to(&self, recipe: Recipe) -> Result<Self, MlError> {
        let mut moved =
            Self { recipe, inputs: self.inputs.clone(), features: formulas(recipe, &self.inputs)? };
        for (new, old) in moved.features.iter_mut().zip(&self.features) {
            (new.centre, new.scale) = (old.centre, old.scale);
        }
        Ok(moved)
    }

    /// Returns the definition of each feature, in order.
    #[must_use]
    pub fn definitions(&self) -> Vec<Definition> {
        let column = |index: usize| self.inputs.get(index).map_or("?", String::as_str);
        let define = |feature: &Feature| {
            let (formula, inputs) = match feature.formula {
                Formula::Raw(x) => (format!("`{}`", column(x)), vec![x]),
                Formula::Ln(x) => (format!("ln(max(`{}`, {FLOOR}))", column(x)), vec![x]),
                Formula::Log10(x) => (format!("log10(max(`{}`, {FLOOR}))", column(x)), vec![x]),
                Formula::Ratio(x, y) => {
                    (format!("`{}` / max(`{}`, {FLOOR})", column(x), column(y)), vec![x, y])
                }
            };
            Definition {
                name: feature.name.clone(),
                expression: format!("({formula} - {}) / {}", feature.centre, feature.scale),
                inputs: inputs.into_iter().map(|index| column(index).to_owned()).collect(),
            }
        };
        self.features.iter().map(define).collect()
    }

    /// Returns the version of the formulas, such as `wine-features/1`.
    #[must_use]
    pub fn version(&self) -> &'static str {
        match self.recipe {
            Recipe::V1 => "wine-features/1",
            Recipe::V2 => "wine-features/2",
        }
    }

    /// Returns the number of features that [`Pipeline::apply`] gives.
    #[must_use]
    pub fn width(&self) -> usize {
        self.features.len()
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Feature {
    name: String,
    formula: Formula,
    centre: f64,
    scale: f64,
}

/// A formula over raw columns, which are named by position.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
enum Formula {
    Raw(usize),
    Ln(usize),
    Log10(usize),
    Ratio(usize, usize),
}

impl Formula {
    /// Evaluates on a checked row. A missing column cannot occur there and would count as 0.
    fn eval(self, raw: &[f64]) -> f64 {
        let value = |index: usize| raw.get(index).copied().unwrap_or_default();
        match self {
            Self::Raw(x) => value(x),
            Self::Ln(x) => value(x).max(FLOOR).ln(),
            Self::Log10(x) => value(x).max(FLOOR).log10(),
            Self::Ratio(x, y) => value(x) / value(y).max(FLOOR),
        }
    }
}

/// Lists the features of a recipe: every column (skewed ones as logarithms), then the sulfur ratio.
fn formulas(recipe: Recipe, inputs: &[String]) -> Result<Vec<Feature>, MlError> {
    let find = |column: &'static str| {
        let position = inputs.iter().position(|name| name == column);
        position.ok_or(MlError::MissingColumn { column })
    };
    let log: fn(usize) -> Formula = match recipe {
        Recipe::V1 => Formula::Ln,
        Recipe::V2 => Formula::Log10,
    };
    let ratio = Formula::Ratio(find("free sulfur dioxide")?, find("total sulfur dioxide")?);
    let unfitted = |name: String, formula| Feature { name, formula, centre: 0.0, scale: 1.0 };
    let columns = inputs.iter().enumerate().map(|(index, name)| {
        if SKEWED.contains(&name.as_str()) {
            unfitted(format!("log {name}"), log(index))
        } else {
            unfitted(name.clone(), Formula::Raw(index))
        }
    });
    Ok(columns.chain([unfitted("sulfur ratio".to_owned(), ratio)]).collect())
}

/// Mean and population standard deviation; a constant feature keeps the scale 1 and so becomes 0.
fn centre_and_scale(values: &[f64]) -> (f64, f64) {
    let n = values.len().max(1) as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / n;
    (mean, if variance > 0.0 { variance.sqrt() } else { 1.0 })
}

fn check(inputs: &[String], raw: &[f64]) -> Result<(), MlError> {
    if raw.len() != inputs.len() {
        return Err(MlError::Width { expected: inputs.len(), found: raw.len() });
    }
    match inputs.iter().zip(raw).find(|(_, value)| !value.is_finite()) {
        Some((column, &value)) => Err(MlError::NotFinite { column: column.clone(), value }),
        None => Ok(()),
    }
}

/// The columns whose skewness exceeds 1.2 in the published data.
const SKEWED: [&str; 5] =
    ["residual sugar", "chlorides", "free sulfur dioxide", "total sulfur dioxide", "sulphates"];

/// The least value that logarithms and denominators see; all published values lie far above it.
const FLOOR: f64 = 1e-6;

//! Feature pins: the exact pipeline that a model was trained on, checked again where it is served.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::canonical;
use crate::digest::Digest;
use crate::error::Result;

/// One resolved feature: what it is called, how it is computed, and from which inputs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FeatureDefinition {
    /// The feature.
    pub name: String,
    /// How it is computed, with every constant that it depends on.
    pub expression: String,
    /// The raw inputs, in order.
    pub inputs: Vec<String>,
}

/// One input row and what the pipeline made of it when the model was trained.
///
/// Golden rows catch what no definition shows, such as a changed helper function.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GoldenRow {
    /// The raw inputs.
    pub input: Vec<f64>,
    /// The features.
    pub output: Vec<f64>,
}

/// The exact feature pipeline of a model: its resolved definitions, the commit of its repository, and
/// golden rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FeaturePin {
    /// What people call the pipeline.
    pub pipeline: String,
    /// Its features, in the order in which the model reads them.
    pub definitions: Vec<FeatureDefinition>,
    /// The commit of the repository that defines it, if it is known.
    pub commit: Option<String>,
    /// Rows to check the running pipeline with.
    pub golden: Vec<GoldenRow>,
}

impl FeaturePin {
    /// The digest of the definitions, in their order: what makes two pipelines the same pipeline.
    /// The pipeline's name, its commit and the golden rows are not part of it.
    ///
    /// # Errors
    /// Never for a pin that was built from text and finite numbers; otherwise
    /// [`CoreError::Canonical`](crate::CoreError::Canonical).
    pub fn digest(&self) -> Result<Digest> {
        canonical::digest(&self.definitions)
    }

    /// Compares the pipeline that a model was trained on (`self`) with the one that is live.
    ///
    /// The worst difference is reported. Golden rows are compared where both pins have the same input;
    /// outputs agree when they differ by at most 1e-9 of the larger magnitude, or 1e-12.
    #[must_use]
    pub fn compare(&self, live: &Self) -> PinDiff {
        let names = |pin: &Self| pin.definitions.iter().map(|d| d.name.clone()).collect::<Vec<_>>();
        if names(self) != names(live) {
            let (trained, live) = (names(self), names(live));
            let missing = trained.iter().filter(|n| !live.contains(n)).cloned().collect();
            let added = live.iter().filter(|n| !trained.contains(n)).cloned().collect();
            return PinDiff::SchemaChanged { missing, added };
        }
        let changed = |of: fn(&FeatureDefinition, &FeatureDefinition) -> bool| -> Vec<String> {
            let pairs = self.definitions.iter().zip(&live.definitions);
            pairs.filter(|(a, b)| of(a, b)).map(|(a, _)| a.name.clone()).collect()
        };
        let logic = changed(|a, b| a.expression != b.expression);
        if !logic.is_empty() {
            return PinDiff::LogicChanged { features: logic };
        }
        let source = changed(|a, b| a.inputs != b.inputs);
        if !source.is_empty() {
            return PinDiff::SourceChanged { features: source };
        }
        let columns = names(self).into_iter().enumerate();
        let outputs = columns.filter(|(column, _)| self.golden_differs(live, *column));
        let features: Vec<String> = outputs.map(|(_, name)| name).collect();
        match features.is_empty() {
            false => PinDiff::OutputChanged { features },
            true if self.commit != live.commit => {
                PinDiff::CodeChanged { trained: self.commit.clone(), live: live.commit.clone() }
            }
            true => PinDiff::Identical,
        }
    }

    fn golden_differs(&self, live: &Self, column: usize) -> bool {
        self.golden.iter().any(|row| {
            let twin = live.golden.iter().find(|other| other.input == row.input);
            twin.is_some_and(|twin| match (row.output.get(column), twin.output.get(column)) {
                (Some(a), Some(b)) => (a - b).abs() > (1e-9 * a.abs().max(b.abs())).max(1e-12),
                _ => true,
            })
        })
    }
}

/// How the live pipeline differs from the one that a model was trained on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum PinDiff {
    /// Same definitions, same outputs, same commit.
    Identical,
    /// Same definitions, same outputs, another commit of the repository.
    CodeChanged {
        /// The commit at training time.
        trained: Option<String>,
        /// The commit now.
        live: Option<String>,
    },
    /// Same definitions, but a golden row gives other values: something below the definitions changed.
    OutputChanged {
        /// The features that give other values.
        features: Vec<String>,
    },
    /// A feature reads other inputs.
    SourceChanged {
        /// The features.
        features: Vec<String>,
    },
    /// A feature is computed differently.
    LogicChanged {
        /// The features.
        features: Vec<String>,
    },
    /// Features are missing, added, or in another order.
    SchemaChanged {
        /// What the model needs and the pipeline lacks.
        missing: Vec<String>,
        /// What the pipeline has and the model does not know.
        added: Vec<String>,
    },
}

impl PinDiff {
    /// Whether the model would see the values that it was trained on: true for [`PinDiff::Identical`] and
    /// [`PinDiff::CodeChanged`].
    #[must_use]
    pub const fn is_compatible(&self) -> bool {
        matches!(self, Self::Identical | Self::CodeChanged { .. })
    }
}

impl fmt::Display for PinDiff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let commit = |commit: &Option<String>| commit.clone().unwrap_or_else(|| "an unknown commit".into());
        match self {
            Self::Identical => write!(f, "identical"),
            Self::CodeChanged { trained, live } => {
                write!(
                    f,
                    "same definitions and outputs, code moved from {} to {}",
                    commit(trained),
                    commit(live)
                )
            }
            Self::OutputChanged { features } => {
                write!(f, "golden rows give other values for {}", features.join(", "))
            }
            Self::SourceChanged { features } => write!(f, "other inputs of {}", features.join(", ")),
            Self::LogicChanged { features } => write!(f, "other logic of {}", features.join(", ")),
            Self::SchemaChanged { missing, added } if missing.is_empty() && added.is_empty() => {
                write!(f, "other order of features")
            }
            Self::SchemaChanged { missing, added } => {
                write!(
                    f,
                    "missing features [{}], unknown features [{}]",
                    missing.join(", "),
                    added.join(", ")
                )
            }
        }
    }
}

/// What is known about the pin of a model that serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum PinStatus {
    /// The live pipeline was compared and gives what the model was trained on.
    Verified,
    /// The live pipeline differs.
    Mismatch,
    /// Nothing was compared.
    Unchecked,
}

impl PinStatus {
    /// The word that stamps and reports use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::Mismatch => "mismatch",
            Self::Unchecked => "unchecked",
        }
    }
}

impl fmt::Display for PinStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pin(definitions: &[(&str, &str, &str)], output: &[f64]) -> FeaturePin {
        let define = |(name, expression, input): &(&str, &str, &str)| FeatureDefinition {
            name: (*name).into(),
            expression: (*expression).into(),
            inputs: vec![(*input).into()],
        };
        FeaturePin {
            pipeline: "p".into(),
            definitions: definitions.iter().map(define).collect(),
            commit: Some("c1".into()),
            golden: vec![GoldenRow { input: vec![1.0], output: output.to_vec() }],
        }
    }

    #[test]
    fn the_worst_difference_is_named() {
        let trained = pin(&[("a", "x", "x"), ("b", "ln x", "x")], &[1.0, 0.0]);
        let mut moved = trained.clone();
        moved.commit = None;
        assert!(trained.compare(&trained).is_compatible());
        assert!(matches!(trained.compare(&moved), PinDiff::CodeChanged { .. }));
        assert!(trained.compare(&moved).is_compatible());
        let check = |live: FeaturePin, expected: &str| {
            let diff = trained.compare(&live);
            assert!(!diff.is_compatible());
            assert_eq!(diff.to_string(), expected);
        };
        check(
            pin(&[("a", "x", "x"), ("b", "ln x", "x")], &[1.0, 0.1]),
            "golden rows give other values for b",
        );
        check(pin(&[("a", "x", "y"), ("b", "ln x", "x")], &[1.0, 0.0]), "other inputs of a");
        check(pin(&[("a", "x", "x"), ("b", "log2 x", "x")], &[1.0, 0.0]), "other logic of b");
        check(
            pin(&[("a", "x", "x"), ("c", "ln x", "x")], &[1.0, 0.0]),
            "missing features [b], unknown features [c]",
        );
        check(pin(&[("b", "ln x", "x"), ("a", "x", "x")], &[1.0, 0.0]), "other order of features");
    }

    #[test]
    fn the_digest_is_of_the_definitions_only() {
        let one = pin(&[("a", "x", "x")], &[1.0]);
        let mut other = pin(&[("a", "x", "x")], &[2.0]);
        other.commit = None;
        assert_eq!(one.digest(), other.digest());
        assert_ne!(one.digest(), pin(&[("a", "2 x", "x")], &[1.0]).digest());
    }
}

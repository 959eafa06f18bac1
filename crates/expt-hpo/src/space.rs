//! What may vary.

use std::collections::BTreeMap;

use expt_core::ParamValue;
use serde::{Deserialize, Serialize};

use crate::{Error, ErrorKind, Result};

/// The params of one trial.
pub type Params = BTreeMap<String, ParamValue>;

/// The params of a search, in the order in which they were added. Some may depend on an earlier choice.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct Space {
    dimensions: Vec<Dimension>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Dimension {
    name: String,
    domain: Domain,
    /// Only where this earlier choice has this value.
    when: Option<(String, ParamValue)>,
}

/// A space as it is read, before it is checked.
#[derive(Deserialize)]
struct Unchecked {
    dimensions: Vec<Dimension>,
}

impl TryFrom<Unchecked> for Space {
    type Error = Error;

    fn try_from(read: Unchecked) -> Result<Self> {
        read.dimensions.into_iter().try_fold(
            Self::new(),
            |space, Dimension { name, domain, when }| match when {
                Some((choice, value)) => space.with_when(name, domain, &choice, value),
                None => space.with(name, domain),
            },
        )
    }
}

impl Space {
    /// An empty space.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a param.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) if the name is empty or taken, or the domain has no values.
    pub fn with(self, name: impl Into<String>, domain: Domain) -> Result<Self> {
        self.add(name.into(), domain, None)
    }

    /// Adds a param that only exists where an earlier choice has a value.
    ///
    /// ```
    /// use expt_hpo::{Domain, Space};
    ///
    /// let space = Space::new()
    ///     .with("model", Domain::choice(["forest", "logistic"])?)?
    ///     .with_when("depth", Domain::int(2, 12)?, "model", "forest")?;
    /// assert!(space.with_when("l2", Domain::float(0.0, 1.0)?, "model", "linear").is_err());
    /// # Ok::<(), expt_hpo::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) if the name is empty or taken, the domain has no values, or
    /// there is no earlier choice that can have the value.
    pub fn with_when(
        self,
        name: impl Into<String>,
        domain: Domain,
        choice: &str,
        value: impl Into<ParamValue>,
    ) -> Result<Self> {
        let (name, value) = (name.into(), value.into());
        let options = self.dimensions.iter().find(|d| d.name == choice).map(|d| &d.domain);
        match options {
            Some(Domain::Choice(options)) if options.contains(&value) => {
                self.add(name, domain, Some((choice.to_owned(), value)))
            }
            _ => invalid(format!(
                "param {name:?} depends on {choice:?} = {value}, which no earlier choice can be"
            )),
        }
    }

    /// The domain of a param.
    #[must_use]
    pub fn domain(&self, name: &str) -> Option<&Domain> {
        self.dimensions.iter().find(|d| d.name == name).map(|d| &d.domain)
    }

    /// Draws a value for each param that exists, given the earlier ones, with a function from the name to
    /// a number in [0, 1).
    #[must_use]
    pub fn draw(&self, mut uniform: impl FnMut(&str) -> f64) -> Params {
        let mut params = Params::new();
        for dimension in &self.dimensions {
            let exists =
                dimension.when.as_ref().is_none_or(|(choice, value)| params.get(choice) == Some(value));
            if exists {
                params.insert(dimension.name.clone(), dimension.domain.at(uniform(&dimension.name)));
            }
        }
        params
    }

    fn add(mut self, name: String, domain: Domain, when: Option<(String, ParamValue)>) -> Result<Self> {
        if name.is_empty() || self.domain(&name).is_some() {
            return invalid(format!("param {name:?} is empty or taken; give each param a name of its own"));
        }
        // A domain can also be written as a literal, or read.
        let domain = domain.checked()?;
        self.dimensions.push(Dimension { name, domain, when });
        Ok(self)
    }
}

/// The values that a param may have.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Domain {
    /// A real number from `low` to `high`.
    Float {
        /// The smallest value.
        low: f64,
        /// The largest value.
        high: f64,
        /// Whether it is drawn on the logarithmic scale.
        log: bool,
    },
    /// A whole number from `low` to `high`, both included.
    Int {
        /// The smallest value.
        low: i64,
        /// The largest value.
        high: i64,
    },
    /// One of these.
    Choice(Vec<ParamValue>),
}

impl Domain {
    /// A real number.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) unless both ends are finite and `low < high`.
    pub fn float(low: f64, high: f64) -> Result<Self> {
        if low.is_finite() && high.is_finite() && low < high {
            return Ok(Self::Float { low, high, log: false });
        }
        invalid(format!("a range from {low} to {high}; give two finite numbers, the smaller first"))
    }

    /// A real number above zero, drawn on the logarithmic scale.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) unless `0 < low < high` and both are finite.
    pub fn log_float(low: f64, high: f64) -> Result<Self> {
        match Self::float(low, high)? {
            Self::Float { low, high, .. } if low > 0.0 => Ok(Self::Float { low, high, log: true }),
            _ => invalid(format!("a logarithmic range from {low}; begin above 0, or call Domain::float")),
        }
    }

    /// A whole number, both ends included.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) if `low > high`.
    pub fn int(low: i64, high: i64) -> Result<Self> {
        if low <= high {
            return Ok(Self::Int { low, high });
        }
        invalid(format!("a range from {low} to {high}; give the smaller first"))
    }

    /// One of the values.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) if there is none.
    pub fn choice<V: Into<ParamValue>>(values: impl IntoIterator<Item = V>) -> Result<Self> {
        let values: Vec<ParamValue> = values.into_iter().map(Into::into).collect();
        if values.is_empty() {
            return invalid("a choice of nothing; give one or more values".into());
        }
        Ok(Self::Choice(values))
    }

    /// What the constructors give for the same values.
    fn checked(self) -> Result<Self> {
        match self {
            Self::Float { low, high, log: false } => Self::float(low, high),
            Self::Float { low, high, log: true } => Self::log_float(low, high),
            Self::Int { low, high } => Self::int(low, high),
            Self::Choice(values) => Self::choice(values),
        }
    }

    /// The value at a position in [0, 1): evenly spread over the range, its logarithm, or the choices.
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "positions are in [0, 1), so the products are inside the ranges, which are then clamped"
    )]
    fn at(&self, position: f64) -> ParamValue {
        match self {
            Self::Float { low, high, log: false } => {
                let width = high - low;
                // The width of two finite numbers can be infinite.
                let wide = || low * (1.0 - position) + high * position;
                let value = if width.is_finite() { low + position * width } else { wide() };
                value.clamp(*low, *high).into()
            }
            Self::Float { low, high, log: true } => {
                (low.ln() + position * (high.ln() - low.ln())).exp().clamp(*low, *high).into()
            }
            Self::Int { low, high } => {
                let width = (i128::from(*high) - i128::from(*low) + 1) as f64;
                let value = i128::from(*low) + (position * width) as i128;
                ParamValue::Int(i64::try_from(value).unwrap_or(*high).min(*high))
            }
            Self::Choice(values) => {
                let index = (position * values.len() as f64) as usize;
                values.get(index).or(values.last()).cloned().unwrap_or(ParamValue::Bool(false))
            }
        }
    }
}

fn invalid<T>(message: String) -> Result<T> {
    Err(Error::new(ErrorKind::InvalidInput, "build space", message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_stay_inside_and_reach_the_ends() {
        let domain = Domain::int(i64::MIN, i64::MAX).unwrap();
        assert_eq!(domain.at(0.0), ParamValue::Int(i64::MIN));
        let dice = Domain::int(1, 6).unwrap();
        assert_eq!((dice.at(0.0), dice.at(0.999_999)), (1.into(), 6.into()));
        let rate = Domain::log_float(1e-4, 1.0).unwrap();
        assert!((rate.at(0.5).as_f64().unwrap() - 1e-2).abs() < 1e-12);
    }

    #[test]
    fn refuses_domains_without_values() {
        assert!(Domain::float(1.0, 1.0).is_err());
        assert!(Domain::float(f64::NAN, 1.0).is_err());
        assert!(Domain::log_float(0.0, 1.0).unwrap_err().to_string().contains("above 0"));
        assert!(Domain::int(2, 1).is_err());
        assert!(Domain::choice(Vec::<i64>::new()).is_err());
    }

    #[test]
    fn conditional_params_exist_only_with_their_choice() {
        let space = Space::new().with("model", Domain::choice(["a", "b"]).unwrap()).unwrap();
        let space = space.with_when("depth", Domain::int(1, 2).unwrap(), "model", "a").unwrap();
        assert_eq!(space.draw(|_| 0.0).len(), 2);
        assert_eq!(space.draw(|_| 0.9).len(), 1);
    }
}

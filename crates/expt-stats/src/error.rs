//! The one error type of this crate.

use thiserror::Error;

/// Reports an input from which no statistic can be computed.
///
/// Undefined *results* (the variance of one value, an interval before the start rule) are `Option`s
/// or enum variants, not errors: an error always means that the input has to change.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum StatsError {
    /// A number that must be finite is infinite or not a number.
    #[error("{what} is {value}; it must be finite, so drop or cap such values before they are counted")]
    NotFinite {
        /// Which input.
        what: &'static str,
        /// The value that was given.
        value: f64,
    },
    /// A number lies outside its allowed range.
    #[error("{what} is {value}; allowed is {allowed}")]
    OutOfRange {
        /// Which input.
        what: &'static str,
        /// The value that was given.
        value: f64,
        /// The allowed range, in words or interval notation.
        allowed: &'static str,
    },
    /// There are fewer observations than the formula needs.
    #[error("{what} has {have} units; at least {need} are needed, so wait for more data")]
    TooFew {
        /// Which input.
        what: &'static str,
        /// How many there are.
        have: u64,
        /// How many are needed.
        need: u64,
    },
    /// A count or a sum left the range of its number type.
    #[error("{what} overflows; rescale the values before they are counted")]
    Overflow {
        /// Which quantity.
        what: &'static str,
    },
    /// Two lists that belong together differ in length.
    #[error("{what} has {found} entries; it must have {allowed}, one for each arm")]
    Length {
        /// Which list.
        what: &'static str,
        /// How many entries it has.
        found: usize,
        /// How many it must have.
        allowed: usize,
    },
    /// The inputs are numbers, but the method would be invalid for where they come from or how they are joined.
    #[error("{what} is refused: {why}")]
    Refused {
        /// Which input or operation.
        what: &'static str,
        /// Why, and what to do instead.
        why: &'static str,
    },
    /// A ratio or a relative lift divides by a mean that may well be zero.
    #[error(
        "the denominator's mean is {mean} with standard error {standard_error}; the delta method needs it at \
         least {need} standard errors away from zero, so report the absolute difference instead"
    )]
    DenominatorNearZero {
        /// The denominator's mean.
        mean: f64,
        /// Its standard error.
        standard_error: f64,
        /// How many standard errors are needed.
        need: f64,
    },
    /// A column of a regression is a linear combination of the columns before it.
    #[error(
        "column `{column}` is a linear combination of the columns before it (or constant), so its coefficient \
         is not determined; leave it out"
    )]
    Collinear {
        /// The column's name.
        column: String,
    },
    /// One unit alone determines a coefficient, so its residual is zero whatever its noise.
    #[error(
        "unit {unit} has leverage one: it alone determines a coefficient, and HC2 and HC3 divide by zero; \
         drop the column that only this unit has, or use HC1"
    )]
    FullLeverage {
        /// The unit's position in the input, from zero.
        unit: usize,
    },
    /// A start rule needs the skewness, but the moments came from a summary without it.
    #[error(
        "the skewness of {what} is unknown, so the start rule cannot be checked; build the moments from values \
         or counts, or state it with `with_skewness`"
    )]
    SkewnessUnknown {
        /// Which input.
        what: &'static str,
    },
    /// Nothing varies, so there is no scale to judge a difference by.
    #[error(
        "{what} does not vary (its standard error is zero), so there is no test; wait for data that varies or \
         report the estimate alone"
    )]
    NoVariance {
        /// Which input.
        what: &'static str,
    },
    /// A state is to be taken out of one that does not contain it.
    #[error(
        "{what} to subtract have more units or more spread than the state; subtract only what was merged in"
    )]
    NotAPart {
        /// Which states.
        what: &'static str,
    },
    /// Two states of values that were capped differently meet.
    #[error(
        "the states were capped differently; cap all arms by one `Cap`, fixed beforehand or from all arms"
    )]
    CapsDiffer,
    /// Two states with different meanings of weights meet.
    #[error("one state counts frequencies, the other weighs reliability; merge only states of one kind")]
    WeightsDiffer,
    /// Two states of different shape meet.
    #[error(
        "{what} has {found} variables, the other {need}; merge and compare only states of one definition"
    )]
    Shape {
        /// Which state.
        what: &'static str,
        /// How many variables it has.
        found: usize,
        /// How many the other has.
        need: usize,
    },
    /// A metric of the design is missing from the readings.
    #[error("the readings lack metric `{name}`; pass its state, or say `with_no_data` if it has none yet")]
    MissingMetric {
        /// The metric's name.
        name: String,
    },
    /// The readings hold a metric that the design does not name.
    #[error("metric `{name}` is not part of the design; only metrics fixed beforehand may be read here")]
    UnknownMetric {
        /// The metric's name.
        name: String,
    },
    /// A design names one metric twice.
    #[error("metric `{name}` appears twice in the design; each metric has one role")]
    DuplicateMetric {
        /// The metric's name.
        name: String,
    },
}

/// Returns `value` if it is finite.
pub(crate) fn finite(what: &'static str, value: f64) -> Result<f64, StatsError> {
    if value.is_finite() { Ok(value) } else { Err(StatsError::NotFinite { what, value }) }
}

/// Returns `value` if it is finite and not negative.
pub(crate) fn non_negative(what: &'static str, value: f64) -> Result<f64, StatsError> {
    if finite(what, value)? < 0.0 {
        return Err(StatsError::OutOfRange { what, value, allowed: "zero or more" });
    }
    Ok(value)
}

/// Returns `value` if it is finite and greater than zero.
pub(crate) fn positive(what: &'static str, value: f64) -> Result<f64, StatsError> {
    if finite(what, value)? <= 0.0 {
        return Err(StatsError::OutOfRange { what, value, allowed: "greater than zero" });
    }
    Ok(value)
}

//! What this module refuses.

/// An input that PlanOut's own evaluation refuses, or that this one does.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PlanOutError {
    /// Text that is not the JSON of a compiled script.
    #[error("compiled script at line {line}, column {column}: {problem}")]
    Json {
        /// The line, from 1; 0 if it has none.
        line: usize,
        /// The column, from 1; 0 if it has none.
        column: usize,
        /// What is wrong there.
        problem: String,
    },
    /// A whole number in a script that does not fit.
    #[error("whole number {value} in a script does not fit; allowed are -2^63 to 2^64 - 1")]
    Literal {
        /// The number, cut to its first 80 characters.
        value: String,
    },
    /// More work than an evaluation may do.
    #[error("more than {allowed} steps; a step is an operator, an element, a hash or 16 bytes of text")]
    Steps {
        /// How many an evaluation may take.
        allowed: usize,
    },
    /// Values that nest too deep.
    #[error("values nest deeper than {allowed} levels")]
    Depth {
        /// The deepest level allowed.
        allowed: usize,
    },
    /// An operator that PlanOut does not have.
    #[error("operator {name:?} is not one of PlanOut's")]
    Operator {
        /// What was asked for, cut to its first 80 characters.
        name: String,
    },
    /// An operator without an argument that it needs.
    #[error("operator {operator} needs the argument {argument}")]
    Missing {
        /// The operator.
        operator: String,
        /// The argument.
        argument: &'static str,
    },
    /// An argument of another type.
    #[error("argument {argument} of operator {operator} is {found}; it must be {expected}")]
    Argument {
        /// The operator.
        operator: String,
        /// The argument.
        argument: &'static str,
        /// What it is.
        found: String,
        /// What is allowed.
        expected: &'static str,
    },
    /// Values that an operator cannot combine, such as a text and a number to be ordered.
    #[error("operator {operator} cannot combine {left} and {right}")]
    Operands {
        /// The operator.
        operator: String,
        /// What one is.
        left: &'static str,
        /// What the other is.
        right: &'static str,
    },
    /// A number that leaves the range of numbers.
    #[error("operator {operator}: the result is not a finite number below 2^127")]
    Overflow {
        /// The operator.
        operator: String,
    },
    /// A division by zero, or a remainder of it.
    #[error("operator {operator} divides by zero")]
    Zero {
        /// The operator.
        operator: String,
    },
    /// An operator without anything to work on.
    #[error("operator {operator} needs at least one value")]
    Empty {
        /// The operator.
        operator: String,
    },
    /// Text to be hashed that is not ASCII; the reference hashes ASCII only.
    #[error("{text:?} is hashed and must be ASCII, as in PlanOut; encode the unit or the salt first")]
    NotAscii {
        /// The text, cut to its first 80 characters.
        text: String,
    },
    /// A number that is not finite.
    #[error("{value} is not a finite number")]
    NotFinite {
        /// The number.
        value: f64,
    },
    /// A probability outside 0 to 1.
    #[error("probability {value} is not from 0 to 1")]
    Probability {
        /// What was given.
        value: f64,
    },
    /// More draws than there are choices.
    #[error("cannot draw {draws} times when only {choices} choices are available")]
    Draws {
        /// How many draws were asked for.
        draws: i128,
        /// How many choices there are.
        choices: usize,
    },
    /// A weight without a choice was hit.
    #[error("weight {place} was drawn, but there are only {choices} choices")]
    Weights {
        /// The place of the weight, from 0.
        place: usize,
        /// How many choices there are.
        choices: usize,
    },
    /// A list of units that would come to contain itself.
    #[error("operator {operator}: the unit is a list that is among its own choices")]
    Cycle {
        /// The operator.
        operator: String,
    },
    /// A variable that has the name of one of the reference's internals.
    #[error("variable {name:?} is reserved; rename it")]
    Reserved {
        /// The name.
        name: String,
    },
    /// A number of segments that a namespace cannot have.
    #[error("a namespace cannot have {segments} segments; allowed are 1 to {allowed}")]
    Size {
        /// What was asked for.
        segments: u32,
        /// The most that are allowed.
        allowed: u32,
    },
    /// A namespace without a primary unit.
    #[error("namespace {namespace:?} has no primary unit; name at least one input")]
    NoUnit {
        /// The namespace.
        namespace: String,
    },
    /// More segments than are free.
    #[error("{requested} segments requested, only {available} available")]
    Segments {
        /// What was asked for.
        requested: u32,
        /// What is free.
        available: u32,
    },
    /// An experiment that is there already.
    #[error("there is already an experiment called {name:?}; remove it first")]
    Taken {
        /// Its name.
        name: String,
    },
    /// An experiment that is not there.
    #[error("there is no experiment called {name:?}")]
    Unknown {
        /// Its name.
        name: String,
    },
    /// An input that a namespace needs for its primary unit.
    #[error("input {name:?} is missing; the namespace's primary unit needs it")]
    Input {
        /// Its name.
        name: String,
    },
}

/// `Result` with this module's error.
pub type Result<T, E = PlanOutError> = std::result::Result<T, E>;

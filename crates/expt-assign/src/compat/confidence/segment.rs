//! Segments: who is targeted, and which buckets are allocated.

use super::bits::Allocation;
use super::criterion::Attribute;

/// Units that rules are about.
#[derive(Debug)]
pub(super) struct Segment {
    pub(super) name: String,
    pub(super) targeting: Option<Targeting>,
    pub(super) allocation: Allocation,
}

/// Criteria and how they are combined.
#[derive(Debug)]
pub(super) struct Targeting {
    pub(super) criteria: Vec<Criterion>,
    /// Without one, everyone is targeted.
    pub(super) expression: Option<Expression>,
}

#[derive(Debug)]
pub(super) enum Criterion {
    Attribute(Attribute),
    /// Another segment, by its place; `None` if the state does not have it.
    Segment(Option<usize>),
    /// A materialization that the unit must belong to.
    Materialized(String),
    /// One that this version does not know is not met.
    Unknown,
}

#[derive(Debug)]
pub(super) enum Expression {
    /// A criterion, by its place; `None` if there is none of that name.
    Criterion(Option<usize>),
    Not(Box<Expression>),
    And(Vec<Expression>),
    Or(Vec<Expression>),
    /// One that this version does not know is false.
    Unknown,
}

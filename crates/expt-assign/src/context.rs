//! What is known of a request beside its unit.

use std::fmt;

use expt_core::Timestamp;

use crate::sticky::StickyRecord;
use crate::targeting::Attributes;
use crate::unit::Unit;

/// What is known of a request beside its unit: the time, attributes, sticky records, other units.
///
/// ```
/// use expt_assign::Context;
/// use expt_assign::targeting::Value;
/// use expt_core::Timestamp;
///
/// let attributes = [("country", Value::Text("DE")), ("age", Value::Int(30))];
/// let context = Context::new(Timestamp::from_micros(0)).with_attributes(&attributes);
/// # let _ = context;
/// ```
#[derive(Clone, Copy)]
pub struct Context<'r> {
    pub(crate) now: Timestamp,
    pub(crate) attributes: &'r dyn Attributes,
    pub(crate) sticky: &'r [StickyRecord],
    pub(crate) also: &'r [Unit<'r>],
}

impl<'r> Context<'r> {
    /// A request at this time, of which nothing else is known. The time matters to holdouts that end or
    /// rotate; rules see only attributes.
    #[must_use]
    pub const fn new(now: Timestamp) -> Self {
        Self { now, attributes: &(), sticky: &[], also: &[] }
    }

    /// Adds what rules look at.
    #[must_use]
    pub const fn with_attributes(mut self, attributes: &'r dyn Attributes) -> Self {
        self.attributes = attributes;
        self
    }

    /// Adds the sticky records of the unit, of any phase; those that do not apply are ignored. Whoever serves
    /// loads them before it asks, for every identity that the request shows.
    #[must_use]
    pub const fn with_sticky(mut self, sticky: &'r [StickyRecord]) -> Self {
        self.sticky = sticky;
        self
    }

    /// Adds units of other kinds that the request is of, such as the device of a user: a holdout that holds
    /// one of them, and an exclusion that lists one, counts.
    #[must_use]
    pub const fn with_also(mut self, also: &'r [Unit<'r>]) -> Self {
        self.also = also;
        self
    }

    /// The time of the request.
    #[must_use]
    pub const fn now(&self) -> Timestamp {
        self.now
    }
}

impl fmt::Debug for Context<'_> {
    /// Without the attributes, which only answer by name.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { now, sticky, also, .. } = self;
        let mut text = f.debug_struct("Context");
        text.field("now", now).field("sticky", sticky).field("also", also).finish_non_exhaustive()
    }
}

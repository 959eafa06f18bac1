//! What is asked.

use super::materialization::Materializations;
use super::value::Context;

/// Whom flags are resolved for.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Request<'a> {
    /// The secret of the client.
    pub client_secret: &'a str,
    /// The attributes.
    pub context: &'a Context,
    /// What is known about earlier assignments.
    pub materializations: Materializations<'a>,
    /// Whose corners.
    pub dialect: Dialect,
}

/// The two resolvers of Confidence; their answers differ only in the corners named here.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Dialect {
    /// The resolver in Confidence's local providers. An attribute that is missing or of another type is the text
    /// `null`, so that nothing is ever equal to an unset value and rules about all elements are not met; a range
    /// without ends is met; a text where a number is needed refuses the whole request; a rule's own record decides
    /// whether its unit was assigned before.
    #[default]
    Local,
    /// The service. An attribute that is missing equals an unset value, and is otherwise a list without elements; a
    /// range without ends is not met; a segment whose targeting cannot be evaluated is not met; any record of the
    /// materialization decides whether a unit was assigned before.
    Service,
}

impl<'a> Request<'a> {
    /// A request of the local resolver that knows nothing about earlier assignments.
    #[must_use]
    pub fn new(client_secret: &'a str, context: &'a Context) -> Self {
        Self {
            client_secret,
            context,
            materializations: Materializations::default(),
            dialect: Dialect::default(),
        }
    }

    /// With what is known about earlier assignments.
    #[must_use]
    pub fn with_materializations(mut self, materializations: Materializations<'a>) -> Self {
        self.materializations = materializations;
        self
    }

    /// With the corners of another resolver.
    #[must_use]
    pub fn with_dialect(mut self, dialect: Dialect) -> Self {
        self.dialect = dialect;
        self
    }
}

//! The error that is none.

use std::fmt;

use expt_assign::Reason;
use open_feature::{EvaluationError, EvaluationErrorCode, EvaluationReason};

/// Nothing is served to the unit, so the application's own default holds.
///
/// In the SDK for Rust an evaluation has no default value: it gives a value or an [`EvaluationError`], and
/// the application says `unwrap_or(default)`. A value that this crate would make up, such as 0, would be
/// taken for an answer. So "nothing is served" is an error there, with a code of its own, and this type reads
/// it back.
///
/// ```
/// use expt_openfeature::NothingServed;
/// use open_feature::{EvaluationError, EvaluationErrorCode};
///
/// let real = EvaluationError { code: EvaluationErrorCode::TypeMismatch, message: None };
/// assert_eq!(NothingServed::of(&real), None);
/// ```
///
/// The logging hook of the SDK writes every error as one. Declare a [`Fallback`](crate::Fallback) where that
/// is too much: then an evaluation succeeds also where nothing is served.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct NothingServed {
    /// Why, in a word of OpenFeature. The table is on [`Provider`](crate::Provider).
    pub reason: EvaluationReason,
    /// Why, in a word of expt.
    pub because: Reason,
}

impl NothingServed {
    pub(crate) const fn new(reason: EvaluationReason, because: Reason) -> Self {
        Self { reason, because }
    }

    /// Reads it from the error of an evaluation; `None` if that says something else.
    #[must_use]
    pub fn of(error: &EvaluationError) -> Option<Self> {
        let EvaluationErrorCode::General(code) = &error.code else { return None };
        let (reason, because) = code.strip_prefix(CODE)?.strip_prefix(' ')?.split_once(' ')?;
        let reason = REASONS.into_iter().find(|known| known.to_string() == reason)?;
        let because = BECAUSE.into_iter().find(|known| known.as_str() == because)?;
        Some(Self { reason, because })
    }

    pub(crate) fn into_error(self, message: String) -> EvaluationError {
        crate::engine::error(EvaluationErrorCode::General(self.to_string()), message)
    }
}

impl fmt::Display for NothingServed {
    /// The code of the error: `NOTHING_SERVED`, then both words.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{CODE} {} {}", self.reason, self.because)
    }
}

const CODE: &str = "NOTHING_SERVED";

const REASONS: [EvaluationReason; 3] =
    [EvaluationReason::Default, EvaluationReason::Disabled, EvaluationReason::TargetingMatch];

const BECAUSE: [Reason; 8] = [
    Reason::Holdout,
    Reason::ShippedOnly,
    Reason::Excluded,
    Reason::Paused,
    Reason::NotTargeted,
    Reason::Prerequisite,
    Reason::Unbound,
    Reason::Unallocated,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        for reason in REASONS {
            for because in BECAUSE {
                let nothing = NothingServed::new(reason.clone(), because);
                assert_eq!(NothingServed::of(&nothing.clone().into_error(String::new())), Some(nothing));
            }
        }
        for code in
            ["", "NOTHING_SERVED", "NOTHING_SERVED DEFAULT", "NOTHING_SERVED SPLIT arm", "NOTHING_SERVEDX"]
        {
            let code = EvaluationErrorCode::General(code.into());
            assert_eq!(NothingServed::of(&EvaluationError { code, message: None }), None);
        }
    }
}

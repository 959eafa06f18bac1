//! Which requests: a typed expression over the attributes of a request.
//!
//! A [`Rule`] is data. It is written as JSON, in code, or as text:
//! ```
//! use expt_assign::targeting::Rule;
//!
//! let text = "country in ('DE', 'AT') and app >= version '2.3.0' and not (email ends with '@example.com')";
//! let rule: Rule = text.parse()?;
//! assert_eq!(rule.to_string(), text);
//! # Ok::<(), expt_assign::AssignError>(())
//! ```
//!
//! # Meaning
//! A test is true or false, never undecided. **On an attribute that the request does not have, every test but
//! `is missing` is false**, and so its `not` is true: `not country = 'DE'` holds for requests without a country,
//! `country != 'DE'` does as well, because it is the same rule. A test of a value of another type (a number
//! against a text) is false, too; nothing is converted, except that whole and real numbers compare by value,
//! and that texts are read as versions and times where a test asks for one.

mod attributes;
mod parse;
mod program;
mod rule;
mod show;

pub use attributes::{Attribute, Attributes, Value, Values};
pub use rule::{Comparison, Rule, Test};

pub(crate) use program::{Compiler, Program};
#[cfg(feature = "compat")]
pub(crate) use program::{MAX_PATTERN_BYTES, MAX_PATTERNS, MAX_TESTS};

//! PlanOut: its random operators, its namespaces and its language, as the Python reference (0.6.0) computes them
//! under Python 3.
//!
//! - [`Draw`]: the random operators for one variable and one unit.
//! - [`Namespace`]: segments of a population, given to experiments and taken back.
//! - [`Script`]: a compiled script (JSON), evaluated for given inputs and overrides.
//!
//! The reference's own quirks are kept, because they decide who gets what: the order in which CPython iterates over
//! a set of segments, unit lists that grow while they are sampled from, Python's text of numbers and lists, its
//! floor modulo and its rounding to even. Where the reference raises, this raises too. Where it would go on with
//! something that has no place in an experiment, this refuses with a clear error: numbers that are not finite,
//! whole numbers beyond 127 bits, text on the left of `%` (Python's formatting), and variables named after the
//! reference's internals.
//!
//! What it does not do: compile PlanOut source, log exposures, or register new operators.
//!
//! # Examples
//! ```
//! use expt_assign::compat::planout::{Map, Script, Value};
//!
//! let script = Script::from_json(
//!     br#"{"op": "set", "var": "button", "value":
//!         {"op": "uniformChoice", "choices": ["red", "blue"], "unit": {"op": "get", "var": "userid"}}}"#,
//! )?;
//! let inputs = Map::from_iter([("userid", Value::from(42))]);
//! let outcome = script.evaluate("my_experiment", &inputs, &Map::new())?;
//! assert_eq!(outcome.params.get("button"), Some(&Value::from("blue")));
//! assert!(outcome.enabled);
//! # Ok::<(), expt_assign::compat::planout::PlanOutError>(())
//! ```

mod arithmetic;
mod draw;
mod error;
mod evaluate;
mod heap;
mod map;
mod namespace;
mod operators;
mod random;
mod script;
mod segments;
mod text;
mod value;

pub use draw::{Draw, hash60, hash60_bytes};
pub use error::{PlanOutError, Result};
pub use map::Map;
pub use namespace::{Namespace, Placement, Sampling};
pub use script::{Outcome, Script};
pub use value::Value;

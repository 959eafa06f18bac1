//! What a resolver knows of an account.

use std::collections::{BTreeMap, HashMap};

use super::bits::Bloom;
use super::error::Error;
use super::request::Request;
use super::resolution::Resolved;
use super::resolve;
use super::segment::Segment;
use super::{compile, wire};

/// The flags, segments and clients of an account.
#[derive(Debug)]
pub struct State {
    pub(super) account: String,
    pub(super) clients: HashMap<String, Client>,
    pub(super) flags: BTreeMap<String, Flag>,
    pub(super) segments: Vec<Segment>,
    pub(super) blooms: HashMap<String, Bloom>,
}

#[derive(Debug)]
pub(super) struct Client {
    pub(super) name: String,
    pub(super) environments: Vec<String>,
}

#[derive(Debug)]
pub(super) struct Flag {
    pub(super) active: bool,
    pub(super) clients: Vec<String>,
    pub(super) variants: Vec<wire::Variant>,
    pub(super) rules: Vec<FlagRule>,
    pub(super) schema: wire::Schema,
}

#[derive(Debug)]
pub(super) struct FlagRule {
    pub(super) name: String,
    /// By its place; `None` if the state does not have it.
    pub(super) segment: Option<usize>,
    pub(super) enabled: bool,
    pub(super) environments: Vec<String>,
    pub(super) selector: String,
    pub(super) split: Option<Split>,
    pub(super) sticky: Option<Sticky>,
}

/// The split of a segment's units.
#[derive(Debug)]
pub(super) struct Split {
    pub(super) buckets: u32,
    pub(super) assignments: Vec<Assignment>,
    /// Whether one assignment covers all buckets, so that no unit is needed.
    pub(super) full: bool,
}

#[derive(Debug)]
pub(super) struct Assignment {
    pub(super) id: String,
    pub(super) outcome: Outcome,
    pub(super) ranges: Vec<(i64, i64)>,
}

#[derive(Debug)]
pub(super) enum Outcome {
    Variant(String),
    ClientDefault,
    Fallthrough,
    Unknown,
}

/// Where earlier assignments are read, and where new ones are written.
#[derive(Debug)]
pub(super) struct Sticky {
    pub(super) read: String,
    pub(super) write: String,
    /// Units without an earlier assignment are not taken in.
    pub(super) must_match: bool,
    /// Units with one stay, whatever the targeting says.
    pub(super) ignores_targeting: bool,
}

impl State {
    /// Reads a state: `account`, `clients` by secret, and `flags`, `segments`, `bitsets` (`"ALL"` or a list of
    /// buckets) and `bloomFilters` by name.
    ///
    /// # Errors
    /// [`Error::Json`] if it is not of that form, [`Error::State`] if a value in it is not allowed.
    pub fn from_json(json: &str) -> Result<Self, Error> {
        compile::state(serde_json::from_str(json)?, json.len())
    }

    /// Reads the state that the vendor's servers publish, as protobuf's JSON of `ResolverState`: lists of `flags`,
    /// `segmentsNoBitsets`, `bitsets` (full, or base64 of gzip), `clients`, `clientCredentials` and
    /// `bloomFilters`. `account` is the id that the state itself does not have, without `accounts/`.
    ///
    /// # Errors
    /// [`Error::Json`] if it is not of that form, [`Error::State`] if a value in it is not allowed.
    pub fn from_resolver_state(json: &str, account: &str) -> Result<Self, Error> {
        compile::state(compile::unpacked(serde_json::from_str(json)?, account)?, json.len())
    }

    /// Resolves flags; all of the client's if none is named.
    ///
    /// # Errors
    /// [`Error::Client`] if the secret is not known, [`Error::Flags`] if there are too many flags,
    /// [`Error::Number`] and [`Error::Flag`] where the vendor's resolver refuses the whole request, and
    /// [`Error::Complex`] if the targeting takes too long.
    pub fn resolve<'a>(&'a self, request: &Request<'_>, flags: &[&str]) -> Result<Resolved<'a>, Error> {
        resolve::flags(self, request, flags)
    }
}

impl Assignment {
    pub(super) fn covers(&self, bucket: u64) -> bool {
        i64::try_from(bucket)
            .is_ok_and(|bucket| self.ranges.iter().any(|(from, to)| (*from..*to).contains(&bucket)))
    }
}

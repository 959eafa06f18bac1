//! Names and ids.
//!
//! Things that people name (experiments, phases, arms, metrics) are identified by that name.
//! Things that machines make (runs, predictions, outcomes) have 128-bit ids, which can be derived from
//! what they are about, so that a replay makes the same ids.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::{CoreError, Result, excerpt};

/// The longest name, in bytes.
pub const MAX_NAME_BYTES: usize = 200;

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident = $kind:literal;)*) => {$(
        $(#[$doc])*
        ///
        /// Any text of 1 to [`MAX_NAME_BYTES`] bytes without control characters and without white space
        /// at its ends. Cloning is cheap.
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks the text and makes the name.
            ///
            /// # Errors
            /// [`CoreError::Name`] if the text is empty, too long, has control characters, or begins or
            /// ends with white space.
            pub fn new(text: impl AsRef<str>) -> Result<Self> {
                check_name($kind, text.as_ref()).map(|()| Self(Arc::from(text.as_ref())))
            }

            /// Says whether the text can be the name, without making it.
            ///
            /// # Errors
            /// As [`new`](Self::new).
            #[inline]
            pub fn check(text: &str) -> Result<()> {
                check_name($kind, text)
            }

            /// The name of a text that has passed [`check`](Self::check), for those who check long before
            /// they need the name. Of another text it makes a name that [`new`](Self::new) would refuse.
            #[must_use]
            pub fn of_checked(text: &str) -> Self {
                Self(Arc::from(text))
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", &*self.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = CoreError;

            fn from_str(text: &str) -> Result<Self> {
                Self::new(text)
            }
        }

        impl TryFrom<&str> for $name {
            type Error = CoreError;

            fn try_from(text: &str) -> Result<Self> {
                Self::new(text)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_str(Text($kind, |text| Self::new(text)))
            }
        }
    )*};
}

names! {
    /// Identifies an experiment: the thread that joins training runs and online phases.
    ExperimentId = "experiment id";
    /// Identifies one online phase; unique within a store.
    PhaseId = "phase id";
    /// Names an arm within its phase.
    ArmId = "arm id";
    /// Names a layer: a partition of traffic in which phases exclude each other.
    LayerId = "layer id";
    /// Identifies a holdout.
    HoldoutId = "holdout id";
    /// Names a registered model.
    ModelName = "model name";
    /// Names what the application asks for: `ranker`, `ranker.threshold`.
    DecisionPoint = "decision point";
    /// Names a metric, offline or online.
    MetricName = "metric name";
    /// Names a kind of unit: `user`, `device`, `session`.
    UnitKind = "unit kind";
    /// What is randomised: one user, device or session.
    UnitId = "unit id";
    /// A person or service that acts: an approver, an owner.
    Actor = "actor";
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $kind:literal;)*) => {$(
        $(#[$doc])*
        ///
        /// Written as 32 lowercase hexadecimal digits, ordered by bytes.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; 16]);

        impl $name {
            /// Takes the bytes as they are.
            #[must_use]
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(bytes)
            }

            /// Derives the id from what it is about: the same parts, the same id.
            ///
            /// The parts are length-prefixed and hashed with blake3 under this type's name, so
            /// `["ab", "c"]` and `["a", "bc"]` differ, and ids of different types differ.
            #[must_use]
            pub fn derive<P: AsRef<[u8]>>(parts: impl IntoIterator<Item = P>) -> Self {
                Self(derive_16($kind, parts.into_iter()))
            }

            /// The bytes.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; 16] {
                &self.0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&to_hex(&self.0))
            }
        }

        impl FromStr for $name {
            type Err = CoreError;

            fn from_str(text: &str) -> Result<Self> {
                from_hex($kind, text).map(Self)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_str(Text($kind, str::parse))
            }
        }
    )*};
}

ids! {
    /// Identifies a run.
    RunId = "run id";
    /// Identifies one prediction; an item of a ranked one is addressed as `id#index`.
    PredictionId = "prediction id";
    /// Identifies one outcome, so that it is counted once however often it is sent.
    OutcomeId = "outcome id";
    /// Identifies the request that predictions were made for: live and shadow predictions share it.
    RequestId = "request id";
}

/// Reads a value from text without copying the text first: documents have thousands of names.
pub(crate) struct Text<T>(pub(crate) &'static str, pub(crate) fn(&str) -> Result<T>);

impl<T> serde::de::Visitor<'_> for Text<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "text: a {}", self.0)
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<T, E> {
        (self.1)(text).map_err(E::custom)
    }
}

#[inline]
pub(crate) fn check_name(kind: &'static str, text: &str) -> Result<()> {
    // Nearly every name is visible ASCII, and that can be seen eight bytes at a time: this stands in the request
    // path of whoever serves.
    let visible = match text.as_bytes().last_chunk::<8>() {
        // The last eight bytes may overlap those before them.
        Some(last) => {
            let (chunks, _) = text.as_bytes().as_chunks::<8>();
            let odd = chunks.iter().fold(not_visible(*last), |odd, chunk| odd | not_visible(*chunk));
            odd == 0 && text.len() <= MAX_NAME_BYTES
        }
        None => !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic()),
    };
    if visible { Ok(()) } else { check_any_name(kind, text) }
}

/// Not 0 if one of the bytes is outside of 0x21 to 0x7e: then the lowest such byte has its top bit in itself, in
/// itself plus 1, or in itself less 0x21, and nothing is carried into it from those below.
#[inline]
const fn not_visible(bytes: [u8; 8]) -> u64 {
    let word = u64::from_le_bytes(bytes);
    let ones = u64::from_le_bytes([1; 8]);
    (word | word.wrapping_add(ones) | word.wrapping_sub(0x21 * ones)) & (0x80 * ones)
}

#[cold]
fn check_any_name(kind: &'static str, text: &str) -> Result<()> {
    let problem = if text.is_empty() {
        "is empty"
    } else if text.len() > MAX_NAME_BYTES {
        "is too long"
    } else if text.chars().any(char::is_control) {
        "has a control character"
    } else if text.trim() != text {
        "begins or ends with white space"
    } else {
        return Ok(());
    };
    Err(CoreError::Name { kind, value: excerpt(text), problem })
}

fn derive_16<P: AsRef<[u8]>>(kind: &str, parts: impl Iterator<Item = P>) -> [u8; 16] {
    let mut hasher = blake3::Hasher::new_keyed(DERIVATION);
    let mut absorb = |part: &[u8]| {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
    };
    absorb(kind.as_bytes());
    parts.for_each(|part| absorb(part.as_ref()));
    let mut bytes = [0; 16];
    for (byte, hashed) in bytes.iter_mut().zip(hasher.finalize().as_bytes()) {
        *byte = *hashed;
    }
    bytes
}

/// The key under which ids are derived. Another derivation takes another key.
const DERIVATION: &[u8; 32] = b"expt 2026, derivation of ids, v1";

pub(crate) fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        for nibble in [byte >> 4, byte & 15] {
            text.push(char::from_digit(u32::from(nibble), 16).unwrap_or('0'));
        }
        text
    })
}

pub(crate) fn from_hex<const N: usize>(kind: &'static str, text: &str) -> Result<[u8; N]> {
    let fault = || CoreError::Hex { kind, value: excerpt(text), digits: N * 2 };
    let nibble = |byte: u8| match byte {
        b'0'..=b'9' => Ok(byte - b'0'),
        b'a'..=b'f' => Ok(byte - b'a' + 10),
        _ => Err(fault()),
    };
    if text.len() != N * 2 {
        return Err(fault());
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        if let [high, low] = pair {
            *byte = nibble(*high)? << 4 | nibble(*low)?;
        }
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked_and_keep_their_text() {
        assert_eq!(ExperimentId::new("ranker-v2").unwrap().as_str(), "ranker-v2");
        assert_eq!(ArmId::new("<script>").unwrap().to_string(), "<script>");
        for bad in ["", " a", "a\n", "a\u{7}b", &"x".repeat(201)] {
            let error = ExperimentId::new(bad).unwrap_err().to_string();
            assert!(error.contains("experiment id") && error.contains("1 to 200 bytes"), "{error}");
        }
    }

    #[test]
    fn every_byte_at_every_position_is_looked_at() {
        for length in 1..40 {
            for at in 0..length {
                for byte in 0..128 {
                    let mut bytes = vec![b'a'; length];
                    bytes[at] = byte;
                    let text = String::from_utf8(bytes).unwrap();
                    let end = at == 0 || at == length - 1;
                    let expected = byte.is_ascii_graphic() || (byte == b' ' && !end);
                    assert_eq!(ExperimentId::new(&text).is_ok(), expected, "{text:?}");
                }
            }
        }
        assert!(ExperimentId::new("x".repeat(200)).is_ok() && ExperimentId::new("ünïcode-用户 x").is_ok());
    }

    #[test]
    fn derived_ids_depend_on_the_parts_their_borders_and_the_type() {
        let id = RunId::derive(["ab", "c"]);
        assert_eq!(id, RunId::derive(["ab", "c"]));
        assert_ne!(id, RunId::derive(["a", "bc"]));
        assert_ne!(id.as_bytes(), PredictionId::derive(["ab", "c"]).as_bytes());
        assert_eq!(id.to_string().parse::<RunId>().unwrap(), id);
    }

    #[test]
    fn derivation_never_changes() {
        // From the blake3 package of Python: key `expt 2026, derivation of ids, v1`, then the length (8 bytes,
        // little-endian) and the bytes of "run id" and of "golden". A change would break every stored reference.
        assert_eq!(RunId::derive(["golden"]).to_string(), "bdece160750f85b5984019d6a2c818c1");
    }

    #[test]
    fn hex_is_strict() {
        for bad in ["", "0", &"g".repeat(32), &"A".repeat(32), &"0".repeat(33), "é".repeat(16).as_str()] {
            assert!(bad.parse::<RunId>().is_err(), "{bad}");
        }
    }
}

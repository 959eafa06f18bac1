//! Columns to our types and back.

use std::fmt::Display;
use std::str::FromStr;

use expt_core::{Digest, RunId, Timestamp};
use rusqlite::Row;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::fault::{Fault, Sql};
use crate::{Error, ErrorKind};

pub(super) fn run_id(row: &Row<'_>, column: usize) -> Sql<RunId> {
    Ok(RunId::from_bytes(row.get(column)?))
}

pub(super) fn digest(row: &Row<'_>, column: usize) -> Sql<Digest> {
    Ok(Digest::from_bytes(row.get(column)?))
}

pub(super) fn time(row: &Row<'_>, column: usize) -> Sql<Timestamp> {
    Ok(Timestamp::from_micros(row.get(column)?))
}

/// An unsigned number, kept by its bits.
pub(super) fn unsigned(row: &Row<'_>, column: usize) -> Sql<u64> {
    Ok(row.get::<_, i64>(column)?.cast_unsigned())
}

/// A float, kept by its bits.
pub(super) fn float(row: &Row<'_>, column: usize) -> Sql<f64> {
    Ok(f64::from_bits(unsigned(row, column)?))
}

/// The bits of a float, for [`float`].
pub(super) fn bits(value: f64) -> i64 {
    value.to_bits().cast_signed()
}

/// Text in the form that its type writes.
pub(super) fn parsed<T: FromStr<Err: Display>>(row: &Row<'_>, column: usize) -> Sql<T> {
    let text = row.get_ref(column)?.as_str().map_err(rusqlite::Error::from)?;
    text.parse().map_err(Fault::corrupted)
}

/// As [`parsed`], where there may be none.
pub(super) fn optional<T: FromStr<Err: Display>>(row: &Row<'_>, column: usize) -> Sql<Option<T>> {
    match row.get_ref(column)? {
        rusqlite::types::ValueRef::Null => Ok(None),
        _ => parsed(row, column).map(Some),
    }
}

/// One of a few words.
pub(super) fn word<T: Copy>(
    row: &Row<'_>,
    column: usize,
    all: &[T],
    text: impl Fn(T) -> &'static str,
) -> Sql<T> {
    let found: String = row.get(column)?;
    let known = all.iter().copied().find(|known| text(*known) == found);
    known.ok_or_else(|| Fault::corrupted(format!("the unknown word {found:?}")))
}

/// A value as JSON.
pub(super) fn json<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> Sql<T> {
    let text = row.get_ref(column)?.as_str().map_err(rusqlite::Error::from)?;
    serde_json::from_str(text).map_err(Fault::corrupted)
}

/// As [`json`], where there may be none.
pub(super) fn optional_json<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> Sql<Option<T>> {
    match row.get_ref(column)? {
        rusqlite::types::ValueRef::Null => Ok(None),
        _ => json(row, column).map(Some),
    }
}

/// The text for [`json`].
pub(super) fn to_json<T: Serialize + ?Sized>(value: &T) -> Sql<String> {
    serde_json::to_string(value).map_err(|error| {
        let message = "a value has no JSON form; give finite numbers and text keys";
        Fault::Store(Error::new(ErrorKind::InvalidInput, "write value", message).with_source(error))
    })
}

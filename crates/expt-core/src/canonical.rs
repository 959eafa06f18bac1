//! One byte string for one value, so that a digest means something.
//!
//! [`to_bytes`] writes any [`Serialize`] value as JSON with one spelling only: keys of structs and maps
//! sorted by their bytes, no white space, the shortest decimal that reads back as the same `f64` (always
//! with a `.` or an exponent), integers in decimal, strings with the fewest escapes. The order in which
//! fields are declared, the order of a hash map and the features of a JSON library cannot change it.

use serde::Serialize;
use serde::ser::{self, SerializeMap};

use crate::digest::Digest;
use crate::error::{CoreError, Result};

/// The canonical bytes of a value.
///
/// ```
/// use std::collections::BTreeMap;
///
/// let map = BTreeMap::from([("b", 1.0), ("a", 0.5)]);
/// assert_eq!(expt_core::canonical::to_bytes(&map)?, br#"{"a":0.5,"b":1.0}"#);
/// # Ok::<(), expt_core::CoreError>(())
/// ```
///
/// # Errors
/// [`CoreError::Canonical`] for a number that is not finite, a map key that is neither text nor an integer,
/// two equal keys, or whatever the value's own `Serialize` refuses.
pub fn to_bytes<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    value.serialize(Writer { out: &mut out })?;
    Ok(out)
}

/// The digest of the canonical bytes of a value.
///
/// # Errors
/// As [`to_bytes`].
pub fn digest<T: Serialize + ?Sized>(value: &T) -> Result<Digest> {
    to_bytes(value).map(|bytes| Digest::of(&bytes))
}

impl ser::Error for CoreError {
    fn custom<T: std::fmt::Display>(message: T) -> Self {
        Self::Canonical { what: message.to_string(), help: "give a value that serde can serialise" }
    }
}

struct Writer<'a> {
    out: &'a mut Vec<u8>,
}

impl Writer<'_> {
    fn raw(self, text: &str) -> Result<()> {
        self.out.extend_from_slice(text.as_bytes());
        Ok(())
    }

    fn string(self, text: &str) -> Result<()> {
        self.out.push(b'"');
        for c in text.chars() {
            match c {
                '"' => self.out.extend_from_slice(b"\\\""),
                '\\' => self.out.extend_from_slice(b"\\\\"),
                c if u32::from(c) < 0x20 => {
                    self.out.extend_from_slice(format!("\\u{:04x}", u32::from(c)).as_bytes());
                }
                c => self.out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            }
        }
        self.out.push(b'"');
        Ok(())
    }

    fn float(self, value: f64) -> Result<()> {
        if !value.is_finite() {
            return Err(CoreError::Canonical {
                what: format!("the number {value}"),
                help: "give a finite number",
            });
        }
        self.raw(&format!("{value:?}"))
    }
}

/// The items of a sequence, written as they come.
struct Items<'a> {
    out: &'a mut Vec<u8>,
    first: bool,
    /// What closes the sequence, and the variant's object around it.
    close: &'static str,
}

impl<'a> Items<'a> {
    fn open(out: &'a mut Vec<u8>, variant: Option<&str>) -> Result<Self> {
        if let Some(variant) = variant {
            open_variant(out, variant)?;
        }
        out.push(b'[');
        Ok(Self { out, first: true, close: if variant.is_some() { "]}" } else { "]" } })
    }

    fn item<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        if !std::mem::take(&mut self.first) {
            self.out.push(b',');
        }
        value.serialize(Writer { out: self.out })
    }

    fn close(self) -> Result<()> {
        Writer { out: self.out }.raw(self.close)
    }
}

/// The entries of an object, sorted when it closes.
struct Entries<'a> {
    out: &'a mut Vec<u8>,
    entries: Vec<(Vec<u8>, Vec<u8>)>,
    key: Option<Vec<u8>>,
    close: &'static str,
}

impl<'a> Entries<'a> {
    fn open(out: &'a mut Vec<u8>, variant: Option<&str>) -> Result<Self> {
        if let Some(variant) = variant {
            open_variant(out, variant)?;
        }
        Ok(Self { out, entries: Vec::new(), key: None, close: if variant.is_some() { "}}" } else { "}" } })
    }

    fn entry<T: Serialize + ?Sized>(&mut self, key: &str, value: &T) -> Result<()> {
        let mut written = Vec::new();
        Writer { out: &mut written }.string(key)?;
        self.entries.push((written, to_bytes(value)?));
        Ok(())
    }

    fn close(mut self) -> Result<()> {
        self.entries.sort();
        if let Some(twice) = self.entries.windows(2).find_map(|pair| match pair {
            [(a, _), (b, _)] if a == b => Some(String::from_utf8_lossy(a).into_owned()),
            _ => None,
        }) {
            return Err(CoreError::Canonical {
                what: format!("an object with the key {twice} twice"),
                help: "give each key once",
            });
        }
        self.out.push(b'{');
        for (index, (key, value)) in self.entries.iter().enumerate() {
            if index > 0 {
                self.out.push(b',');
            }
            self.out.extend_from_slice(key);
            self.out.push(b':');
            self.out.extend_from_slice(value);
        }
        Writer { out: self.out }.raw(self.close)
    }
}

fn open_variant(out: &mut Vec<u8>, variant: &str) -> Result<()> {
    out.push(b'{');
    Writer { out }.string(variant)?;
    out.push(b':');
    Ok(())
}

macro_rules! integers {
    ($($method:ident: $type:ty),*) => {$(
        fn $method(self, value: $type) -> Result<()> {
            self.raw(&value.to_string())
        }
    )*};
}

impl<'a> ser::Serializer for Writer<'a> {
    type Ok = ();
    type Error = CoreError;
    type SerializeSeq = Items<'a>;
    type SerializeTuple = Items<'a>;
    type SerializeTupleStruct = Items<'a>;
    type SerializeTupleVariant = Items<'a>;
    type SerializeMap = Entries<'a>;
    type SerializeStruct = Entries<'a>;
    type SerializeStructVariant = Entries<'a>;

    integers! {
        serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64, serialize_i128: i128,
        serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64, serialize_u128: u128
    }

    fn serialize_bool(self, value: bool) -> Result<()> {
        self.raw(if value { "true" } else { "false" })
    }

    fn serialize_f32(self, value: f32) -> Result<()> {
        self.float(f64::from(value))
    }

    fn serialize_f64(self, value: f64) -> Result<()> {
        self.float(value)
    }

    fn serialize_char(self, value: char) -> Result<()> {
        self.string(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, value: &str) -> Result<()> {
        self.string(value)
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<()> {
        self.string(&crate::id::to_hex(value))
    }

    fn serialize_none(self) -> Result<()> {
        self.raw("null")
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<()> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<()> {
        self.raw("null")
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Result<()> {
        self.raw("null")
    }

    fn serialize_unit_variant(self, _name: &'static str, _index: u32, variant: &'static str) -> Result<()> {
        self.string(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _name: &'static str, value: &T) -> Result<()> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<()> {
        open_variant(self.out, variant)?;
        value.serialize(Writer { out: self.out })?;
        self.raw("}")
    }

    fn serialize_seq(self, _len: Option<usize>) -> Result<Items<'a>> {
        Items::open(self.out, None)
    }

    fn serialize_tuple(self, _len: usize) -> Result<Items<'a>> {
        Items::open(self.out, None)
    }

    fn serialize_tuple_struct(self, _name: &'static str, _len: usize) -> Result<Items<'a>> {
        Items::open(self.out, None)
    }

    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _len: usize,
    ) -> Result<Items<'a>> {
        Items::open(self.out, Some(variant))
    }

    fn serialize_map(self, _len: Option<usize>) -> Result<Entries<'a>> {
        Entries::open(self.out, None)
    }

    fn serialize_struct(self, _name: &'static str, _len: usize) -> Result<Entries<'a>> {
        Entries::open(self.out, None)
    }

    fn serialize_struct_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _len: usize,
    ) -> Result<Entries<'a>> {
        Entries::open(self.out, Some(variant))
    }
}

macro_rules! items {
    ($($trait:ident::$method:ident),*) => {$(
        impl ser::$trait for Items<'_> {
            type Ok = ();
            type Error = CoreError;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
                self.item(value)
            }

            fn end(self) -> Result<()> {
                self.close()
            }
        }
    )*};
}

items!(SerializeSeq::serialize_element, SerializeTuple::serialize_element);
items!(SerializeTupleStruct::serialize_field, SerializeTupleVariant::serialize_field);

macro_rules! fields {
    ($($trait:ident),*) => {$(
        impl ser::$trait for Entries<'_> {
            type Ok = ();
            type Error = CoreError;

            fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<()> {
                self.entry(key, value)
            }

            fn end(self) -> Result<()> {
                self.close()
            }
        }
    )*};
}

fields!(SerializeStruct, SerializeStructVariant);

impl SerializeMap for Entries<'_> {
    type Ok = ();
    type Error = CoreError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<()> {
        let written = to_bytes(key)?;
        self.key = Some(match written.first() {
            Some(b'"') => written,
            Some(b'0'..=b'9' | b'-') if !written.contains(&b'.') => {
                [b"\"", written.as_slice(), b"\""].concat()
            }
            _ => {
                let what = format!("the map key {}", String::from_utf8_lossy(&written));
                return Err(CoreError::Canonical { what, help: "use text or integers as keys" });
            }
        });
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        let key = self.key.take().ok_or_else(|| CoreError::Canonical {
            what: "a map value without a key".into(),
            help: "serialise the key first",
        })?;
        self.entries.push((key, to_bytes(value)?));
        Ok(())
    }

    fn end(self) -> Result<()> {
        self.close()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[derive(Serialize)]
    enum Shape {
        Unit,
        New(u8),
        Tuple(u8, bool),
        Struct { b: Option<f64>, a: char },
    }

    fn check(value: &impl Serialize, expected: &str) {
        assert_eq!(String::from_utf8(to_bytes(value).unwrap()).unwrap(), expected);
    }

    #[test]
    fn writes_each_kind_of_value_one_way() {
        check(&Shape::Unit, r#""Unit""#);
        check(&Shape::New(7), r#"{"New":7}"#);
        check(&Shape::Tuple(7, true), r#"{"Tuple":[7,true]}"#);
        check(&Shape::Struct { b: None, a: '"' }, r#"{"Struct":{"a":"\"","b":null}}"#);
        check(&(1.0, -0.0, 1e300, 5e-324, "é\n"), r#"[1.0,-0.0,1e300,5e-324,"é\u000a"]"#);
        check(&[(); 2], "[null,null]");
        check(&HashMap::from([(10, 'a'), (9, 'b')]), r#"{"10":"a","9":"b"}"#);
    }

    #[test]
    fn refuses_what_has_no_one_spelling() {
        assert!(to_bytes(&f64::NAN).unwrap_err().to_string().contains("finite"));
        assert!(to_bytes(&f32::INFINITY).is_err());
        assert!(to_bytes(&HashMap::from([((1, 2), 3)])).unwrap_err().to_string().contains("keys"));
    }
}

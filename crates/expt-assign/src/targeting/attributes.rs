//! What a request says of itself.

use std::fmt;

use expt_core::Timestamp;

/// The value of an attribute of a request. Borrowed: making one allocates nothing.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Value<'v> {
    /// Yes or no.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A real number.
    Float(f64),
    /// Text; read as a version or a time where a test asks for one.
    Text(&'v str),
    /// A time.
    Time(Timestamp),
    /// Several texts: groups, tags. A test is true if it is true of one of them.
    Texts(&'v [&'v str]),
}

/// An attribute that a config names. Its handle is good for the snapshot that it comes from.
#[derive(Clone, PartialEq, Eq)]
pub struct Attribute {
    name: Box<str>,
    index: usize,
}

impl Attribute {
    pub(crate) fn new(name: &str, index: usize) -> Self {
        Self { name: name.into(), index }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its position among the attributes of the snapshot
    /// ([`Snapshot::attributes`](crate::Snapshot::attributes)).
    #[must_use]
    pub const fn index(&self) -> usize {
        self.index
    }
}

impl fmt::Debug for Attribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.name)
    }
}

/// Where the attributes of a request come from.
///
/// Implement it for the request type of an application, by name or by [index](Attribute::index); or use
/// [`Values`], a slice of pairs, or a closure over names. `()` has no attributes.
pub trait Attributes {
    /// The value of an attribute; `None` if the request does not have it.
    fn value(&self, attribute: &Attribute) -> Option<Value<'_>>;
}

impl Attributes for () {
    fn value(&self, _attribute: &Attribute) -> Option<Value<'_>> {
        None
    }
}

impl Attributes for [(&str, Value<'_>)] {
    fn value(&self, attribute: &Attribute) -> Option<Value<'_>> {
        self.iter().find(|(name, _)| *name == attribute.name()).map(|(_, value)| *value)
    }
}

impl<const N: usize> Attributes for [(&str, Value<'_>); N] {
    fn value(&self, attribute: &Attribute) -> Option<Value<'_>> {
        self.as_slice().value(attribute)
    }
}

impl Attributes for Vec<(&str, Value<'_>)> {
    fn value(&self, attribute: &Attribute) -> Option<Value<'_>> {
        self.as_slice().value(attribute)
    }
}

impl<A: Attributes + ?Sized> Attributes for &A {
    fn value(&self, attribute: &Attribute) -> Option<Value<'_>> {
        (**self).value(attribute)
    }
}

/// The attributes of one request, by position: what the hot path reads without comparing names.
///
/// Made once a request by [`Snapshot::values`](crate::Snapshot::values), and good for that snapshot. An
/// attribute that no rule of the config names is not kept.
#[derive(Debug, Clone)]
pub struct Values<'v> {
    names: &'v [Attribute],
    values: Vec<Option<Value<'v>>>,
}

impl<'v> Values<'v> {
    pub(crate) fn new(names: &'v [Attribute]) -> Self {
        Self { names, values: vec![None; names.len()] }
    }

    /// Sets an attribute by name.
    #[must_use]
    pub fn with(mut self, name: &str, value: Value<'v>) -> Self {
        self.set(name, value);
        self
    }

    /// Sets an attribute by name, and says whether any rule of the config names it.
    pub fn set(&mut self, name: &str, value: Value<'v>) -> bool {
        let index = self.names.binary_search_by(|attribute| attribute.name().cmp(name));
        let slot = index.ok().and_then(|index| self.values.get_mut(index));
        slot.map(|slot| *slot = Some(value)).is_some()
    }

    /// Forgets all values, for the next request.
    pub fn clear(&mut self) {
        self.values.fill(None);
    }
}

impl Attributes for Values<'_> {
    #[inline]
    fn value(&self, attribute: &Attribute) -> Option<Value<'_>> {
        // The attribute of another snapshot may stand elsewhere: then its name is looked up.
        if self.names.get(attribute.index).is_some_and(|own| std::ptr::eq(own, attribute)) {
            return *self.values.get(attribute.index)?;
        }
        let index = self.names.binary_search_by(|own| own.name().cmp(attribute.name())).ok()?;
        *self.values.get(index)?
    }
}

//! From the attributes of a request to its unit.

use std::borrow::Cow;

use expt_core::{Identity, Timestamp, UnitId, UnitKind};

use super::Snapshot;
use crate::config::UnitEntry;
use crate::error::{AssignError, Result, excerpt};
use crate::mix::{UnitDigest, UnitKey};
use crate::targeting::{Attribute, Attributes, Value};
use crate::unit::{MAX_LINKED, Unit};

/// A kind of unit, compiled.
#[derive(Debug)]
pub(super) struct Kind {
    pub(super) entry: UnitEntry,
    pub(super) key: UnitKey,
    pub(super) tag: u64,
    /// The unit's own attribute, then its fallbacks, among the attributes of the snapshot.
    pub(super) attributes: Vec<usize>,
}

/// A kind of unit, found once and used for many requests. It is good for every snapshot of the same project; in
/// one that does not declare the kind, it identifies nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct KindHandle {
    tag: u64,
    hint: usize,
}

impl Snapshot {
    /// Finds a kind of unit.
    ///
    /// # Errors
    /// [`AssignError::UnitKind`] for a kind that the config does not declare.
    pub fn unit_kind(&self, kind: &UnitKind) -> Result<KindHandle> {
        let hint = self.kinds.iter().position(|known| known.entry.kind == *kind);
        let found = hint.and_then(|hint| Some(KindHandle { tag: self.kinds.get(hint)?.tag, hint }));
        found.ok_or_else(|| self.no_kind(kind))
    }

    /// As [`unit`](Self::unit), of a kind that was found before: no name is compared.
    ///
    /// # Errors
    /// [`AssignError::KindGone`] for a handle of another project, or of a kind that the config no longer
    /// declares; [`AssignError::Core`] for text that cannot be an id.
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "a unit that is returned in memory costs a third of the whole")]
    pub fn unit_of<'r>(&'r self, kind: KindHandle, id: impl Into<Cow<'r, str>>) -> Result<Unit<'r>> {
        let same = |known: &&Kind| known.tag == kind.tag;
        let found = self.kinds.get(kind.hint).filter(same).or_else(|| self.kinds.iter().find(same));
        let Some(kind) = found else { return Err(AssignError::KindGone) };
        let id = id.into();
        UnitId::check(&id)?;
        Ok(kind.unit(id, Identity::Own))
    }

    /// A unit that is known by its own id, as it stands in exposures: for a kind with clusters or windows that
    /// is the id of the cluster, or of the value and window.
    ///
    /// # Errors
    /// [`AssignError::UnitKind`] for a kind that the config does not declare, [`AssignError::Core`] for text
    /// that cannot be an id.
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "a unit that is returned in memory costs a third of the whole")]
    pub fn unit<'r>(&'r self, kind: &UnitKind, id: impl Into<Cow<'r, str>>) -> Result<Unit<'r>> {
        let (kind, id) = (self.kind(kind)?, id.into());
        UnitId::check(&id)?;
        Ok(kind.unit(id, Identity::Own))
    }

    /// Identifies the unit of a request: by the kind's own attribute or, where that is missing or empty, by
    /// the first of its fallbacks that is there. The identities that are there beside it are remembered: a
    /// holdout that holds one of them holds the unit.
    ///
    /// The value of an attribute that identifies is a text or a whole number. `now` matters to kinds that are
    /// cut into windows of time.
    ///
    /// ```
    /// use expt_assign::targeting::Value;
    /// use expt_assign::{Config, Snapshot, UnitEntry, Window};
    /// use expt_core::{Identity, UnitKind};
    ///
    /// let (user, city_hour) = (UnitKind::new("user")?, UnitKind::new("city-hour")?);
    /// let config = Config::new("shop", "shop-2026", 1)
    ///     .with_unit(UnitEntry::new(user.clone(), "user_id").with_fallback("device_id"))
    ///     .with_unit(UnitEntry::new(city_hour.clone(), "city").with_window(Window::seconds(3600)));
    /// let snapshot = Snapshot::compile(config)?;
    /// let request = [("device_id", Value::Text("d-17")), ("city", Value::Text("berlin"))];
    /// let now = "2026-03-04T00:20:00Z".parse()?;
    /// let unit = snapshot.identify(&user, &request, now)?;
    /// assert_eq!((unit.id(), unit.identity()), ("d-17", Identity::Fallback));
    /// assert_eq!(snapshot.identify(&city_hour, &request, now)?.id(), "berlin@1772582400");
    /// assert!(snapshot.identify(&user, &(), now).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`AssignError::UnitKind`] for a kind that the config does not declare,
    /// [`AssignError::Unidentified`] if no attribute is there, [`AssignError::UnitValue`] if the value of the
    /// first that is there is no text and no whole number, or is in no cluster; [`AssignError::Core`] if it
    /// cannot be a unit id.
    pub fn identify<'r>(
        &'r self,
        kind: &UnitKind,
        request: &'r dyn Attributes,
        now: Timestamp,
    ) -> Result<Unit<'r>> {
        let kind = self.kind(kind)?;
        let present = kind.attributes.iter().enumerate().filter_map(|(index, attribute)| {
            let attribute = self.attributes.get(*attribute)?;
            let value = request.value(attribute).filter(|value| *value != Value::Text(""))?;
            Some((index, attribute, value))
        });
        let mut found: Option<Unit<'r>> = None;
        for (index, attribute, value) in present {
            let id = kind.id(attribute, value, now);
            match &mut found {
                None => {
                    let identity = if index == 0 { Identity::Own } else { Identity::Fallback };
                    found = Some(kind.unit(id?, identity));
                }
                // What could not identify the unit says nothing about it.
                Some(unit) => {
                    if let (Ok(id), Some(slot)) = (id, unit.linked.get_mut(unit.linked_count)) {
                        *slot = kind.key.digest(&id);
                        unit.linked_count += 1;
                    }
                }
            }
        }
        found.ok_or_else(|| AssignError::Unidentified {
            kind: kind.entry.kind.clone(),
            attributes: kind.entry.attributes().collect::<Vec<_>>().join(", "),
        })
    }

    #[inline]
    fn kind(&self, kind: &UnitKind) -> Result<&Kind> {
        match self.kinds.iter().find(|known| known.entry.kind == *kind) {
            Some(kind) => Ok(kind),
            None => Err(self.no_kind(kind)),
        }
    }

    #[cold]
    fn no_kind(&self, kind: &UnitKind) -> AssignError {
        let declared: Vec<_> = self.kinds.iter().map(|kind| kind.entry.kind.as_str()).collect();
        AssignError::UnitKind { kind: kind.clone(), declared: declared.join(", ") }
    }
}

impl Kind {
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "as above")]
    fn unit<'r>(&'r self, id: Cow<'r, str>, identity: Identity) -> Unit<'r> {
        let digest = self.key.digest(&id);
        let linked = [UnitDigest::NONE; MAX_LINKED];
        Unit { kind: &self.entry.kind, id, identity, digest, tag: self.tag, linked, linked_count: 0 }
    }

    /// The id that the value of an attribute stands for.
    fn id<'r>(&'r self, attribute: &Attribute, value: Value<'r>, now: Timestamp) -> Result<Cow<'r, str>> {
        let fault = |problem: String| AssignError::UnitValue {
            kind: self.entry.kind.clone(),
            attribute: attribute.name().to_owned(),
            problem,
        };
        let value: Cow<'r, str> = match value {
            Value::Text(text) => Cow::Borrowed(text),
            Value::Int(number) => Cow::Owned(number.to_string()),
            other => return Err(fault(format!("is {other:?}; give a text or a whole number"))),
        };
        let value = match &self.entry.clusters {
            None => value,
            Some(clusters) => match clusters.of.get(&*value) {
                Some(cluster) => Cow::Borrowed(cluster.as_str()),
                None => {
                    let map = format!("is in no cluster of version {} of the map", clusters.version);
                    return Err(fault(format!("{:?} {map}; add it to the clusters", excerpt(&value))));
                }
            },
        };
        let id = match self.entry.window {
            None => value,
            Some(window) => {
                let length = i64::from(window.seconds.max(1));
                let offset = i64::from(window.offset_seconds);
                let seconds = now.as_micros().div_euclid(1_000_000);
                let begin = (seconds + offset).div_euclid(length) * length - offset;
                Cow::Owned(format!("{value}@{begin}"))
            }
        };
        UnitId::check(&id)?;
        Ok(id)
    }
}

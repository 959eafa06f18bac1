//! Which changes were made, by whom and why: a chain that shows when it was tampered with.

use expt_core::{Actor, Digest, Timestamp, canonical};
use serde::{Deserialize, Deserializer, Serialize};

use super::change::{Approved, Justification, LayerMovement};
use crate::config::Config;
use crate::error::AssignError;

/// The changes that were put into force, each bound to the one before by its digest.
///
/// An entry that is changed, moved, added or removed in the middle breaks the chain, and what is read is
/// [verified](Self::verify). What a chain cannot show by itself is that entries at its end are missing: keep
/// the [head](Self::head) elsewhere as well, or compare it with the config in force
/// ([`verify_config`](Self::verify_config)).
///
/// ```
/// use expt_assign::planner::{ConfigEdit, History, plan};
/// use expt_assign::{Config, LayerEntry, UnitEntry};
/// use expt_core::{Actor, DecisionPoint, Share, Timestamp, UnitKind};
///
/// let user = UnitKind::new("user")?;
/// let config = Config::new("shop", "shop-2026", 1)
///     .with_unit(UnitEntry::new(user.clone(), "user_id"))
///     .with_layer(LayerEntry::new("ranking".parse()?, user.clone(), [DecisionPoint::new("ranker")?]));
/// let (ann, now) = (Actor::new("ann")?, Timestamp::from_micros(0));
/// let mut history = History::begin(&config, ann.clone(), now)?;
///
/// let edit = ConfigEdit::of(&config).add_holdout("g".parse()?, user, "g-2026", Share::percent(2)?, [])?;
/// let approved = plan(&config, &edit.finish()?)?.because("a holdout for 2026").approve()?;
/// history.append(&approved, ann, now)?;
/// history.verify()?;
/// history.verify_config(approved.config())?;
/// assert!(history.verify_config(&config).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct History {
    format: HistoryFormat,
    entries: Vec<Entry>,
}

/// A change that was put into force.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Entry {
    /// What was changed.
    pub record: Record,
    /// The digest of the canonical bytes of the record.
    pub digest: Digest,
}

/// What an entry says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Record {
    /// Its number, from 0.
    pub sequence: u64,
    /// The digest of the entry before; none for the first.
    pub previous: Option<Digest>,
    /// The digest of the config that was put into force.
    pub config: Digest,
    /// Its version.
    pub version: u32,
    /// Who did it.
    pub actor: Actor,
    /// When.
    pub at: Timestamp,
    /// How many units moved, by the plan.
    pub movement: Vec<LayerMovement>,
    /// Why, where a reason was given.
    pub reasons: Vec<Justification>,
}

/// A history that cannot be trusted, or a change that does not go on from it.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum HistoryError {
    /// A history without entries.
    #[error("the history has no entries; begin it with the config in force (History::begin)")]
    Empty,
    /// An entry that says something else than when it was made.
    #[error("entry {sequence} was changed: its digest is {found}, and its content has {computed}")]
    Changed {
        /// Its place in the history.
        sequence: u64,
        /// What it says.
        found: Digest,
        /// What it should say.
        computed: Digest,
    },
    /// An entry that does not follow from the one before.
    #[error("entry {sequence} does not follow from the one before: {problem}")]
    Broken {
        /// Its place in the history.
        sequence: u64,
        /// What does not fit.
        problem: String,
    },
    /// A change that was planned from another config than the one in force.
    #[error("the change was planned from config {planned}, and {in_force} is in force; plan it again")]
    Stale {
        /// What it was planned from.
        planned: Digest,
        /// What is in force.
        in_force: Digest,
    },
    /// A config that is not the one in force.
    #[error("config {found} is not the one in force by the history, which is {in_force} (version {version})")]
    NotInForce {
        /// What was compared.
        found: Digest,
        /// What is in force.
        in_force: Digest,
        /// Its version.
        version: u32,
    },
    /// A config that has no digest.
    #[error(transparent)]
    Assign(#[from] AssignError),
}

impl History {
    /// Begins with the config in force.
    ///
    /// # Errors
    /// [`HistoryError::Assign`] for a config that has no digest, because a parameter is not finite.
    pub fn begin(config: &Config, actor: Actor, at: Timestamp) -> Result<Self, HistoryError> {
        let record = Record {
            sequence: 0,
            previous: None,
            config: config.digest()?,
            version: config.version,
            actor,
            at,
            movement: Vec::new(),
            reasons: Vec::new(),
        };
        Ok(Self { format: HistoryFormat::V1, entries: vec![record.seal()?] })
    }

    /// Adds a change that is put into force.
    ///
    /// # Errors
    /// [`HistoryError::Stale`] if it was planned from another config than the one in force,
    /// [`HistoryError::Broken`] if it lies before the last entry in time or does not raise the version.
    pub fn append(&mut self, change: &Approved, actor: Actor, at: Timestamp) -> Result<&Entry, HistoryError> {
        let head = self.head()?;
        if change.base != head.record.config {
            return Err(HistoryError::Stale { planned: change.base, in_force: head.record.config });
        }
        let record = Record {
            sequence: head.record.sequence.saturating_add(1),
            previous: Some(head.digest),
            config: change.digest,
            version: change.config().version,
            actor,
            at,
            movement: change.movement.clone(),
            reasons: change.reasons.clone(),
        };
        let entry = record.seal()?;
        follows(Some(head), &entry, entry.record.sequence)?;
        self.entries.push(entry);
        self.head()
    }

    /// The entries, oldest first.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The last entry: what is in force.
    ///
    /// # Errors
    /// [`HistoryError::Empty`]; a history that was begun or read is not.
    pub fn head(&self) -> Result<&Entry, HistoryError> {
        self.entries.last().ok_or(HistoryError::Empty)
    }

    /// Verifies every entry and the chain.
    ///
    /// # Errors
    /// [`HistoryError::Changed`] or [`HistoryError::Broken`] for the first entry that cannot be trusted.
    pub fn verify(&self) -> Result<(), HistoryError> {
        self.head()?;
        let mut before = None;
        for (sequence, entry) in (0..).zip(&self.entries) {
            let computed = entry.record.digest()?;
            if computed != entry.digest {
                return Err(HistoryError::Changed { sequence, found: entry.digest, computed });
            }
            follows(before, entry, sequence)?;
            before = Some(entry);
        }
        Ok(())
    }

    /// Verifies that this config is the one in force by the history.
    ///
    /// # Errors
    /// [`HistoryError::NotInForce`] if it is another, [`HistoryError::Assign`] if it has no digest.
    pub fn verify_config(&self, config: &Config) -> Result<(), HistoryError> {
        let (found, head) = (config.digest()?, &self.head()?.record);
        if found == head.config {
            return Ok(());
        }
        Err(HistoryError::NotInForce { found, in_force: head.config, version: head.version })
    }
}

impl<'de> Deserialize<'de> for History {
    /// Reads a history and verifies it.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Document {
            format: HistoryFormat,
            entries: Vec<Entry>,
        }
        let Document { format, entries } = Document::deserialize(deserializer)?;
        let history = Self { format, entries };
        history.verify().map_err(serde::de::Error::custom)?;
        Ok(history)
    }
}

impl Record {
    fn digest(&self) -> Result<Digest, HistoryError> {
        Ok(canonical::digest(self).map_err(AssignError::from)?)
    }

    fn seal(self) -> Result<Entry, HistoryError> {
        Ok(Entry { digest: self.digest()?, record: self })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum HistoryFormat {
    #[serde(rename = "expt-assign-history/1")]
    V1,
}

/// Whether the entry goes on from the one before.
fn follows(before: Option<&Entry>, entry: &Entry, sequence: u64) -> Result<(), HistoryError> {
    let record = &entry.record;
    let broken = |problem: String| Err(HistoryError::Broken { sequence, problem });
    if record.sequence != sequence {
        return broken(format!("it has number {}", record.sequence));
    }
    if record.previous != before.map(|before| before.digest) {
        return broken("it names another entry as the one before".to_owned());
    }
    let Some(Record { version, at, .. }) = before.map(|before| &before.record) else { return Ok(()) };
    if record.version <= *version {
        return broken(format!("it has version {}, and the one before {version}", record.version));
    }
    if record.at < *at {
        return broken(format!("it was made at {}, and the one before at {at}", record.at));
    }
    Ok(())
}

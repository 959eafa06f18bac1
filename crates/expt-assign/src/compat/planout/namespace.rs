//! Namespaces: a population cut into segments that experiments take and give back.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::draw::Draw;
use super::error::{PlanOutError, Result};
use super::heap::Heap;
use super::map::Map;
use super::segments::SegmentSet;
use super::value::Value;

/// A namespace as the reference's `SimpleNamespace`: which segments belong to which experiment follows from the
/// history of additions and removals alone.
///
/// # Examples
/// ```
/// use expt_assign::compat::planout::{Map, Namespace, Sampling, Value};
///
/// let mut namespace = Namespace::new("ns1", 100, ["userid"], Sampling::Full)?;
/// namespace.add_experiment("e1", 20)?;
/// assert_eq!(namespace.segments_of("e1").map(<[u32]>::len), Some(20));
///
/// let user = Map::from_iter([("userid", Value::from(999_769_481))]);
/// let placement = namespace.assign(&user)?;
/// assert_eq!((placement.segment, placement.experiment), (0, None));
/// # Ok::<(), expt_assign::compat::planout::PlanOutError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Namespace {
    name: String,
    primary_unit: Vec<String>,
    sampling: Sampling,
    available: SegmentSet,
    /// The experiment of each segment.
    owners: Vec<Option<Arc<str>>>,
    /// The segments of each experiment, in the order in which they were drawn.
    experiments: BTreeMap<Arc<str>, Vec<u32>>,
}

/// How a namespace draws the segments of a new experiment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Sampling {
    /// With `sample`, the default.
    #[default]
    Full,
    /// With `fastSample`: what `use_fast_sample` asks for.
    Fast,
}

/// Where a unit is in a namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Placement<'a> {
    /// Its segment, from 0.
    pub segment: u32,
    /// The experiment that owns the segment, if one does.
    pub experiment: Option<&'a str>,
    /// The salt under which that experiment draws: `{namespace}.{experiment}`.
    pub salt: Option<String>,
}

impl Namespace {
    /// A namespace without experiments. The primary unit is the inputs that decide on the segment.
    ///
    /// # Errors
    /// [`PlanOutError::Size`] unless there are 1 to 1,048,576 segments; [`PlanOutError::NoUnit`].
    pub fn new<N: Into<String>>(
        name: impl Into<String>,
        segments: u32,
        primary_unit: impl IntoIterator<Item = N>,
        sampling: Sampling,
    ) -> Result<Self> {
        if !(1..=MOST_SEGMENTS).contains(&segments) {
            return Err(PlanOutError::Size { segments, allowed: MOST_SEGMENTS });
        }
        let name = name.into();
        let primary_unit: Vec<String> = primary_unit.into_iter().map(Into::into).collect();
        if primary_unit.is_empty() {
            return Err(PlanOutError::NoUnit { namespace: name });
        }
        Ok(Self {
            name,
            primary_unit,
            sampling,
            available: SegmentSet::up_to(segments),
            owners: vec![None; segments as usize],
            experiments: BTreeMap::new(),
        })
    }

    /// Gives segments to a new experiment.
    ///
    /// # Errors
    /// [`PlanOutError::Segments`] when fewer are free, [`PlanOutError::Taken`] when there is an experiment of this
    /// name, [`PlanOutError::NotAscii`] when a name is not ASCII; nothing has changed then.
    pub fn add_experiment(&mut self, name: &str, segments: u32) -> Result<()> {
        if self.available() < segments {
            return Err(PlanOutError::Segments { requested: segments, available: self.available() });
        }
        if self.experiments.contains_key(name) {
            return Err(PlanOutError::Taken { name: name.to_owned() });
        }
        let draw = Draw::new(&self.name, "sampled_segments", &Value::from(name))?;
        let choices: Vec<u32> = self.available.iter().collect();
        let places = match self.sampling {
            Sampling::Full => draw.sample(choices.len(), segments as usize)?,
            Sampling::Fast => draw.fast_sample(choices.len(), segments as usize)?,
        };
        let drawn: Vec<u32> = places.iter().filter_map(|place| choices.get(*place).copied()).collect();
        let name: Arc<str> = name.into();
        for segment in &drawn {
            self.available.remove(*segment);
            self.set_owner(*segment, Some(Arc::clone(&name)));
        }
        self.experiments.insert(name, drawn);
        Ok(())
    }

    /// Takes the segments of an experiment back.
    ///
    /// # Errors
    /// [`PlanOutError::Unknown`].
    pub fn remove_experiment(&mut self, name: &str) -> Result<()> {
        let unknown = || PlanOutError::Unknown { name: name.to_owned() };
        let freed = self.experiments.remove(name).ok_or_else(unknown)?;
        for segment in freed {
            self.available.insert(segment);
            self.set_owner(segment, None);
        }
        Ok(())
    }

    /// The experiments and their segments, in the order in which they were drawn.
    pub fn segments(&self) -> impl Iterator<Item = (&str, &[u32])> {
        self.experiments.iter().map(|(name, segments)| (&**name, segments.as_slice()))
    }

    /// The segments of an experiment, in the order in which they were drawn.
    #[must_use]
    pub fn segments_of(&self, experiment: &str) -> Option<&[u32]> {
        self.experiments.get(experiment).map(Vec::as_slice)
    }

    /// How many segments are free.
    #[must_use]
    pub fn available(&self) -> u32 {
        // There are at most `MOST_SEGMENTS`, so it fits.
        self.available.len() as u32
    }

    /// The segment of a unit and the experiment that owns it.
    ///
    /// # Errors
    /// [`PlanOutError::Input`] when an input of the primary unit is missing, [`PlanOutError::NotAscii`], and what
    /// values from outside can have (see [`Draw::new`]).
    pub fn assign(&self, inputs: &Map) -> Result<Placement<'_>> {
        let draw = self.draw(inputs)?;
        let segment = draw.uniform_choice(self.owners.len()).unwrap_or(0);
        let experiment = self.owners.get(segment).and_then(Option::as_deref);
        Ok(Placement {
            // Below the number of segments, so it fits.
            segment: segment as u32,
            experiment,
            salt: experiment.map(|experiment| format!("{}.{experiment}", self.name)),
        })
    }

    /// The reference takes a single input as it is, and several as a tuple, whose text is hashed.
    fn draw(&self, inputs: &Map) -> Result<Draw> {
        let missing = |name: &str| PlanOutError::Input { name: name.to_owned() };
        let units = self.primary_unit.iter().map(|name| inputs.get(name).ok_or_else(|| missing(name)));
        let units = units.collect::<Result<Vec<_>>>()?;
        if let [unit] = units.as_slice() {
            return Draw::new(&self.name, "segment", unit);
        }
        let mut heap = Heap::new();
        let items = units.into_iter().map(|unit| heap.import(unit)).collect::<Result<Vec<_>>>()?;
        let text = heap.str_of_tuple(&items)?;
        Draw::new(&self.name, "segment", &Value::Text(text))
    }

    fn set_owner(&mut self, segment: u32, owner: Option<Arc<str>>) {
        if let Some(slot) = self.owners.get_mut(segment as usize) {
            *slot = owner;
        }
    }
}

const MOST_SEGMENTS: u32 = 1 << 20;

//! The random operators: one variable, one unit.

use sha1::{Digest, Sha1};

use super::error::{PlanOutError, Result};
use super::heap::Heap;
use super::value::Value;
use crate::error::excerpt;

/// The random operators of one variable for one unit: everything that they return follows from salts and unit.
///
/// Choices are returned by their place, so that they can be of any type.
///
/// # Examples
/// ```
/// use expt_assign::compat::planout::{Draw, Value};
///
/// let draw = Draw::new("my_experiment", "x", &Value::from("412055095"))?;
/// assert_eq!(draw.hash60(), 297_090_856_848_253_741);
/// assert_eq!(draw.uniform_choice(2), Some(1));
/// # Ok::<(), expt_assign::compat::planout::PlanOutError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Draw {
    state: Sha1,
    /// Whether an appended unit needs a `.` before it: there is one already.
    started: bool,
    /// Whether the unit is a list: then units that are appended stay there, as they do in the reference.
    list: bool,
}

impl Draw {
    /// The draws of a variable: the salt is the variable's name unless another one was given for it.
    ///
    /// A unit that is a list stands for several units, joined with `.`.
    ///
    /// # Errors
    /// [`PlanOutError::NotAscii`] when a salt or the unit is not ASCII, as in the reference, and what
    /// [`Value`]s from outside can have: [`PlanOutError::NotFinite`], [`PlanOutError::Depth`],
    /// [`PlanOutError::Steps`].
    pub fn new(experiment_salt: &str, salt: &str, unit: &Value) -> Result<Self> {
        Self::of(&format!("{experiment_salt}.{salt}."), unit)
    }

    /// The draws under a full salt, which stands for both the experiment's and the variable's.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn with_full_salt(full_salt: &str, unit: &Value) -> Result<Self> {
        Self::of(&format!("{full_salt}."), unit)
    }

    /// The draws of units whose text is known; `list` says whether the unit was a list.
    pub(super) fn of_texts(prefix: &str, units: &[String], list: bool) -> Result<Self> {
        ascii(prefix)?;
        let mut draw = Self { state: Sha1::new_with_prefix(prefix), started: false, list };
        units.iter().try_for_each(|unit| draw.append(unit))?;
        Ok(draw)
    }

    fn of(prefix: &str, unit: &Value) -> Result<Self> {
        let (units, list) = Heap::new().unit_of(unit)?;
        Self::of_texts(prefix, &units, list)
    }

    /// The 60-bit hash that everything else follows from.
    #[must_use]
    pub fn hash60(&self) -> u64 {
        number(self.state.clone())
    }

    /// A number from 0 to 1: the hash over 2^60 - 1, in double precision.
    #[must_use]
    pub fn uniform(&self) -> f64 {
        fraction(self.hash60())
    }

    /// `randomFloat`: a number between two others.
    ///
    /// # Errors
    /// [`PlanOutError::NotFinite`] when a bound is not finite, or they are too far apart.
    pub fn float(&self, min: f64, max: f64) -> Result<f64> {
        let value = between(min, max, self.uniform());
        if value.is_finite() { Ok(value) } else { Err(PlanOutError::NotFinite { value }) }
    }

    /// `randomInteger`: a whole number from `min` to `max`, both included.
    ///
    /// # Errors
    /// [`PlanOutError::Zero`] when `max` is `min - 1`, [`PlanOutError::Overflow`] for bounds beyond 2^126. Bounds
    /// in the wrong order further apart are computed as Python does.
    pub fn integer(&self, min: i128, max: i128) -> Result<i128> {
        let overflow = || PlanOutError::Overflow { operator: "randomInteger".to_owned() };
        let count = max.checked_sub(min).and_then(|span| span.checked_add(1)).ok_or_else(overflow)?;
        if count == 0 {
            return Err(PlanOutError::Zero { operator: "randomInteger".to_owned() });
        }
        let rest = super::arithmetic::floor_rem(self.hash60().into(), count);
        min.checked_add(rest).ok_or_else(overflow)
    }

    /// `bernoulliTrial`: true with probability `p`.
    ///
    /// # Errors
    /// [`PlanOutError::Probability`].
    pub fn bernoulli_trial(&self, p: f64) -> Result<bool> {
        probability(p)?;
        Ok(self.uniform() <= p)
    }

    /// `bernoulliFilter`: the places of the choices that pass a trial each, in order.
    ///
    /// # Errors
    /// [`PlanOutError::Probability`], and as [`new`](Self::new) for the choices.
    pub fn bernoulli_filter(&self, choices: &[Value], p: f64) -> Result<Vec<usize>> {
        probability(p)?;
        let mut heap = Heap::new();
        let texts = choices.iter().map(|choice| heap.choice_of(choice)).collect::<Result<Vec<_>>>()?;
        self.filter(&texts, p)
    }

    /// The places of the choices that pass, by their texts; a choice that is null has none.
    pub(super) fn filter(&self, texts: &[Option<String>], p: f64) -> Result<Vec<usize>> {
        let mut draw = self.clone();
        let mut places = Vec::new();
        for (place, text) in texts.iter().enumerate() {
            let hash = match text {
                Some(text) => draw.appended(text)?,
                None => draw.hash60(),
            };
            if fraction(hash) <= p {
                places.push(place);
            }
        }
        Ok(places)
    }

    /// `uniformChoice`: the place of one of so many choices, `None` if there are none.
    #[must_use]
    pub fn uniform_choice(&self, choices: usize) -> Option<usize> {
        // The remainder is below a `usize`, so it fits.
        self.hash60().checked_rem(choices as u64).map(|place| place as usize)
    }

    /// `weightedChoice`: the place of one of the weights, `None` if there are none (or all are negative).
    ///
    /// # Errors
    /// [`PlanOutError::NotFinite`] when the weights or their sum are not finite.
    pub fn weighted_choice(&self, weights: &[f64]) -> Result<Option<usize>> {
        let mut sum = 0.0;
        let mut sums = Vec::with_capacity(weights.len());
        for weight in weights {
            sum += weight;
            sums.push(sum);
        }
        if !sum.is_finite() {
            return Err(PlanOutError::NotFinite { value: sum });
        }
        let stop = between(0.0, sum, self.uniform());
        Ok(sums.iter().position(|sum| stop <= *sum))
    }

    /// `sample`: the places of `draws` of so many choices, shuffled.
    ///
    /// # Errors
    /// [`PlanOutError::Draws`] when there are fewer choices than draws.
    pub fn sample(&self, choices: usize, draws: usize) -> Result<Vec<usize>> {
        let mut places = self.shuffled(choices, draws, None)?;
        places.truncate(draws);
        Ok(places)
    }

    /// `fastSample`: as [`sample`](Self::sample), with as many hashes as draws. It draws others than `sample` does.
    ///
    /// # Errors
    /// As [`sample`](Self::sample).
    pub fn fast_sample(&self, choices: usize, draws: usize) -> Result<Vec<usize>> {
        let stop = choices.saturating_sub(draws);
        let mut places = self.shuffled(choices, draws, Some(stop))?;
        if (1..choices).contains(&stop) {
            return Ok(places.split_off(stop));
        }
        places.truncate(draws);
        Ok(places)
    }

    /// A shuffle from the last place down, up to a place if one is given.
    fn shuffled(&self, choices: usize, draws: usize, stop: Option<usize>) -> Result<Vec<usize>> {
        if draws > choices {
            return Err(PlanOutError::Draws { draws: draws as i128, choices });
        }
        let mut draw = self.clone();
        let mut places: Vec<usize> = (0..choices).collect();
        for last in (1..choices).rev() {
            // The remainder is at most `last`, so it fits.
            let other = (draw.appended(&last.to_string())? % (last as u64 + 1)) as usize;
            places.swap(last, other);
            if stop == Some(last) {
                break;
            }
        }
        Ok(places)
    }

    /// The hash with one more unit; if the unit is a list, that one stays for the hashes that follow.
    fn appended(&mut self, unit: &str) -> Result<u64> {
        if self.list {
            self.append(unit)?;
            return Ok(self.hash60());
        }
        let mut longer = self.clone();
        longer.append(unit)?;
        Ok(longer.hash60())
    }

    fn append(&mut self, unit: &str) -> Result<()> {
        ascii(unit)?;
        if self.started {
            self.state.update(".");
        }
        self.state.update(unit);
        self.started = true;
        Ok(())
    }
}

/// The 60-bit hash of units under a full salt: of `{full salt}.{unit}[.{unit}...]`.
///
/// The full salt of a variable is `{experiment salt}.{variable}`, that of a namespace's segments `{name}.segment`.
///
/// # Errors
/// [`PlanOutError::NotAscii`] when one of them is not ASCII, as in the reference.
///
/// # Examples
/// ```
/// use expt_assign::compat::planout::hash60;
///
/// assert_eq!(hash60("exp.salt.with.dots.group_size", &["481242137"]), Ok(947_671_228_531_721_004));
/// ```
pub fn hash60(full_salt: &str, units: &[&str]) -> Result<u64> {
    let units: Vec<String> = units.iter().map(|unit| (*unit).to_owned()).collect();
    Ok(Draw::of_texts(&format!("{full_salt}."), &units, true)?.hash60())
}

/// The first 15 hexadecimal digits of the SHA-1 of bytes.
#[must_use]
pub fn hash60_bytes(bytes: &[u8]) -> u64 {
    number(Sha1::new_with_prefix(bytes))
}

/// A hash as a number from 0 to 1.
fn fraction(hash: u64) -> f64 {
    hash as f64 / SCALE
}

fn between(min: f64, max: f64, fraction: f64) -> f64 {
    min + (max - min) * fraction
}

fn number(state: Sha1) -> u64 {
    let [a, b, c, d, e, f, g, h, ..]: [u8; 20] = state.finalize().into();
    u64::from_be_bytes([a, b, c, d, e, f, g, h]) >> 4
}

/// Refuses what is not a probability.
pub(super) fn probability(p: f64) -> Result<()> {
    if (0.0..=1.0).contains(&p) { Ok(()) } else { Err(PlanOutError::Probability { value: p }) }
}

fn ascii(text: &str) -> Result<()> {
    if text.is_ascii() { Ok(()) } else { Err(PlanOutError::NotAscii { text: excerpt(text) }) }
}

/// 2^60 - 1 in double precision, which is 2^60.
const SCALE: f64 = ((1_u64 << 60) - 1) as f64;

//! The red-wine data: loading, canonical bytes, and splits without leakage.
//!
//! A sixth of the wines occur more than once, with all eleven measurements and the label equal. A random
//! split would put copies of one wine on both sides and reward models that memorise: in five folds, a forest's
//! accuracy would read .82 instead of .76, that of logistic regression .75 instead of .74. So every split here
//! deals out *groups* of identical wines. It is stratified by label, and a group's place in the order follows
//! from its values and the seed only, not from its position in the file.

use std::collections::BTreeMap;

use super::MlError;

/// One wine.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// A stable name, made of the row's position in the published file.
    pub id: String,
    /// The measurements, in the order of [`Dataset::feature_names`].
    pub features: Vec<f64>,
    /// Whether the wine was rated [`GOOD_QUALITY`] or better.
    pub label: bool,
}

/// Rows with a name and named columns.
#[derive(Debug, Clone, PartialEq)]
pub struct Dataset {
    /// The name; a part of a split adds its own, such as `winequality-red/train`.
    pub name: String,
    /// The names of the measurements.
    pub feature_names: Vec<String>,
    /// The rows, in the order of the published file.
    pub rows: Vec<Row>,
}

/// Three parts of a dataset that share no wine.
#[derive(Debug, Clone)]
pub struct Split {
    /// 60 %: for fitting and for the search (in folds).
    pub train: Dataset,
    /// 20 %: for the offline comparison of finished models.
    pub test: Dataset,
    /// 20 %: the wines that customers will ask about; never seen before the online experiment.
    pub online: Dataset,
}

/// One round of cross-validation.
#[derive(Debug, Clone)]
pub struct Fold {
    /// The rows to fit on.
    pub train: Dataset,
    /// The rows to validate on.
    pub valid: Dataset,
}

impl Dataset {
    /// Loads the red wines from the bytes compiled into `linfa-datasets`; no file, no network.
    #[must_use]
    pub fn load() -> Self {
        let source = linfa_datasets::winequality();
        let values = source.records().outer_iter().zip(source.targets().iter());
        let rows = values.enumerate().map(|(index, (features, &quality))| Row {
            id: format!("red-{:04}", index + 1),
            features: features.to_vec(),
            label: quality >= GOOD_QUALITY,
        });
        Self {
            name: "winequality-red".to_owned(),
            feature_names: source.feature_names().to_vec(),
            rows: rows.collect(),
        }
    }

    /// Returns everything the dataset says as bytes: names, ids, labels, and each value as the
    /// little-endian bits of its `f64`. Two datasets have the same bytes exactly if they are the same, so a
    /// digest of the bytes is a digest of the content.
    #[must_use]
    pub fn canonical_bytes(&self) -> Vec<u8> {
        let mut bytes = b"wine-dataset/1\n".to_vec();
        put_text(&mut bytes, &self.name);
        put_len(&mut bytes, self.feature_names.len());
        self.feature_names.iter().for_each(|name| put_text(&mut bytes, name));
        put_len(&mut bytes, self.rows.len());
        for row in &self.rows {
            put_text(&mut bytes, &row.id);
            bytes.push(u8::from(row.label));
            put_len(&mut bytes, row.features.len());
            row.features.iter().for_each(|value| bytes.extend(value.to_bits().to_le_bytes()));
        }
        bytes
    }

    /// Splits into train, test and online rows; the same seed gives the same split.
    #[must_use]
    pub fn split(&self, seed: u64) -> Split {
        let part = self.deal(&[0.6, 0.2, 0.2], seed);
        Split {
            train: self.subset("train", |row| part.get(row) == Some(&0)),
            test: self.subset("test", |row| part.get(row) == Some(&1)),
            online: self.subset("online", |row| part.get(row) == Some(&2)),
        }
    }

    /// Returns `k` rounds of cross-validation; each row is validated on exactly once.
    ///
    /// Fewer than two folds make no sense and are taken as two.
    #[must_use]
    pub fn folds(&self, k: usize, seed: u64) -> Vec<Fold> {
        let k = k.max(2);
        let part = self.deal(&vec![1.0 / k as f64; k], seed);
        let fold = |number: usize| Fold {
            train: self.subset(&format!("fold-{number}-train"), |row| part.get(row) != Some(&number)),
            valid: self.subset(&format!("fold-{number}-valid"), |row| part.get(row) == Some(&number)),
        };
        (0..k).map(fold).collect()
    }

    /// Returns the labels, in the order of the rows.
    #[must_use]
    pub fn labels(&self) -> Vec<bool> {
        self.rows.iter().map(|row| row.label).collect()
    }

    /// Returns the share of good wines; 0 without rows.
    #[must_use]
    pub fn base_rate(&self) -> f64 {
        let good = self.rows.iter().filter(|row| row.label).count();
        good as f64 / self.rows.len().max(1) as f64
    }

    /// Checks that both labels occur.
    ///
    /// # Errors
    /// [`MlError::TooFewRows`] if a label is missing; `task` says what the rows are for.
    pub fn check_labels(&self, task: &'static str) -> Result<(), MlError> {
        let good = self.rows.iter().filter(|row| row.label).count();
        if good == 0 || good == self.rows.len() {
            return Err(MlError::TooFewRows { rows: self.rows.len(), task });
        }
        Ok(())
    }

    /// Deals each row a part number, in the given shares. Each label is dealt on its own, whole groups of
    /// identical wines at a time, so the shares hold up to the size of one group (four wines at most).
    fn deal(&self, shares: &[f64], seed: u64) -> Vec<usize> {
        let mut part = vec![0; self.rows.len()];
        for label in [false, true] {
            let groups = self.groups(label, seed);
            let total: usize = groups.values().map(Vec::len).sum();
            let mut dealt = 0_usize;
            for rows in groups.values() {
                let middle = (dealt as f64 + rows.len() as f64 / 2.0) / total as f64;
                let number = part_at(shares, middle);
                for &row in rows {
                    if let Some(slot) = part.get_mut(row) {
                        *slot = number;
                    }
                }
                dealt += rows.len();
            }
        }
        part
    }

    /// Groups the rows of one label by their values, in an order shuffled by the seed.
    fn groups(&self, label: bool, seed: u64) -> BTreeMap<(u64, Vec<u64>), Vec<usize>> {
        let mut groups = BTreeMap::<_, Vec<usize>>::new();
        for (index, row) in self.rows.iter().enumerate().filter(|(_, row)| row.label == label) {
            let bits: Vec<u64> = row.features.iter().map(|value| value.to_bits()).collect();
            let place = bits.iter().fold(mix(seed), |state, &value| mix(state ^ value));
            groups.entry((place, bits)).or_default().push(index);
        }
        groups
    }

    fn subset(&self, part: &str, keep: impl Fn(usize) -> bool) -> Self {
        let kept = self.rows.iter().enumerate().filter(|(index, _)| keep(*index));
        Self {
            name: format!("{}/{part}", self.name),
            feature_names: self.feature_names.clone(),
            rows: kept.map(|(_, row)| row.clone()).collect(),
        }
    }
}

/// Finds the part whose share of `[0, 1)` contains `place`; rounding leftovers go to the last part.
fn part_at(shares: &[f64], place: f64) -> usize {
    let mut end = 0.0;
    for (number, share) in shares.iter().enumerate() {
        end += share;
        if place < end {
            return number;
        }
    }
    shares.len().saturating_sub(1)
}

/// One step of SplitMix64 (Steele, Lea and Flood, 2014): enough to shuffle, and fixed for ever.
fn mix(state: u64) -> u64 {
    let mut z = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn put_len(bytes: &mut Vec<u8>, len: usize) {
    bytes.extend((len as u64).to_le_bytes());
}

fn put_text(bytes: &mut Vec<u8>, text: &str) {
    put_len(bytes, text.len());
    bytes.extend_from_slice(text.as_bytes());
}

/// The lowest rating (0 to 10, the median of three tasters) that counts as good; 53 % of the wines reach it.
pub const GOOD_QUALITY: usize = 6;

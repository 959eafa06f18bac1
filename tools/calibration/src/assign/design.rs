//! What the columns are, and which of them are tested together.

use std::collections::BTreeSet;

use chacha20::ChaCha12Rng;
use chacha20::rand_core::{Rng, SeedableRng};
use expt::assign::mix::{MixKey, Xmix1};
use expt::core::{ExperimentId, LayerId};

use super::table::Tables;

/// A thousand layers, any two and any five of them.
pub(super) const LAYERS: Design = Design {
    name: "assign-mix",
    experiments: 0,
    epochs: 0,
    layers: 1_000,
    holdouts: 0,
    pairs: 50_000,
    fives: 50_000,
};

/// Ten experiments of sixty epochs, layers and holdouts, all of the same names.
pub(super) const EPOCHS: Design = Design {
    name: "assign-epochs",
    experiments: 10,
    epochs: 60,
    layers: 200,
    holdouts: 200,
    pairs: 5_000,
    fives: 10_000,
};

/// Columns come in this order: the epochs of the first experiment, of the second, ..., layers, holdouts.
pub(super) struct Design {
    pub(super) name: &'static str,
    experiments: usize,
    epochs: usize,
    layers: usize,
    holdouts: usize,
    /// A family.
    pairs: usize,
    fives: usize,
}

impl Design {
    /// A tenth of the columns and a fiftieth of the tables.
    pub(super) const fn reduced(self) -> Self {
        Self {
            experiments: self.experiments.div_ceil(5),
            epochs: self.epochs / 3,
            layers: self.layers / 10,
            holdouts: self.holdouts / 10,
            pairs: if self.experiments == 0 { self.pairs / 50 } else { 200 },
            fives: if self.experiments == 0 { self.fives / 50 } else { 500 },
            ..self
        }
    }

    pub(super) const fn columns(&self) -> usize {
        self.experiments * self.epochs + self.layers + self.holdouts
    }

    /// The names of the statistics and how many tables each has.
    pub(super) fn statistics(&self) -> Vec<(String, usize)> {
        let size = |about: &str, tables| (about.to_owned(), tables);
        let fives = "5-way, halves, 31 df";
        let columns = size("single columns, 8 buckets, 7 df", self.columns());
        if self.experiments == 0 {
            return vec![size("pairs of layers, 8 x 8, 49 df", self.pairs), size(fives, self.fives), columns];
        }
        vec![
            size("successive epochs, 8 x 8, 49 df", self.experiments * (self.epochs - 1)),
            size("epochs of an experiment, 8 x 8, 49 df", self.pairs),
            size("arms and layer, 8 x 8, 49 df", self.pairs),
            size("holdout and layer, 8 x 8, 49 df", self.pairs),
            size("holdout and arms, 8 x 8, 49 df", self.pairs),
            size("holdout, layer and three epochs in a row, halves, 31 df", self.fives),
            columns,
        ]
    }

    /// The key of each column.
    pub(super) fn keys(&self, project: &Xmix1) -> Vec<MixKey> {
        let name = |index: usize| format!("exp_{index}");
        let mut keys = Vec::with_capacity(self.columns());
        for index in 0..self.experiments {
            let experiment = ExperimentId::new(name(index));
            keys.extend(
                experiment.iter().flat_map(|experiment| {
                    (0..self.epochs as u32).map(|epoch| project.arms(experiment, epoch))
                }),
            );
        }
        let layers = (0..self.layers).filter_map(|index| LayerId::new(name(index)).ok());
        keys.extend(layers.map(|layer| project.layer(&layer)));
        keys.extend((0..self.holdouts).map(|index| project.holdout(&name(index))));
        keys
    }

    /// Random tables, different for each seed.
    pub(super) fn tables(&self, ids: usize, seed: u64) -> Tables {
        let mut draw = Draw(ChaCha12Rng::seed_from_u64(seed));
        let mut pairs = Vec::new();
        let mut fives = BTreeSet::new();
        let arms = self.experiments * self.epochs;
        let (layers, holdouts) = (arms, arms + self.layers);
        if self.experiments == 0 {
            pairs.extend(
                draw.distinct(self.pairs, |draw| draw.two_of(self.layers, 0))
                    .into_iter()
                    .map(|pair| (pair, 0)),
            );
            while fives.len() < self.fives {
                let mut five = BTreeSet::new();
                while five.len() < 5 {
                    five.insert(draw.below(self.layers) as u16);
                }
                fives.extend(<[u16; 5]>::try_from(Vec::from_iter(five)));
            }
        } else {
            let in_a_row = |column: &usize| !(column + 1).is_multiple_of(self.epochs);
            pairs.extend((0..arms).filter(in_a_row).map(|first| ([first as u16, first as u16 + 1], 0)));
            let epochs = draw.distinct(self.pairs, |draw| {
                let experiment = draw.below(self.experiments);
                draw.two_of(self.epochs, experiment * self.epochs)
            });
            pairs.extend(epochs.into_iter().map(|pair| (pair, 1)));
            let kinds = [
                ((0, arms), (layers, self.layers)),
                ((layers, self.layers), (holdouts, self.holdouts)),
                ((0, arms), (holdouts, self.holdouts)),
            ];
            for (family, (one, other)) in kinds.into_iter().enumerate() {
                let found = draw.distinct(self.pairs, |draw| {
                    [one.0 + draw.below(one.1), other.0 + draw.below(other.1)].map(|column| column as u16)
                });
                pairs.extend(found.into_iter().map(|pair| (pair, family + 2)));
            }
            while fives.len() < self.fives {
                let first = draw.below(self.experiments) * self.epochs + draw.below(self.epochs - 2);
                let layer = layers + draw.below(self.layers);
                let holdout = holdouts + draw.below(self.holdouts);
                fives.insert([first, first + 1, first + 2, layer, holdout].map(|column| column as u16));
            }
        }
        let families = if self.experiments == 0 { 1 } else { 5 };
        Tables { ids, columns: self.columns(), pairs, fives: fives.into_iter().collect(), families }.sorted()
    }
}

struct Draw(ChaCha12Rng);

impl Draw {
    fn below(&mut self, bound: usize) -> usize {
        ((u64::from(self.0.next_u32()) * bound as u64) >> 32) as usize
    }

    /// Two different columns of `count` from `first` on, the lower one first.
    fn two_of(&mut self, count: usize, first: usize) -> [u16; 2] {
        let one = self.below(count);
        let other = (one + 1 + self.below(count - 1)) % count;
        [first + one.min(other), first + one.max(other)].map(|column| column as u16)
    }

    fn distinct(&mut self, count: usize, mut draw: impl FnMut(&mut Self) -> [u16; 2]) -> BTreeSet<[u16; 2]> {
        let mut found = BTreeSet::new();
        while found.len() < count {
            found.insert(draw(self));
        }
        found
    }
}

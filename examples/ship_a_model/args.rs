//! The command line.

use std::path::PathBuf;

/// What the caller asked for.
#[derive(Debug)]
pub(crate) struct Args {
    pub(crate) store: PathBuf,
    pub(crate) seed: u64,
    pub(crate) placebo: bool,
    /// How many seeds the placebo replays.
    pub(crate) seeds: u64,
}

impl Args {
    pub(crate) fn parse(words: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut args = Self { store: "ship_a_model_store".into(), seed: 7, placebo: false, seeds: 200 };
        let mut words = words;
        while let Some(word) = words.next() {
            let mut value = |name: &str| words.next().ok_or(format!("{name} needs a value after it"));
            let number = |name: &str, text: String| {
                text.parse::<u64>().map_err(|_| format!("{name} {text:?} is not a whole number"))
            };
            match word.as_str() {
                "--store" => args.store = value("--store")?.into(),
                "--seed" => args.seed = number("--seed", value("--seed")?)?,
                "--seeds" => args.seeds = number("--seeds", value("--seeds")?)?,
                "--placebo" => args.placebo = true,
                other => {
                    return Err(format!(
                        "{other:?} is not known; allowed are --store FOLDER, --seed N, --placebo, --seeds N"
                    ));
                }
            }
        }
        Ok(args)
    }

    /// Removes the store of the run before, and nothing that is not such a store.
    pub(crate) fn clear_store(&self) -> Result<(), String> {
        let is_empty = self.store.read_dir().is_ok_and(|mut entries| entries.next().is_none());
        if !self.store.exists() || is_empty {
            return Ok(());
        }
        if !self.store.join("expt.sqlite").exists() {
            return Err(format!(
                "{} is there and is no store of expt; give another --store",
                self.store.display()
            ));
        }
        std::fs::remove_dir_all(&self.store)
            .map_err(|error| format!("cannot remove {}: {error}", self.store.display()))
    }
}

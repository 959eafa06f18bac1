//! A lineage as a tree of lines.

use std::fmt;

use expt_core::{DatasetVersion, Declared, ExposureTarget, Output, Subject};

use super::{Lineage, experiment_ids};

impl fmt::Display for Lineage {
    /// Writes the tree, without a line break at its end.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.tree().write(f, "")
    }
}

impl Lineage {
    fn tree(&self) -> Branch {
        let row = &self.prediction;
        let output = match &row.output {
            Output::Value(value) => format!("said {value}"),
            Output::Items(items) => format!("ranked {} items", items.len()),
            _ => "said something else".into(),
        };
        let mut root = Branch::new(format!("prediction {} at {}", row.id, row.at));
        root.add(format!("{output} to {} {}, request {}", row.unit_kind, row.unit, row.request));
        root.add(format!("{}, assignment config {}", row.stamp.shown, row.stamp.config_version));
        root.branch(self.arms());
        root.branch(self.model());
        root.branch(self.trained());
        root.branch(self.outcome());
        root.branch(self.hypotheses());
        root
    }

    fn arms(&self) -> Branch {
        let stamp = &self.prediction.stamp;
        let mut branch = Branch::new(match stamp.arms.len() {
            0 => "arms: none".to_owned(),
            arms => format!("arms: {arms}"),
        });
        for of in &stamp.arms {
            let exposed = self.exposures.iter().find(|row| match &row.target {
                ExposureTarget::Arm { experiment, phase, arm, .. } => {
                    *experiment == of.experiment && *phase == of.phase && *arm == of.arm
                }
                _ => false,
            });
            let exposed =
                exposed.map_or("exposure: missing".into(), |row| format!("first exposed {}", row.at));
            branch
                .add(format!("{} of phase {} of experiment {}: {exposed}", of.arm, of.phase, of.experiment));
        }
        for row in &self.exposures {
            if let ExposureTarget::Holdout { holdout } = &row.target {
                branch.add(format!("held out by {holdout} since {}", row.at));
            }
        }
        branch
    }

    fn model(&self) -> Branch {
        let origin = &self.prediction.stamp.model;
        let mut branch = Branch::new(format!("model {}@{}", origin.model, origin.version));
        branch.add(format!("bytes {}", origin.digest));
        branch.add(match &origin.features {
            Some(features) => format!("features {} ({})", features.short(), origin.pin),
            None => format!("features: no pin ({})", origin.pin),
        });
        let Some(version) = &self.model_version else {
            branch.add("registered: missing".into());
            return branch;
        };
        branch.add(format!("registered {}, now in stage {}", version.created, version.stage));
        if version.artifact.digest != origin.digest {
            let digest = version.artifact.digest;
            branch.add(format!("mismatch: the registry has other bytes, {digest}"));
        }
        if version.run != origin.run {
            branch.add(format!("mismatch: the registry has another run, {}", version.run));
        }
        for promotion in &self.promotions {
            let mut line = format!(
                "{} to {} at {} by {}: {}",
                promotion.from, promotion.to, promotion.at, promotion.by, promotion.reason
            );
            if let Some(evidence) = &promotion.evidence {
                line.push_str(&format!(" ({evidence})"));
            }
            branch.add(line);
        }
        if self.promotions.is_empty() {
            branch.add("promotions: none".into());
        }
        branch
    }

    fn trained(&self) -> Branch {
        let id = self.prediction.stamp.model.run;
        let Some(run) = &self.run else { return Branch::new(format!("run {id}: missing")) };
        let mut branch = Branch::new(format!("run {id} {:?} ({})", run.name, run.status));
        if let Some(parent) = run.parent {
            branch.add(match &self.parent {
                Some(parent) => format!("{} {} {:?}", parent.kind, parent.id, parent.name),
                None => format!("parent {parent}: missing"),
            });
        }
        for (name, value) in &run.params {
            branch.add(format!("param {name} = {value}"));
        }
        for (name, summary) in &run.metrics {
            branch.add(format!("metric {name} = {}", summary.last));
        }
        let Some(provenance) = &run.provenance else {
            branch.add("provenance: missing".into());
            return branch;
        };
        let dataset = |of: &DatasetVersion| format!("{} ({}, {} rows)", of.name, of.digest.short(), of.rows);
        branch.add(declared("dataset", &provenance.dataset, dataset));
        branch.add(declared("features", &provenance.features, |of| {
            format!("{} ({})", of.pipeline, of.digest.short())
        }));
        branch.add(declared("code", &provenance.code, |of| {
            format!("{}{}", of.commit, if of.dirty { " with uncommitted changes" } else { "" })
        }));
        branch.add(declared("seed", &provenance.seed, u64::to_string));
        branch
    }

    fn outcome(&self) -> Branch {
        let mut branch = Branch::new(match self.outcomes.len() {
            0 => "outcomes: none".to_owned(),
            outcomes => format!("outcomes: {outcomes}"),
        });
        for row in &self.outcomes {
            let of = match &row.subject {
                Subject::Item { index, .. } => format!(" of item {index}"),
                _ => String::new(),
            };
            branch.add(format!("{} = {}{of} at {}", row.metric, row.value, row.at));
        }
        branch
    }

    fn hypotheses(&self) -> Branch {
        let mut branch = Branch::new("experiments".into());
        for id in experiment_ids(&self.prediction.stamp, self.run.as_ref()) {
            branch.add(match self.experiments.iter().find(|experiment| experiment.id == *id) {
                Some(experiment) => format!("{id} of {}: {}", experiment.owner, experiment.hypothesis),
                None => format!("{id}: missing"),
            });
        }
        branch
    }
}

fn declared<T>(part: &str, of: &Declared<T>, write: impl Fn(&T) -> String) -> String {
    match of {
        Declared::Given(value) => format!("{part} {}", write(value)),
        Declared::OptedOut { reason } => format!("{part}: opted out, {reason}"),
    }
}

/// A line and what hangs on it.
struct Branch {
    line: String,
    below: Vec<Branch>,
}

impl Branch {
    const fn new(line: String) -> Self {
        Self { line, below: Vec::new() }
    }

    fn add(&mut self, line: String) {
        self.below.push(Self::new(line));
    }

    fn branch(&mut self, branch: Self) {
        self.below.push(branch);
    }

    fn write(&self, f: &mut fmt::Formatter<'_>, indent: &str) -> fmt::Result {
        // Texts of others may hold line breaks: they must not look like branches.
        let line: String = self.line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        f.write_str(&line)?;
        for (index, below) in self.below.iter().enumerate() {
            let (branch, further) =
                if index + 1 == self.below.len() { ("`-- ", "    ") } else { ("|-- ", "|   ") };
            write!(f, "\n{indent}{branch}")?;
            below.write(f, &format!("{indent}{further}"))?;
        }
        Ok(())
    }
}

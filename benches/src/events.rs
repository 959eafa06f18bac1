//! What a prediction costs in the event log, against writing the same rows as JSON lines.

use std::error::Error;
use std::io::Write;
use std::sync::Arc;
use std::time::Instant;

use expt::core::{
    ArmRef, Digest, Event, ExperimentId, ModelName, ModelOrigin, Output, PinStatus, Prediction, PredictionId,
    RequestId, RunId, Shown, Stamp, Timestamp, UnitId, UnitKind,
};
use expt::store::blocking::wait;
use expt::store::segment::SegmentStore;
use expt::store::{Durability, EventStore};

use crate::Figure;

const PREDICTIONS: usize = 100_000;
const BATCH: usize = 100;

pub(crate) fn figures() -> Result<Vec<Figure>, Box<dyn Error>> {
    let rows = predictions()?;
    let folder = tempfile::tempdir()?;
    let store = SegmentStore::open(folder.path().join("events"))?;
    let begun = Instant::now();
    for batch in rows.chunks(BATCH) {
        wait(store.append(batch, Durability::Committed))?;
    }
    let segments = begun.elapsed();
    drop(store);
    let mut bytes = 0;
    for file in std::fs::read_dir(folder.path().join("events"))? {
        bytes += file?.metadata()?.len();
    }

    let mut lines = std::fs::File::create(folder.path().join("lines.json"))?;
    let begun = Instant::now();
    for batch in rows.chunks(BATCH) {
        let mut text = Vec::new();
        for row in batch {
            serde_json::to_writer(&mut text, row)?;
            text.push(b'\n');
        }
        lines.write_all(&text)?;
    }
    let json = begun.elapsed();
    let json_bytes = lines.metadata()?.len();
    let each = |total: f64| total / PREDICTIONS as f64;
    Ok(vec![
        Figure {
            name: "bytes of a prediction",
            value: each(bytes as f64),
            unit: "B",
            peer: Some(("JSON lines", each(json_bytes as f64))),
            limit: Some(64.0),
        },
        Figure {
            name: "append of a prediction, batches of 100, committed",
            value: each(segments.as_nanos() as f64),
            unit: "ns",
            peer: Some(("JSON lines", each(json.as_nanos() as f64))),
            limit: None,
        },
    ])
}

fn predictions() -> Result<Vec<Event>, Box<dyn Error>> {
    let experiment = ExperimentId::new("bench")?;
    let stamp = Arc::new(Stamp {
        model: ModelOrigin {
            model: ModelName::new("ranker")?,
            version: 2,
            digest: Digest::of(b"model"),
            run: RunId::derive(["run"]),
            experiment: experiment.clone(),
            features: Some(Digest::of(b"features")),
            pin: PinStatus::Verified,
        },
        arms: vec![ArmRef { experiment, phase: "bench/ab".parse()?, arm: "treatment".parse()? }],
        config_version: 3,
        shown: Shown::Arm,
    });
    let kind = UnitKind::new("user")?;
    let row = |number: usize| {
        Ok(Event::Prediction(Prediction {
            id: PredictionId::derive([number.to_le_bytes()]),
            at: Timestamp::from_micros(1_772_000_000_000_000 + 1000 * i64::try_from(number)?),
            request: RequestId::derive([number.to_le_bytes()]),
            unit: UnitId::new(format!("user-{:08}", number / 7))?,
            unit_kind: kind.clone(),
            stamp: Arc::clone(&stamp),
            output: Output::Value(1.0 / (number + 1) as f64),
        }))
    };
    (0..PREDICTIONS).map(row).collect()
}

//! The join, the verdict, what follows from it, and where one prediction comes from.

use std::error::Error;
use std::path::Path;

use expt::analysis::{Analysis, Readout, Report, Verdict};
use expt::core::{Document, Evidence, Prediction, Stage};
use expt::store::blocking::wait;
use expt::store::{Clock, EventScan, EventStoreExt, EventTable, RegistryStoreExt, lineage};
use expt::track::Promote;

use crate::chapter;
use crate::offline::{Offline, approve};
use crate::online::Test;
use crate::setting::Setting;

pub(crate) fn run(
    setting: &Setting,
    offline: &Offline,
    test: &Test,
    shadow: Vec<(String, String)>,
    report: &Path,
) -> Result<(), Box<dyn Error>> {
    chapter("The readout: offline and online, joined by id");
    let analysis = wait(Analysis::read(&setting.stores, &test.phase))?;
    let mut readout = analysis.readout(&test.looks)?;
    wait(analysis.attach_models(&mut readout, &setting.stores))?;
    readout.notes.push(format!(
        "The effect is over the {} held-out wines of this example, drawn with replacement for each user: it says how \
         the two models compare on them, not on all wines.",
        setting.split.online.rows.len()
    ));
    println!("{}", Report::new(&readout).to_text());

    let document = Document::seal("readout", test.phase.as_str(), 1, &readout, setting.clock.now())?;
    let evidence =
        Evidence::Document { kind: "readout".into(), name: test.phase.to_string(), digest: document.digest };
    wait(setting.stores.registry.put_document(document.of_experiment(setting.names.second.clone())))?;
    decide(setting, offline, &readout, &evidence)?;
    trace(setting)?;
    // The report shows the stages as they are after the decision.
    wait(analysis.attach_models(&mut readout, &setting.stores))?;
    std::fs::write(report, Report::new(&readout).with_facts("Shadow, before the test", shadow).to_html())?;
    Ok(())
}

/// Promotes on `Ship`, with the readout as evidence; otherwise the champion stays.
fn decide(
    setting: &Setting,
    offline: &Offline,
    readout: &Readout,
    evidence: &Evidence,
) -> Result<(), Box<dyn Error>> {
    chapter("The decision");
    println!("{}: {}", readout.verdict, readout.reason);
    let (names, challenger) = (&setting.names, &offline.challenger);
    let promote = |to, reason: &str| {
        Promote::new(names.model.clone(), challenger.version, to, names.approver.clone(), reason)
            .with_evidence(evidence.clone())
    };
    if readout.verdict == Verdict::Ship {
        let ship = promote(Stage::Production, &readout.reason);
        let version = setting.registry.promote(approve(ship, &challenger.provenance_gaps))?;
        println!("{} is in {}, on the evidence of the readout", version.label(), version.stage);
        let back =
            setting.registry.rollback(&names.model, names.approver.clone(), "a drill: can we go back?")?;
        println!("rollback drill: {} is back in {}", back.label(), back.stage);
        let again = promote(Stage::Production, "the drill is over");
        let version = setting.registry.promote(approve(again, &challenger.provenance_gaps))?;
        println!("and {} is in {} again", version.label(), version.stage);
    } else {
        let version = setting.registry.promote(promote(Stage::Archived, &readout.reason))?;
        println!(
            "{} stays in production; {} is {}",
            offline.champion.label(),
            version.label(),
            version.stage
        );
    }
    println!("the history, which is only ever added to:");
    for promotion in wait(setting.stores.registry.all_promotions(&names.model))? {
        let why = promotion.evidence.map_or_else(String::new, |evidence| format!(" [{evidence}]"));
        println!(
            "  {:>2}. {}@{}  {} -> {}  by {}: {}{why}",
            promotion.sequence,
            promotion.model,
            promotion.version,
            promotion.from,
            promotion.to,
            promotion.by,
            promotion.reason
        );
    }
    Ok(())
}

/// From one prediction id back to the data.
fn trace(setting: &Setting) -> Result<(), Box<dyn Error>> {
    chapter("Where one prediction comes from");
    let events = wait(setting.stores.events.scan_all(&EventScan::of(EventTable::Predictions)))?;
    let is_challenger =
        |prediction: &&Prediction| prediction.stamp.arms.iter().any(|arm| arm.arm.as_str() == "challenger");
    let predictions = events.iter().filter_map(|event| match event {
        expt::core::Event::Prediction(prediction) => Some(prediction),
        _ => None,
    });
    let first = predictions.filter(is_challenger).min_by_key(|prediction| (prediction.at, prediction.id));
    let id = first.ok_or("the challenger answered nothing")?.id;
    let stores = &setting.stores;
    println!(
        "{}",
        wait(lineage(id, stores.runs.as_ref(), stores.registry.as_ref(), stores.events.as_ref()))?
    );
    Ok(())
}

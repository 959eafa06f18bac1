//! Many threads, and more than one handle.

use std::sync::atomic::{AtomicBool, Ordering};

use expt_core::{Document, RunId, Stage};

use super::sample::*;
use super::{MetadataHarness, Opened};
use crate::blocking::wait;
use crate::{Durability, ErrorKind, RegistryStoreExt, Requirement, RunStoreExt, RunUpdate, Update};

const THREADS: u64 = 4;

/// Runs the work on several threads, each with a handle of its own or a shared one, and gives its results.
fn on_threads<T: Send>(
    harness: &dyn MetadataHarness,
    opened: &Opened,
    work: impl Fn(u64, &Opened) -> T + Sync,
) -> Vec<T> {
    let handles: Vec<_> =
        (0..THREADS).map(|n| if n < 2 { opened.clone() } else { harness.handle(opened) }).collect();
    std::thread::scope(|scope| {
        let work = &work;
        let threads: Vec<_> =
            (0..).zip(&handles).map(|(n, handle)| scope.spawn(move || work(n, handle))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

fn with_run(harness: &dyn MetadataHarness) -> (Opened, RunId) {
    let opened = fresh(harness);
    let run = run("r", 1);
    wait(opened.runs.create_run(&run)).unwrap();
    (opened, run.id)
}

pub(super) fn appends_of_all_threads_arrive(harness: &dyn MetadataHarness) {
    let (opened, id) = with_run(harness);
    on_threads(harness, &opened, |thread, handle| {
        for step in 0..50 {
            let points = [point("shared", step, thread as f64), point(&format!("own {thread}"), step, 1.0)];
            wait(handle.runs.append_metrics(id, &points, Durability::Committed)).unwrap();
        }
    });
    let shared = wait(opened.runs.metric_points(id, &metric_name("shared"))).unwrap();
    for thread in 0..THREADS {
        let steps: Vec<_> = shared.iter().filter(|p| p.value == thread as f64).map(|p| p.step).collect();
        assert_eq!(steps, (0..50).collect::<Vec<_>>(), "each thread's points are in its order");
    }
    let run = wait(opened.runs.run(id)).unwrap();
    assert_eq!(run.metrics["shared"].count, 50 * THREADS);
    assert_eq!(run.metrics.len(), 1 + usize::try_from(THREADS).unwrap());
}

pub(super) fn one_creator_wins(harness: &dyn MetadataHarness) {
    let opened = fresh(harness);
    for round in 0..10 {
        let won = on_threads(harness, &opened, |thread, handle| {
            let mut run = run(&format!("r{round}"), 1);
            run.tags.insert("winner".into(), thread.to_string());
            match wait(handle.runs.create_run(&run)) {
                Ok(()) => Some(thread),
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::AlreadyExists);
                    None
                }
            }
        });
        let winners: Vec<_> = won.into_iter().flatten().collect();
        assert_eq!(winners.len(), 1);
        let run = wait(opened.runs.run(run_id(&format!("r{round}")))).unwrap();
        assert_eq!(run.tags["winner"], winners[0].to_string());
    }
}

pub(super) fn one_compare_and_set_wins(harness: &dyn MetadataHarness) {
    let opened = harness.open();
    for round in 1..=10 {
        let won = on_threads(harness, &opened, |thread, handle| {
            let bytes = format!("{round} {thread}").into_bytes();
            let mut document = Document::seal("config", "c", round, "", at(1)).unwrap();
            (document.digest, document.bytes) = (expt_core::Digest::of(&bytes), bytes);
            let commit = updates([Update::PutDocument(document)]).require(Requirement::DocumentIs {
                kind: "config".into(),
                name: "c".into(),
                version: round - 1,
            });
            match wait(handle.registry.commit(&commit)) {
                Ok(_) => Some(thread),
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::Conflict);
                    None
                }
            }
        });
        let winners: Vec<_> = won.into_iter().flatten().collect();
        assert_eq!(winners.len(), 1);
        let newest = wait(opened.registry.document("config", "c", None)).unwrap();
        assert_eq!(newest.bytes, format!("{round} {}", winners[0]).into_bytes());
    }
}

pub(super) fn updates_are_not_lost(harness: &dyn MetadataHarness) {
    let (opened, id) = with_run(harness);
    on_threads(harness, &opened, |thread, handle| {
        for n in 0..10 {
            let key = format!("{thread} {n}");
            let update = RunUpdate::new().with_tag(key.clone(), "x").with_param(key, n);
            wait(handle.runs.update_run(id, &update)).unwrap();
        }
    });
    let run = wait(opened.runs.run(id)).unwrap();
    let expected = usize::try_from(THREADS * 10).unwrap();
    assert_eq!((run.tags.len(), run.params.len()), (expected, expected));
}

pub(super) fn versions_of_all_threads_count_on(harness: &dyn MetadataHarness) {
    let opened = harness.open();
    on_threads(harness, &opened, |thread, handle| {
        for n in 0..5 {
            let run = format!("{thread} {n}");
            let version =
                wait(handle.registry.commit(&updates([register("m", &run, b"x")]))).unwrap().remove(0);
            assert_eq!(version.run, run_id(&run));
            wait(handle.registry.commit(&updates([promote("m", version.version, Stage::Production)])))
                .unwrap();
        }
    });
    let count = u32::try_from(THREADS * 5).unwrap();
    let versions = wait(opened.registry.all_versions(&model_name("m"))).unwrap();
    let numbers: Vec<_> = versions.iter().rev().map(|v| v.version).collect();
    assert_eq!(numbers, (1..=count).collect::<Vec<_>>());
    assert_eq!(versions.iter().filter(|v| v.stage == Stage::Production).count(), 1);
    let history = wait(opened.registry.all_promotions(&model_name("m"))).unwrap();
    let sequence: Vec<_> = history.iter().map(|p| p.sequence).collect();
    assert_eq!(sequence, (1..=u64::from(count) * 2 - 1).collect::<Vec<_>>());
}

pub(super) fn an_append_is_seen_whole(harness: &dyn MetadataHarness) {
    let (opened, id) = with_run(harness);
    let done = AtomicBool::new(false);
    on_threads(harness, &opened, |thread, handle| {
        if thread == 0 {
            for step in 0..100 {
                let points = ["a", "b", "c"].map(|metric| point(metric, step, step as f64));
                wait(handle.runs.append_metrics(id, &points, Durability::Committed)).unwrap();
            }
            done.store(true, Ordering::SeqCst);
        }
        while !done.load(Ordering::SeqCst) {
            let run = wait(handle.runs.run(id)).unwrap();
            let last: Vec<_> = run.metrics.values().map(|m| (m.last, m.count)).collect();
            assert!(last.is_empty() || last.len() == 3, "{last:?}");
            assert!(last.iter().all(|seen| *seen == last[0]), "{last:?}");
        }
    });
}

pub(super) fn handles_see_each_other(harness: &dyn MetadataHarness) {
    let (opened, id) = with_run(harness);
    let other = harness.handle(&opened);
    for step in 0..20 {
        let (write, read) = if step % 2 == 0 { (&opened, &other) } else { (&other, &opened) };
        wait(write.runs.append_metrics(id, &[point("m", step, 1.0)], Durability::Committed)).unwrap();
        assert_eq!(wait(read.runs.run(id)).unwrap().metrics["m"].last_step, step);
        let tag = RunUpdate::new().with_tag("step", step.to_string());
        wait(write.runs.update_run(id, &tag)).unwrap();
        assert_eq!(wait(read.runs.find_runs(&format!("tags.step = '{step}'"))).unwrap().len(), 1);
    }
}

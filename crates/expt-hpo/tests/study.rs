//! A study is a run, its trials are child runs.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::collections::BTreeSet;
use std::sync::Arc;

use expt_core::{
    Actor, Declared, Direction, ExperimentId, MetricName, Provenance, RunId, RunKind, RunStatus,
};
use expt_hpo::blocking::{Study, Trial};
use expt_hpo::{Domain, MedianPruner, Observation, Params, PruneDecision, Space, StudyOptions, TrialState};
use expt_store::blocking::wait;
use expt_store::{ErrorKind, RunStoreExt, Stores, SystemClock};
use expt_track::NewRun;
use expt_track::blocking::Tracker;

fn experiment() -> ExperimentId {
    ExperimentId::new("e").unwrap()
}

fn tracker(stores: &Stores) -> Tracker {
    let tracker = Tracker::new(stores, Arc::new(SystemClock));
    tracker.register(experiment(), "a better rate", Actor::new("ada").unwrap()).unwrap();
    tracker
}

fn space() -> Space {
    let space = Space::new().with("model", Domain::choice(["forest", "linear"]).unwrap()).unwrap();
    let space = space.with("rate", Domain::log_float(1e-4, 1.0).unwrap()).unwrap();
    space.with_when("depth", Domain::int(2, 8).unwrap(), "model", "forest").unwrap()
}

fn options(name: &str, direction: Direction) -> StudyOptions {
    let options = StudyOptions::new(experiment(), name, space(), "loss", direction).with_seed(7);
    options.with_run(RunId::derive([name])).with_provenance(provenance())
}

fn provenance() -> Provenance {
    let none = || "a test";
    Provenance {
        dataset: Declared::opted_out(none()),
        features: Declared::opted_out(none()),
        code: Declared::opted_out(none()),
        seed: 7.into(),
    }
}

fn study(stores: &Stores) -> Study {
    Study::start(&tracker(stores), options("study", Direction::LowerIsBetter)).unwrap()
}

fn state(study: &Study, number: u64) -> TrialState {
    study.trials().into_iter().find(|trial| trial.number == number).unwrap().state
}

#[test]
fn trials_are_child_runs_with_all_that_a_run_has() {
    let stores = Stores::memory();
    let study = study(&stores);
    let trial = study.ask().unwrap();
    let id = trial.id();
    assert!(!trial.report(0, 0.5).prune && !trial.report(1, 0.25).prune);
    trial.metric("auc", 0, 0.8);
    trial.tag("k", "v");
    trial.artifact("model", vec![1]).unwrap();
    let params = trial.params().clone();
    trial.complete(0.125).unwrap();

    let run = wait(stores.runs.run(id)).unwrap();
    assert_eq!((run.kind, run.parent, run.status), (RunKind::Trial, Some(study.id()), RunStatus::Finished));
    assert_eq!((run.params, run.provenance), (params, Some(provenance())));
    assert_eq!((run.tags["trial.number"].as_str(), run.tags["k"].as_str()), ("0", "v"));
    assert_eq!((run.metrics["loss"].last.to_bits(), run.metrics["auc"].count), (0.125_f64.to_bits(), 1));
    assert!(run.artifacts.contains_key("model"));
    let steps = wait(stores.runs.metric_points(id, &MetricName::new("loss.step").unwrap())).unwrap();
    assert_eq!(
        steps.iter().map(|point| (point.step, point.value)).collect::<Vec<_>>(),
        [(0, 0.5), (1, 0.25)]
    );
    let seen = study.trials();
    assert_eq!((seen[0].value, seen[0].state, seen[0].reports.len()), (Some(0.125), TrialState::Complete, 2));
}

#[test]
fn however_a_trial_ends_its_run_and_the_study_say_so() {
    let stores = Stores::memory();
    let tracker = tracker(&stores);
    let study = Study::start(&tracker, options("study", Direction::LowerIsBetter)).unwrap();
    let check = |end: fn(Trial), status, expected, tag: Option<(&str, &str)>| {
        let trial = study.ask().unwrap();
        let (id, number) = (trial.id(), trial.number());
        assert_eq!(state(&study, number), TrialState::Running);
        end(trial);
        assert_eq!(state(&study, number), expected);
        // What a dropped run says is written in the background; a flush of another run comes after it.
        study.ask().unwrap().fail("only to flush").unwrap();
        let run = wait(stores.runs.run(id)).unwrap();
        assert_eq!(run.status, status);
        if let Some((key, value)) = tag {
            assert_eq!(run.tags[key], value);
        }
    };
    let prune = |trial: Trial| trial.prune(PruneDecision::prune("too slow")).unwrap();
    check(|trial| trial.complete(1.0).unwrap(), RunStatus::Finished, TrialState::Complete, None);
    check(prune, RunStatus::Pruned, TrialState::Pruned, Some(("trial.pruned", "too slow")));
    let fail = |trial: Trial| trial.fail("no memory").unwrap();
    check(fail, RunStatus::Failed, TrialState::Failed, Some(("trial.failed", "no memory")));
    check(drop, RunStatus::Interrupted, TrialState::Failed, None);
    // What cannot be stored whole is no completed trial.
    let broken = |trial: Trial| {
        trial.metric(" bad name", 0, 1.0);
        assert_eq!(trial.complete(0.0).unwrap_err().kind(), ErrorKind::InvalidInput);
    };
    check(broken, RunStatus::Interrupted, TrialState::Failed, None);
    assert_eq!(study.best().unwrap().value, Some(1.0));
}

#[test]
fn a_trial_whose_run_does_not_start_has_failed() {
    let stores = Stores::memory();
    let tracker = tracker(&stores);
    let study = Study::start(&tracker, options("study", Direction::LowerIsBetter)).unwrap();
    // Somebody has the id that the first trial would get.
    let taken = RunId::derive([study.id().as_bytes().as_slice(), &0_u64.to_le_bytes()]);
    tracker.start(NewRun::new(experiment(), "squatter").with_id(taken)).unwrap().finish().unwrap();
    assert_eq!(study.ask().unwrap_err().kind(), ErrorKind::AlreadyExists);
    assert_eq!(state(&study, 0), TrialState::Failed);
    assert_eq!(study.ask().unwrap().number(), 1);
}

#[test]
fn the_same_seed_gives_the_same_trials_in_whatever_order_they_end() {
    let names = |trials: Vec<Observation>| -> Vec<(RunId, Params)> {
        trials.into_iter().map(|trial| (trial.run, trial.params)).collect()
    };
    let run = |seed: u64, backwards: bool| {
        let options =
            options("study", Direction::LowerIsBetter).with_seed(seed).with_pruner(MedianPruner::default());
        let study = Study::start(&tracker(&Stores::memory()), options).unwrap();
        let mut waiting = Vec::new();
        for _ in 0..12 {
            waiting.push(study.ask().unwrap());
            if !backwards {
                let trial = waiting.remove(0);
                let _ = trial.report(0, trial.float("rate").unwrap());
                trial.complete(1.0).unwrap();
            }
        }
        while let Some(trial) = waiting.pop() {
            let _ = trial.report(0, 1.0);
            trial.complete(1.0).unwrap();
        }
        names(study.trials())
    };
    let first = run(7, false);
    assert_eq!(first, run(7, true));
    assert_eq!(first.iter().map(|(id, _)| id).collect::<BTreeSet<_>>().len(), 12);
    let other = run(8, false);
    assert!(
        first.iter().zip(&other).all(|((a, x), (b, y))| a == b && x != y),
        "ids are of the study, params of the seed"
    );
}

#[test]
fn best_is_the_first_best_of_the_completed_values() {
    let check = |direction, values: &[f64], best: Option<u64>| {
        let stores = Stores::memory();
        let study = Study::start(&tracker(&stores), options("study", direction)).unwrap();
        let pruned = study.ask().unwrap();
        let _ = pruned.report(0, -1e9);
        pruned.prune(PruneDecision::prune("x")).unwrap();
        values.iter().for_each(|value| study.ask().unwrap().complete(*value).unwrap());
        let running = study.ask().unwrap();
        let _ = running.report(0, -1e9);
        assert_eq!(study.best().map(|best| best.number), best, "{values:?}");
    };
    check(Direction::LowerIsBetter, &[f64::NAN, 2.0, 1.0, 1.0, 3.0], Some(3));
    check(Direction::HigherIsBetter, &[2.0, f64::NAN, 3.0, 3.0], Some(3));
    check(Direction::HigherIsBetter, &[f64::NEG_INFINITY], Some(1));
    check(Direction::LowerIsBetter, &[f64::NAN], None);
    check(Direction::LowerIsBetter, &[], None);
}

#[test]
fn finishing_writes_down_what_came_out() {
    let stores = Stores::memory();
    let options = options("study", Direction::LowerIsBetter).with_pruner(MedianPruner::default());
    let study = Study::start(&tracker(&stores), options).unwrap();
    [3.0, 1.0, 2.0].iter().for_each(|value| study.ask().unwrap().complete(*value).unwrap());
    let best = study.finish().unwrap().unwrap();
    let run = wait(stores.runs.run(study.id())).unwrap();
    assert_eq!((run.kind, run.status, best.number), (RunKind::Study, RunStatus::Finished, 1));
    assert_eq!((run.provenance, run.metrics["loss"].last.to_bits()), (Some(provenance()), 1.0_f64.to_bits()));
    let expected = [
        ("study.objective", "loss"),
        ("study.sampler", "random"),
        ("study.pruner", "median"),
        ("study.seed", "7"),
        ("study.trials", "3"),
        ("study.best", &best.run.to_string()),
    ];
    expected.iter().for_each(|(key, value)| assert_eq!(run.tags[*key], *value));

    let nothing =
        Study::start(&tracker(&Stores::memory()), self::options("none", Direction::LowerIsBetter)).unwrap();
    assert_eq!(nothing.finish().unwrap(), None);
}

#[test]
fn conditional_params_are_there_with_their_choice_only() {
    let study = study(&Stores::memory());
    let mut seen = BTreeSet::new();
    for _ in 0..40 {
        let trial = study.ask().unwrap();
        let model = trial.text("model").unwrap().to_owned();
        let depth = trial.int("depth");
        assert_eq!(depth.is_ok(), model == "forest");
        match depth {
            Ok(depth) => assert!((2..=8).contains(&depth)),
            Err(error) => {
                assert!(error.to_string().contains("no param \"depth\" that is a whole number"), "{error}")
            }
        }
        assert!((1e-4..=1.0).contains(&trial.float("rate").unwrap()) && trial.int("rate").is_err());
        seen.insert(model);
    }
    assert_eq!(seen.len(), 2);
}

#[test]
fn threads_ask_for_distinct_trials() {
    let study = study(&Stores::memory());
    let numbers: Vec<u64> = std::thread::scope(|scope| {
        let ask = || (0..25).map(|_| study.ask().unwrap()).map(|trial| trial.number()).collect::<Vec<_>>();
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(ask)).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(numbers.iter().copied().collect::<BTreeSet<_>>(), (0..100).collect());
    assert_eq!(study.trials().iter().map(|trial| trial.run).collect::<BTreeSet<_>>().len(), 100);
}

#[test]
fn the_pruner_sees_the_other_trials() {
    let stores = Stores::memory();
    let options = options("study", Direction::LowerIsBetter).with_pruner(MedianPruner::default());
    let study = Study::start(&tracker(&stores), options).unwrap();
    for value in [1.0, 2.0, 3.0, 4.0, 5.0] {
        let trial = study.ask().unwrap();
        assert!(!trial.report(0, value).prune);
        trial.complete(value).unwrap();
    }
    let (good, bad) = (study.ask().unwrap(), study.ask().unwrap());
    assert!(!good.report(0, 2.9).prune);
    let decision = bad.report(0, 3.1);
    assert!(decision.prune && decision.reason.contains("median of 5 trials 3.0"), "{}", decision.reason);
}

#[test]
fn an_objective_that_is_no_metric_name_is_told_of_at_the_start() {
    for objective in ["", " x", &"x".repeat(200)] {
        let options = StudyOptions::new(experiment(), "s", space(), objective, Direction::LowerIsBetter);
        let error = Study::start(&tracker(&Stores::memory()), options).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{objective:?}");
    }
}

#[test]
fn a_domain_without_values_gets_into_no_space() {
    let check = |domain: Domain| {
        let with = Space::new().with("x", domain.clone());
        assert_eq!(with.unwrap_err().kind(), ErrorKind::InvalidInput, "{domain:?}");
        let good = serde_json::to_value(Space::new().with("x", Domain::int(0, 1).unwrap()).unwrap()).unwrap();
        let mut bad = good.clone();
        bad["dimensions"][0]["domain"] = serde_json::to_value(&domain).unwrap();
        assert!(serde_json::from_value::<Space>(good).is_ok());
        assert!(serde_json::from_value::<Space>(bad).is_err(), "{domain:?}");
    };
    check(Domain::Choice(Vec::new()));
    check(Domain::Int { low: 2, high: 1 });
    check(Domain::Float { low: 2.0, high: 1.0, log: false });
    check(Domain::Float { low: 0.0, high: 1.0, log: true });
    let read: Space = serde_json::from_str(&serde_json::to_string(&space()).unwrap()).unwrap();
    assert_eq!(read, space());
}

#[test]
fn the_widest_range_gives_finite_numbers_from_all_of_it() {
    let space = Space::new().with("x", Domain::float(f64::MIN, f64::MAX).unwrap()).unwrap();
    let at = |position: f64| space.draw(|_| position)["x"].as_f64().unwrap();
    assert!(at(0.0) <= f64::MIN && at(0.25).is_finite() && at(0.5).abs() < 1.0 && at(0.9) > 1e307);
}

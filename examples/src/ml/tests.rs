use std::collections::BTreeSet;

use super::metrics::{accuracy, auc, brier, log_loss};
use super::*;

const SPECS: [ModelSpec; 5] = [
    ModelSpec::Logistic { alpha: 1.0 },
    ModelSpec::Tree { max_depth: 6, min_leaf: 10 },
    ModelSpec::Forest { trees: 8, max_depth: 10, min_leaf: 3, m: 4 },
    ModelSpec::ExtraTrees { trees: 8, max_depth: 10, min_leaf: 3, m: 6 },
    ModelSpec::Boosted {
        rounds: 8,
        max_depth: 3,
        learning_rate: 0.3,
        min_leaf: 5,
        subsample: 0.6,
        lambda: 1.0,
    },
];

fn train(spec: &ModelSpec, data: &Dataset) -> Model {
    let pipeline = Pipeline::fit(Recipe::V1, data).expect("the columns are there");
    Model::train(spec.clone(), pipeline, data, 7).expect("the spec is valid")
}

fn wines(data: &Dataset) -> BTreeSet<Vec<u64>> {
    data.rows.iter().map(|row| row.features.iter().map(|value| value.to_bits()).collect()).collect()
}

#[test]
fn data_are_the_published_ones() {
    let data = Dataset::load();
    assert_eq!((data.rows.len(), data.feature_names.len()), (1599, 11));
    assert_eq!(data.labels().iter().filter(|&&good| good).count(), 855);
    assert_eq!(wines(&data).len(), 1359);
    assert_eq!(data.rows[0].features[..3], [7.4, 0.7, 0.0]);
}

#[test]
fn canonical_bytes_notice_every_change() {
    let data = Dataset::load();
    let bytes = data.canonical_bytes();
    assert_eq!(bytes, Dataset::load().canonical_bytes());
    let changes: [fn(&mut Dataset); 5] = [
        |data| data.name.push('x'),
        |data| data.feature_names.swap(0, 1),
        |data| data.rows[1598].label ^= true,
        |data| data.rows[800].features[10] = data.rows[800].features[10].next_up(),
        |data| data.rows.swap(3, 4),
    ];
    for change in changes {
        let mut changed = data.clone();
        change(&mut changed);
        assert_ne!(changed.canonical_bytes(), bytes);
    }
}

#[test]
fn splits_and_folds_share_no_wine() {
    let data = Dataset::load();
    let Split { train, test, online } = data.split(1);
    assert_eq!(train.rows.len() + test.rows.len() + online.rows.len(), data.rows.len());
    for (part, rows) in [(&train, 959), (&test, 320), (&online, 320)] {
        assert!(part.rows.len().abs_diff(rows) <= 4, "{} has {} rows", part.name, part.rows.len());
        assert!((part.base_rate() - data.base_rate()).abs() < 0.01);
    }
    assert!(wines(&train).is_disjoint(&wines(&test)));
    assert!(wines(&train).is_disjoint(&wines(&online)));
    assert!(wines(&test).is_disjoint(&wines(&online)));

    let folds = train.folds(5, 1);
    assert_eq!(folds.iter().map(|fold| fold.valid.rows.len()).sum::<usize>(), train.rows.len());
    for fold in &folds {
        assert!(wines(&fold.train).is_disjoint(&wines(&fold.valid)));
        assert_eq!(fold.train.rows.len() + fold.valid.rows.len(), train.rows.len());
    }
}

#[test]
fn a_wine_keeps_its_part_when_the_file_is_reordered() {
    let data = Dataset::load();
    let mut reversed = data.clone();
    reversed.rows.reverse();
    assert_eq!(wines(&data.split(3).online), wines(&reversed.split(3).online));
    assert_ne!(wines(&data.split(3).online), wines(&data.split(4).online));
}

#[test]
fn pipeline_standardises_and_a_moved_one_differs() {
    let data = Dataset::load();
    let pipeline = Pipeline::fit(Recipe::V1, &data).expect("the columns are there");
    let mut sums = vec![0.0; pipeline.width()];
    for row in &data.rows {
        let features = pipeline.apply(&row.features).expect("the row is sound");
        sums.iter_mut().zip(&features).for_each(|(sum, value)| *sum += value);
    }
    assert!(sums.iter().all(|sum| sum.abs() < 1e-8), "{sums:?}");

    let moved = pipeline.moved_to(Recipe::V2).expect("the columns are there");
    let changed = pipeline.definitions().iter().zip(moved.definitions()).filter(|(a, b)| *a != b).count();
    assert_eq!(changed, 5);
    let raw = &data.rows[0].features;
    assert_ne!(pipeline.apply(raw).expect("sound"), moved.apply(raw).expect("sound"));
    assert!(matches!(pipeline.apply(&raw[1..]), Err(MlError::Width { expected: 11, found: 10 })));
    assert!(matches!(pipeline.apply(&[f64::NAN; 11]), Err(MlError::NotFinite { .. })));
}

#[test]
fn models_repeat_and_survive_bytes_to_the_bit() {
    let Split { train: rows, test, .. } = Dataset::load().split(1);
    for spec in &SPECS {
        let model = train(spec, &rows);
        let bytes = model.to_bytes().expect("it can be written");
        assert_eq!(bytes, train(spec, &rows).to_bytes().expect("it can be written"), "{spec:?}");
        let read = Model::from_bytes(&bytes).expect("it can be read");
        let scores = model.score_all(&test).expect("the rows are sound");
        for (row, score) in test.rows.iter().zip(&scores) {
            let again = read.score(&row.features).expect("the row is sound");
            assert_eq!(again.to_bits(), score.to_bits(), "{spec:?} on {}", row.id);
            assert!((0.0..=1.0).contains(score));
        }
        let quality = Metrics::of_scores(&scores, &test.labels()).expect("both labels occur");
        assert!(quality.auc > 0.7, "{spec:?}: {quality:?}");
    }
}

#[test]
fn nonsense_is_refused() {
    let data = Dataset::load();
    let pipeline = Pipeline::fit(Recipe::V1, &data).expect("the columns are there");
    let empty_forest = ModelSpec::Forest { trees: 0, max_depth: 3, min_leaf: 1, m: 1 };
    let refused = Model::train(empty_forest, pipeline, &data, 1);
    assert!(matches!(refused, Err(MlError::Parameter { name: "trees", .. })));
    assert!(matches!(Model::from_bytes(b"something else"), Err(MlError::Format { .. })));
}

#[test]
fn metrics_agree_with_hand_calculation() {
    let (scores, labels) = ([0.1, 0.4, 0.4, 0.8], [false, false, true, true]);
    // Of the four pairs three are in order and one is tied: 3.5 / 4.
    assert_eq!(auc(&scores, &labels), Some(0.875));
    assert_eq!(auc(&[0.5; 4], &labels), Some(0.5));
    assert_eq!(auc(&scores, &[true; 4]), None);
    assert!((accuracy(&scores, &labels) - 0.75).abs() < 1e-15);
    assert!((brier(&scores, &labels) - (0.01 + 0.16 + 0.36 + 0.04) / 4.0).abs() < 1e-15);
    assert!((log_loss(&[0.5, 0.5], &[true, false]) - std::f64::consts::LN_2).abs() < 1e-15);
    assert!((log_loss(&[0.0], &[true]) - 13.815_510_557_964).abs() < 1e-9);
}

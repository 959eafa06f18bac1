//! The report as a whole: what it must show, and what no readout may do to it.

use std::collections::BTreeMap;

use expt_core::{ArmId, Share, Stage, Timestamp};

use super::Report;
use super::fixture::{metric_name, tally, wine};
use crate::ledger::Disposition;
use crate::readout::{DayRow, Readout, Role, Verdict};

const HOSTILE: &str = "\"><script>alert('1')</script><img src=x onerror=alert(2)>&lt;--> \u{202e}שלום 模型";

fn json(page: &str) -> &str {
    let (_, rest) = page.split_once("<script type=\"application/json\" id=\"readout\">").unwrap();
    rest.split_once("</script>").unwrap().0
}

/// Every element that is opened is closed, in order: so no text became a tag.
fn check_well_formed(page: &str) {
    let mut open: Vec<&str> = Vec::new();
    for piece in page.strip_prefix("<!doctype html>").unwrap().split('<').skip(1) {
        let (tag, _) = piece.split_once('>').unwrap();
        let name = tag.trim_start_matches('/').split([' ', '/']).next().unwrap();
        match (tag.starts_with('/'), name) {
            (false, "meta" | "br") => (),
            (false, name) => open.push(name),
            (true, name) => assert_eq!(open.pop(), Some(name)),
        }
    }
    assert!(open.is_empty(), "{open:?}");
}

fn check_text(text: &str) {
    for line in text.lines() {
        assert!(line.chars().count() <= 110, "{line}");
        assert!(!line.chars().any(|c| c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c)), "{line:?}");
    }
}

#[test]
fn the_page_has_every_part() {
    let readout = wine();
    let page = Report::new(&readout).with_facts("Shadow", [("agreement", "98.2 %")]).to_html();
    check_well_formed(&page);
    for part in [
        "Ship",
        "wine-extra-trees@1",
        "test_auc",
        "0.8719",
        "3.2e-17",
        "+2.03 points",
        "[+0.00911, +0.03157]",
        "within margin",
        "minimum runtime: Mar 16",
        "first Ship: Mar 16",
        "98.2 %",
        "83,120",
        "✓",
        "Waudby-Smith",
    ] {
        assert!(page.contains(part), "{part}");
    }
    let sections: Vec<_> =
        page.split("<section id=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    let expected =
        "checks facts-0 effect metrics guardrails join exposures derivation lineage ledger notes methods";
    assert_eq!(sections, expected.split(' ').collect::<Vec<_>>());
    for outside in ["http:", "https:", "url(", "@import", "src=", "<link"] {
        assert!(!page.contains(outside), "{outside}");
    }
    assert_eq!(serde_json::from_str::<Readout>(json(&page)).unwrap(), readout);
    // For looking at it: EXPT_REPORT_DIR=/tmp cargo test -p expt-analysis every_part
    if let Ok(folder) = std::env::var("EXPT_REPORT_DIR") {
        std::fs::write(format!("{folder}/report.html"), page).unwrap();
        std::fs::write(format!("{folder}/report.txt"), Report::new(&readout).to_text()).unwrap();
    }
}

#[test]
fn the_text_puts_offline_beside_online() {
    let text = Report::new(&wine()).to_text();
    check_text(&text);
    let lines = [
        "model             wine-logistic@3     wine-extra-trees@1",
        "  test_auc        0.8342              0.8719  (+0.0377)",
        "  accuracy        0.7712              0.7916",
        "                                      +0.02034 [+0.00911, +0.03157]",
        "2026-03-16 00:00 UTC  13,832    +0.01875  [+0.00271, +0.03480]  Ship",
        "  counted                  83,120   80.4 %  *",
    ];
    for line in lines {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
}

fn hostile() -> Readout {
    let name = HOSTILE;
    let text = format!("{HOSTILE}\n\u{1b}[31m\0 {HOSTILE}");
    let mut readout = wine();
    let arms: Vec<ArmId> = (0..2).map(|arm| ArmId::new(format!("{arm}{name}")).unwrap()).collect();
    readout.experiment = name.parse().unwrap();
    readout.owner = Some(name.parse().unwrap());
    readout.phase = name.parse().unwrap();
    for field in [&mut readout.hypothesis, &mut readout.unit, &mut readout.reason] {
        field.clone_from(&text);
    }
    readout.notes = vec![text.clone()];
    for check in &mut readout.health {
        (check.name, check.found, check.allowed) = (text.clone(), text.clone(), text.clone());
    }
    for (arm, id) in readout.arms.iter_mut().zip(&arms) {
        arm.arm = id.clone();
        arm.online = BTreeMap::from([(metric_name(name), Some(0.5))]);
        let model = arm.model.as_mut().unwrap();
        model.model = name.parse().unwrap();
        model.stage = Stage::Other(name.to_owned());
        model.run_name.clone_from(&text);
        model.experiment = name.parse().unwrap();
        model.offline = BTreeMap::from([(metric_name(name), 0.5), (metric_name("val_accuracy"), 0.25)]);
        model.lineage = vec![(text.clone(), text.clone())];
    }
    for look in &mut readout.looks {
        look.treatment = arms[1].clone();
    }
    let mut comparison = readout.comparisons.remove(0);
    comparison.treatment = arms[1].clone();
    comparison.reason.clone_from(&text);
    comparison.derivation = vec![text.clone()];
    for metric in &mut comparison.metrics {
        metric.metric = metric_name(name);
        metric.interval_kind.clone_from(&text);
        metric.conclusion.clone_from(&text);
    }
    readout.comparisons = vec![comparison.clone(), comparison];
    readout.ledger.outcomes = BTreeMap::from([(metric_name(name), tally(&[(Disposition::Orphan, 3)]))]);
    readout
}

#[test]
fn names_stay_text() {
    let readout = hostile();
    let report = Report::new(&readout).with_facts(HOSTILE, [(HOSTILE, HOSTILE)]);
    let page = report.to_html();
    check_well_formed(&page);
    assert_eq!(page.to_lowercase().matches("<script").count(), 1);
    assert_eq!(page.to_lowercase().matches("</script").count(), 1);
    assert!(!page.contains("<img") && page.contains("&lt;img src=x"));
    assert!(!page.chars().any(|c| c.is_control() && c != '\n'));
    assert_eq!(serde_json::from_str::<Readout>(json(&page)).unwrap(), readout);
    check_text(&report.to_text());
}

#[test]
fn an_empty_readout_is_a_page() {
    let mut readout = wine();
    readout.health.clear();
    readout.arms.clear();
    readout.comparisons.clear();
    readout.looks.clear();
    readout.days.clear();
    readout.notes.clear();
    readout.ledger = crate::ledger::Ledger::default();
    (readout.hypothesis, readout.owner) = (String::new(), None);
    let report = Report::new(&readout);
    check_well_formed(&report.to_html());
    check_text(&report.to_text());
    assert!(report.to_html().contains("No check was made"));
}

/// Steps through values that break pictures. The generator of Numerical Recipes, so that a failure repeats.
struct Odd(u32);

impl Odd {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (self.0 >> 16) as usize % bound
    }

    fn value(&mut self) -> Option<f64> {
        const VALUES: [f64; 14] = [
            0.0,
            -0.0,
            f64::NAN,
            f64::INFINITY,
            f64::NEG_INFINITY,
            f64::MAX,
            f64::MIN,
            f64::MIN_POSITIVE,
            5e-324,
            1.0,
            -0.02,
            0.5,
            1e15,
            999.999_9,
        ];
        let at = self.below(VALUES.len() + 2);
        VALUES.get(at).copied()
    }

    fn time(&mut self, usual: Timestamp) -> Timestamp {
        [Timestamp::MIN, Timestamp::MAX, Timestamp::from_micros(0), usual, usual, usual][self.below(6)]
    }

    fn count(&mut self) -> u64 {
        [0, 1, 7, 12_345, u64::MAX][self.below(5)]
    }

    fn readout(&mut self) -> Readout {
        let mut readout = wine();
        for time in [&mut readout.started, &mut readout.as_of, &mut readout.earliest_ship, &mut readout.ends]
        {
            *time = self.time(*time);
        }
        readout.arms.truncate(self.below(3));
        for arm in &mut readout.arms {
            (arm.units, arm.predictions) = (self.count(), self.count());
            arm.share = [Share::NONE, Share::HALF, Share::ALL][self.below(3)];
            arm.is_control = self.below(2) == 0;
            arm.online.values_mut().for_each(|mean| *mean = self.value());
            match &mut arm.model {
                Some(model) if self.below(3) > 0 => {
                    model.offline.values_mut().for_each(|value| *value = self.value().unwrap_or(2.0));
                }
                model => *model = None,
            }
        }
        for metric in readout.comparisons.iter_mut().flat_map(|comparison| &mut comparison.metrics) {
            (metric.control, metric.treatment) = (self.value(), self.value());
            (metric.difference, metric.relative) = (self.value(), self.value());
            metric.interval = (self.below(4) > 0).then(|| (self.value(), self.value()));
            (metric.ln_p, metric.adjusted_ln_p) = (self.value(), self.value());
            metric.margin = self.value();
            metric.role = [Role::Primary, Role::Secondary, Role::Guardrail][self.below(3)];
        }
        let verdicts =
            [Verdict::Ship, Verdict::Stop, Verdict::Continue, Verdict::Inconclusive, Verdict::Invalid];
        readout.verdict = verdicts[self.below(5)];
        readout.looks.truncate([0, 1, 2, 21][self.below(4)]);
        for look in &mut readout.looks {
            (look.difference, look.units) = (self.value(), self.count());
            look.interval = (self.below(4) > 0).then(|| (self.value(), self.value()));
            look.verdict = verdicts[self.below(5)];
            look.as_of = self.time(look.as_of);
        }
        readout.days.truncate(self.below(22));
        for day in &mut readout.days {
            let units = (0..self.below(4)).map(|_| self.count()).collect();
            *day = DayRow { day: self.time(day.day), units };
        }
        readout.ledger.exposures.read = self.count();
        readout.ledger.exposures.rows.values_mut().for_each(|rows| *rows = self.count());
        readout
    }
}

#[test]
fn odd_numbers_never_reach_the_page() {
    for seed in 0..400 {
        let readout = Odd(seed).readout();
        let report = Report::new(&readout);
        let (page, text) = (report.to_html(), report.to_text());
        check_well_formed(&page);
        check_text(&text);
        let shown = page.split("<script").next().unwrap().split("</style>").nth(1).unwrap();
        for words in [shown, &text] {
            let mut words = words.split(|c: char| !c.is_alphanumeric());
            assert!(!words.any(|word| ["NaN", "inf"].contains(&word)), "seed {seed}");
        }
    }
}

#[test]
fn a_large_test_is_a_small_file() {
    let mut readout = wine();
    let metrics = &mut readout.comparisons[0].metrics;
    let secondary = metrics[1].clone();
    metrics.extend((0..16).map(|number| {
        let mut metric = secondary.clone();
        metric.metric = metric_name(&format!("secondary_{number}"));
        metric
    }));
    let day = std::time::Duration::from_secs(86_400);
    let (look, first) = (readout.looks[20].clone(), readout.days[0].clone());
    for number in 21..60 {
        let mut look = look.clone();
        look.as_of = readout.started + day * (number + 1);
        readout.looks.push(look);
        readout.days.push(DayRow { day: readout.started + day * number, ..first.clone() });
    }
    let page = Report::new(&readout).to_html();
    assert!(page.len() < 300_000, "{} bytes", page.len());
    // Hourly looks are thinned, except in the data.
    let hours: Vec<_> = (0..2000).map(|_| look.clone()).collect();
    let before = page.len();
    readout.looks = hours;
    let page = Report::new(&readout).to_html();
    assert!(page.len() - json(&page).len() < before + 20_000, "{} bytes", page.len());
}

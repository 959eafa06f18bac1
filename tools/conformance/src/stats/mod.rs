//! The family `stats`: what independent sources compute from the same numbers.

mod alpha_spending;
mod always_valid;
mod bayes;
mod case;
mod compare;
mod confseq;
mod cuped;
mod evalues;
mod group_sequential;
mod meta_combine;
mod multiple_testing;
mod online_fdr;
mod power;
mod proportions;
mod quantile;
mod rank_tests;
mod ratio_delta;
mod regression;
mod special_functions;
mod srm_chi2;
mod srm_sequential;
mod welch;

use std::path::{Path, PathBuf};

use serde::Deserialize;

use self::case::{Answer, Fault, Input};
use crate::report::{Cases, Report};

/// Runs every file of the family, whatever its name: a file says itself which family of functions it tests.
pub(crate) fn run(root: &Path, report: &mut Report) {
    let mut names: Vec<String> = files(root);
    names.sort();
    for name in names {
        report
            .file(root, &name, |file: &File, cases| file.cases.iter().for_each(|case| case.run(file, cases)));
    }
}

fn answer(family: &str, function: &str, input: &Input<'_>) -> Answer {
    match family {
        "alpha_spending" => alpha_spending::answer(function, input),
        "always_valid" => always_valid::answer(function, input),
        "bayes" => bayes::answer(function, input),
        "confseq" => confseq::answer(function, input),
        "cuped" => cuped::answer(function, input),
        "evalues" => evalues::answer(function, input),
        "group_sequential" => group_sequential::answer(function, input),
        "meta_combine" => meta_combine::answer(function, input),
        "multiple_testing" => multiple_testing::answer(function, input),
        "online_fdr" => online_fdr::answer(function, input),
        "power" => power::answer(function, input),
        "proportions" => proportions::answer(function, input),
        "quantile" => quantile::answer(function, input),
        "rank_tests" => rank_tests::answer(function, input),
        "ratio_delta" => ratio_delta::answer(function, input),
        "regression" => regression::answer(function, input),
        "special_functions" => special_functions::answer(function, input),
        "srm_chi2" => srm_chi2::answer(function, input),
        "srm_sequential" => srm_sequential::answer(function, input),
        "welch" => welch::answer(function, input),
        _ => Err(Fault::Unknown),
    }
}

#[derive(Debug, Deserialize)]
struct File {
    family: String,
    cases: Vec<Case>,
}

#[derive(Debug, Deserialize)]
struct Case {
    id: String,
    #[serde(rename = "fn")]
    function: String,
    #[serde(rename = "in")]
    input: serde_json::Map<String, serde_json::Value>,
    out: serde_json::Map<String, serde_json::Value>,
    tol: compare::Tolerance,
}

impl Case {
    fn run(&self, file: &File, cases: &mut Cases) {
        let refusal_expected = self.out.contains_key("error");
        match answer(&file.family, &self.function, &Input::new(&self.input)) {
            Err(Fault::Refused(_)) if refusal_expected => cases.pass(),
            Err(fault) => cases.fail(&self.id, format!("{}: {fault}", self.function)),
            Ok(got) if refusal_expected => {
                cases.fail(&self.id, format!("{}: expected a refusal, got {got}", self.function));
            }
            Ok(got) => match compare::objects(&self.out, &got, self.tol) {
                Ok(()) => cases.pass(),
                Err(what) => match self.refutation(&file.family) {
                    Some(reason) => cases.skip(1, &self.id, reason),
                    None => cases.fail(&self.id, format!("{}: {what}", self.function)),
                },
            },
        }
    }

    /// Why what is expected cannot be right, where the family's own definition shows that.
    fn refutation(&self, family: &str) -> Option<String> {
        let (input, expected) = (Input::new(&self.input), Input::new(&self.out));
        match family {
            "group_sequential" => group_sequential::refutation(&self.function, &input, &expected),
            _ => None,
        }
    }
}

fn files(root: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(root).into_iter().flatten().flatten().map(|entry| entry.path());
    let is_json = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "json");
    let name = |path: PathBuf| Some(path.file_name()?.to_str()?.to_owned());
    entries.filter(is_json).filter_map(name).collect()
}

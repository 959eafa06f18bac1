//! The peers, in Python: measured in environments of their own, or at the constants of an earlier measurement.

use std::error::Error;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::assign::footprint::{folder, target};

/// What the peers take.
pub(crate) struct Peers(Vec<(Peer, f64)>);

/// A piece of work of a peer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Peer {
    ScipyColumns,
    ScipyLoop,
    Gbstats,
    TeaTasting,
    TeaTastingCuped,
    NumpyCuped,
    StatsmodelsBh,
    StatsmodelsHolm,
    StatsmodelsHommel,
    ConfseqMixture,
    VilleStream,
    OnlineFdrLond,
    OnlineFdrLord,
    OnlineFdrSaffron,
    OnlineFdrAddis,
}

impl Peers {
    /// Nothing was measured in this run.
    pub(crate) const fn constants() -> Self {
        Self(Vec::new())
    }

    /// Installs and runs them; who cannot be installed stays at the constant.
    pub(crate) fn measure() -> Result<Self, Box<dyn Error>> {
        let mut measured = Vec::new();
        for (name, packages) in ENVIRONMENTS {
            let python = environment(&target().join("stats-peers").join(name), packages)?;
            let script = folder().join("peers/stats_peers.py");
            let output = Command::new(python).arg(script).stderr(Stdio::inherit()).output()?;
            if !output.status.success() {
                complain(&format!(
                    "the peers of {name} did not finish; those that are missing are constants"
                ));
            }
            measured
                .extend(String::from_utf8(output.stdout)?.lines().map(line).collect::<Result<Vec<_>, _>>()?);
        }
        Ok(Self(measured.into_iter().flatten().collect()))
    }

    /// Nanoseconds of one item.
    pub(crate) fn nanoseconds(&self, peer: Peer) -> f64 {
        self.measured(peer).unwrap_or(peer.known().constant)
    }

    /// What it is called; whether it is a constant is part of the name.
    pub(crate) fn name(&self, peer: Peer) -> &'static str {
        let Known { name, as_constant, .. } = peer.known();
        if self.measured(peer).is_some() { name } else { as_constant }
    }

    fn measured(&self, peer: Peer) -> Option<f64> {
        self.0.iter().find(|(known, _)| *known == peer).map(|(_, ns)| *ns)
    }
}

/// What is known of a peer without measuring it.
struct Known {
    name: &'static str,
    as_constant: &'static str,
    /// As the script calls it: package and work.
    script: (&'static str, &'static str),
    /// Nanoseconds of an item.
    constant: f64,
}

impl Peer {
    fn known(self) -> Known {
        macro_rules! known {
            ($package:literal, $version:literal, $earlier:literal, $what:literal, $work:literal, $constant:literal) => {
                Known {
                    name: concat!($package, " ", $version, " ", $what),
                    as_constant: concat!($package, " ", $earlier, " ", $what, " (constant)"),
                    script: ($package, $work),
                    constant: $constant,
                }
            };
        }
        match self {
            Self::ScipyColumns => {
                known!(
                    "scipy",
                    "1.17.1",
                    "1.18.1",
                    "ttest_ind_from_stats of 1,000, vectorised",
                    "welch columns",
                    180.0
                )
            }
            Self::ScipyLoop => {
                known!("scipy", "1.17.1", "1.18.1", "ttest_ind_from_stats, one by one", "welch loop", 26e3)
            }
            Self::Gbstats => known!("gbstats", "0.8.0", "0.8.0", "TwoSidedTTest", "welch", 108e3),
            Self::TeaTasting => known!("tea-tasting", "1.14.0", "2.0.0", "Mean", "welch", 725e3),
            Self::TeaTastingCuped => {
                known!("tea-tasting", "1.14.0", "2.0.0", "Mean with a covariate", "cuped", 790e3)
            }
            Self::NumpyCuped => known!("numpy", "2.4.6", "2.5", "CUPED, four passes", "cuped rows", 7.3),
            Self::StatsmodelsBh => {
                known!("statsmodels", "0.15.0", "0.15.0", "multipletests fdr_bh", "fdr_bh", 40.0)
            }
            Self::StatsmodelsHolm => {
                known!("statsmodels", "0.15.0", "0.15.0", "multipletests holm", "holm", 40.0)
            }
            Self::StatsmodelsHommel => {
                known!("statsmodels", "0.15.0", "0.15.0", "multipletests hommel", "hommel", 9_500.0)
            }
            Self::ConfseqMixture => {
                known!("confseq", "0.0.11", "0.0.11", "normal_mixture_bound, vectorised", "", 31.0)
            }
            Self::VilleStream => known!("ville", "0.1.0", "0.1.0", "AsymptoticCS.update", "", 44.0),
            Self::OnlineFdrLond => known!("onlineFDR", "2.19.1", "2.19.1", "LOND, C++", "", 10.0),
            Self::OnlineFdrLord => known!("onlineFDR", "2.19.1", "2.19.1", "LORD++, C++", "", 2_800.0),
            Self::OnlineFdrSaffron => known!("onlineFDR", "2.19.1", "2.19.1", "SAFFRON, C++", "", 7_600.0),
            Self::OnlineFdrAddis => known!("onlineFDR", "2.19.1", "2.19.1", "ADDIS, C++", "", 36_000.0),
        }
    }

    /// Those that the script measures.
    const SCRIPTED: [Self; 9] = [
        Self::ScipyColumns,
        Self::ScipyLoop,
        Self::Gbstats,
        Self::TeaTasting,
        Self::TeaTastingCuped,
        Self::NumpyCuped,
        Self::StatsmodelsBh,
        Self::StatsmodelsHolm,
        Self::StatsmodelsHommel,
    ];
}

/// Makes a virtual environment, once, and returns its Python. A package that cannot be installed is left out.
fn environment(place: &Path, packages: &[&str]) -> Result<std::path::PathBuf, Box<dyn Error>> {
    let python = place.join("bin/python");
    if !python.exists() {
        let made = Command::new("python3").args(["-m", "venv"]).arg(place).stdout(Stdio::null()).status()?;
        if !made.success() {
            return Err("python3 cannot make a virtual environment".into());
        }
    }
    for package in packages {
        let install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", package];
        let installed = Command::new(&python).args(install).stdout(Stdio::null()).status()?;
        if !installed.success() {
            complain(&format!("{package} cannot be installed"));
        }
    }
    Ok(python)
}

/// A line of the script; of work that is not compared, nothing.
fn line(line: &str) -> Result<Option<(Peer, f64)>, Box<dyn Error>> {
    let found: Value = serde_json::from_str(line)?;
    let text =
        |key: &str| found.get(key).and_then(Value::as_str).ok_or_else(|| format!("no {key} in {line}"));
    let script = (text("peer")?, text("what")?);
    let ns = found.get("ns").and_then(Value::as_f64).ok_or_else(|| format!("no ns in {line}"))?;
    Ok(Peer::SCRIPTED.into_iter().find(|peer| peer.known().script == script).map(|peer| (peer, ns)))
}

#[allow(clippy::print_stderr, reason = "for who waits for the figures")]
fn complain(what: &str) {
    eprintln!("{what}");
}

/// gbstats needs an older NumPy than the others are at their best with.
const ENVIRONMENTS: [(&str, &[&str]); 2] = [
    ("main", &["numpy==2.4.6", "scipy==1.17.1", "statsmodels==0.15.0", "tea-tasting==1.14.0"]),
    ("gbstats", &["gbstats==0.8.0"]),
];

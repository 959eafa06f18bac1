//! The peers, measured by their own workspace in `benches/peers`.

use std::error::Error;

use serde_json::Value;

use super::footprint::{cargo, folder, run, target};
use crate::Figure;

/// What the peers took.
pub(crate) struct Peers(Vec<Peer>);

struct Peer {
    name: &'static str,
    /// `one` experiment of 100, or `all` of them.
    what: String,
    ns: f64,
    allocations: f64,
}

impl Peers {
    /// Nothing was measured.
    pub(crate) const fn none() -> Self {
        Self(Vec::new())
    }

    /// Builds and runs them, with the versions in their lock file.
    pub(crate) fn measure() -> Result<Self, Box<dyn Error>> {
        let mut command = cargo();
        command.args(["run", "--release", "--quiet", "--locked", "--manifest-path"]);
        command.arg(folder().join("peers/Cargo.toml")).arg("--target-dir").arg(target().join("peers"));
        let peers = run(&mut command)?.lines().map(peer).collect::<Result<_, _>>()?;
        Ok(Self(peers))
    }

    /// The figure beside the time of each peer; alone, if none was measured.
    pub(crate) fn beside(&self, what: &str, ours: Figure) -> Vec<Figure> {
        self.each(what, ours, |peer| peer.ns)
    }

    /// The figure beside the allocations of each peer.
    pub(crate) fn allocations_beside(&self, what: &str, ours: Figure) -> Vec<Figure> {
        self.each(what, ours, |peer| peer.allocations)
    }

    fn each(&self, what: &str, ours: Figure, value: impl Fn(&Peer) -> f64) -> Vec<Figure> {
        let peers = self.0.iter().filter(|peer| peer.what == what);
        let beside = |peer: &Peer| Figure { peer: Some((peer.name, value(peer))), ..ours.clone() };
        let figures: Vec<_> = peers.map(beside).collect();
        if figures.is_empty() { vec![ours] } else { figures }
    }
}

fn peer(line: &str) -> Result<Peer, Box<dyn Error>> {
    let line: Value = serde_json::from_str(line)?;
    let text = |key: &str| line.get(key).and_then(Value::as_str).ok_or_else(|| format!("no {key} in {line}"));
    let number =
        |key: &str| line.get(key).and_then(Value::as_f64).ok_or_else(|| format!("no {key} in {line}"));
    let found = text("peer")?;
    let name = NAMES.into_iter().find(|name| *name == found);
    let name = name.ok_or_else(|| format!("peer {found:?} is not known; known are {NAMES:?}"))?;
    Ok(Peer { name, what: text("what")?.to_owned(), ns: number("ns")?, allocations: number("allocations")? })
}

const NAMES: [&str; 5] = [
    "unleash-yggdrasil is_enabled",
    "unleash-yggdrasil get_variant",
    "eppo_core",
    "launchdarkly-server-sdk-evaluation",
    "growthbook-rust",
];

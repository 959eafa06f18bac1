//! Corrections of many p-values at once.

use std::error::Error;
use std::hint::black_box;

use expt::stats::Correction;

use super::method::{Random, best};
use super::ours;
use super::peers::{Peer, Peers};
use crate::Figure;

pub(crate) fn figures(peers: &Peers) -> Result<Vec<Figure>, Box<dyn Error>> {
    let p = Random::new(4).p_values(MANY)?;
    let correct = |correction: Correction, p: &[f64]| {
        best(1, || {
            black_box(correction.correct(black_box(p)).ok());
        }) / 1e6
    };
    let (bh, holm) = (correct(Correction::BenjaminiHochberg, &p), correct(Correction::Holm, &p));
    let few = p.get(..2_000).unwrap_or(&p);
    let hommel = correct(Correction::Hommel, few);
    let beside = |name, value, peer: Peer, items: usize, limited: bool| {
        let theirs = peers.nanoseconds(peer) * items as f64 / 1e6;
        Figure {
            peer: Some((peers.name(peer), theirs)),
            ..ours(name, value, "ms", limited.then_some(theirs))
        }
    };
    Ok(vec![
        beside("Benjamini-Hochberg of 10^6 p-values", bh, Peer::StatsmodelsBh, MANY, true),
        beside("Holm of 10^6 p-values", holm, Peer::StatsmodelsHolm, MANY, false),
        beside("Hommel of 2,000 p-values", hommel, Peer::StatsmodelsHommel, 2_000, false),
    ])
}

const MANY: usize = 1_000_000;

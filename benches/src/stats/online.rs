//! Online false-discovery control: long streams, and one decision late in a stream.

use std::error::Error;
use std::hint::black_box;

use expt::stats::Alpha;
use expt::stats::online::{OnlineFdr, Procedure};

use super::method::{Random, best, best_fresh};
use super::ours;
use super::peers::{Peer, Peers};
use crate::Figure;

pub(crate) fn figures(peers: &Peers) -> Result<Vec<Figure>, Box<dyn Error>> {
    let alpha = Alpha::FIVE_PERCENT;
    let p = Random::new(5).p_values(STREAM)?;
    let streams = [
        (
            Procedure::lond(),
            Peer::OnlineFdrLond,
            None,
            ["LOND of 10^3 p-values", "LOND of 10^4 p-values", "LOND of 10^5 p-values"],
        ),
        (
            Procedure::lord_plus_plus(alpha),
            Peer::OnlineFdrLord,
            Some(1.0),
            ["LORD++ of 10^3 p-values", "LORD++ of 10^4 p-values", "LORD++ of 10^5 p-values"],
        ),
        (
            Procedure::saffron(alpha),
            Peer::OnlineFdrSaffron,
            Some(2.0),
            ["SAFFRON of 10^3 p-values", "SAFFRON of 10^4 p-values", "SAFFRON of 10^5 p-values"],
        ),
        (
            Procedure::addis(alpha),
            Peer::OnlineFdrAddis,
            Some(10.0),
            ["ADDIS of 10^3 p-values", "ADDIS of 10^4 p-values", "ADDIS of 10^5 p-values"],
        ),
    ];
    let mut figures = Vec::new();
    for (procedure, peer, times, names) in streams {
        for (name, count) in names.into_iter().zip([1_000, 10_000, STREAM]) {
            let stream = p.get(..count).ok_or("too few p-values")?;
            let taken = best(1, || {
                let state = OnlineFdr::new(procedure, alpha);
                black_box(state.and_then(|mut state| state.run(black_box(stream))).ok());
            }) / 1e6;
            let theirs = peers.nanoseconds(peer) * STREAM as f64 / 1e6;
            let whole = count == STREAM;
            figures.push(Figure {
                peer: whole.then(|| (peers.name(peer), theirs)),
                ..ours(name, taken, "ms", times.filter(|_| whole).map(|times| theirs / times))
            });
        }
    }
    figures.extend(decisions(&p)?);
    Ok(figures)
}

/// The next decision after ten thousand, by a state that was just read, so that nothing is prepared.
fn decisions(p: &[f64]) -> Result<Vec<Figure>, Box<dyn Error>> {
    let alpha = Alpha::FIVE_PERCENT;
    let rejecting = vec![0.0; BEFORE];
    let mixed = p.get(..BEFORE).ok_or("too few p-values")?;
    let cases = [
        (
            Procedure::lord_plus_plus(alpha),
            mixed,
            "LORD++: a decision after 10,000 others",
            "LORD++: bytes of the state",
        ),
        (
            Procedure::saffron(alpha),
            mixed,
            "SAFFRON: a decision after 10,000 others",
            "SAFFRON: bytes of the state",
        ),
        (
            Procedure::addis(alpha),
            mixed,
            "ADDIS: a decision after 10,000 others",
            "ADDIS: bytes of the state",
        ),
        (
            Procedure::lord_plus_plus(alpha),
            &rejecting,
            "LORD++: a decision after 10,000 rejections",
            "LORD++: bytes after 10,000 rejections",
        ),
    ];
    let mut figures = Vec::new();
    for (procedure, before, time, bytes) in cases {
        let mut state = OnlineFdr::new(procedure, alpha)?;
        state.run(before)?;
        let stored = serde_json::to_string(&state)?;
        let read = || serde_json::from_str::<OnlineFdr>(&stored);
        let mut failed = false;
        let taken = best_fresh(read, |state| match state {
            Ok(state) => failed |= black_box(state.test(black_box(0.01))).is_err(),
            Err(_) => failed = true,
        });
        if failed {
            return Err("a stored state does not go on".into());
        }
        figures.push(ours(time, taken / 1e3, "us", 100.0));
        figures.push(ours(bytes, stored.len() as f64, "bytes", 1e6));
    }
    Ok(figures)
}

const STREAM: usize = 100_000;
const BEFORE: usize = 10_000;

//! Sums of columns, and one unit after another.

use std::error::Error;
use std::hint::black_box;

use expt::stats::sequential::{AsymptoticBoundary, DifferenceStream};
use expt::stats::{Alpha, CoMoments, DifferenceSequence, EffectState, Moments};

use super::method::{Random, best};
use super::ours;
use super::peers::{Peer, Peers};
use crate::Figure;

pub(crate) fn figures(peers: &Peers) -> Result<Vec<Figure>, Box<dyn Error>> {
    let mut figures = rows(peers)?;
    figures.extend(updates(peers)?);
    Ok(figures)
}

/// CUPED's sufficient statistics and its adjusted mean and variance, from ten million rows.
fn rows(peers: &Peers) -> Result<Vec<Figure>, Box<dyn Error>> {
    let mut random = Random::new(2);
    // Numbers are cheap to make from few normal ones: each row pairs another two.
    let pool: Vec<f64> = (0..65_536).map(|_| random.normal()).collect();
    let at = |i: usize| pool.get(i & 0xffff).copied().unwrap_or_default();
    let y: Vec<f64> = (0..ROWS).map(|i| 5.0 + 2.0 * at(i)).collect();
    let x: Vec<f64> = y.iter().enumerate().map(|(i, y)| 0.8 * y + at(i * 7 + i / 65_536)).collect();
    let mut failed = None;
    let cuped = best(1, || match adjusted(black_box(&x), black_box(&y)) {
        Ok(found) => drop(black_box(found)),
        Err(error) => failed = Some(error),
    });
    if let Some(error) = failed {
        return Err(error);
    }
    let read = best(1, || {
        black_box(sum(black_box(&x)) + sum(black_box(&y)));
    });
    let moments = best(1, || {
        black_box(Moments::from_values(black_box(&y)).ok());
    });
    let peer = Peer::NumpyCuped;
    Ok(vec![
        ours("the sums of two columns of 10^7 rows: reading the memory", read / 1e6, "ms", None),
        ours("CUPED over 10^7 rows, one pass", cuped / 1e6, "ms", 1.5 * read / 1e6),
        Figure {
            peer: Some((peers.name(peer), peers.nanoseconds(peer) * ROWS as f64 / 1e6)),
            ..ours("CUPED over 10^7 rows, one pass, beside NumPy", cuped / 1e6, "ms", None)
        },
        ours("moments of a column of 10^7 rows", moments / 1e6, "ms", None),
    ])
}

fn adjusted(x: &[f64], y: &[f64]) -> Result<(f64, f64), Box<dyn Error>> {
    let pairs = CoMoments::from_columns(x, y)?;
    let (covariance, variance) = pairs.covariance().zip(pairs.variance_x()).ok_or("no rows")?;
    let theta = covariance / variance;
    let left = pairs.variance_y().ok_or("no rows")? - theta * covariance;
    Ok((theta, left))
}

/// The sum in eight independent lanes, which waits for nothing but the memory.
fn sum(column: &[f64]) -> f64 {
    let (chunks, rest) = column.as_chunks::<8>();
    let mut lanes = [0.0; 8];
    for chunk in chunks {
        lanes.iter_mut().zip(chunk).for_each(|(lane, value)| *lane += value);
    }
    lanes.iter().chain(rest).sum()
}

/// A unit more, and the interval after it.
fn updates(peers: &Peers) -> Result<Vec<Figure>, Box<dyn Error>> {
    let mut random = Random::new(3);
    let values: Vec<f64> = (0..4096).map(|_| 5.0 + 2.0 * random.normal()).collect();
    let sequence = DifferenceSequence::new(Alpha::FIVE_PERCENT, 1_000_000)?;
    let mut arms = [Moments::from_values(&values)?, Moments::from_values(&values)?];
    let states = values
        .chunks(64)
        .map(|chunk| {
            arms[0] = arms[0].merge(&Moments::from_values(chunk)?)?;
            Ok(EffectState::means(&arms[0], &arms[1])?)
        })
        .collect::<Result<Vec<_>, Box<dyn Error>>>()?;
    let look = best(states.len(), || {
        for state in &states {
            black_box(&sequence.look(black_box(state)));
        }
    });
    let boundary = AsymptoticBoundary::new(Alpha::FIVE_PERCENT, 1_000_000)?;
    let reach = best(100_000, || {
        for units in 1..=100_000 {
            black_box(boundary.at(black_box(units)).reach());
        }
    });
    let mut stream = DifferenceStream::new(Alpha::FIVE_PERCENT, 1_000_000)?;
    let mut failed = None;
    let unit = best(values.len(), || {
        for pair in values.chunks_exact(2) {
            let [one, other] = black_box(pair) else { continue };
            let added = stream.add_control(*one);
            black_box(&stream.look());
            if let Err(error) = added.and_then(|()| stream.add_treatment(*other)) {
                failed = Some(error);
            }
            black_box(&stream.look());
        }
    });
    if let Some(error) = failed {
        return Err(error.into());
    }
    let (mixture, ville) = (Peer::ConfseqMixture, Peer::VilleStream);
    let beside = |name, value, peer: Peer, limit: Option<f64>| Figure {
        peer: Some((peers.name(peer), peers.nanoseconds(peer))),
        ..ours(name, value, "ns", limit)
    };
    Ok(vec![
        ours("a look of a confidence sequence at two arms' moments", look, "ns", 30.0),
        beside("the boundary of a confidence sequence at one more unit", reach, mixture, Some(30.0)),
        beside("a value more in a stream of two arms, and the look after it", unit, ville, Some(30.0)),
    ])
}

const ROWS: usize = 10_000_000;

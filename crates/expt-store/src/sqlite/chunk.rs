//! The bytes of metric points.
//!
//! A chunk is a header of 4 bytes (version 1, bytes per point 24, two zeros) and then for each point its
//! step (u64), the bits of its value (f64) and its time (i64, microseconds), all little-endian.

use expt_core::{MetricName, MetricPoint, Timestamp};

use super::fault::{Fault, Sql};

/// An empty chunk.
pub(super) const HEADER: [u8; 4] = [1, POINT as u8, 0, 0];

/// The bytes of a point.
const POINT: usize = 24;

/// Appends a point to a chunk.
pub(super) fn push(chunk: &mut Vec<u8>, point: &MetricPoint) {
    chunk.extend_from_slice(&point.step.to_le_bytes());
    chunk.extend_from_slice(&point.value.to_bits().to_le_bytes());
    chunk.extend_from_slice(&point.at.as_micros().to_le_bytes());
}

/// The points of a chunk from the `skip`th on.
pub(super) fn points<'a>(
    chunk: &'a [u8],
    metric: &'a MetricName,
    skip: usize,
) -> Sql<impl Iterator<Item = MetricPoint> + 'a> {
    let body = chunk.strip_prefix(&HEADER).filter(|body| body.len().is_multiple_of(POINT));
    let body = body.ok_or_else(|| Fault::corrupted("a chunk of metric points in an unknown form"))?;
    Ok(body.chunks_exact(POINT).skip(skip).map(move |point| {
        let part = |at: usize| {
            let bytes = point.get(at..at + 8).and_then(|bytes| bytes.try_into().ok());
            bytes.unwrap_or_default()
        };
        MetricPoint {
            metric: metric.clone(),
            step: u64::from_le_bytes(part(0)),
            value: f64::from_bits(u64::from_le_bytes(part(8))),
            at: Timestamp::from_micros(i64::from_le_bytes(part(16))),
        }
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(step: u64, value: f64, at: i64) -> MetricPoint {
        MetricPoint { metric: "loss".parse().unwrap(), step, value, at: Timestamp::from_micros(at) }
    }

    /// Files of a released format exist: these bytes never change.
    #[test]
    fn bytes_are_as_described() {
        let mut chunk = HEADER.to_vec();
        push(&mut chunk, &point(258, 1.0, -2));
        assert_eq!(
            chunk,
            [
                1, 24, 0, 0, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 240, 63, 254, 255, 255, 255, 255, 255,
                255, 255
            ]
        );
    }

    #[test]
    fn every_value_comes_back_by_its_bits() {
        let values = [f64::NAN, -f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0, 5e-324, f64::MAX];
        let written: Vec<_> = values.iter().map(|value| point(u64::MAX, *value, i64::MIN)).collect();
        let mut chunk = HEADER.to_vec();
        written.iter().for_each(|point| push(&mut chunk, point));
        let name = "loss".parse().unwrap();
        let read: Vec<_> = points(&chunk, &name, 1).unwrap().collect();
        let bits = |points: &[MetricPoint]| points.iter().map(|p| p.value.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&read), bits(&written[1..]));
        assert_eq!((read[0].step, read[0].at), (u64::MAX, Timestamp::MIN));
    }

    #[test]
    fn unknown_bytes_are_corruption() {
        let name = "loss".parse().unwrap();
        for bad in [&b""[..], &[2, 24, 0, 0], &[1, 24, 0, 0, 9]] {
            assert!(points(bad, &name, 0).is_err(), "{bad:?}");
        }
        assert_eq!(points(&HEADER, &name, 0).unwrap().count(), 0);
    }
}

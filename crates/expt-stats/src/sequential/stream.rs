//! The asymptotic confidence sequence of a difference, for a look after every unit.

use serde::{Deserialize, Serialize};

use super::boundary::{AsymptoticBoundary, p_from_ln_e};
use super::difference::{DifferenceEstimate, DifferenceLook};
use super::start::{NotYet, Shortfall, StartRule};
use crate::effect::Shape;
use crate::error::{StatsError, finite};
use crate::interval::{Coverage, Interval};
use crate::level::Alpha;

/// Follows the difference of two arms' means value by value: an update is three multiplications, a look one logarithm and
/// two square roots.
///
/// It says what a [`DifferenceSequence`](crate::DifferenceSequence) with the default [`StartRule`] says of the same
/// values, from a leaner state: sums of powers about an origin inside the data, which is moved to the mean whenever the
/// number of values doubles, so nothing is divided on the way. Where a mean must keep twelve digits of a
/// variance a billion times smaller, or metrics share states, use [`Moments`](crate::Moments).
///
/// ```
/// use expt_stats::sequential::DifferenceStream;
/// use expt_stats::{Alpha, DifferenceLook};
///
/// let mut stream = DifferenceStream::new(Alpha::FIVE_PERCENT, 2_000)?;
/// for i in 0..1_000 {
///     stream.add_control(f64::from(i % 10))?;
///     stream.add_treatment(f64::from(i % 10) + 0.8)?;
/// }
/// let DifferenceLook::Ready(now) = stream.look() else { panic!("enough data") };
/// assert!(now.interval.is_above(0.0));
/// # Ok::<(), expt_stats::StatsError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct DifferenceStream {
    boundary: AsymptoticBoundary,
    control: Powers,
    treatment: Powers,
}

/// Sums of powers about an origin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Powers {
    count: u64,
    origin: f64,
    first: f64,
    second: f64,
    third: f64,
}

/// Mean, central sums and the variance of the mean.
struct Centred {
    n: f64,
    mean: f64,
    second: f64,
    third: f64,
    variance: f64,
}

impl DifferenceStream {
    /// Makes a stream tuned to `intended_units`, both arms together.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] if `intended_units` is zero.
    pub fn new(alpha: Alpha, intended_units: u64) -> Result<Self, StatsError> {
        let boundary = AsymptoticBoundary::new(alpha, intended_units)?;
        Ok(Self { boundary, control: Powers::default(), treatment: Powers::default() })
    }

    /// Adds a value of the control arm.
    ///
    /// # Errors
    /// [`StatsError::NotFinite`], and [`StatsError::Overflow`] when a sum leaves its range; nothing is changed then.
    #[inline]
    pub fn add_control(&mut self, value: f64) -> Result<(), StatsError> {
        self.control.add(value)
    }

    /// Adds a value of the treatment arm.
    ///
    /// # Errors
    /// As [`DifferenceStream::add_control`].
    #[inline]
    pub fn add_treatment(&mut self, value: f64) -> Result<(), StatsError> {
        self.treatment.add(value)
    }

    /// Joins the values of two streams of one configuration.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] if they are configured differently; [`StatsError::Overflow`].
    pub fn merge(&self, other: &Self) -> Result<Self, StatsError> {
        if self.boundary != other.boundary {
            let (what, value) = ("the intended size of a merged stream", other.boundary.intended() as f64);
            let allowed = "that of the other stream; the levels must agree as well";
            return Err(StatsError::OutOfRange { what, value, allowed });
        }
        let (control, treatment) =
            (self.control.merge(other.control)?, self.treatment.merge(other.treatment)?);
        Ok(Self { control, treatment, ..*self })
    }

    /// Looks at the difference against zero.
    #[must_use]
    pub fn look(&self) -> DifferenceLook {
        let (c, t) = (self.control.centred(), self.treatment.centred());
        let units = self.control.count.saturating_add(self.treatment.count);
        let estimate = t.mean - c.mean;
        if !may_start(&c, &t, estimate)
            && let Some(not_yet) = self.shortfall(&c, &t, estimate)
        {
            return DifferenceLook::NotYet(not_yet);
        }
        let variance = c.variance + t.variance;
        let at = self.boundary.at(units);
        let (standard_error, reach) = (variance.sqrt(), (variance * at.reach_squared()).sqrt());
        let ln_e = at.ln_e_squared(estimate * (estimate / variance));
        let interval =
            Interval::new(estimate - reach, estimate + reach, self.boundary.alpha(), Coverage::Anytime);
        let ln_p = p_from_ln_e(ln_e);
        DifferenceLook::Ready(DifferenceEstimate {
            estimate,
            standard_error,
            units,
            null: 0.0,
            interval,
            ln_p,
            ln_e,
        })
    }

    /// Says what is missing, by the start rule itself; nothing if the quick check only left the range of `f64`.
    #[cold]
    fn shortfall(&self, c: &Centred, t: &Centred, delta: f64) -> Option<NotYet> {
        let smaller = self.control.count.min(self.treatment.count);
        let (second, third) = pooled(c, t, delta);
        let skewness = third / second / second.sqrt();
        let skewness = Some(skewness).filter(|skewness| skewness.is_finite());
        let constant = NotYet { what: Shortfall::Variation, need: 1.0, have: 0.0 };
        let flat = (c.variance + t.variance <= 0.0).then_some(constant);
        StartRule::default().shortfall(smaller, Shape::Skewed { skewness }).or(flat)
    }
}

/// Checks the start rule, `n >= max(100, 25 skewness²)` for the smaller arm, without a division or a root.
#[inline]
fn may_start(c: &Centred, t: &Centred, delta: f64) -> bool {
    let smaller = c.n.min(t.n);
    let (second, third) = pooled(c, t, delta);
    let spread = second * second * second;
    smaller >= 100.0
        && c.variance + t.variance > 0.0
        && spread < f64::INFINITY
        && spread > f64::MIN_POSITIVE
        && smaller * spread >= 25.0 * third * third
}

/// Returns `n` times the second and `n²` times the third central sum of both arms' `n` values together; the skewness
/// is `third / second^(3/2)` of them.
#[inline]
fn pooled(c: &Centred, t: &Centred, delta: f64) -> (f64, f64) {
    let n = c.n + t.n;
    let between = delta * delta * (c.n * t.n);
    let within = 3.0 * delta * n * (c.n * t.second - t.n * c.second);
    let skew = between * delta * (c.n - t.n);
    (n * (c.second + t.second) + between, n * n * (c.third + t.third) + skew + within)
}

impl Powers {
    #[inline]
    fn add(&mut self, value: f64) -> Result<(), StatsError> {
        if self.count == 0 {
            *self = Self { count: 1, origin: finite("value", value)?, ..Self::default() };
            return Ok(());
        }
        let distance = value - self.origin;
        let square = distance * distance;
        let next = Self {
            count: self.count.saturating_add(1),
            origin: self.origin,
            first: self.first + distance,
            second: self.second + square,
            third: self.third + square * distance,
        };
        // One test for all: a value or sum out of range shows in the third sum or its own.
        if !(next.third.abs() + next.second).is_finite() {
            finite("value", value)?;
            return Err(StatsError::Overflow { what: "the third sum" });
        }
        *self = if next.count.is_power_of_two() {
            next.about(next.origin + next.first / next.count as f64)
        } else {
            next
        };
        Ok(())
    }

    fn merge(self, other: Self) -> Result<Self, StatsError> {
        if self.count == 0 || other.count == 0 {
            return Ok(if self.count == 0 { other } else { self });
        }
        let n = self.count as f64 + other.count as f64;
        let share = other.count as f64 / n;
        let origin = self.origin + (other.origin - self.origin) * share;
        let (a, b) = (self.about(origin), other.about(origin));
        let count = a.count.checked_add(b.count).ok_or(StatsError::Overflow { what: "the count" })?;
        let merged = Self {
            count,
            origin,
            first: a.first + b.first,
            second: a.second + b.second,
            third: a.third + b.third,
        };
        let sums = [merged.origin, merged.first, merged.second, merged.third];
        if sums.iter().all(|sum| sum.is_finite()) {
            Ok(merged)
        } else {
            Err(StatsError::Overflow { what: "a merged sum" })
        }
    }

    /// Moves the origin.
    fn about(self, origin: f64) -> Self {
        let (n, shift) = (self.count as f64, self.origin - origin);
        Self {
            count: self.count,
            origin,
            first: self.first + n * shift,
            second: self.second + shift * (2.0 * self.first + n * shift),
            third: self.third + shift * (3.0 * self.second + shift * (3.0 * self.first + n * shift)),
        }
    }

    #[inline]
    fn centred(&self) -> Centred {
        let n = self.count as f64;
        // One division: `n - 1` times this is `1 / n`.
        let inverse = if self.count > 1 { 1.0 / (n * (n - 1.0)) } else { 0.0 };
        let shift = self.first * ((n - 1.0) * inverse);
        let second = (self.second - shift * self.first).max(0.0);
        let third = self.third - shift * (3.0 * self.second - 2.0 * shift * self.first);
        Centred { n, mean: self.origin + shift, second, third, variance: second * inverse }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::effect::EffectState;
    use crate::moments::Moments;
    use crate::sequential::DifferenceSequence;
    use crate::testing::close;

    fn values(seed: u64, count: u32, scale: f64, offset: f64) -> Vec<f64> {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 11) as f64 / (1_u64 << 53) as f64
        };
        (0..count).map(|_| offset - scale * (1.0 - next()).ln()).collect()
    }

    fn stream(control: &[f64], treatment: &[f64]) -> DifferenceStream {
        let mut stream = DifferenceStream::new(Alpha::FIVE_PERCENT, 1000).unwrap();
        control.iter().for_each(|x| stream.add_control(*x).unwrap());
        treatment.iter().for_each(|x| stream.add_treatment(*x).unwrap());
        stream
    }

    #[test]
    fn it_says_what_the_sequence_says() {
        let sequence = DifferenceSequence::new(Alpha::FIVE_PERCENT, 1000).unwrap();
        for (scale, offset) in [(1.0, 0.0), (1e-3, 5.0), (1e6, -1e7), (1e-60, 0.0), (1e60, 0.0)] {
            for count in [60, 98, 99, 100, 101, 130, 400, 5000] {
                let (a, b) = (values(1, count, scale, offset), values(2, count + 7, scale, offset));
                let (a_moments, b_moments) =
                    (Moments::from_values(&a).unwrap(), Moments::from_values(&b).unwrap());
                let want = sequence.look(&EffectState::means(&a_moments, &b_moments).unwrap());
                match (stream(&a, &b).look(), want) {
                    (DifferenceLook::Ready(got), DifferenceLook::Ready(want)) => {
                        let scale = want.standard_error;
                        close((got.estimate - want.estimate) / scale, 0.0, 1e-8);
                        close(got.standard_error, want.standard_error, 1e-9);
                        close(got.ln_e, want.ln_e, 1e-7);
                        close(got.interval.lower.unwrap(), want.interval.lower.unwrap(), 1e-8);
                    }
                    (DifferenceLook::NotYet(got), DifferenceLook::NotYet(want)) => {
                        assert_eq!((got.what, got.have), (want.what, want.have));
                    }
                    (got, want) => panic!("{scale} {count} {got:?} {want:?}"),
                }
            }
        }
    }

    #[test]
    fn merging_equals_adding() {
        let (a, b) = (values(5, 3000, 2.0, 100.0), values(6, 2000, 2.0, 101.0));
        let whole = stream(&a, &b);
        let parts = [(0, 0, 700, 10), (700, 10, 701, 1500), (701, 1500, 3000, 2000)];
        let merge = |left: DifferenceStream, right: DifferenceStream| left.merge(&right).unwrap();
        let pieces: Vec<_> = parts.iter().map(|&(i, j, k, l)| stream(&a[i..k], &b[j..l])).collect();
        let left = merge(merge(pieces[0], pieces[1]), pieces[2]);
        let right = merge(pieces[0], merge(pieces[1], pieces[2]));
        let ready = |stream: DifferenceStream| match stream.look() {
            DifferenceLook::Ready(estimate) => estimate,
            DifferenceLook::NotYet(not_yet) => panic!("{not_yet}"),
        };
        for merged in [left, right] {
            close(ready(merged).ln_e, ready(whole).ln_e, 1e-11);
            close(ready(merged).standard_error, ready(whole).standard_error, 1e-12);
        }
        let json = serde_json::to_string(&whole).unwrap();
        assert_eq!(serde_json::from_str::<DifferenceStream>(&json).unwrap(), whole);
    }

    #[test]
    fn wild_values_are_refused_and_constants_wait() {
        let mut wild = stream(&[1.0, 2.0], &[3.0]);
        let before = wild;
        for bad in [f64::NAN, f64::INFINITY, 1e308, -1e120] {
            assert!(wild.add_control(bad).is_err());
            assert_eq!(wild, before);
        }
        assert!(DifferenceStream::new(Alpha::FIVE_PERCENT, 5).unwrap().add_control(f64::NAN).is_err());
        let flat = stream(&[4.0; 200], &[4.0; 200]);
        assert!(matches!(flat.look(), DifferenceLook::NotYet(NotYet { what: Shortfall::Variation, .. })));
        let empty = DifferenceStream::new(Alpha::FIVE_PERCENT, 5).unwrap();
        assert!(matches!(empty.look(), DifferenceLook::NotYet(_)));
        assert!(wild.merge(&empty).is_err());
    }
}

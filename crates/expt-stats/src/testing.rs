//! Helpers of the unit tests.

/// Asserts that `got` is within `tolerance` of `want`, relatively; absolutely if `want` is zero.
#[track_caller]
pub(crate) fn close(got: f64, want: f64, tolerance: f64) {
    let scale = if want == 0.0 { 1.0 } else { want.abs() };
    assert!((got - want).abs() <= tolerance * scale, "got {got:e}, want {want:e}, tolerance {tolerance:e}");
}

//! Where exposures go.

use std::sync::Arc;

use expt_core::Exposure;

/// Takes exposures without blocking: a bounded queue, usually.
///
/// This crate only says where the border is; `expt-serve` brings the queue.
pub trait ExposureSink: Send + Sync {
    /// Takes one exposure, at once or not at all. Whether it is durable, and in which order exposures of
    /// several threads arrive, is up to the sink.
    ///
    /// # Errors
    /// [`Full`] if there is no room. The exposure is lost unless the caller tries again; the caller counts
    /// it.
    fn push(&self, exposure: Exposure) -> Result<(), Full>;
}

/// There is no room for an exposure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the exposure sink is full; count the exposure as dropped, or push it again later")]
pub struct Full;

impl<S: ExposureSink + ?Sized> ExposureSink for &S {
    fn push(&self, exposure: Exposure) -> Result<(), Full> {
        (**self).push(exposure)
    }
}

impl<S: ExposureSink + ?Sized> ExposureSink for Arc<S> {
    fn push(&self, exposure: Exposure) -> Result<(), Full> {
        (**self).push(exposure)
    }
}

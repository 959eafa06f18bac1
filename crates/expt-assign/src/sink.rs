//! Where exposures go.

use std::sync::Arc;

use expt_core::{Exposure, LayerId};

/// Takes exposures without blocking: a bounded queue, usually.
///
/// This crate only says where the border is; `expt-serve` brings the queue.
pub trait ExposureSink: Send + Sync {
    /// Takes one exposure, at once or not at all. Whether it is durable, and in which order exposures of
    /// several threads arrive, is up to the sink.
    ///
    /// `layer` is the layer that the exposure is of: a unit is in one arm of a layer at a time.
    ///
    /// # Errors
    /// [`Full`] if there is no room. The exposure is lost unless the caller tries again; the caller counts
    /// it.
    fn push(&self, layer: &LayerId, exposure: Exposure) -> Result<Pushed, Full>;
}

/// What became of an exposure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Pushed {
    /// It was taken.
    Taken,
    /// The same was taken before, so it says nothing new and was left out.
    Known,
}

/// There is no room for an exposure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the exposure sink is full; count the exposure as dropped, or push it again later")]
pub struct Full;

impl<S: ExposureSink + ?Sized> ExposureSink for &S {
    fn push(&self, layer: &LayerId, exposure: Exposure) -> Result<Pushed, Full> {
        (**self).push(layer, exposure)
    }
}

impl<S: ExposureSink + ?Sized> ExposureSink for Arc<S> {
    fn push(&self, layer: &LayerId, exposure: Exposure) -> Result<Pushed, Full> {
        (**self).push(layer, exposure)
    }
}

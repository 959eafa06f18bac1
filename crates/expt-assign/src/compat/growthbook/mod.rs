//! growthbook.

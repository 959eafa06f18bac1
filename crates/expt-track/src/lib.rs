//! Run tracking and model promotion for expt.

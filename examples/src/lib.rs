//! What the examples share: [`ml`], the training code of an imagined user.

pub mod ml;

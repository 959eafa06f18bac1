//! The family `assign`: what other products' own tests expect of their buckets and evaluations.

mod confidence;
mod eppo;
mod growthbook;
mod hashes;
mod planout;
mod unleash;

use std::path::Path;

use crate::report::Report;

/// Runs every file of the family.
pub(crate) fn run(root: &Path, report: &mut Report) {
    hashes::run(root, report);
    planout::run(root, report);
    growthbook::run(root, report);
    eppo::run(root, report);
    unleash::run(root, report);
    confidence::run(root, report);
}

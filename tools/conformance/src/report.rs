//! Counts, and the lines that say what failed.

use std::fmt::Debug;
use std::path::Path;
use std::process::ExitCode;

use serde::de::DeserializeOwned;

/// What came out of all files.
#[derive(Debug, Default)]
pub(crate) struct Report {
    total: Counts,
    files: usize,
    unreadable: usize,
}

/// What came out of one file.
#[derive(Debug, Default)]
pub(crate) struct Cases {
    counts: Counts,
    lines: Vec<String>,
}

#[derive(Debug, Default, Clone, Copy)]
struct Counts {
    passed: usize,
    failed: usize,
    skipped: usize,
}

impl Report {
    /// Reads a file as JSON and runs its cases; a file that cannot be read fails the whole run.
    pub(crate) fn file<T: DeserializeOwned>(
        &mut self,
        root: &Path,
        name: &str,
        run: impl FnOnce(&T, &mut Cases),
    ) {
        let read = std::fs::read(root.join(name)).map_err(|error| error.to_string());
        let parsed = read.and_then(|bytes| serde_json::from_slice(&bytes).map_err(|error| error.to_string()));
        let mut cases = Cases::default();
        match parsed {
            Ok(content) => run(&content, &mut cases),
            Err(error) => {
                self.unreadable += 1;
                println!("{name}: cannot be read: {error}");
                return;
            }
        }
        self.files += 1;
        let Counts { passed, failed, skipped } = cases.counts;
        println!("{name}: {passed} passed, {failed} failed, {skipped} skipped");
        cases.lines.iter().for_each(|line| println!("  {line}"));
        self.total.passed += passed;
        self.total.failed += failed;
        self.total.skipped += skipped;
    }

    /// Prints the sums.
    pub(crate) fn finish(self) -> ExitCode {
        let Counts { passed, failed, skipped } = self.total;
        println!("{passed} passed, {failed} failed, {skipped} skipped");
        if failed > 0 || self.unreadable > 0 || self.files == 0 {
            ExitCode::FAILURE
        } else {
            ExitCode::SUCCESS
        }
    }
}

impl Cases {
    /// A case that came out right.
    pub(crate) fn pass(&mut self) {
        self.counts.passed += 1;
    }

    /// Compares one result with what was expected.
    pub(crate) fn check<T: PartialEq + Debug>(&mut self, id: impl AsRef<str>, expected: &T, got: &T) {
        if expected == got {
            self.pass();
        } else {
            self.fail(id, format!("expected {expected:?}, got {got:?}"));
        }
    }

    /// A case that did not come out right.
    pub(crate) fn fail(&mut self, id: impl AsRef<str>, what: impl AsRef<str>) {
        self.counts.failed += 1;
        self.lines.push(format!("failed {}: {}", id.as_ref(), what.as_ref()));
    }

    /// Cases of something that the library deliberately does not offer.
    pub(crate) fn skip(&mut self, count: usize, id: impl AsRef<str>, reason: impl AsRef<str>) {
        self.counts.skipped += count;
        self.lines.push(format!("skipped {} ({count}): {}", id.as_ref(), reason.as_ref()));
    }
}

//! Patterns, compiled once and within a budget.

use regex::{Regex, RegexBuilder};

use super::error::Error;
use crate::error::excerpt;

/// How much memory the patterns of one payload may still take.
#[derive(Debug)]
pub(super) struct Budget {
    left: usize,
}

impl Budget {
    /// With so much of it taken already.
    pub(super) fn after(taken: usize) -> Self {
        Self { left: TOTAL.saturating_sub(taken) }
    }

    /// How much is taken.
    pub(super) fn taken(&self) -> usize {
        TOTAL - self.left
    }

    /// Compiles a pattern; `None` if it is not one, and then it never matches.
    pub(super) fn compile(&mut self, pattern: &str, ignore_case: bool) -> Result<Option<Regex>, Error> {
        // The smallest size that does is what it is charged for, since a compiled pattern does not tell its own.
        for size in SIZES {
            if size > self.left {
                break;
            }
            let built = RegexBuilder::new(pattern)
                .case_insensitive(ignore_case)
                .size_limit(size)
                .dfa_size_limit(size)
                .build();
            match built {
                Err(regex::Error::CompiledTooBig(_)) => {}
                Ok(regex) => {
                    self.left -= size;
                    return Ok(Some(regex));
                }
                Err(_) => return Ok(None),
            }
        }
        Err(Error::Pattern { pattern: excerpt(pattern), allowed: LARGEST.min(self.left) })
    }
}

const LARGEST: usize = 1 << 20;
const SIZES: [usize; 3] = [1 << 14, 1 << 17, LARGEST];
const TOTAL: usize = 1 << 25;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_within_the_budget() {
        let mut budget = Budget::after(0);
        assert!(budget.compile("^user\\d{3}$", false).unwrap().unwrap().is_match("user123"));
        assert!(budget.compile("^abc$", true).unwrap().unwrap().is_match("ABC"));
        assert!(budget.compile("(?=a)b", false).unwrap().is_none());
        assert!(budget.taken() > 0 && budget.taken() <= 2 * LARGEST);
    }

    #[test]
    fn large_patterns_are_refused() {
        let refused = Budget::after(0).compile("((a{100}){100}){100}", false).unwrap_err();
        assert!(refused.to_string().contains("1048576 bytes"), "{refused}");
        let refused = Budget::after(TOTAL).compile("a", false).unwrap_err();
        assert!(refused.to_string().contains("the 0 bytes"), "{refused}");
    }
}

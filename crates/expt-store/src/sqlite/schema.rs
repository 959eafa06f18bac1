//! The formats of the file, each as the step from the one before.

/// Marks the file as ours: `expt` in ASCII.
pub(super) const APPLICATION_ID: i32 = i32::from_be_bytes(*b"expt");

/// Step n makes format n + 1 from format n. The newest format is the number of steps.
pub(super) const STEPS: &[&str] = &[include_str!("schema_v1.sql")];

/// The newest format, kept as `user_version`.
pub(super) fn newest() -> u32 {
    u32::try_from(STEPS.len()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use expt_core::Digest;

    /// Files of a released format exist: if this fails, add a step instead of changing one.
    #[test]
    fn a_step_never_changes() {
        let digests: Vec<String> =
            super::STEPS.iter().map(|sql| Digest::of(sql.as_bytes()).short()).collect();
        assert_eq!(digests, ["93682ea54ee2"]);
    }
}

//! launchdarkly.

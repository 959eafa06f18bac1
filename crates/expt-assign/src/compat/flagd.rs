//! flagd.

//! The hash of Eppo.

use md5::{Digest, Md5};
use serde::Deserialize;

/// The shard of a subject: the first four bytes of `md5("{salt}-{subject}")`, big-endian, modulo the number
/// of shards; 0 if there are none.
///
/// ```
/// use expt_assign::compat::eppo::shard;
///
/// assert_eq!(shard("some-salt", "alice", 10_000), 88);
/// ```
#[must_use]
pub fn shard(salt: &str, subject: &str, total_shards: u32) -> u32 {
    Sharder::new(salt).shard(subject, total_shards)
}

/// A hash that has taken in its salt already.
#[derive(Clone)]
pub(super) struct Sharder(Md5);

impl Sharder {
    pub(super) fn new(salt: &str) -> Self {
        Self(Md5::new_with_prefix(salt).chain_update(b"-"))
    }

    pub(super) fn shard(&self, subject: &str, total_shards: u32) -> u32 {
        let digest: [u8; 16] = self.0.clone().chain_update(subject).finalize().into();
        let [a, b, c, d, ..] = digest;
        u32::from_be_bytes([a, b, c, d]).checked_rem(total_shards).unwrap_or(0)
    }
}

impl std::fmt::Debug for Sharder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sharder")
    }
}

/// A half-open range of shards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(super) struct ShardRange {
    pub(super) start: u32,
    pub(super) end: u32,
}

impl ShardRange {
    pub(super) fn contains(self, shard: u32) -> bool {
        self.start <= shard && shard < self.end
    }
}

/// The MD5 digest as 32 lowercase hexadecimal digits.
pub(super) fn md5_hex(text: &str) -> String {
    let digest: [u8; 16] = Md5::digest(text).into();
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Python: `int(hashlib.md5(f"{salt}-{subject}".encode()).hexdigest()[:8], 16) % total`.
    #[test]
    fn agrees_with_python() {
        for (salt, subject, total, expected) in SHARDS {
            assert_eq!(shard(salt, subject, total), expected, "{salt} {subject}");
        }
        assert_eq!(shard("salt", "subject", 0), 0);
    }

    /// RFC 1321, appendix A.5.
    #[test]
    fn hexadecimal_digests() {
        assert_eq!(md5_hex("message digest"), "f96b697d7cb7938d525a2f31aaf161d0");
    }

    const SHARDS: [(&str, &str, u32, u32); 4] = [
        ("some-salt", "alice", 10_000, 88),
        ("traffic-flag-alloc", "日本語🎉", 10_000, 175),
        ("", "", 7, 0),
        ("split", "user-1", 4_294_967_295, 529_559_129),
    ];
}

//! Ids as they come.

use std::fmt::Write as _;

use chacha20::ChaCha12Rng;
use chacha20::rand_core::{Rng, SeedableRng};

/// A kind of id: its name and how to make ids of it.
pub(super) type Kind = (&'static str, fn(usize) -> Vec<String>);

pub(super) const KINDS: [Kind; 4] =
    [("random", random), ("sequential", sequential), ("shared prefix", shared_prefix), ("e-mail", e_mail)];

/// 36 bytes in the form of a UUID, random throughout.
fn random(count: usize) -> Vec<String> {
    let mut rng = ChaCha12Rng::seed_from_u64(36);
    let mut id = || {
        let (a, b) = (rng.next_u64(), rng.next_u64());
        let (c, d, e) = (b >> 48, a & 0xffff, b & 0xffff_ffff_ffff);
        format!("{:08x}-{:04x}-{d:04x}-{c:04x}-{e:012x}", a >> 32, a >> 16 & 0xffff)
    };
    (0..count).map(|_| id()).collect()
}

/// 1, 2, 3, ...
fn sequential(count: usize) -> Vec<String> {
    (1..=count).map(|number| number.to_string()).collect()
}

/// 36 bytes of which only the last few differ.
fn shared_prefix(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("00000000-0000-0000-0000-{number:012}")).collect()
}

/// Few names, few hosts, and a number where the name is taken.
fn e_mail(count: usize) -> Vec<String> {
    const FIRST: [&str; 20] = [
        "anna", "ben", "carla", "david", "elena", "farid", "grace", "hiro", "ines", "jonas", "kemal",
        "lucia", "maria", "noah", "olga", "paul", "rosa", "sofia", "tom", "yuki",
    ];
    const LAST: [&str; 25] = [
        "adams", "bauer", "chen", "diaz", "evans", "fischer", "garcia", "haddad", "ivanov", "jensen", "kim",
        "lopez", "meyer", "nguyen", "okafor", "patel", "quinn", "rossi", "smith", "tanaka", "usman", "vogel",
        "weber", "yilmaz", "zhang",
    ];
    const HOSTS: [&str; 5] =
        ["mail.example", "post.example", "example.com", "inbox.example.org", "work.example.net"];
    let id = |number: usize| {
        let (first, rest) = (FIRST[number % FIRST.len()], number / FIRST.len());
        let (last, rest) = (LAST[rest % LAST.len()], rest / LAST.len());
        let (host, taken) = (HOSTS[rest % HOSTS.len()], rest / HOSTS.len());
        let mut text = format!("{first}.{last}");
        if taken > 0 {
            let _ = write!(text, "{taken}");
        }
        format!("{text}@{host}")
    };
    (0..count).map(id).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn ids_differ() {
        for (name, make) in KINDS {
            let ids = make(20_000);
            assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), 20_000, "{name}");
        }
    }
}

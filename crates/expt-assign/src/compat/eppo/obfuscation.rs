//! The text of configurations for clients, whose values are base64.

/// Decodes base64 of either alphabet; as in the SDK, every other character is passed over, and bytes that are
/// not UTF-8 are replaced.
pub(super) fn decode_base64(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let (mut buffer, mut bits) = (0_u32, 0);
    for sextet in text.bytes().filter_map(sextet) {
        buffer = (buffer << 6) | u32::from(sextet);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            // At most 8 bits are left above the rest.
            bytes.push((buffer >> bits) as u8);
            buffer &= (1 << bits) - 1;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn sextet(letter: u8) -> Option<u8> {
    Some(match letter {
        b'A'..=b'Z' => letter - b'A',
        b'a'..=b'z' => letter - b'a' + 26,
        b'0'..=b'9' => letter - b'0' + 52,
        b'+' | b'-' => 62,
        b'/' | b'_' => 63,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4648, section 10, and Python's `base64` for the others.
    #[test]
    fn decodes() {
        for (encoded, expected) in [
            ("", ""),
            ("Zg==", "f"),
            ("Zm8=", "fo"),
            ("Zm9v", "foo"),
            ("Zm9vYg==", "foob"),
            ("Zm9vYmE=", "fooba"),
            ("Zm9v YmFy\n", "foobar"),
            ("w7zDn-KCrA==", "üß€"),
            ("Zm8", "fo"),
            ("/w==", "\u{fffd}"),
        ] {
            assert_eq!(decode_base64(encoded), expected, "{encoded}");
        }
    }
}

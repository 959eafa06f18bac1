//! Unpacking gzip (RFC 1952) of a bounded size.

use miniz_oxide::inflate::decompress_to_vec_with_limit;

/// The bytes in a gzip file of one member without optional fields, as the vendor writes them; `None` if it is not
/// one, or has more than `most` bytes.
pub(super) fn unpack(file: &[u8], most: usize) -> Option<Vec<u8>> {
    let packed = file.strip_prefix(&[0x1f, 0x8b, DEFLATE, NO_FIELDS])?.get(6..)?;
    let (packed, trailer) = packed.split_last_chunk::<8>()?;
    let (checksum, length) = trailer.split_first_chunk::<4>()?;
    let bytes = decompress_to_vec_with_limit(packed, most).ok()?;
    let whole = u32::try_from(bytes.len()).ok()? == u32::from_le_bytes(*length.first_chunk()?);
    (whole && crc32(&bytes) == u32::from_le_bytes(*checksum)).then_some(bytes)
}

fn crc32(bytes: &[u8]) -> u32 {
    let shift = |crc: u32| if crc & 1 == 1 { (crc >> 1) ^ POLYNOMIAL } else { crc >> 1 };
    !bytes.iter().fold(u32::MAX, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), |crc, _| shift(crc)))
}

const DEFLATE: u8 = 8;
const NO_FIELDS: u8 = 0;
const POLYNOMIAL: u32 = 0xedb8_8320;

#[cfg(test)]
mod tests {
    use super::*;

    /// Python: `gzip.compress(b"\x05\xff" + b"\x00" * 6, mtime=0)`.
    #[test]
    fn a_file_of_python() {
        let file = FILE;
        assert_eq!(unpack(file, 8).as_deref(), Some(&[5, 0xff, 0, 0, 0, 0, 0, 0][..]));
        assert_eq!(unpack(file, 7), None);
        for at in [0, 2, 3, 12, file.len() - 8, file.len() - 1] {
            let mut broken = file.to_vec();
            broken[at] ^= 1;
            assert_eq!(unpack(&broken, 8), None, "{at}");
            assert_eq!(unpack(&file[..at], 8), None, "{at}");
        }
    }

    /// The check value of CRC-32/ISO-HDLC.
    #[test]
    fn checksum() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }

    const FILE: &[u8] =
        &[31, 139, 8, 0, 0, 0, 0, 0, 2, 3, 99, 253, 207, 0, 6, 0, 61, 155, 244, 191, 8, 0, 0, 0];
}

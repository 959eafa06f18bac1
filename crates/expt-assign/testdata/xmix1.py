"""Writes xmix1.json: the text of src/mix.rs in Python, so that the vectors do not come from the code they test.

    pip install blake3
    python3 testdata/xmix1.py            writes testdata/xmix1.json
    python3 testdata/xmix1.py --check    makes it anew and compares: exit code 1 if a byte differs

Also a reference for recomputing assignments outside Rust: `Xmix1` below is the whole algorithm.
"""

import hashlib
import json
import pathlib
import struct
import sys

import blake3

MASK = (1 << 64) - 1
SIPHASH, BLAKE3 = "siphash-1-3-128", "blake3"


class Xmix1:
    """The keys of one project."""

    def __init__(self, project_key, unit_hash):
        context = "expt-assign 2026 xmix1"
        self.root = blake3.blake3(project_key.encode(), derive_key_context=context).digest()
        self.unit_hash = unit_hash

    def derived(self, domain, *parts):
        parts = (domain.encode(),) + parts
        data = b"".join(struct.pack("<Q", len(part)) + part for part in parts)
        return blake3.blake3(data, key=self.root).digest()

    def digest(self, kind, unit):
        key = self.derived("unit", kind.encode())
        if self.unit_hash == SIPHASH:
            return siphash_128(key[:16], unit.encode(), 1, 3)
        return blake3.blake3(unit.encode(), key=key).digest()[:16]

    def layer(self, layer):
        return self.derived("layer", layer.encode())

    def arms(self, experiment, epoch):
        return self.derived("arms", experiment.encode(), struct.pack("<I", epoch))

    def holdout(self, salt):
        return self.derived("holdout", salt.encode())


def place(digest, key):
    a, b = struct.unpack("<2Q", digest)
    k0, k1, k2, k3 = struct.unpack("<4Q", key)
    b ^= fold(a ^ k0, k1 | 1)
    a ^= fold(b ^ k2, k3 | 1)
    return a


def fold(x, m):
    product = x * m
    return product >> 64 ^ product & MASK


def siphash_128(key, data, compressions, finalizations):
    """Aumasson and Bernstein (2012), with the 128-bit output of their reference implementation."""
    k0, k1 = struct.unpack("<2Q", key)
    v = [k0 ^ 0x736F6D6570736575, k1 ^ 0x646F72616E646F6D ^ 0xEE,
         k0 ^ 0x6C7967656E657261, k1 ^ 0x7465646279746573]
    padded = data + bytes(7 - len(data) % 8) + bytes([len(data) % 256])
    for (word,) in struct.iter_unpack("<Q", padded):
        v[3] ^= word
        sip_rounds(v, compressions)
        v[0] ^= word
    v[2] ^= 0xEE
    sip_rounds(v, finalizations)
    first = v[0] ^ v[1] ^ v[2] ^ v[3]
    v[1] ^= 0xDD
    sip_rounds(v, finalizations)
    return struct.pack("<2Q", first, v[0] ^ v[1] ^ v[2] ^ v[3])


def sip_rounds(v, count):
    v0, v1, v2, v3 = v
    for _ in range(count):
        v0 = v0 + v1 & MASK
        v1 = rotated(v1, 13) ^ v0
        v0 = rotated(v0, 32)
        v2 = v2 + v3 & MASK
        v3 = rotated(v3, 16) ^ v2
        v0 = v0 + v3 & MASK
        v3 = rotated(v3, 21) ^ v0
        v2 = v2 + v1 & MASK
        v1 = rotated(v1, 17) ^ v2
        v2 = rotated(v2, 32)
    v[:] = v0, v1, v2, v3


def rotated(word, by):
    return (word << by | word >> 64 - by) & MASK


def check_siphash():
    """The first two vectors of the authors' reference implementation (SipHash-2-4-128)."""
    key = bytes(range(16))
    for data, expected in [(b"", "a3817f04ba25a8e66df67214c7550293"), (b"\0", "da87c1d86b99af44347659119b22fc45")]:
        if siphash_128(key, data, 2, 4).hex() != expected:
            sys.exit(f"siphash of {data!r} is not {expected}")


# Project key, kind, layer, experiment, epoch, salt.
SETTINGS = [
    ("shop-2026", "user", "ranking", "ranker-v2", 1, "global-2026"),
    ("shop-2026", "user", "ranking", "ranker-v2", 2, "global-2027"),
    ("shop-2026", "device", "ads", "ads-bid", 4294967295, "ads-q3"),
    ("shop-2026", "cookie", "ads x", "ads-bid", 256, "ads-q3 "),
    ("shop-2026", "user", "layer-1", "exp_1", 0, "1"),
    ("shop-2026", "user", "layer-2", "exp_1", 1, "2"),
    ("shop-2026", "user", "layer-10", "exp_10", 1, "10"),
    ("shop-2025", "user", "ranking", "ranker-v2", 1, "global-2026"),
    ("s", "u", "l", "e", 0, "h"),
    ("", "user", "ranking", "ranker-v2", 1, ""),
    ("läden", "gerät", "größe", "prüfung", 16777216, "é"),
    ("商店", "用户", "排序", "实验", 65536, "保留"),
    ("متجر", "مستخدم", "ترتيب", "تجربة", 2147483648, "استبعاد"),
    ("🛒" * 16, "👤", "🎚️", "🧪", 3, "🔒"),
    ("k" * 64, "user", "y" * 128, "z" * 200, 7, "w" * 63),
    ("k" * 65, "user", "y" * 129, "z" * 199, 8, "w" * 64),
    ("key " * 512, "store x week", "pricing/eu", "pricing/eu#4", 1000000, "salt " * 300),
    ("7c9e6679-7425-40de-944b-e07fc1f90ae7", "user", "550e8400-e29b-41d4-a716-446655440000",
     "6ba7b810-9dad-11d1-80b4-00c04fd430c8", 12, "6ba7b811-9dad-11d1-80b4-00c04fd430c8"),
    ("unit", "layer", "arms", "holdout", 1, "unit"),
    ("holdout", "arms", "layer", "unit", 1751085672, "layer"),
]


def units():
    """250 ids: every length that the hashes treat differently, the usual forms, and what is not ASCII."""
    pseudo_random = hashlib.shake_256(b"xmix1 units").digest(1 << 16)
    text = "".join("abcdefghijklmnopqrstuvwxyz012345"[byte % 32] for byte in pseudo_random)
    found = [text[length * 3:length * 4] for length in range(73)]
    found += [text[9:9 + length] for length in
              [127, 128, 129, 200, 254, 255, 256, 257, 263, 264, 511, 512, 1023, 1024, 1025, 2048, 2049]]
    found += [str(number) for number in [*range(10), 10, 42, 99, 100, 1000, 999999, 1000000, 2**31, 2**53, 2**64]]
    found += [f"u-{number}" for number in range(1, 31)]
    found += [f"user{number}@mail{number % 7}.example.com" for number in range(30)]
    found += [f"00000000-0000-0000-0000-{number:012x}" for number in range(20)]
    hexadecimal = pseudo_random.hex()
    groups = [(0, 8), (8, 12), (12, 16), (16, 20), (20, 32)]
    for start in range(0, 32 * 36, 32):
        found.append("-".join(hexadecimal[start + first:start + last] for first, last in groups))
    found += ["ünïcode-用户", "a b", " a", "a ", "A", "Jürgen", "Ju\u0308rgen", "ſ", "ß", "\u00e9", "e\u0301",
              "пользователь-7", "χρήστης", "משתמש", "मुखपृष्ठ", "ผู้ใช้", "사용자", "利用者", "👩‍👩‍👧‍👦", "🏴󠁧󠁢󠁥󠁮󠁧󠁿",
              "\u0000", "a\u0000", "a\u0000b", "\n"]
    found = list(dict.fromkeys(found))
    if len(found) != 250:
        sys.exit(f"{len(found)} units, not 250")
    return found


def document():
    """One vector a line, in the order settings, then units: the digest, then the places of layer, arms, holdout."""
    lines = []
    all_units = units()
    settings = [(unit_hash, *setting) for setting in SETTINGS for unit_hash in (SIPHASH, BLAKE3)]
    for unit_hash, key, kind, layer, experiment, epoch, salt in settings:
        mix = Xmix1(key, unit_hash)
        keys = [mix.layer(layer), mix.arms(experiment, epoch), mix.holdout(salt)]
        for unit in all_units:
            digest = mix.digest(kind, unit)
            lines.append(json.dumps([digest.hex()] + [f"{place(digest, key):016x}" for key in keys]))
    one_a_line = lambda entries: ",\n".join(json.dumps(entry, ensure_ascii=False) for entry in entries)
    return ('{"algorithm": "xmix1", "frozen": true, "source": "testdata/xmix1.py",\n'
            f'"settings": [\n{one_a_line(settings)}],\n"units": [\n{one_a_line(all_units)}],\n'
            '"vectors": [\n' + ",\n".join(lines) + "]}\n")


def main():
    check_siphash()
    path = pathlib.Path(__file__).with_name("xmix1.json")
    made = document().encode()
    if sys.argv[1:] == ["--check"]:
        if path.read_bytes() != made:
            sys.exit(f"{path.name} is not what this program makes")
        print(f"{path.name}: {made.count(b'[') - 3 - 2 * len(SETTINGS)} vectors agree, {len(made)} bytes")
    elif not sys.argv[1:]:
        path.write_bytes(made)
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()

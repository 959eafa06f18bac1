"""Writes xmix0.json: the text of src/mix.rs in Python, so that the vectors do not come from the code they test.

    pip install blake3 && python3 testdata/xmix0.py > testdata/xmix0.json
"""

import json
import struct

import blake3

UNITS = ["u-1", "u-2", "1", "2", "3", "10", "42", "1000000", "3f0a5d9e-8a0b-4f3e-9f5a-0d6f8c1b2a37",
         "ünïcode-用户", "x" * 200, "a b"]
NAMES = ["project_key", "unit_kind", "layer", "experiment", "epoch", "salt"]
SETTINGS = [("shop-2026", "user", "ranking", "ranker-v2", 1, "global-2026"),
            ("shop-2026", "device", "ads", "ads-bid", 4294967295, "ads-q3"),
            ("s", "user", "l", "e", 0, "é")]


def derived(root, *parts):
    data = b"".join(struct.pack("<Q", len(part)) + part for part in parts)
    return blake3.blake3(data, key=root).digest()


def fold(x, m):
    product = x * m
    return product >> 64 ^ product & (1 << 64) - 1


def place(digest, key):
    a, b = struct.unpack("<2Q", digest)
    k0, k1, k2, k3 = struct.unpack("<4Q", key)
    b ^= fold(a ^ k0, k1 | 1)
    a ^= fold(b ^ k2, k3 | 1)
    return f"{b ^ fold(a ^ k1, k0 | 1):016x}"


def case(unit, settings):
    key, kind, layer, experiment, epoch, salt = settings
    root = blake3.blake3(key.encode(), derive_key_context="expt-assign 2026 xmix0").digest()
    digest = blake3.blake3(unit.encode(), key=derived(root, b"unit", kind.encode())).digest()[:16]
    arms = derived(root, b"arms", experiment.encode(), struct.pack("<I", epoch))
    return dict(zip(NAMES, settings)) | {
        "unit": unit,
        "digest": digest.hex(),
        "layer_place": place(digest, derived(root, b"layer", layer.encode())),
        "arm_place": place(digest, arms),
        "holdout_place": place(digest, derived(root, b"holdout", salt.encode())),
    }


cases = [json.dumps(case(unit, settings), ensure_ascii=False) for unit in UNITS for settings in SETTINGS]
print('{\n  "algorithm": "xmix0",\n  "frozen": false,\n  "source": "testdata/xmix0.py",\n  "cases": [')
print(",\n".join("    " + text for text in cases))
print("  ]\n}")

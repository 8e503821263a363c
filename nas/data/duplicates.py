"""Examples that are in two splits: a score on them shows what was memorised."""

from __future__ import annotations

from hashlib import blake2b

import numpy as np

from nas.data.source import Array, Examples


def duplicate_notes(splits: dict[str, Examples]) -> list[str]:
    """Return a note for each split some of whose examples have all inputs, byte for byte, in a split before it."""
    notes = []
    seen: dict[str, set[bytes]] = {}
    for name, examples in splits.items():
        rows = hashes(examples)
        for earlier, known in seen.items():
            if count := sum(row in known for row in rows):
                notes.append(
                    f"{count:,} of the {len(rows):,} examples of the {name} split are in the {earlier} split as well: "
                    f"on these, {name} scores show what was memorised."
                )
        seen[name] = set(rows)
    return notes


def hashes(examples: Examples) -> list[bytes]:
    """Return 16 bytes for each example, equal for examples with equal inputs."""
    return [
        blake2b(b"".join(row), digest_size=16).digest() for row in zip(*map(_bytes, examples.x.values()), strict=True)
    ]


def _bytes(x: Array) -> list[bytes]:
    if x.dtype == object:
        return [text.encode("utf-8", "surrogatepass") + b"\0" for text in x]
    return [row.tobytes() for row in np.ascontiguousarray(x)]

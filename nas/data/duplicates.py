"""Examples that are in two splits: a score on them shows what was memorised."""

from __future__ import annotations

from hashlib import blake2b

import numpy as np

from nas.data.source import Array, Examples


def duplicate_notes(splits: dict[str, Examples]) -> list[str]:
    """Return a note for each split some of whose inputs, byte for byte, are in a split before it as well."""
    notes = []
    seen: dict[str, set[bytes]] = {}
    for name, examples in splits.items():
        rows = _hashes(examples.x)
        for earlier, known in seen.items():
            if count := sum(row in known for row in rows):
                notes.append(
                    f"{count:,} of the {len(rows):,} examples of the {name} split are in the {earlier} split as well: "
                    f"on these, {name} scores show what was memorised."
                )
        seen[name] = set(rows)
    return notes


def _hashes(x: Array) -> list[bytes]:
    return [blake2b(row, digest_size=16).digest() for row in np.ascontiguousarray(x)]

"""Data inside a page."""

from __future__ import annotations

import json
from typing import Any

from markupsafe import Markup


def embedded(document: dict[str, Any]) -> Markup:
    """Return `document` as JSON inside a script element: no ``</script>`` and no comment can end or begin in it."""
    text = json.dumps(document, allow_nan=False, separators=(",", ":"))
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)

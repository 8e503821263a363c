"""Commands that are suggested to the user: they work when they are copied, on the database that was meant."""

from __future__ import annotations

import re
import shlex

_SUGGESTED = re.compile(r"(?<=`)nas (?!spaces)[a-z][^`]*(?=`)")
"""A command within a sentence, between backticks. All of them know ``--storage`` but ``nas spaces``."""


def on(command: str, storage: str | None) -> str:
    """Return `command` as it is to be typed where ``--storage`` was `storage`; no password is ever part of it."""
    if storage is None or " --storage" in command:
        return command
    from nas.store.engine import display_url, storage_url

    return f"{command} --storage {shlex.quote(display_url(storage_url(storage)))}"


def suggested(text: str) -> list[str]:
    """Return the commands that `text` suggests."""
    return _SUGGESTED.findall(text)


def complete(text: str, storage: str | None) -> str:
    """Return `text` with the database in each command that it suggests."""
    return _SUGGESTED.sub(lambda found: on(found[0], storage), text)

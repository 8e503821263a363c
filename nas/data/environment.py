"""``${NAME}`` in the texts of a study file's ``[data]`` stands for an environment variable.

So a study file can name data that lie elsewhere on every machine. What is stored, shown and compared is the text with
``${NAME}`` in it; only what opens files sees the value.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import Any

from nas.data.options import DataSection
from nas.errors import DataError

VARIABLE = re.compile(r"\$\{([^}]*)\}")


def expanded(data: DataSection) -> DataSection:
    """Return `data` with the values of environment variables in the place of their names.

    Raises:
        DataError: One of them is not set; the message names it and the key.
    """
    plain = data.model_dump()
    if problems := unset_variables(plain, "data"):
        raise DataError(" ".join(problems))
    return DataSection.model_validate(_expand(plain))


def expand(text: str) -> str:
    """Return `text` with the values of environment variables in the place of their names.

    Raises:
        DataError: One of them is not set.
    """
    if problems := unset_variables(text, "space.checkpoints"):
        raise DataError(problems[0])
    return str(_expand(text))


def unset_variables(value: object, key: str) -> list[str]:
    """Return one sentence for each environment variable that a text in `value` names and that is not set."""
    return [
        f"{where}: the environment variable {name!r} in {text!r} is not set. Set it, e.g. export {name}=…, or write "
        "the path itself."
        for where, text in _texts(value, key)
        for name in dict.fromkeys(VARIABLE.findall(text))
        if name not in os.environ
    ]


def _texts(value: object, key: str) -> Iterator[tuple[str, str]]:
    """Yield every text in `value` with the key it stands under."""
    if isinstance(value, str):
        yield key, value
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from _texts(inner, f"{key}.{name}")
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _texts(inner, key)


def _expand(value: Any) -> Any:
    if isinstance(value, str):
        return VARIABLE.sub(lambda found: os.environ[found[1]], value)
    if isinstance(value, dict):
        return {name: _expand(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return tuple(_expand(inner) for inner in value)
    return value

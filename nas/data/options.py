"""The ``[data]`` of a study file: where the examples come from, and how they become arrays.

The coordinator checks it with the rest of the file; a worker gets it with `nas.conversation.Prepare`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from nas.data_card import InputKind


class Section(BaseModel):
    """A table of a study file: unknown keys and wrong types are refused."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


def _pair(value: object) -> object:
    """``64`` is ``[64, 64]``."""
    return (value, value) if isinstance(value, int) else tuple(value) if isinstance(value, list) else value


def as_tuple(value: object) -> object:
    """Return one text, or a list of them, as a tuple; anything else as it is."""
    if isinstance(value, str):
        return (value,)
    return tuple(value) if isinstance(value, list) else value


def _none_if_empty(value: object) -> object:
    """``""`` names nothing."""
    return () if value == "" else as_tuple(value)


Names = Annotated[tuple[str, ...], BeforeValidator(as_tuple)]
ColumnKind: TypeAlias = Literal["image", "audio", "text", "number", "category"]
Side = Annotated[int, Field(ge=4, le=1024)]


class ImagesSection(Section):
    """How image files become arrays. Arrays that a source gives as such keep their size."""

    size: Annotated[tuple[Side, Side], BeforeValidator(_pair)] = (64, 64)
    """Height and width, or one number for both: what every image is resized to."""
    channels: Literal[1, 3] = 3
    """Grey, or red, green and blue."""


class TextSection(Section):
    """How texts become tokens. A vocabulary is made of the training split alone."""

    tokens: Literal["words", "subwords", "characters", "bytes"] = "words"
    vocabulary: int = Field(default=10_000, ge=3, le=200_000)
    """At most so many different tokens, of which 0 is padding and 1 stands for all others."""
    length: int = Field(default=64, ge=1, le=8192)
    """In tokens: longer texts are cut off at the end, shorter ones filled up with 0."""
    lowercase: bool = True
    tokenizer: str | None = None
    """A ``tokenizer.json`` (Hugging Face's format) to use as it is, e.g. that of a pretrained encoder."""


class AudioSection(Section):
    """How sound files become arrays: one channel, resampled, cut off or filled up with silence."""

    sample_rate: int = Field(default=16_000, ge=1000, le=192_000)
    """Samples a second."""
    seconds: float = Field(default=1.0, gt=0, le=600)


class SplitSection(Section):
    """How validation and test are cut off from train, where the source does not give them."""

    by: Literal["ratio", "group", "time"] = "ratio"
    """``"group"``: no group (speaker, user, patient) is on two sides. ``"time"``: the latest are held out."""
    validation: float | None = Field(default=None, gt=0, lt=0.9)
    """The share of what is left of train after test; a fifth, or a tenth of many, if it is not given."""
    test: float | None = Field(default=None, gt=0, lt=0.9)


class ColumnsSection(Section):
    """What the columns of a table mean: those of a CSV, TSV, JSONL or Parquet file."""

    inputs: Names = ()
    """Columns that are inputs; all that mean nothing else, if none is named."""
    ignore: Names = ()
    """Columns that are none, and nothing else either, where it is easier to name these."""
    kinds: dict[str, ColumnKind] = Field(default_factory=dict)
    """By column, what an input is, where its cells do not tell. Images and sounds are paths of files, which start from
    the table's folder. All numbers and categories together are one input."""
    label: Annotated[Names, BeforeValidator(_none_if_empty)] = ("label",)
    """What is to be told. Several columns are several numbers; ``""`` is for tasks that need none."""
    unlabelled: Literal["refuse", "drop"] = "refuse"
    """What becomes of rows without a label: they are an error, or left out and counted."""
    split: str = "split"
    """Says "train", "validation" or "test" of each row, where there is such a column."""
    group: str | None = None
    """What ``split.by = "group"`` keeps together."""
    time: str | None = None
    """What ``split.by = "time"`` goes by: numbers, or dates such as 2026-05-31T12:00."""


class InteractionsSection(Section):
    """What ``interactions:file`` is to make of a log of who took what: see `nas.data.interactions`."""

    user_column: str = "user"
    item_column: str = "item"
    rating_column: str | None = None
    """``"rating"``, if there is such a column and no other is named."""
    time_column: str | None = None
    """``"time"``, if there is such a column and no other is named; else the rows are in the order of time."""
    items: str | None = None
    """A table of what is known of items: the ``item_column`` of the log, and categories (``Drama|War``) or numbers."""
    users: str | None = None
    """The same of users."""
    history: int = Field(default=20, ge=1, le=1000)
    """How many of a user's last items an encoder is shown."""
    fewest: int = Field(default=5, ge=3)
    """Users and items with fewer interactions are left out, until there are none."""
    hold_out: Literal["last", "time"] = "last"
    """Of every user the last interaction for test and the one before for validation; or all users' latest, as many as
    ``data.split`` says."""


class DataSection(Section):
    """Where the examples come from, and how they become arrays."""

    source: str
    """``"kind:rest"``. Here, and in every other text of this table, ``${NAME}`` stands for an environment variable."""
    kind: InputKind | None = None
    """What the inputs are, where their shape does not tell: (rows, steps, channels) is taken for grey images."""
    images: ImagesSection = ImagesSection()
    text: TextSection = TextSection()
    audio: AudioSection = AudioSection()
    columns: ColumnsSection = ColumnsSection()
    split: SplitSection = SplitSection()
    interactions: InteractionsSection = InteractionsSection()
    bad: float = Field(default=0.01, ge=0, le=0.5)
    """The share of files that may be unreadable: they are listed and left out. More than that is refused."""

    def starting_from(self, base: Path) -> DataSection:
        """Return the same, but with the path of the tokenizer, if one is named, starting from the folder `base`.

        The path in `source` is the source's affair.
        """
        if self.text.tokenizer is None:
            return self
        path = base / Path(self.text.tokenizer).expanduser()
        return self.model_copy(update={"text": self.text.model_copy(update={"tokenizer": str(path)})})

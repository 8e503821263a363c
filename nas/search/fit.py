"""Which shipped families can take the data and give what the task needs: said before any trial."""

from __future__ import annotations

from dataclasses import dataclass, replace

from nas import catalogue
from nas.data_card import DataCard, Input, InputKind
from nas.errors import BadInput


@dataclass(frozen=True, slots=True)
class Fit:
    """What the families of a modality take and give. Any number of inputs, if it takes several."""

    kinds: tuple[InputKind, ...]
    gives: tuple[str, ...]
    words: str
    several: bool = False
    named: bool = False
    """Whether it is searched only where a study file names it."""


EVERY: tuple[InputKind, ...] = ("image", "vector", "sequence", "text", "audio", "ids")
FITS: dict[str, Fit] = {
    "image": Fit(("image",), ("vector", "map"), "images, (height, width, channels)"),
    "text": Fit(("text",), ("vector", "sequence"), "texts"),
    "audio": Fit(("audio",), ("vector", "sequence"), "sounds, (samples,)"),
    "sequence": Fit(("sequence",), ("vector", "sequence"), "sequences, (steps, channels)"),
    "vector": Fit(("vector",), ("vector",), "vectors, (features,)"),
    "recommendation": Fit(("ids", "vector"), ("pair",), "users and items", several=True),
    "several": Fit(EVERY, ("vector",), "several inputs", several=True),
}
"""By the folder that a family's file lies in."""
FITS_OF: dict[str, Fit] = {
    "mlp": Fit(("vector", "image", "sequence"), ("vector",), "vectors, or what is to be flattened"),
    "ranker": Fit(("ids", "vector"), ("vector",), "users and items", several=True),
    "pair": Fit(("image", "vector", "sequence", "text", "audio"), ("pair",), "pairs of several inputs", several=True),
}
"""Families that differ from their neighbours."""
FITS_OF["pretrained_text"] = replace(FITS["text"], named=True)
FITS_OF["pretrained_image"] = replace(FITS["image"], named=True)
_IMAGE, _TEXT = Input("image", (28, 28, 1)), Input("text", (64,), vocabulary=10_000)
EXAMPLES: dict[str, dict[str, Input]] = {
    "image": {"x": _IMAGE},
    "vector": {"x": Input("vector", (64,))},
    "sequence": {"x": Input("sequence", (64, 2))},
    "text": {"x": _TEXT},
    "audio": {"x": Input("audio", (8000,), sample_rate=8000)},
    "recommendation": {
        "user": Input("ids", (1,), vocabulary=4334),
        "history": Input("ids", (20,), vocabulary=2415),
        "item": Input("ids", (1,), vocabulary=2415, item=True),
        "item_features": Input("vector", (23,), item=True),
    },
    "several": {"picture": _IMAGE, "caption": replace(_TEXT, item=True)},
}
"""What the docstrings of families count for, by the folder that a family's file lies in."""
PLAIN = ("cnn", "bag", "audio_cnn", "tcn", "mlp")
"""What each of several inputs is encoded by at first, the first of these that takes it: the default of a joined encoder
holds one for each input, and is trained before anything else is known."""


def fitting(card: DataCard, features: str) -> tuple[str, ...]:
    """Return the shipped families that take the data of `card` and give `features`, in order of their names."""
    shipped = (name for name in catalogue.families if (fit := fit_of(name)) is not None and not fit.named)
    return tuple(name for name in shipped if _misfit(name, card, features) is None)


def choose_families(named: tuple[str, ...], card: DataCard, task: str) -> tuple[str, ...]:
    """Return `named`, or all shipped families that fit where none is.

    Of those named, the shipped ones are checked; what a family of one's own takes, only it knows.

    Raises:
        BadInput: One of them cannot take the data or give what the task needs; the message names those that can.
    """
    features = catalogue.tasks[task].features
    able = fitting(card, features)
    if not named and not able:
        raise BadInput(f"space.families: no shipped family takes {_what(card)} for {task}. Name one of your own.")
    for family in named:
        if family in catalogue.families and (misfit := _misfit(family, card, features)):
            raise BadInput(
                f"space.families: {family!r} {misfit}. For {_what(card)} and {task}: {', '.join(able) or 'none'}, "
                "or a family of your own."
            )
    return named or able


def choose_encoders(named: dict[str, tuple[str, ...]], card: DataCard) -> dict[str, tuple[str, ...]]:
    """Return, for each of several inputs, the families it may be encoded by: those `named`, or all that fit.

    The first one is the default: of those named as the study file has it, else a plain one. Ids have none: a family
    that joins inputs looks them up itself.

    Raises:
        BadInput: An input is named that there is not, or a family that cannot take it.
    """
    if len(card.inputs) == 1 and not named:
        return {}
    if strange := sorted(set(named) - set(card.inputs)):
        raise BadInput(f"space.encoders: there is no input {strange[0]!r}. There are: {', '.join(card.inputs)}.")
    chosen = {}
    for name, given in card.inputs.items():
        alone = DataCard(card.source, card.fingerprint, card.folder, {name: given}, card.target, card.examples)
        able = _plain_first(fitting(alone, "vector"))
        for family in named.get(name, ()):
            if family in catalogue.families and (misfit := _misfit(family, alone, "vector")):
                raise BadInput(f"space.encoders.{name}: {family!r} {misfit}. For it: {', '.join(able) or 'none'}.")
        if families := named.get(name, able):
            chosen[name] = families
    return chosen


def _plain_first(families: tuple[str, ...]) -> tuple[str, ...]:
    """Return `families` with the first of `PLAIN` that is among them in front."""
    first = tuple(family for family in PLAIN if family in families)[:1]
    return first + tuple(family for family in families if family not in first)


def fit_of(family: str) -> Fit | None:
    """Return what the shipped `family` takes and gives; ``None`` for one of another package."""
    return FITS_OF.get(family, FITS.get(modality(family)))


def _misfit(family: str, card: DataCard, features: str) -> str | None:
    """Return why the shipped `family` cannot be used, or ``None``; nothing is known of others."""
    fit = fit_of(family)
    if fit is None:
        return None
    kinds = {given.kind for given in card.inputs.values()}
    if not kinds <= set(fit.kinds) or (len(card.inputs) > 1) != fit.several:
        return f"is for {fit.words}; an example of {card.source} is {_what(card)}"
    if features not in fit.gives:
        return f"gives {' or '.join(fit.gives)} features, and the task needs {features} ones"
    return None


def _what(card: DataCard) -> str:
    """Return the inputs of `card` as a phrase."""
    if len(card.inputs) == 1:
        (given,) = card.inputs.values()
        return f"{'an' if given.kind[0] in 'aeiou' else 'a'} {given.kind}, {given.shape}"
    return ", ".join(f"{name} ({given.kind})" for name, given in card.inputs.items())


def modality(family: str) -> str:
    """Return the folder a shipped family's file lies in, e.g. ``"image"``; ``""`` for one of another package."""
    package, *folders = catalogue.families.target(family).partition(":")[0].split(".")
    return folders[0] if package == "search_spaces" else ""

"""A family's name in a study file ▶ a KerasTuner ``HyperModel`` ready to build.

A name is a registered one (``cnn``), a file of yours (``file.py:Class``) or anything that can be imported
(``package.module:Class``). Behind it stands a class, an instance, or a function ``f(hp) -> keras.Model``.
"""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn, TypeAlias, Union

import keras_tuner

from nas import catalogue
from nas.data.environment import expand
from nas.data.source import ONLY
from nas.data_card import DataCard
from nas.errors import FamilyError, UnknownName, did_you_mean
from nas.own_code import run_file, what_failed

Family: TypeAlias = Union[type[keras_tuner.HyperModel], keras_tuner.HyperModel, Callable[..., Any]]
_Encoders: TypeAlias = dict[str, dict[str, keras_tuner.HyperModel]]

_PLACES = {"image": "map", "sequence": "sequence", "text": "sequence", "audio": "sequence"}
"""What features with a place for each part of an input are called, by its kind."""


def load_family(spec: str, base: Path) -> Family:
    """Return what `spec` names; a relative file in it starts from the folder `base`.

    A file is run anew each time; it may import its neighbours in the same folder.

    Raises:
        FamilyError: It cannot be imported, or is neither a ``HyperModel`` nor a function.
        UnknownName: No family is registered under `spec`.
    """
    try:
        family = _find(spec, base)
    except UnknownName:
        raise
    except (Exception, SystemExit) as error:
        _refuse(f"The family {spec!r} cannot be imported", error)
    if not _is_family(family):
        raise FamilyError(
            f"The family {spec!r} must be a subclass of keras_tuner.HyperModel, an instance of one, or a function "
            f"f(hp) that returns a keras.Model. Received: {family!r}."
        )
    return family


def make_family(
    spec: str,
    base: Path,
    card: DataCard,
    features: str = "vector",
    encoders: Mapping[str, Sequence[str]] | None = None,
    checkpoints: Sequence[str] = (),
) -> keras_tuner.HyperModel:
    """Return the ``HyperModel`` that `spec` names, made for the data that `card` describes.

    A class (or function) gets those of the following that it takes by name::

        inputs                  {name: nas.data_card.Input}, all of them
        input_shape             of the only input; and, where its kind has them,
        vocabulary, categories, sample_rate
        classes, num_classes    how many names the target has
        features                "vector", "sequence", "map" or "pair": what the task needs
        encoders                {input: {family: HyperModel}}, for a family that joins several inputs
        places                  the same, of those that can give a sequence or a map, made to do so
        checkpoints             {as the study file has it: name or full path}, of what was trained before

    Args:
        spec: As in a study file.
        base: The folder that a relative file in `spec` starts from.
        card: The prepared data.
        features: What the task needs.
        encoders: By input, the families it may be encoded by.
        checkpoints: Names or paths; a relative path starts from `base`.

    Raises:
        FamilyError: As `load_family`; or its ``__init__`` fails, or needs an argument that is none of the above.
        UnknownName: No family is registered under `spec`.
    """
    return made_for(load_family(spec, base), spec, card, features, encoders, checkpoints, base)


def made_for(
    family: Family,
    spec: str,
    card: DataCard,
    features: str = "vector",
    encoders: Mapping[str, Sequence[str]] | None = None,
    checkpoints: Sequence[str] = (),
    base: Path = Path(),
) -> keras_tuner.HyperModel:
    """Return `family` made for the data that `card` describes: see `make_family`. `spec` is for messages.

    Raises:
        FamilyError: Its ``__init__`` fails, or needs an argument that cannot be given.
    """
    if isinstance(family, keras_tuner.HyperModel):
        return family
    known = _known(card, features)
    if checkpoints:
        known["checkpoints"] = {checkpoint: _located(checkpoint, base) for checkpoint in checkpoints}
    if encoders:
        known["encoders"], known["places"] = _made_for_each(encoders, card, checkpoints, base)
    parameters = _parameters(family)
    given = {name: value for name, value in known.items() if name in parameters}
    needed = [name for name, parameter in parameters.items() if parameter.default is parameter.empty]
    if not isinstance(family, type):
        needed = needed[1:]  # the first is hp
    if missing := [name for name in needed if name not in known]:
        raise FamilyError(
            f"The family {spec!r} needs {', '.join(missing)}, but only {', '.join(known)} are there to be given. "
            f"Give {'it a default' if len(missing) == 1 else 'them defaults'}, or name a subclass that fills "
            f"{'it' if len(missing) == 1 else 'them'} in."
        )
    if not isinstance(family, type):
        return _FunctionFamily(family, given)
    try:
        return family(**given)
    except Exception as error:
        _refuse(f"The family {spec!r} cannot be made with {given}", error)


def _made_for_each(
    encoders: Mapping[str, Sequence[str]], card: DataCard, checkpoints: Sequence[str], base: Path
) -> tuple[_Encoders, _Encoders]:
    """Return the families that each input may be encoded by, made for it alone, by what they are called; and of those
    that take ``features`` what gives a sequence or a map, if it can be made."""
    vectors: _Encoders = {name: {} for name in encoders}
    places: _Encoders = {name: {} for name in encoders}
    for name, specs in encoders.items():
        given = card.inputs[name]
        alone = replace(card, inputs={ONLY: given})
        for spec in specs:
            called, family = spec.rpartition(":")[2], load_family(spec, base)
            vectors[name][called] = made_for(family, spec, alone, checkpoints=checkpoints, base=base)
            if given.kind in _PLACES and _takes_features(family):
                with contextlib.suppress(FamilyError):  # one that gives nothing but vectors
                    made = made_for(family, spec, alone, _PLACES[given.kind], checkpoints=checkpoints, base=base)
                    places[name][called] = made
    return vectors, places


def _takes_features(family: Family) -> bool:
    return not isinstance(family, keras_tuner.HyperModel) and "features" in _parameters(family)


def _located(checkpoint: str, base: Path) -> str:
    """Return `checkpoint`, or ``NAME=file``, with a path that exists from `base` in full; names stay as they are."""
    name, equals, file = checkpoint.rpartition("=")
    path = base / Path(expand(file)).expanduser()
    return f"{name}{equals}{path.resolve() if path.exists() else expand(file)}"


def _known(card: DataCard, features: str) -> dict[str, Any]:
    """Return all that a family may be told by name."""
    known: dict[str, Any] = {
        "classes": card.classes,
        "num_classes": card.classes,
        "features": features,
        "inputs": card.inputs,
    }
    if len(card.inputs) == 1:
        (given,) = card.inputs.values()
        facts = {"vocabulary": given.vocabulary, "categories": given.categories, "sample_rate": given.sample_rate}
        known = {"input_shape": given.shape} | known | facts
    return known


class _FunctionFamily(keras_tuner.HyperModel):  # type: ignore[misc]
    """A function ``f(hp, …)`` as a ``HyperModel``."""

    def __init__(self, function: Callable[..., Any], given: dict[str, Any]) -> None:
        super().__init__(name=function.__name__)
        self._function, self._given = function, given

    def build(self, hp: keras_tuner.HyperParameters) -> Any:
        """Return what the function makes of `hp`."""
        return self._function(hp, **self._given)


def _find(spec: str, base: Path) -> Any:
    """Return whatever `spec` names, whether or not it is a family."""
    if ":" not in spec:
        return catalogue.families[spec]
    source, _, attribute = spec.rpartition(":")
    module = run_file(base / source, "family") if source.endswith(".py") else import_module(source)
    if not hasattr(module, attribute):
        families = [name for name, thing in vars(module).items() if _is_family(thing) and not name.startswith("_")]
        near = did_you_mean(attribute, families)
        raise AttributeError(f"{source} has no {attribute!r}.{near} It has: {', '.join(families) or 'no family'}.")
    return getattr(module, attribute)


def _is_family(thing: object) -> bool:
    if isinstance(thing, type):
        return issubclass(thing, keras_tuner.HyperModel)
    return isinstance(thing, keras_tuner.HyperModel) or inspect.isfunction(thing)


def _parameters(family: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """Return the named parameters of a function or class; ``**kwargs`` stands for those of the next base class."""
    calls = [family]
    if isinstance(family, type):
        calls = [vars(base)["__init__"] for base in family.__mro__ if "__init__" in vars(base)]
    found: dict[str, inspect.Parameter] = {}
    for call in calls:
        parameters = inspect.signature(call).parameters.values()
        named = [p for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY) and p.name != "self"]
        # A base's own needs are its subclass's business: only what a subclass passes on by name matters here.
        first = call is calls[0]
        found |= {p.name: p if first else p.replace(default=None) for p in named if p.name not in found}
        if not any(p.kind is p.VAR_KEYWORD for p in parameters):
            break
    return found


def _refuse(what: str, error: BaseException) -> NoReturn:
    raise FamilyError(f"{what}: {what_failed(error)}.") from error

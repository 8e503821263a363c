"""A study file: TOML, checked in full before anything runs.

Every problem is found in one go, each named by its key, with the nearest valid key or name beside it.
"""

from __future__ import annotations

import ast
import re
import tomllib
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field, ValidationError
from pydantic_core import ErrorDetails

from nas import catalogue
from nas.data.environment import unset_variables
from nas.data.options import DataSection, Names, Section, as_tuple
from nas.errors import FamilyError, StudyFileError, UnknownName, did_you_mean, nearest
from nas.space_fingerprint import family_fingerprint

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
START = re.compile(NAME.pattern + r"(/[0-9]{1,7})?")
COSTS = ("weights", "macs", "memory", "latency_ms")
"""Costs that may be objectives beside the task's own validation metrics."""
ERRORS = ("loss", "_rmse", "_mae", "_cer", "_eer")
"""What the names of metrics end with of which less is better; of others more is."""


class TaskSection(Section):
    """What the encoder is to be good for."""

    kind: str = "classification"


class SpaceSection(Section):
    """Which families of encoders are searched: all shipped ones that fit data and task, where none is named."""

    families: Names = Field(default=(), min_length=1)
    checkpoints: Names = ()
    """For the pretrained families: folders, files or names of what was trained before, among which is chosen."""
    encoders: dict[str, Names] = Field(default_factory=dict)
    """Of data with several inputs: by input, which families it may be encoded by; all that fit, where none is named."""
    start_from: str | None = None
    """``"STUDY"`` or ``"STUDY/TRIAL"`` of the same database: every trial begins with the encoder of that study's best
    trial, or of that one, and its weights; only how to train on, and the task's choices, are searched."""

    @property
    def all_families(self) -> tuple[str, ...]:
        """Every family whose code a candidate may be made of, once."""
        return tuple(dict.fromkeys((*self.families, *(name for names in self.encoders.values() for name in names))))


class SearchSection(Section):
    """How, and for how long. `trials` and `hours` are totals over all sessions of the study, its race included."""

    strategy: str = "auto"
    pruner: str | None = None
    trials: int | None = Field(default=None, ge=1, le=1_000_000)
    hours: float | None = Field(default=None, gt=0, le=10_000)
    epochs: int = Field(default=10, ge=1, le=100_000)
    workers: int = Field(default=2, ge=1, le=256)
    seed: int = Field(default=0, ge=0, le=2**31 - 1)


class ObjectiveSection(Section):
    """What is better. The first objective, of `maximize` before `minimize`, is the one pruning goes by."""

    maximize: Names = ()
    minimize: Names = ()


class LimitsSection(Section):
    """What a candidate may cost. Weights, MACs, memory and latency are checked before an epoch is spent."""

    weights: int | None = Field(default=None, ge=1)
    macs: int | None = Field(default=None, ge=1)
    memory: int | None = Field(default=None, ge=1)
    """Bytes of all activations of one example; a training step holds as many for each example of its batch."""
    latency_ms: float | None = Field(default=None, gt=0)
    """Of one example, the median of some runs on the machine that searches, while it searches."""
    trial_seconds: float = Field(default=7200.0, gt=0)
    """A worker that spends longer than this on one trial is ended: failed(timeout)."""
    silence_seconds: float = Field(default=120.0, gt=0)
    """A worker that does not even beat for this long is ended: failed(timeout)."""


class RaceSection(Section):
    """The end of a study: its best architectures are trained again with new seeds, to tell the good from the lucky."""

    share: float = Field(default=0.15, ge=0, le=0.5)
    """Of the budget, trials as well as hours; 0 for none. A budget of few trials has no race: see `nas race`."""
    top: int = Field(default=10, ge=2, le=100)
    """Between so many architectures, and the default of the first family."""


class Study(Section):
    """A whole study file, every key of it."""

    name: str
    data: DataSection
    task: TaskSection = TaskSection()
    space: SpaceSection = SpaceSection()
    search: SearchSection
    objective: ObjectiveSection = ObjectiveSection()
    limits: LimitsSection = LimitsSection()
    race: RaceSection = RaceSection()

    @property
    def objectives(self) -> tuple[tuple[str, str], ...]:
        """``(metric, "maximize" | "minimize")``, the pruned-by one first."""
        given = [(name, "maximize") for name in self.objective.maximize]
        given += [(name, "minimize") for name in self.objective.minimize]
        return tuple(given) or (catalogue.tasks[self.task.kind].objective,)

    @property
    def needs_latency(self) -> bool:
        """Whether candidates have to be timed: latency is an objective, or limited."""
        return self.limits.latency_ms is not None or any(name == "latency_ms" for name, _ in self.objectives)


def read_study(path: str | Path) -> tuple[Study, str]:
    """Read and check the study file at `path`; return the study and the text it was read from.

    Raises:
        StudyFileError: The file is missing, is no TOML, or has problems: all of them are listed.
    """
    path = Path(path)
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        near = did_you_mean(path.name, [other.name for other in path.parent.glob("*.toml")])
        raise StudyFileError(str(path), [f"There is no such file.{near}"]) from None
    except UnicodeDecodeError as error:
        raise StudyFileError(
            str(path), [f"The file is not UTF-8 text: {error.reason} at byte {error.start}."]
        ) from None
    except IsADirectoryError:
        beside = path.absolute().with_name(f"{path.absolute().name}.toml")
        near = did_you_mean(path.name, [beside.name] if beside.is_file() else [o.name for o in path.glob("*.toml")])
        raise StudyFileError(str(path), [f"This is a folder: name a study file, a .toml.{near}"]) from None
    except OSError as error:
        raise StudyFileError(str(path), [f"The file cannot be read: {error.strerror}."]) from None
    return parse_study(text, path=str(path), base=path.parent), text


def parse_study(text: str, *, path: str, base: Path) -> Study:
    """Check the `text` of a study file. `path` is for messages; relative paths in it start from `base`.

    Raises:
        StudyFileError: As `read_study`.
    """
    try:
        raw = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise StudyFileError(path, [f"The file is not valid TOML: {error or 'nested too deeply'}."]) from None
    problems: list[str] = []
    try:
        study = Study.model_validate(raw)
    except ValidationError as error:
        study = None
        problems += [_explain(detail) for detail in error.errors(include_url=False) if not _is_misspelt(detail)]
    problems += [*_check_names(raw, base), *_check_together(raw)]
    if problems or study is None:
        raise StudyFileError(path, problems)
    return study


def _explain(detail: ErrorDetails) -> str:
    """Return a problem pydantic found as one line that names the key."""
    *parents, last = [str(part) for part in detail["loc"]] or ["study"]
    key = ".".join([*parents, last])
    match detail["type"]:
        case "extra_forbidden":
            valid = _keys_of(parents)
            where = f"[{'.'.join(parents)}]" if parents else "a study file"
            return f"{key}: {where} has no such key.{did_you_mean(last, valid)} Valid: {', '.join(valid)}."
        case "missing":
            return f"{key}: is required and missing."
        case _:
            received = repr(detail["input"])
            received = received if len(received) <= 80 else received[:77] + "..."
            return f"{key}: {detail['msg'][0].lower()}{detail['msg'][1:]}. Received: {received}."


def _is_misspelt(detail: ErrorDetails) -> bool:
    """Tell whether what is missing is there under a name much like it: that is a problem already."""
    *parents, last = [str(part) for part in detail["loc"]] or ["study"]
    return detail["type"] == "missing" and last in _meant(detail["input"], parents)


def _meant(table: object, parents: list[str]) -> set[str]:
    """Return which keys of the section at `parents` those in `table` are meant to be that it does not have."""
    valid = _keys_of(parents)
    strange = [key for key in table if key not in valid] if isinstance(table, dict) else []
    return {near for key in strange if (near := nearest(key, valid)) is not None}


def _keys_of(parents: list[str]) -> list[str]:
    section: type[BaseModel] = Study
    for parent in parents:
        annotation = section.model_fields[parent].annotation if parent in section.model_fields else None
        if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
            return []
        section = annotation
    return list(section.model_fields)


def _check_names(raw: dict[str, Any], base: Path) -> list[str]:
    """Check every name in the file against the catalogue, whatever else is wrong with the file."""
    problems = []
    name = raw.get("name")
    if isinstance(name, str) and not NAME.fullmatch(name):
        problems.append(
            "name: must be 1 to 64 ASCII letters (a to z, A to Z), digits, '.', '_' or '-', and start with a letter or "
            "digit. "
            f"Received: {name!r}."
        )
    for section, key, registry in (
        ("task", "kind", catalogue.tasks),
        ("search", "strategy", catalogue.strategies),
        ("search", "pruner", catalogue.pruners),
    ):
        value = _get(raw, section, key)
        if isinstance(value, str) and value not in registry:
            problems.append(f"{section}.{key}: {UnknownName(registry.kind, value, registry)}")
    problems += _check_families("space.families", _get(raw, "space", "families"), base)
    encoders = _get(raw, "space", "encoders")
    for name, families in encoders.items() if isinstance(encoders, dict) else ():
        problems += _check_families(f"space.encoders.{name}", families, base)
    source = _get(raw, "data", "source")
    if isinstance(source, str) and (problem := _check_source(source)):
        problems.append(problem)
    return problems + unset_variables(raw.get("data"), "data")


def _check_families(key: str, families: object, base: Path) -> list[str]:
    """Check a list of families: each must be known, and what the names of their params begin with must differ."""
    families = as_tuple(families)
    named = [family for family in families if isinstance(family, str)] if isinstance(families, tuple) else []
    labels = [family.rpartition(":")[2] for family in named]
    return [
        *(f"{key}: {problem}" for family in named if (problem := _check_family(family, base))),
        *(
            f"{key}: two families are called {name!r}. Give each once, or rename a class."
            for name in sorted({label for label in labels if labels.count(label) > 1})
        ),
    ]


def _get(raw: dict[str, Any], section: str, key: str) -> object:
    table = raw.get(section)
    return table.get(key) if isinstance(table, dict) else None


def _check_family(family: str, base: Path) -> str | None:
    if ":" not in family:
        if family in catalogue.families:
            return None
        also = "A class of your own is named 'file.py:Class' or 'package.module:Class'."
        return f"{UnknownName('search space', family, catalogue.families, also=also)}"
    module, _, attribute = family.rpartition(":")
    if not attribute.isidentifier() or not module:
        return f"{family!r} must be 'file.py:Class' or 'package.module:Class'."
    if module.endswith(".py"):
        return _check_family_file(family, base / module, attribute)
    try:
        family_fingerprint(family, base)  # finds the module without importing it
    except FamilyError as error:
        return f"{error}"
    return None


def _check_family_file(family: str, path: Path, attribute: str) -> str | None:
    try:
        tree = ast.parse(path.read_bytes(), filename=str(path))
    except (OSError, ValueError) as error:
        return f"{family!r}: {path} cannot be read: {getattr(error, 'strerror', None) or error}."
    except SyntaxError as error:
        return f"{family!r}: {path} is not valid Python: {error.msg}, line {error.lineno}."
    families = [node.name for node in tree.body if isinstance(node, ast.ClassDef | ast.FunctionDef)]
    imports = [node for node in tree.body if isinstance(node, ast.ImportFrom)]
    targets = [target for node in tree.body if isinstance(node, ast.Assign) for target in node.targets]
    names = {alias.asname or alias.name for node in imports for alias in node.names}
    names |= {target.id for target in targets if isinstance(target, ast.Name)}
    if attribute in families or attribute in names:
        return None
    near = did_you_mean(attribute, families)
    has = ", ".join(families) or "none"
    return f"{path} has no class or function {attribute!r}.{near} It has: {has}."


def _check_source(source: str) -> str | None:
    kind, colon, rest = source.partition(":")
    if not colon or not rest:
        return f"data.source: must be 'kind:what', e.g. 'sklearn:digits' or 'npz:file.npz'. Received: {source!r}."
    if kind not in catalogue.sources:
        return f"data.source: {UnknownName('data source', kind, catalogue.sources)}"
    return None


def _check_together(raw: dict[str, Any]) -> list[str]:
    """Check what only makes sense of keys taken together, whatever else is wrong with the file."""
    problems = []
    search = raw.get("search")
    if isinstance(search, dict) and not {"trials", "hours"} & (search.keys() | _meant(search, ["search"])):
        problems.append("search: give a budget: `trials`, `hours`, or both.")
    start = _get(raw, "space", "start_from")
    if isinstance(start, str) and not START.fullmatch(start):
        problems.append(f"space.start_from: must be 'STUDY' or 'STUDY/TRIAL', e.g. 'digits/12'. Received: {start!r}.")
    if start is not None and _get(raw, "space", "families") is not None:
        problems.append("space: give `families` or `start_from`: what a study starts from says which family it is.")
    kind = _get(raw, "task", "kind") or TaskSection().kind
    if kind not in catalogue.tasks:
        return problems
    task = catalogue.tasks[str(kind)]
    known = [*task.metrics, *COSTS]
    given = []
    for key in ("maximize", "minimize"):
        names = as_tuple(_get(raw, "objective", key))
        named = [name for name in names if isinstance(name, str)] if isinstance(names, tuple) else []
        given += named
        problems += [f"objective.{key}: {_no_measure(name, str(kind))}" for name in named if name not in known]
        if key == "maximize":
            costs = [name for name in named if name in COSTS]
            problems += [f"objective.maximize: {name!r} is a cost: it can only be minimized." for name in costs]
            wrong = [name for name in named if name in known and name.endswith(ERRORS)]
            problems += [f"objective.maximize: {name!r} is an error: minimize it." for name in wrong]
        else:
            wrong = [name for name in named if name in task.metrics and not name.endswith(ERRORS)]
            problems += [f"objective.minimize: {name!r} is a score: maximize it." for name in wrong]
    twice = sorted({name for name in given if given.count(name) > 1})
    problems += [f"objective: {name!r} is given twice." for name in twice]
    if len(given) > 1 and _get(raw, "search", "pruner") == "hyperband":
        problems.append(
            "search.pruner: 'hyperband' needs one objective. Use 'asha', which prunes on the first of several."
        )
    if given and given[0] in COSTS:
        problems.append(
            "objective: pruning goes by the first objective, which must be a metric of training, "
            f"not the cost {given[0]!r}. Add e.g. maximize = {task.objective[0]!r}."
        )
    return problems


def _no_measure(name: str, kind: str) -> str:
    """Say that the task `kind` has no measure `name`, which it has and which way each is better."""
    task = catalogue.tasks[kind]
    # "val_" is no likeness: without it, val_accuracy is not taken for a misspelled val_loss.
    bare = {metric.removeprefix("val_"): metric for metric in (*task.metrics, *COSTS)}
    short = name.removeprefix("val_")
    near = [metric for metric in bare if len(short) > 1 and metric.startswith(short)]  # acc, accuracy
    near = near or get_close_matches(short, bare, n=1)
    meant = f" Did you mean {bare[near[0]]!r}?" if near else ""
    ways = {way: [metric for metric in task.metrics if _way(metric) == way] for way in ("maximize", "minimize")}
    has = "; ".join(f"{way} {', '.join(metrics)}" for way, metrics in ways.items() if metrics)
    return (
        f"the task {kind!r} has no measure {name!r}.{meant} It has: {has}. Costs, to minimize beside one of these: "
        f"{', '.join(COSTS)}."
    )


def _way(metric: str) -> str:
    return "minimize" if metric.endswith(ERRORS) else "maximize"

"""``model_card.md``: what a model is, what it was trained on and how it was found, what it scored, costs and cannot do.

After Mitchell et al. 2019, arXiv:1810.03993, as far as a search knows the answers; what only people know is left to be
filled in, and said so.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras

from nas.export.scores import scores
from nas.finetune.plan import plan_of
from nas.report import words

if TYPE_CHECKING:
    from nas.export.export import File
    from nas.search.chosen import Chosen

PACKAGES = ("encoder-nas", "keras", "tensorflow", "onnx", "onnxruntime", "tf2onnx", "ai-edge-litert", "numpy")
MOST_NAMES = 30


def write_card(
    folder: Path, chosen: Chosen, what: str, files: Sequence[File], document: dict[str, Any], served: keras.Model
) -> None:
    """Write the card of `chosen`, of which `what` was exported to `files`, into `folder`."""
    parts = (
        _head(chosen, what),
        _files(files, served),
        _inputs(folder, what, document),
        _data(chosen),
        _search(chosen),
        scores(chosen),
        _cost(chosen),
        _limits(chosen),
        _versions(chosen),
    )
    text = "\n".join(line for part in parts for line in (*part, ""))
    (folder / "model_card.md").write_text(text, encoding="utf-8")


def _head(chosen: Chosen, what: str) -> Iterator[str]:
    trial = chosen.trial
    yield f"# {_plain(chosen.study.name)}, trial {trial.number}"
    yield ""
    part = "The encoder, without the head it was trained with," if what == "encoder" else "The whole model"
    yield (
        f"{part} of the family {_code(trial.family or '')}, for the task `{chosen.order.task}`. "
        f"Architecture `{chosen.fingerprint}`. Weights: {chosen.weights.words}."
    )


def _files(files: Sequence[File], served: keras.Model) -> Iterator[str]:
    yield "## Files"
    yield ""
    yield (
        "Each file was run, by what serves it, on examples of the validation split, and compared with the model as it "
        "was trained."
    )
    yield ""
    yield "| file | size | run with | examples at once | largest difference | allowed | |"
    yield "|---|---|---|---|---|---|---|"
    for file in files:
        name = file.name if "." in file.name else f"{file.name}/"
        yield (
            f"| `{name}` | {_size(file.size)} | {file.run_with} | {file.batch or 'any number'} | "
            f"{file.compared.difference:.2g} | {file.compared.allowed:.2g} | {file.note} |"
        )
    modules = own_modules(served)
    if modules and any(file.format == "keras" for file in files):
        yield ""
        yield (
            "`model.keras` has layers that Keras does not know: before `keras.saving.load_model(…, compile=False)`, "
            f"import {', '.join(f'`{module}`' for module in modules)}. The other files need no code of ours."
        )


def own_modules(model: keras.Model) -> list[str]:
    """Return the modules of those layers of `model` that are not Keras's, which a ``.keras`` file of it needs."""
    layers = model._flatten_layers(include_self=False, recursive=True)
    modules = {type(layer).__module__ for layer in layers}
    return sorted(module for module in modules if module.partition(".")[0] not in ("keras", "builtins"))


def _inputs(folder: Path, what: str, document: dict[str, Any]) -> Iterator[str]:
    yield "## Inputs and outputs"
    yield ""
    yield "`preprocessing.json` says all of it, for programs. The batch is the first axis."
    yield ""
    for name, given in document["inputs"].items():
        inside = "; standardised inside" if "standardised_inside" in given else ""
        extra = "".join(f"; see {_code(given[key])}" for key in given if key.endswith("_file"))
        yield f"- input {_code(name)}, {given['dtype']} {_shape(given['shape'])}: {given['values']}{inside}{extra}"
        if "columns_file" in given:
            columns = json.loads((folder / given["columns_file"]).read_text(encoding="utf-8"))
            yield f"  - its columns, in this order: {_names([*columns['numbers'], *columns['categories']])}"
    for name, output in document["outputs"].items():
        yield f"- output `{name}`, {output['dtype']} {_shape(output['shape'])}: {output['meaning']}"
    if document["class_names"]:
        called = "class_names" if what == "model" else "trained to tell apart"
        yield f"- {called}: {_names(document['class_names'])}"


def _names(names: Sequence[str]) -> str:
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    return ", ".join(_plain(name) or '""' for name in names[:MOST_NAMES]) + more


def _data(chosen: Chosen) -> Iterator[str]:
    card = chosen.order.data
    yield "## Data"
    yield ""
    examples = ", ".join(f"{name} {count:,}" for name, count in card.examples.items())
    yield f"{_code(card.source)}; examples: {examples}. Fingerprint `{card.fingerprint[:16]}`."
    if card.source.startswith("manifest:") and (label := chosen.data.columns.label):
        yield f"The model tells what train has in {', '.join(map(_code, label))}."
    yield "Means, vocabularies and categories are those of the training split. Nothing was chosen by the test split."


def _search(chosen: Chosen) -> Iterator[str]:
    study, trial = chosen.study, chosen.trial
    counts = ", ".join(f"{number} {kind}" for kind, number in chosen.counts.items() if number)
    yield "## Search"
    yield ""
    place = (
        f"place {chosen.ranked.place} of {chosen.architectures} architectures"
        if chosen.ranked is not None
        else f"not trained to the end ({trial.outcome or 'unfinished'})"
    )
    stands = {"stopped": " It was stopped before its budget was used up.", "running": " It goes on."}
    over = stands.get(chosen.state, "")
    yield f"{place[0].upper()}{place[1:]}. Trials: {counts or 'none'}, in {words.duration(study.seconds)}.{over}"
    yield ""
    yield "| choice | value |"
    yield "|---|---|"
    tuned = chosen.weights.tuned
    params = {**trial.params, **(plan_of(tuned).params if tuned is not None else {})}
    for name, value in sorted(params.items()):
        shown = f"{value:.6g}" if isinstance(value, float) else str(value)
        yield f"| {_code(name)} | {_plain(shown)} |"


def _cost(chosen: Chosen) -> Iterator[str]:
    cost = chosen.trial.cost
    yield "## Cost"
    yield ""
    memory = "unknown" if cost.memory is None else _size(cost.memory)
    yield (
        f"With its head: {_count(cost.weights)} weights, {_count(cost.macs)} multiply-accumulates and {memory} of "
        "activations an example, in float32."
    )
    for known in chosen.detail.latencies:
        figures, alone = known.latency, "" if known.alone else ", while a study ran"
        yield (
            f"- {figures.batch} at once: {figures.median_ms:.3g} ms (slowest twentieth {figures.p95_ms:.3g} ms), in "
            f"TensorFlow with {figures.threads or 'all'} threads{alone}."
        )


def _limits(chosen: Chosen) -> Iterator[str]:
    yield "## Limits"
    yield ""
    if chosen.trial.outcome != "complete":
        yield f"- The training was not completed ({chosen.trial.outcome or 'unfinished'})."
    yield "- The weights are of one training: another one of the same architecture would score a little differently."
    yield "- What is unlike the training data, the model knows nothing of; it says something all the same."
    counts = chosen.order.data.class_counts.get("train", ())
    if counts and 0 < min(counts) < max(counts) / 10:
        few = min(counts)
        yield f"- Some classes have few examples in train (the rarest {few:,}, the most frequent {max(counts):,})."
    yield "- Intended use, groups that errors would hurt, and the licence of the data: to be filled in by people."


def _versions(chosen: Chosen) -> Iterator[str]:
    yield "## Versions"
    yield ""
    session = chosen.study.sessions[-1] if chosen.study.sessions else None
    if session is not None:
        trained = ", ".join(f"{_plain(name)} {_plain(number)}" for name, number in sorted(session.versions.items()))
        trained_at = f"Trained {chosen.trial.ended:%Y-%m-%d} with" if chosen.trial.ended is not None else "Trained with"
        yield f"{trained_at} {trained}{f', commit {session.commit[:12]}' if session.commit else ''}."
    yield f"Exported with Python {sys.version.split()[0]}, {', '.join(_installed())}."


def _installed() -> Iterator[str]:
    for package in PACKAGES:
        try:
            yield f"{package} {version(package)}"
        except PackageNotFoundError:
            continue


def _plain(text: str) -> str:
    """Return `text` from a study or its data as Markdown cannot take it for more than text."""
    line = " ".join(words.clean(text).split())
    return "".join(f"\\{sign}" if sign in "\\`*[]<>|#" else sign for sign in line)


def _code(text: str) -> str:
    """Return `text` as code, in which nothing but its ends means anything, and in a table the bar."""
    return f"`{' '.join(words.clean(text).split()).replace('`', chr(39)).replace('|', chr(92) + '|')}`"


def _shape(shape: Sequence[int | None]) -> str:
    return f"({', '.join('batch' if size is None else str(size) for size in shape)})"


def _count(number: int | None) -> str:
    return "unknown" if number is None else f"{number:,}"


def _size(number: int) -> str:
    return f"{number / 2**20:.2f} MiB" if number >= 2**20 else f"{number / 2**10:.1f} KiB"

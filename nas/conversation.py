"""What the coordinator and a worker say to each other. This is the staircase of the house.

One evaluation, message by message (worker ▶ coordinator unless marked ◀)::

    ◀ Evaluate(trial, family, …)                       what to do
      Ask(name, distribution, default)  ◀ Value(x)     as often as build(hp) asks
      Built(architecture, training)     ◀ Train | Skip(reason)
      Epoch(step, metrics, seconds)     ◀ Continue | Stop
      Finished(metrics) | Failed(kind, message, traceback)    exactly one, whatever went before
      Alive()                                          a heartbeat, at any time

and the one that comes before a study::

    ◀ Prepare(data, task, …)   Prepared(card) | Failed(…)

and one that comes after it, with candidates that were built before::

    ◀ Measure(candidates, …)   Measured(latencies) | Failed(…)
    ◀ Examine(members, …)      Examined(chosen, validation, test, …) | Failed(…)

Messages are frozen dataclasses of plain values. They cross the channel as JSON, checked on arrival:
nothing is unpickled, and a channel to another machine needs nothing but text.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias, Union, get_args

from nas.architecture import Architecture, Latency
from nas.data_card import DataCard

if TYPE_CHECKING:
    from pydantic import TypeAdapter

Scalar: TypeAlias = Union[bool, int, float, str, None]
FailureKind: TypeAlias = Literal["nan", "oom", "timeout", "crash", "killed", "error", "rejected", "disk"]


@dataclass(frozen=True, slots=True)
class Distribution:
    """The values one choice may take; bounds are inclusive.

    For ``"categorical"`` only `choices` matters; for ``"int"`` and ``"float"`` the others do.
    `step` is ``None`` for a continuous float; it cannot go together with `log`.
    """

    kind: Literal["int", "float", "categorical"]
    low: float | None = None
    high: float | None = None
    step: float | None = None
    log: bool = False
    choices: tuple[Scalar, ...] = ()


# ---------------------------------------------------------------- coordinator ▶ worker


@dataclass(frozen=True, slots=True)
class Prepare:
    """Load a data source, check and split it, write it where every worker can map it."""

    data: str
    """The study file's ``[data]`` as JSON, every key of it: `nas.data.options` reads it."""
    task: str
    folder: str
    base: str
    """The folder that relative paths in a source start from."""


@dataclass(frozen=True, slots=True)
class Start:
    """An encoder that was trained in another study, to go on from: what it is, and where its weights are.

    `name` is ``"STUDY/TRIAL"``, `params` are its family's choices alone, `weights` is that trial's checkpoint.
    """

    name: str
    family: str
    params: dict[str, Scalar]
    weights: str


@dataclass(frozen=True, slots=True)
class Keep:
    """Keep the weights of the best epoch by validation metric `metric` in the file `weights`.

    Weights averaged over the last steps are validated beside those of the last step, and are told as metrics whose
    names begin with `AVERAGED`; the better of the two are kept.
    """

    metric: str
    direction: Literal["minimize", "maximize"]
    weights: str


AVERAGED = "averaged_"


@dataclass(frozen=True, slots=True)
class Evaluate:
    """Train one architecture on one data set with one seed for at most `epochs` epochs.

    `params` are answers decided beforehand (all of them for a race; none in a search).
    `checkpoint` is a file this evaluation is to keep up to date after every epoch, and to go on from
    if it is there. `horizon` is the number of epochs the learning-rate schedule is sized to.
    """

    trial: int
    family: str
    data: DataCard
    task: str
    seed: int
    epochs: int
    horizon: int
    checkpoint: str
    base: str
    params: dict[str, Scalar] | None = None
    encoders: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """For a family that joins several inputs: the families that each of them may be encoded by."""
    checkpoints: tuple[str, ...] = ()
    """For a family that begins with pretrained weights: which there are. A relative path starts from `base`."""
    start: Start | None = None
    """Where the encoder's weights come from; the coordinator answers with its params."""
    latency: bool = False
    """Whether to time the model as soon as it is built."""
    keep: Keep | None = None
    """What fine-tuning wants to have beside the last epoch."""
    dry: bool = False
    """A rehearsal: train at most a few steps, write no checkpoint."""


@dataclass(frozen=True, slots=True)
class Measure:
    """Build each of `candidates` from its params, and time them in turns on batches of so many examples."""

    candidates: tuple[Evaluate, ...]
    batches: tuple[int, ...]
    runs: int


@dataclass(frozen=True, slots=True)
class Member:
    """A trained model: how it is built, the architecture that has to come of it, the file with its weights."""

    order: Evaluate
    fingerprint: str
    weights: str


@dataclass(frozen=True, slots=True)
class Examine:
    """Measure trained models on the validation and the test split, each metric with a bootstrap interval.

    Several `members` are one ensemble: some of them are chosen, with repetition, by how well they do together on the
    validation split, in `metric`.
    """

    members: tuple[Member, ...]
    metric: str
    direction: Literal["minimize", "maximize"]
    resamples: int = 500
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Value:
    """The answer to `Ask`."""

    value: Scalar


@dataclass(frozen=True, slots=True)
class Train:
    """The answer to `Built`: go on."""


@dataclass(frozen=True, slots=True)
class Skip:
    """The answer to `Ask` or `Built`: stop here, no epoch is spent. `reason` is for people."""

    reason: str


@dataclass(frozen=True, slots=True)
class Continue:
    """The answer to `Epoch`: train another one."""


@dataclass(frozen=True, slots=True)
class Stop:
    """The answer to `Epoch`: this was the last one."""

    reason: str


@dataclass(frozen=True, slots=True)
class Close:
    """Leave. Sent to a worker that waits for work."""


# ---------------------------------------------------------------- worker ▶ coordinator


@dataclass(frozen=True, slots=True)
class Ready:
    """The worker has started and waits for work."""

    pid: int


@dataclass(frozen=True, slots=True)
class Alive:
    """A heartbeat. `rss` is the worker's memory in bytes."""

    rss: int


@dataclass(frozen=True, slots=True)
class Prepared:
    """The answer to `Prepare`."""

    card: DataCard
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Ask:
    """``build(hp)`` met a choice for the first time."""

    name: str
    distribution: Distribution
    default: Scalar


@dataclass(frozen=True, slots=True)
class Built:
    """The model is built, nothing is trained yet.

    `training` are the training choices (optimizer, batch size …) by name; ``None`` when the family trains
    the model itself, so that nobody can know them all beforehand.
    """

    architecture: Architecture
    training: dict[str, Scalar] | None
    latency: Latency | None = None


@dataclass(frozen=True, slots=True)
class Epoch:
    """Epoch `step` (from 1) is trained and evaluated. `seconds` is what it took, evaluation included.

    `replayed` marks an epoch a checkpoint remembers from an earlier attempt.
    """

    step: int
    metrics: dict[str, float]
    seconds: float
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class Finished:
    """The evaluation is over, as far as it went: the metrics of its last epoch, and measured costs.

    Every evaluation ends with this or with `Failed`, one that was skipped or stopped as well: the worker is free.
    """

    metrics: dict[str, float]


@dataclass(frozen=True, slots=True)
class Measured:
    """The answer to `Measure`: for each candidate, one for each size of batch."""

    latencies: tuple[tuple[Latency, ...], ...]


@dataclass(frozen=True, slots=True)
class Examined:
    """The answer to `Examine`. Metrics have the names that they have in a search, and a value with both ends of a 95 %
    interval.

    `counts` says how often each member was chosen. `doubtful` is the estimated share of validation labels that are
    wrong, ``None`` where that cannot be told; `suspects` are the likeliest, as `nas.data.origins` calls them.
    """

    counts: tuple[int, ...]
    validation: dict[str, tuple[float, float, float]]
    test: dict[str, tuple[float, float, float]]
    examples: int
    doubtful: float | None = None
    suspects: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Failed:
    """The evaluation broke. The pool says the same on behalf of a worker that died."""

    kind: FailureKind
    message: str
    traceback: str = ""


Order: TypeAlias = Union[Prepare, Evaluate, Measure, Examine, Value, Train, Skip, Continue, Stop, Close]
Report: TypeAlias = Union[Ready, Alive, Prepared, Ask, Built, Epoch, Finished, Measured, Examined, Failed]
Message: TypeAlias = Union[Order, Report]

_BY_NAME: dict[str, type] = {message.__name__: message for message in (*get_args(Order), *get_args(Report))}


@cache
def _adapter(message: type) -> TypeAdapter[Any]:
    from pydantic import TypeAdapter  # not at the top: whoever only reads a database has nothing to say

    return TypeAdapter(message)


def encode(message: Message) -> bytes:
    """Return `message` as one line: its name, a space, its fields as JSON (NaN and Infinity as such)."""
    from pydantic_core import to_json

    return type(message).__name__.encode() + b" " + to_json(message, inf_nan_mode="constants")


def decode(line: bytes) -> Message:
    """Return the message that `encode` made `line` of.

    Raises:
        ValueError: `line` names no message, or its fields are not that message's.
    """
    name, _, body = line.partition(b" ")
    message = _BY_NAME.get(name.decode(errors="replace"))
    if message is None:
        raise ValueError(
            f"A line of a conversation must start with one of {sorted(_BY_NAME)}. Received: {line[:80]!r}."
        )
    decoded: Message = _adapter(message).validate_json(body)
    return decoded


class Channel(Protocol):
    """Two ends of a conversation. Either side may close it; the other then gets `EOFError`."""

    def send(self, message: Message) -> None:
        """Hand `message` over. Raises `EOFError` when nobody is at the other end."""

    def receive(self, timeout: float | None = None) -> Message | None:
        """Return the next message, or ``None`` after `timeout` seconds without one."""

    def close(self) -> None:
        """Leave. Closing twice is harmless."""

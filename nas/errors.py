"""Everything this package raises on purpose.

    NASError                      exit code 1   a run failed
    ├── StudyFailed               1   every early trial failed the same way
    ├── BadInput                  2   something the user wrote cannot be used
    │   ├── StudyFileError        2   a study file, with *all* its problems
    │   ├── UnknownName           2   a name nothing is registered under
    │   ├── DataError             2   the data cannot be searched on
    │   └── FamilyError           2   a search space cannot be loaded
    ├── NotFound                  3   no such study, trial or database
    │   ├── NoSuchTrial           3
    │   ├── NoneComplete          3   nothing to rank, time, export … yet
    │   └── WeightsNotKept        3
    ├── Conflict                  4   it exists, or somebody holds it
    │   ├── StudyExists           4
    │   ├── StudyRunning          4   a living process holds the lease
    │   ├── StudyChanged          4   space, data or versions differ from the stored ones
    │   └── ChoicesChanged        4   families ask for other values than the trials so far were asked
    ├── StorageError              5   unreadable, full, locked, or of a newer schema
    │   └── DiskFull              5   no space for weights; everything saved so far is there
    └── Interrupted               6 / 130 / 143   stopped early, everything saved

A message says what came, what was expected and what to do next. The command
line prints it and leaves with ``exit_code``; the data of the error are attributes.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence


class NASError(Exception):
    """The root: catch it to catch everything this package raises on purpose."""

    exit_code = 1


class StudyFailed(NASError):
    """The study was stopped because its first trials all failed in the same way."""


class BadInput(NASError):
    """Something the user wrote cannot be used as it is."""

    exit_code = 2


class StudyFileError(BadInput):
    """A study file with one or more problems; ``problems`` holds every one of them."""

    def __init__(self, path: str, problems: Sequence[str]) -> None:
        self.path = path
        self.problems = tuple(problems)
        count = plural(len(self.problems), "problem")
        super().__init__(f"{path}: {count}\n" + "\n".join(f"  {problem}" for problem in self.problems))


class UnknownName(BadInput):
    """A name that nothing is registered under, with the nearest one that is."""

    def __init__(self, kind: str, name: str, known: Iterable[str], *, also: str = "") -> None:
        self.kind, self.name, self.known = kind, name, tuple(sorted(known))
        super().__init__(
            f"No {kind} is named {name!r}.{did_you_mean(name, self.known)} "
            f"Known: {', '.join(self.known) or 'none'}.{' ' + also if also else ''}"
        )


class DataError(BadInput):
    """The data of a study cannot be searched on: what is wrong, where, and the remedy."""


class FamilyError(BadInput):
    """A search space cannot be loaded, or is not a KerasTuner ``HyperModel``."""


class NotFound(NASError):
    """No such study, trial or database."""

    exit_code = 3


class NoSuchTrial(NotFound):
    """A study has no trial of that number; it has `trials` of them."""

    def __init__(self, study: str, number: int, trials: int) -> None:
        there = f"They are numbered 0 to {trials - 1}." if trials else "It has none yet."
        super().__init__(f"{study!r} has no trial {number}. {there}")


class NoneComplete(NotFound):
    """A study has no complete trial, and without one there is nothing to do something with; `so` says what."""

    def __init__(self, study: str, so: str) -> None:
        super().__init__(f"No trial of {study!r} is complete yet: {so}")


class WeightsNotKept(NotFound):
    """The weights of a trial were deleted, or never written; those of the trials `kept` are there.

    `remedy` is a sentence about what gives weights again.
    """

    def __init__(self, study: str, number: int, kept: Iterable[int], remedy: str) -> None:
        there = ", ".join(map(str, kept)) or "none"
        super().__init__(
            f"The weights of trial {number} of {study!r} are not kept: those of the best trials of the search are. "
            f"Kept: {there}. {remedy}".rstrip()
        )


class Conflict(NASError):
    """What was asked for collides with what is there."""

    exit_code = 4


class StudyExists(Conflict):
    """A study of that name is in the database already."""

    def __init__(self, name: str, storage: str, *, changed: bool = False) -> None:
        self.name = name
        super().__init__(
            f"A study named {name!r} is in {storage} already. Continue it with `nas resume {name}`, "
            "or give this one another `name` in its study file."
            + (
                " The file has changed since: a study that is resumed keeps to the file it began with."
                if changed
                else ""
            )
        )


class StudyRunning(Conflict):
    """Another living process runs this study."""

    def __init__(self, name: str, pid: int, host: str) -> None:
        self.name, self.pid, self.host = name, pid, host
        super().__init__(
            f"Study {name!r} is being run by process {pid} on {host}. "
            f"Watch it with `nas status {name} --watch`, or stop that process first (Ctrl-C there saves everything)."
        )


class StudyChanged(Conflict):
    """What the study stands on is not what its last session stood on.

    ``differences`` maps "space", "data" or "versions" to one line that shows the old and the new.
    """

    def __init__(self, name: str, differences: dict[str, str]) -> None:
        self.name, self.differences = name, dict(differences)
        lines = "\n".join(f"  {what}: {difference}" for what, difference in self.differences.items())
        super().__init__(
            f"Study {name!r} would go on with something else than its last session had:\n{lines}\n"
            "Scores from before and after could not be compared. Restore the old state, start a new study, or go on "
            f"all the same: the same command with --allow-changed {','.join(self.differences)}."
        )


class ChoicesChanged(Conflict):
    """What the families of a study ask for is not what its trials so far were asked: it cannot go on like that.

    ``differences`` maps the name of a choice to one line that shows the old and the new values.
    """

    def __init__(self, name: str, differences: dict[str, str]) -> None:
        self.name, self.differences = name, dict(differences)
        lines = "\n".join(f"  {choice}: {difference}" for choice, difference in self.differences.items())
        super().__init__(
            f"Study {name!r} cannot go on: its families ask for other things than its trials so far were asked.\n"
            f"{lines}\n"
            "In one study a choice has the same values in all trials, or nothing could be learned from them. Restore "
            "the code as it was, or give the study file another `name` and launch it as a new study; that one begins "
            f"with the best encoder of this one where it has start_from = {name!r} under [space], in place of families."
        )


class StorageError(NASError):
    """The database cannot be read or written."""

    exit_code = 5


class DiskFull(StorageError):
    """There is no space left for what a training has to keep. Nobody's candidate is to blame: it is gone on with."""

    def __init__(self, whose: str, folder: object, go_on: str = "") -> None:
        self.whose, self.folder = whose, folder
        after = f", then go on with `{go_on}`" if go_on else ", then go on"
        super().__init__(
            f"There is no space left in {folder} for the weights of {whose}. Nothing that was saved is lost: make "
            f"room{after}."
        )


class Interrupted(NASError):
    """A study was stopped before its budget was used up; everything is saved.

    ``exit_code`` is 130 after Ctrl-C, 143 after a second SIGTERM, 6 where the stop was orderly.
    """

    def __init__(self, message: str, exit_code: int) -> None:
        self.exit_code = exit_code
        super().__init__(message)


def plural(number: int, one: str, many: str | None = None) -> str:
    """Return "1 trial", "2 trials"."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return ``" Did you mean 'x'?"`` for the nearest of `known`, or an empty string."""
    near = nearest(name, known)
    return "" if near is None else f" Did you mean {near!r}?"


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the one of `known` that `name` is most likely a misspelling of, or ``None``."""
    near = difflib.get_close_matches(name, list(known), n=1)
    return near[0] if near else None

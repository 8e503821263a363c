"""What is to be said about a study as a whole: pure functions on its record."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nas.ranking import Ranked, best_first, places_of, ranking_of
from nas.store.evaluation_records import EvaluationRecord, LookRecord
from nas.store.records import StudyRecord, can_be_fine_tuned, is_exhausted, spent, state, used_up

if TYPE_CHECKING:
    from nas.store.engine import Source


def was_killed(study: StudyRecord) -> bool:
    """Whether the last session had no time to say how it ended."""
    return study.running is None and bool(study.sessions) and study.sessions[-1].ended is None


def killed(study: StudyRecord) -> str:
    """Return what is to be said where the last session was killed: what goes on with it, as its ending would have."""
    session = study.sessions[-1]
    told = "everything it had saved is kept"
    match session.command.split()[1:2]:
        case ["finetune"]:
            return f"the last session was killed while it fine-tuned; {told}. Go on with `{session.command}`."
        case ["race"]:  # how many of its trainings are left it had no time to say
            return f"the last session was killed while it raced; {told}"
    if study.file is None or state(study) != "stopped":
        return f"the last session was killed; {told}"
    return f"the last session was killed; {told}. Go on with `nas resume {shlex.quote(study.name)}`."


def seconds_left(study: StudyRecord) -> float | None:
    """Return how long a running study still takes at its pace so far; ``None`` where there is no telling."""
    if study.running is None:
        return None
    by_clock = None if study.hours_budget is None else max(0.0, 3600 * study.hours_budget - study.seconds)
    done = spent(study.counts) - study.counts.get("running", 0) + min(study.raced, study.race_budget)
    if study.trials_budget is None or done < 2:
        return by_clock
    by_pace = max(0, study.trials_budget - done) * study.seconds / done
    return by_pace if by_clock is None else min(by_pace, by_clock)


def leader(source: Source, study: StudyRecord) -> Ranked | None:
    """Return the architecture of `study` that ranks first, or ``None`` before one is complete."""
    from nas.store import queries

    trials, evaluations = queries.trials(source, study.id), queries.evaluations(source, study.id)
    ranked: list[Ranked] = ranking_of(study, trials, evaluations)
    return ranked[0] if ranked else None


@dataclass(frozen=True, slots=True)
class FineTuned:
    """What fine-tuning has come to so far: trainings that are over, the best of them, and the last look at it.

    `looks` is how often its architecture was measured on the test split.
    """

    trainings: int
    best: EvaluationRecord | None
    look: LookRecord | None
    looks: int


def fine_tuned(source: Source, study: StudyRecord) -> FineTuned | None:
    """Return what `study` was fine-tuned to; ``None`` where it was not."""
    from nas.store import queries

    evaluations = queries.evaluations(source, study.id)
    over = [one for one in evaluations if one.purpose == "finetune" and one.outcome]
    if not over:
        return None
    places = places_of(ranking_of(study, queries.trials(source, study.id), evaluations))
    best = next(iter(best_first(over, places, study.directions[0])), None)
    looks = [look for look in queries.looks(source, study.id) if best is not None and look.trial == best.trial]
    own = [look for look in looks if best is not None and look.evaluation == best.number]
    return FineTuned(len(over), best, own[-1] if own else None, len(looks))


def next_commands(study: StudyRecord, leader: Ranked | None, failed: int | None = None) -> list[tuple[str, str]]:
    """Return ``(command, what for)`` of what makes sense now.

    Where nothing but failures has come out, they are first: there is no use in going on before their cause is mended.
    `failed` is a trial to look at where all causes have been told already.
    """
    name = shlex.quote(study.name)
    commands = []
    if leader is None and (study.counts.get("failed") or study.counts.get("rejected")):
        why = (f"nas show {name}", "why the trials failed")
        commands.append(why if failed is None else (f"nas show {name} {failed}", "how this one failed, in full"))
    match state(study):
        case "running":
            commands.append((f"nas status {name} --watch", "follow it"))
        case "stopped" if study.file is not None:
            commands.append((f"nas resume {name}", "go on with it"))
        case "finished" if study.file is not None and not is_exhausted(study):
            more = {"trials": f"{2 * (study.trials_budget or 0)}", "hours": f"{2 * (study.hours_budget or 0):g}"}
            raised = "".join(f" --{budget} {more[budget]}" for budget in used_up(study))
            commands.append((f"nas resume {name}{raised}", "search on"))
            if leader is not None and leader.trust is None and study.counts.get("complete", 0) > 1:
                commands.append((f"nas race {name}", "train the best again with new seeds"))
    if leader is None:
        if is_exhausted(study):  # going on tries nothing else: its file has to change, which is another study
            commands.append((f"nas delete {name}", "make room for it to be launched with a mended file"))
        return commands
    # While a study goes on its workers are in the way; without its file nothing can be built again.
    alone = state(study) == "finished" and study.file is not None
    if state(study) == "finished" and can_be_fine_tuned(study):
        commands.append((f"nas finetune {name}", "train the best to the end"))
    return [
        *commands,
        (f"nas show {name} {leader.trial.number}", "the best one, layer by layer"),
        (f"nas rank {name}", "all of them in order"),
        *([(f"nas latency {name}", "how long the best take here")] if alone else []),
        (f"nas report {name}", "one page with everything"),
    ]

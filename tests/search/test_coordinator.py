"""The coordinator against workers that only pretend: who is trained, who is not, and what is told to whom."""

import math
import sqlite3
from functools import partial
from pathlib import Path
from zlib import crc32

import optuna
import pytest
from optuna.trial import TrialState

from nas import catalogue
from nas.architecture import Architecture, Cost
from nas.conversation import Alive, Ask, Built, Distribution, Epoch, Failed, Finished
from nas.errors import DiskFull, StudyFailed
from nas.search.budget import EXHAUSTED_AFTER
from nas.search.pool.simulated import SimulatedPool
from nas.search.pruning import SPARED, SPARED_AT
from nas.search.race import racers
from nas.store import queries
from nas.store.engine import reading_from
from nas.store.storage import load_study
from nas.training.tasks.classification import Classification
from tests.search.scripts import Killed, look, noisy, quadratic, run, study_of


def trials_of(folder: Path) -> list[optuna.trial.FrozenTrial]:
    return load_study("toy", str(folder / "nas.db")).get_trials()


def test_a_study_spends_its_budget_and_no_more(tmp_path):
    finished = run(tmp_path, study_of(trials=9), workers=3)
    assert finished.stopped is None
    assert [trial.state for trial in trials_of(tmp_path)] == [TrialState.COMPLETE] * 9
    assert finished.coordinator.standing().best == max(trial.value for trial in trials_of(tmp_path))


def test_the_first_trials_are_the_families_defaults(tmp_path):
    run(tmp_path, study_of(trials=4))
    first, second, *_ = trials_of(tmp_path)
    assert first.params == {"family": "cnn", "x": 0.5}
    assert second.params == {"family": "mlp", "x": 0.5}


@pytest.mark.parametrize("strategy", list(catalogue.strategies))
def test_same_file_and_seed_give_the_same_trials(tmp_path, strategy):
    def params(folder: Path, seed: int) -> list[dict[str, object]]:
        folder.mkdir()
        run(folder, study_of(strategy=strategy, trials=16, seed=seed))
        return [trial.params for trial in trials_of(folder)]

    assert params(tmp_path / "a", 1) == params(tmp_path / "b", 1)
    assert params(tmp_path / "a2", 1) != params(tmp_path / "c", 2)


@pytest.mark.parametrize("strategy", ["random", "auto"])
def test_an_interrupted_study_goes_on_as_if_it_had_not_been(tmp_path, strategy):
    whole, halves = tmp_path / "whole", tmp_path / "halves"
    whole.mkdir(), halves.mkdir()
    study = study_of(strategy=strategy, trials=14)
    run(whole, study)
    run(halves, study, stop=lambda watcher: "Ctrl-C" if len(watcher.outcomes) >= 6 else None)
    assert len([trial for trial in trials_of(halves) if trial.state.is_finished()]) < 14
    run(halves, study, fresh=False)
    assert [trial.params for trial in trials_of(halves)] == [trial.params for trial in trials_of(whole)]
    assert [trial.values for trial in trials_of(halves)] == [trial.values for trial in trials_of(whole)]


def test_stopping_finishes_the_epoch_and_keeps_the_trial(tmp_path):
    study = study_of(trials=5, epochs=4)
    first = run(tmp_path, study, stop=lambda watcher: "Ctrl-C" if len(watcher.epochs) >= 2 else None)
    assert first.stopped == "Ctrl-C"
    assert [trial.state for trial in trials_of(tmp_path)] == [TrialState.RUNNING]
    second = run(tmp_path, study, fresh=False)
    assert second.watcher.begun[0] == (0, True)
    assert (0, 1) not in second.watcher.epochs  # told before: a repeated report changes nothing
    assert [trial.state for trial in trials_of(tmp_path)] == [TrialState.COMPLETE] * 5


def test_pruned_trials_keep_their_curve_and_their_last_value(tmp_path):
    run(tmp_path, study_of(pruner="asha", trials=20, epochs=9))
    pruned = [trial for trial in trials_of(tmp_path) if trial.state == TrialState.PRUNED]
    assert pruned
    for trial in pruned:
        assert trial.last_step < 9
        assert trial.value == trial.intermediate_values[trial.last_step]
    assert not [trial for trial in pruned if trial.number < 2]  # the families' defaults are trained to their end


def test_nothing_is_pruned_while_the_task_says_that_scores_are_silent(tmp_path, monkeypatch):
    (tmp_path / "soon").mkdir(), (tmp_path / "late").mkdir()
    run(tmp_path / "soon", study_of(pruner="asha", trials=20, epochs=12))
    monkeypatch.setattr(Classification, "silent", 0.5)
    run(tmp_path / "late", study_of(pruner="asha", trials=20, epochs=12))
    first = {
        name: min(trial.last_step for trial in trials_of(tmp_path / name) if trial.state == TrialState.PRUNED)
        for name in ("soon", "late")
    }
    assert first == {"soon": 2, "late": 6}


def drawn(seed: int, number: int) -> bool:
    return crc32(f"spared {seed} {number}".encode()) / 2**32 < SPARED


def spared(folder: Path) -> list[tuple[int, str]]:
    return [
        (event.trial, event.message) for event in look(f"sqlite:///{folder / 'nas.db'}")[3] if event.kind == "spared"
    ]


def test_a_few_that_would_be_pruned_run_on_the_same_ones_each_time(tmp_path):
    study = study_of(pruner="asha", trials=50, epochs=8, seed=4)
    (tmp_path / "once").mkdir(), (tmp_path / "parts").mkdir()
    run(tmp_path / "once", study)
    run(tmp_path / "parts", study, stop=lambda watcher: "Ctrl-C" if (11, 4) in watcher.epochs else None)
    assert trials_of(tmp_path / "parts")[11].state == TrialState.RUNNING  # cut off after it had been spared
    run(tmp_path / "parts", study, fresh=False)
    told = spared(tmp_path / "once")
    assert [number for number, _ in told] == [11, 15, 48]
    assert spared(tmp_path / "parts") == told  # once each, also for the one that was cut off
    for folder in (tmp_path / "once", tmp_path / "parts"):
        for trial in trials_of(folder):
            assert trial.state == TrialState.COMPLETE or not drawn(4, trial.number)
            assert (SPARED_AT in trial.system_attrs) == (trial.number in (11, 15, 48))
    assert {message for _, message in told} <= {
        f"would have been pruned after epoch {epoch}; it runs on" for epoch in range(1, 8)
    }


def test_nobody_is_spared_whom_nobody_would_have_pruned(tmp_path):
    run(tmp_path, study_of(pruner="none", trials=16, epochs=2, seed=4))
    assert spared(tmp_path) == []


def test_three_in_a_hundred_are_spared():
    number = sum(drawn(seed, trial) for seed in range(100) for trial in range(1000))
    assert number / 100_000 == pytest.approx(SPARED, rel=0.1)


@pytest.mark.parametrize("pruner", list(catalogue.pruners))
def test_every_pruner_leaves_somebody_alive(tmp_path, pruner):
    run(tmp_path, study_of(pruner=pruner, strategy="tpe", trials=24, epochs=9), workers=3)
    states = [trial.state for trial in trials_of(tmp_path)]
    assert states.count(TrialState.COMPLETE) >= 2
    assert states.count(TrialState.COMPLETE) + states.count(TrialState.PRUNED) == 24
    assert (TrialState.PRUNED in states) == (pruner not in ("none", "patient"))  # these curves never stop rising


@pytest.mark.parametrize("strategy", ["random", "tpe", "evolution"])
@pytest.mark.parametrize("pruner", ["none", "median", "asha", "patient"])
def test_pruning_goes_on_with_two_objectives(tmp_path, pruner, strategy):
    rest = '[objective]\nmaximize = "val_accuracy"\nminimize = "weights"'
    run(tmp_path, study_of(pruner=pruner, strategy=strategy, trials=24, epochs=6, rest=rest))
    complete = [trial for trial in trials_of(tmp_path) if trial.state == TrialState.COMPLETE]
    assert complete
    assert all(len(trial.values) == 2 and trial.values[1] == 100 for trial in complete)


def test_over_the_limit_no_epoch_is_spent_and_the_sampler_hears_of_it(tmp_path):
    def heavy(order):
        return (yield from quadratic(order, weights=100 if order.family == "mlp" else 5000))

    finished = run(tmp_path, study_of(trials=6, rest="[limits]\nweights = 1000"), heavy)
    rejected = [number for number, _, kind in finished.watcher.outcomes if kind == "rejected"]
    assert rejected
    trials = trials_of(tmp_path)
    for number in rejected:
        assert trials[number].state == TrialState.PRUNED  # FAIL would teach the sampler nothing
        assert trials[number].constraints == {"weights": 4.0}
        assert not trials[number].intermediate_values
    assert {trial.constraints["weights"] for trial in trials if trial.state == TrialState.COMPLETE} == {-0.9}
    assert len([trial for trial in trials if trial.state == TrialState.COMPLETE]) == 6  # the rejected were free


def test_a_duplicate_is_replayed_and_a_small_space_ends_the_study(tmp_path):
    finished = run(tmp_path, study_of(trials=100), partial(quadratic, grid=3), workers=2)
    assert finished.stopped is None
    assert finished.coordinator.exhausted
    trained = {number for number, _ in finished.watcher.epochs}
    assert len(trained) == 6  # two families, three points
    trials = trials_of(tmp_path)
    by_params = {}
    for trial in trials:
        by_params.setdefault(tuple(sorted(trial.params.items())), set()).add(trial.value)
    assert all(len(values) == 1 for values in by_params.values())
    assert len(trials) - len(trained) >= EXHAUSTED_AFTER


def test_a_duplicate_of_a_running_trial_waits_for_it(tmp_path):
    study = study_of(trials=8, epochs=5)
    finished = run(tmp_path, study, lambda order: quadratic(order, grid=1), workers=4)
    assert {trial.state for trial in trials_of(tmp_path)} == {TrialState.COMPLETE}
    assert len({number for number, _ in finished.watcher.epochs}) == 2  # one of each family


def test_a_duplicate_never_waits_for_a_duplicate(tmp_path):
    """The one built first is the original, whatever its number; also for who comes back after a kill."""

    def candidate(order):
        if order.trial == 2:
            for _ in range(3):
                yield Alive(0)  # slower to build than trial 3
        yield Built(
            Architecture("same" if order.trial >= 2 else str(order.trial), (), Cost(1, 1, 1)), {"batch_size": 1}
        )
        if order.trial == 3 and not killed:
            yield Alive(0)
            yield Alive(0)
            killed.append(True)
            raise Killed
        yield Epoch(1, {"val_accuracy": 0.5}, 0.1)
        yield Finished({"val_accuracy": 0.5})

    killed = []
    study = study_of(trials=4, epochs=1)
    assert run(tmp_path, study, candidate, workers=2).stopped == "killed"
    run(tmp_path, study, candidate, workers=2, fresh=False)
    assert {trial.state for trial in trials_of(tmp_path)} == {TrialState.COMPLETE}


def test_other_training_choices_are_no_duplicate(tmp_path):
    def candidate(order):
        yield Built(Architecture("same", (), Cost(1, 1, 1)), {"batch_size": order.trial})
        yield Epoch(1, {"val_accuracy": 0.5}, 0.1)
        yield Finished({"val_accuracy": 0.5})

    assert len(run(tmp_path, study_of(trials=5, epochs=1), candidate).watcher.epochs) == 5


def test_an_architecture_nobody_can_see_into_is_no_duplicate(tmp_path):
    def candidate(order):
        yield Built(Architecture("same", (), Cost(1, 1, 1), opaque=True), {"batch_size": 32})
        yield Epoch(1, {"val_accuracy": 0.5}, 0.1)
        yield Finished({"val_accuracy": 0.5})

    assert len(run(tmp_path, study_of(trials=5, epochs=1), candidate).watcher.epochs) == 5


@pytest.mark.parametrize("kind", ["nan", "oom", "timeout", "crash", "error"])
def test_one_failure_is_one_outcome(tmp_path, kind):
    def candidate(order):
        if order.trial == 2:
            yield Failed(kind, "it broke", "Traceback …")
        else:
            yield from quadratic(order)

    finished = run(tmp_path, study_of(trials=5), candidate)
    assert (2, "failed", kind) in finished.watcher.outcomes
    states = [trial.state for trial in trials_of(tmp_path)]
    assert states.count(TrialState.COMPLETE) == 4
    assert states[2] == TrialState.FAIL


def test_a_full_disk_ends_the_session_and_the_trial_goes_on(tmp_path):
    def candidate(order):
        if order.trial == 2:
            yield Ask("x", Distribution("float", low=0.0, high=1.0), 0.5)
            yield Failed("disk", "OSError: [Errno 28] No space left on device")
        yield from quadratic(order)

    with pytest.raises(DiskFull, match=r"for the weights of trial 2\. Nothing that was saved is lost"):
        run(tmp_path, study_of(trials=4), candidate)
    assert [trial.state for trial in trials_of(tmp_path)] == [TrialState.COMPLETE] * 2 + [TrialState.RUNNING]
    run(tmp_path, study_of(trials=4), fresh=False)
    assert [trial.state for trial in trials_of(tmp_path)] == [TrialState.COMPLETE] * 4


def test_failing_alike_from_the_start_ends_the_study_with_the_cause(tmp_path):
    def candidate(order):
        yield Failed("error", "ValueError: the labels are upside down", "Traceback: here")

    with pytest.raises(StudyFailed, match="upside down") as failed:
        run(tmp_path, study_of(trials=50), candidate)
    assert "Traceback: here" in str(failed.value)
    assert "nas resume toy" in str(failed.value)
    assert len(trials_of(tmp_path)) == 5


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_metric_that_is_not_finite_is_failed_nan(tmp_path, value):
    def candidate(order):
        if order.trial != 1:
            return (yield from quadratic(order))
        yield Built(Architecture("n", (), Cost(1, 1, 1)), {"batch_size": 1})
        yield Epoch(1, {"val_accuracy": value}, 0.1)
        yield Finished({})

    assert (1, "failed", "nan") in run(tmp_path, study_of(trials=4), candidate).watcher.outcomes


def test_a_missing_objective_says_what_there_is(tmp_path):
    def candidate(order):
        yield Built(Architecture(f"m{order.trial}", (), Cost(1, 1, 1)), {"batch_size": 1})
        yield Epoch(1, {"val_acc": 0.5}, 0.1)
        yield Finished({})

    with pytest.raises(StudyFailed, match=r"no 'val_accuracy'.*val_acc"):
        run(tmp_path, study_of(trials=9), candidate)


def test_a_killed_worker_is_tried_again_but_not_for_ever(tmp_path):
    tries = []

    def candidate(order):
        tries.append(order.trial)
        if order.trial == 3 or (order.trial == 2 and tries.count(2) < 3):
            yield Failed("killed", "The worker was ended by SIGKILL.")
        else:
            yield from quadratic(order)

    finished = run(tmp_path, study_of(trials=5), candidate)
    assert (2, "complete", None) in finished.watcher.outcomes
    assert (3, "failed", "killed") in finished.watcher.outcomes
    assert tries.count(3) == 3


def test_a_name_asked_in_two_ways_is_the_candidates_fault(tmp_path):
    def candidate(order):
        choices = (1, 2) if order.trial < 2 else (1, 2, 3)
        yield Ask("k", Distribution("categorical", choices=choices), 1)
        yield from quadratic(order)

    finished = run(tmp_path, study_of(trials=4), candidate)
    assert [kind for _, outcome, kind in finished.watcher.outcomes if outcome == "failed"] == ["error", "error"]


@pytest.mark.parametrize(("seed", "top", "expected"), [(0, 3, 10), (1, 3, 10), (0, 14, 14)])
def test_only_the_best_weights_are_kept_and_of_those_that_are_raced(tmp_path, seed, top, expected):
    def candidate(order):
        path = Path(order.checkpoint)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"weights")
        yield from quadratic(order)

    run(tmp_path, study_of(trials=25, seed=seed, rest=f"[race]\ntop = {top}"), candidate)
    best = sorted(trials_of(tmp_path), key=lambda trial: -trial.value)[:expected]
    kept = {int(path.stem.split("-")[1]) for path in tmp_path.rglob("trial-*.npz")}
    assert kept == {0, *(trial.number for trial in best)}  # the first default is in the race as well


def test_who_is_raced_keeps_its_weights_where_architectures_are_trained_several_times(tmp_path):
    def candidate(order):
        path = Path(order.checkpoint)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"weights")
        x = yield Ask("x", Distribution("float", low=0.0, high=1.0), 0.5)
        share = x.value  # of twenty architectures the better ones are trained again and again, each time otherwise
        yield Built(Architecture(f"net-{int(20 * share**3)}", (), Cost(100, 1000, 10)), {"rate": share})
        for step in range(1, order.epochs + 1):
            yield Epoch(step, {"loss": 1.0, "val_accuracy": 1.0 - share, "val_loss": 1.0}, 0.01)
        yield Finished({})

    study = study_of(trials=60)
    run(tmp_path, study, candidate, trials=30)
    run(tmp_path, study, candidate, fresh=False)
    with reading_from(f"sqlite:///{tmp_path / 'nas.db'}") as connection:
        trials = queries.trials(connection, 1)
    raced = racers(trials, study, study.race.top)
    best = sorted(trials, key=lambda trial: -trial.values[0])[:10]
    assert not {trial.number for trial in raced} <= {0, *(trial.number for trial in best)}
    kept = {int(path.stem.split("-")[1]) for path in tmp_path.rglob("trial-*.npz")}
    assert kept == {0, *(trial.number for trial in best), *(trial.number for trial in raced)}


def test_of_several_objectives_the_whole_frontier_keeps_its_weights(tmp_path):
    def candidate(order):
        path = Path(order.checkpoint)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"weights")
        yield from noisy(order, sigma=0.0, peak=1.0)  # more x, better and heavier: most are on the frontier

    rest = '[objective]\nmaximize = "val_accuracy"\nminimize = "weights"\n[race]\ntop = 2'
    study = study_of(trials=30, rest=rest)
    run(tmp_path, study, candidate, trials=20)
    run(tmp_path, study, candidate, fresh=False)
    trials = trials_of(tmp_path)
    front = {
        one.number
        for one in trials
        if not any(
            other.values != one.values and other.values[0] >= one.values[0] and other.values[1] <= one.values[1]
            for other in trials
        )
    }
    assert 10 < len(front) < 30
    best = sorted(trials, key=lambda trial: -trial.values[0])[:10]
    kept = {int(path.stem.split("-")[1]) for path in tmp_path.rglob("trial-*.npz")}
    assert kept == {0, *(trial.number for trial in best), *front}


def test_hours_are_counted_over_all_sessions(tmp_path):
    study = study_of(trials=50)
    hours = study.model_copy(update={"search": study.search.model_copy(update={"hours": 1.0})})
    assert run(tmp_path, study, stop=lambda watcher: "Ctrl-C" if watcher.outcomes else None).stopped == "Ctrl-C"
    with sqlite3.connect(tmp_path / "nas.db") as connection:
        connection.execute("update session set started = datetime(started, '-2 hours')")
    connection.close()
    begun = len(trials_of(tmp_path))
    finished = run(tmp_path, hours, fresh=False)
    assert finished.stopped == "hours"
    assert len(trials_of(tmp_path)) == begun


def two_choices(order):
    yield Ask(f"{order.family}/a", Distribution("float", low=0.0, high=1.0), 0.5)
    yield Ask(f"{order.family}/b", Distribution("int", low=1, high=1000, step=1), 5)
    yield from quadratic(order)


def test_what_a_trial_draws_does_not_depend_on_how_many_workers_there_are(tmp_path):
    params = []
    for workers in (1, 3):
        folder = tmp_path / str(workers)
        folder.mkdir()
        run(folder, study_of(strategy="random", trials=12), two_choices, workers=workers)
        params.append([trial.params for trial in trials_of(folder)])
    assert params[0] == params[1]


@pytest.mark.parametrize("strategy", list(catalogue.strategies))
def test_every_strategy_varies_the_params_of_every_family(tmp_path, strategy):
    run(tmp_path, study_of(strategy=strategy, trials=24), two_choices, workers=2)
    for family in ("cnn", "mlp"):
        drawn = [trial.params[f"{family}/b"] for trial in trials_of(tmp_path) if trial.params["family"] == family]
        assert len(set(drawn)) > max(2, len(drawn) // 2)


def test_a_trial_cut_while_it_was_built_is_asked_the_same_again(tmp_path):
    def candidate(order):
        yield Ask("a", Distribution("float", low=0.0, high=1.0), 0.5)
        if order.trial == 4 and not killed and len(folders) == 2:
            killed.append(True)
            raise Killed
        yield Ask("b", Distribution("float", low=0.0, high=1.0), 0.5)
        yield from quadratic(order)

    killed, folders = [], []
    for name in ("whole", "cut"):
        folders.append(tmp_path / name)
        folders[-1].mkdir()
        run(folders[-1], study_of(trials=6), candidate)
    run(folders[1], study_of(trials=6), candidate, fresh=False)
    assert killed
    whole, cut = ([trial.params for trial in trials_of(folder)] for folder in folders)
    assert whole == cut


def test_pruning_starts_where_the_curve_is_known_to(tmp_path):
    study = study_of(trials=8, epochs=6)
    run(tmp_path, study, stop=lambda watcher: "Ctrl-C" if (6, 4) in watcher.epochs else None)
    run(tmp_path, study_of(trials=8, epochs=6, pruner="median"), fresh=False)
    for trial in trials_of(tmp_path):
        assert sorted(trial.intermediate_values) == list(range(1, trial.last_step + 1))
        assert trial.value == trial.intermediate_values[trial.last_step]
    assert trials_of(tmp_path)[6].last_step >= 4


def test_an_exhausted_space_is_exhausted_when_it_is_resumed(tmp_path):
    study = study_of(trials=100)
    run(tmp_path, study, partial(quadratic, grid=2))
    before = len(trials_of(tmp_path))
    assert run(tmp_path, study, partial(quadratic, grid=2), fresh=False).coordinator.exhausted
    assert len(trials_of(tmp_path)) == before


def test_failing_alike_is_noticed_again_when_it_is_resumed(tmp_path):
    def candidate(order):
        yield Failed("error", "ValueError: upside down", "Traceback")

    for expected in (5, 6):
        with pytest.raises(StudyFailed):
            run(tmp_path, study_of(trials=50), candidate, fresh=expected == 5)
        assert len(trials_of(tmp_path)) == expected


def test_a_verdict_stands_also_when_the_worker_breaks_after_it(tmp_path):
    def candidate(order):
        yield Built(Architecture(f"n{order.trial}", (), Cost(5000 if order.trial == 3 else 1, 1, 1)), {"batch_size": 1})
        yield Epoch(1, {"val_accuracy": 0.5}, 0.1)
        yield Finished({"val_accuracy": 0.5})

    class Breaking(SimulatedPool):
        def messages(self, timeout):
            for worker, message in super().messages(timeout):
                broken = isinstance(message, Finished) and not message.metrics
                yield worker, Failed("crash", "broke while it was skipped") if broken else message

    finished = run(tmp_path, study_of(trials=5, epochs=1, rest="[limits]\nweights = 100"), candidate, pool=Breaking)
    assert (3, "failed", "rejected") in finished.watcher.outcomes


def test_an_old_checkpoint_of_another_study_is_not_gone_on_with(tmp_path):
    seen = []

    def candidate(order):
        seen.append(Path(order.checkpoint).exists())
        yield from quadratic(order)

    old = tmp_path / "nas.files" / "study-1" / "trial-0.npz"
    old.parent.mkdir(parents=True)
    old.write_bytes(b"of a database that was deleted")
    run(tmp_path, study_of(trials=2), candidate)
    assert seen == [False, False]


def test_raising_the_total_goes_on(tmp_path):
    run(tmp_path, study_of(trials=4))
    run(tmp_path, study_of(trials=4), fresh=False)
    assert len(trials_of(tmp_path)) == 4
    run(tmp_path, study_of(trials=4), fresh=False, trials=6)
    assert len(trials_of(tmp_path)) == 6

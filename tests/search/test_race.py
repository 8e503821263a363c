"""The race that ends a study, and `nas race`: who is trained again, how often, and what a stop leaves."""

from __future__ import annotations

import signal
import sqlite3
from collections import Counter
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from nas.architecture import Architecture, Cost
from nas.conversation import Built, Evaluate, Failed
from nas.ranking import rank
from nas.ranking.trusted import BETWEEN
from nas.search.budget import Budget
from nas.search.files import StudyFiles
from nas.search.race import RaceJobs, race_size
from nas.search.stopping import StopSignals
from nas.store.evaluation_records import EvaluationRecord
from nas.store.ledger import Ledger
from nas.store.records import spent, state
from nas.study_file import Study
from tests.search.scripts import CARD, Killed, Log, noisy, session, study_of, whole

RACE = "[race]\nshare = 0.3"
NONE = "[race]\nshare = 0"


def trained(races: list[EvaluationRecord]) -> list[tuple[int, int]]:
    """Which trial was trained with which seed, of those that are over."""
    return [(record.trial, record.seed) for record in races if record.outcome is not None]


def jobs_of(folder: Path, study: Study, budget: int | None, clock: list[float] | None = None) -> RaceJobs:
    """The race of a study that ended, with a clock to turn."""
    ledger = Ledger.open(f"sqlite:///{folder / 'nas.db'}", study.name, session())
    files = StudyFiles(folder / "nas.files", ledger.record.id)
    left = (lambda: None) if clock is None else lambda: clock[0]
    return RaceJobs(study, ledger, card=CARD, files=files, base=str(folder), budget=budget, seconds_left=left)


def without_trials() -> Study:
    study = study_of()
    return study.model_copy(update={"search": study.search.model_copy(update={"trials": None})})


# ------------------------------------------------------------------------------------------- the budget


@pytest.mark.parametrize(
    ("trials", "share", "size"),
    [(48, 0.15, 7), (100, 0.15, 15), (20, 0.15, 3), (19, 0.15, 0), (6, 0.5, 3), (100, 0.0, 0), (10, 0.3, 3)],
)
def test_a_race_is_a_share_of_the_trials_where_that_is_enough_to_tell_something(trials, share, size):
    assert race_size(trials, share) == size


def test_a_study_ends_with_a_race_within_its_budget(tmp_path):
    ran = whole(tmp_path, study_of(trials=20))
    assert spent(ran.study.counts) == 17
    assert [record.outcome for record in ran.races] == ["complete"] * 3
    assert (ran.study.race_budget, ran.study.raced, ran.study.search_budget) == (3, 3, 17)
    assert state(ran.study) == "finished"
    assert (ran.ending.exit_code, ran.ending.message) == (0, "The budget is used up.")
    assert ran.log.notes == [
        "Of 20 trials 3 are the race's, in which the best are trained again (race.share): 17 are the search's.",
        "Race: 3 trainings with new seeds, between 10 architectures.",
    ]
    assert [event.kind for event in ran.events] == ["race"]
    assert ran.ending.best.trust.seeds > 0


@pytest.mark.parametrize(("trials", "rest"), [(19, ""), (20, NONE)])
def test_a_small_study_and_one_that_wants_none_have_no_race(tmp_path, trials, rest):
    ran = whole(tmp_path, study_of(trials=trials, rest=rest))
    assert spent(ran.study.counts) == trials
    assert ran.races == []
    assert (ran.study.race_budget, state(ran.study)) == (0, "finished")
    assert ran.ending.best.trust is None


def test_several_workers_spend_the_same(tmp_path):
    ran = whole(tmp_path, study_of(trials=40, workers=3, rest=RACE))
    assert (spent(ran.study.counts), len(ran.races)) == (28, 12)
    assert len(set(trained(ran.races))) == 12


def test_with_nothing_to_race_it_is_searched_on(tmp_path):
    def candidate(order):
        if order.trial == 0:
            return (yield from noisy(order))
        yield Failed("oom", "out of memory")

    ran = whole(tmp_path, study_of(trials=20), candidate)
    assert spent(ran.study.counts) == 20
    assert ran.races == []
    assert (ran.study.race_budget, state(ran.study)) == (0, "finished")
    again = whole(tmp_path, study_of(trials=20), fresh=False)  # now there would be something, but nothing to spend
    assert again.races == []
    assert "Nothing was left to do" in again.ending.message
    assert again.study.sessions[-1].ending == "The budget is used up."  # advice is not kept


def test_raising_the_trials_races_on(tmp_path):
    study = study_of(trials=20)
    whole(tmp_path, study)
    ran = whole(tmp_path, study, fresh=False, trials=40)
    assert (spent(ran.study.counts), len(ran.races)) == (34, 6)
    assert set(ran.races[0].plan[BETWEEN]) <= set(ran.races[-1].plan[BETWEEN])  # nobody is put out of the race
    assert max(ran.races[-1].plan[BETWEEN]) > 17
    assert state(ran.study) == "finished"


def test_a_total_that_was_lowered_leaves_the_race_what_is_left(tmp_path):
    study = study_of(trials=40, rest=RACE)
    whole(tmp_path, study, stop=lambda log: len(log.endings) >= 15)
    ran = whole(tmp_path, study, fresh=False, trials=19)
    assert spent(ran.study.counts) + len(ran.races) == 19
    assert len(ran.races) >= 3


# ------------------------------------------------------------------------------------------- hours


def test_the_last_hours_are_the_race_s():
    def after(seconds: float, **given: float) -> Budget:
        return Budget(None, 1.0, seconds_before=seconds, **given)

    assert after(3000, reserved=0.15).allows(5)
    assert not after(3100, reserved=0.15).allows(5)
    assert not after(3100, reserved=0.15).out_of_time
    assert after(3100).allows(5)
    budget = after(3100, reserved=0.15)
    budget.leave_nothing()
    assert budget.allows(5)


def test_when_only_the_race_s_hours_are_left_there_is_no_new_trial(tmp_path):
    first = whole(tmp_path, without_trials(), hours=1.0, stop=lambda log: len(log.endings) >= 8)
    assert state(first.study) == "stopped"
    with closing(sqlite3.connect(tmp_path / "nas.db")) as database, database:  # as if it had taken 54 minutes
        database.execute("UPDATE session SET started = datetime(started, '-54 minutes')")

    def stop(log):
        return sum(label.startswith("race") for label, _ in log.endings) >= 4

    ran = whole(tmp_path, without_trials(), fresh=False, hours=1.0, stop=stop)
    assert ran.log.notes[0].startswith("Race: as many trainings as there is time for with new seeds, between ")
    assert not [label for label, _, resumed in ran.log.begun if label.startswith("trial") and not resumed]
    assert len(ran.ended) >= 4
    assert (ran.study.race_budget, ran.ending.exit_code, state(ran.study)) == (0, 130, "stopped")


@pytest.mark.parametrize("trials", [None, 19])
def test_no_hour_is_kept_for_a_race_that_cannot_be(tmp_path, trials):
    def candidate(order):
        if order.trial == 0:
            return (yield from noisy(order))
        yield Failed("oom", "out of memory")

    ran = whole(tmp_path, study_of(trials=trials) if trials else without_trials(), candidate, hours=1 / 3600)
    assert ran.races == []
    assert state(ran.study) == "finished"
    assert ran.study.seconds >= 1 or spent(ran.study.counts) == 19


def test_no_training_begins_that_there_is_no_time_for(tmp_path):
    study = study_of(trials=12, rest=NONE)
    whole(tmp_path, study)
    clock = [0.0]
    jobs = jobs_of(tmp_path, study, None, clock)
    assert not jobs.possible
    clock[0] = 3600.0
    assert jobs.possible
    first = jobs.next()
    clock[0] = 0.0
    assert jobs.next() is None
    assert not jobs.done  # one runs
    jobs.ended(jobs._ledger.evaluations.end(first.number, "complete", score=0.9))
    assert jobs.next() is None
    assert jobs.done
    assert jobs.standing().line.startswith("1 training, trial ")
    jobs._ledger.close("test over")


def test_where_the_hours_end_it_a_race_is_told_by_its_time(tmp_path):
    study = study_of(trials=12, rest=NONE)
    whole(tmp_path, study)
    clock = [3600.0]
    jobs = jobs_of(tmp_path, study, 15_000, clock)
    jobs._typical = lambda: 1.0
    assert jobs.total is None
    assert jobs.standing().line == "0 trainings, about 60 min left"
    clock[0] = 20_000.0
    assert jobs.standing().line.startswith("0 of 15,000 trainings, about 4 h 10 min left")
    jobs._ledger.close("test over")


# ------------------------------------------------------------------------------------------- who, and how


def test_it_is_between_the_best_and_the_first_family_s_default(tmp_path):
    ran = whole(tmp_path, study_of(trials=30, rest=f"{RACE}\ntop = 3"), partial(noisy, peak=0.0, sigma=0.001))
    between = ran.races[0].plan[BETWEEN]
    scores = {trial.number: trial.values[0] for trial in ran.trials}
    assert between == [*sorted(scores, key=scores.__getitem__, reverse=True)[:3], 0]
    assert {record.trial for record in ran.races} == set(between)  # everybody once, before anybody twice
    assert Counter(record.trial for record in ran.races).most_common(1)[0][1] > 1


def test_seeds_are_common_to_all_architectures_and_no_trial_s(tmp_path):
    orders: list[Evaluate] = []

    def candidate(order):
        orders.append(order)
        return noisy(order)

    ran = whole(tmp_path, study_of(trials=40, rest=f"{RACE}\ntop = 3"), candidate)
    searched = [order for order in orders if order.params is None]
    raced = [order for order in orders if order.params is not None]
    assert len(raced) == 12
    seeds = {(record.seed, order.seed) for record, order in zip(ran.races, raced, strict=True)}
    assert len(seeds) == len({seed for seed, _ in seeds}) == len({seed for _, seed in seeds}) > 1
    assert not {order.seed for order in searched} & {order.seed for order in raced}
    for record, order in zip(ran.races, raced, strict=True):
        trial = ran.trials[record.trial]
        assert (order.params, order.family) == (trial.params, trial.family)
        assert order.epochs == order.horizon == record.epochs == 3
        assert order.checkpoint.endswith(f"evaluation-{record.number}.npz")
    for trial in ran.trials:
        assert sorted(record.seed for record in ran.races if record.trial == trial.number) == list(
            range(sum(record.trial == trial.number for record in ran.races))
        )


def test_no_seed_of_a_race_is_a_trial_s_whatever_the_study_s():
    from nas.search.race import _SEEDS
    from nas.search.samplers import mixed

    for seed in (0, 1, 2, 7, 42, 1234, 2**31 - 1):
        trials = {mixed(seed, number) % 2**31 for number in range(20_000)}
        assert not trials & {mixed(seed ^ _SEEDS, number) % 2**31 for number in range(100)}


def test_an_error_is_better_when_it_is_less(tmp_path):
    study = study_of(trials=30, rest=f'{RACE}\n[objective]\nminimize = "val_loss"')
    ran = whole(tmp_path, study)
    entries = rank(ran.trials, ran.study.directions, ran.races)
    told = [entry.told[0] for entry in entries]
    assert told == sorted(told)
    assert entries[0].trust.low <= entries[0].trust.estimate <= entries[0].trust.high
    assert entries[0].trust.tied
    between = ran.races[0].plan[BETWEEN]
    assert between[:3] == [entry.trial.number for entry in rank(ran.trials, ran.study.directions)][:3]
    assert max(record.score for record in ran.races) < 0.5  # the scores are errors, not what the race was told
    assert abs(entries[0].trust.estimate) < 0.1


def test_of_several_objectives_the_first_is_raced(tmp_path):
    study = study_of(trials=30, rest=f'{RACE}\n[objective]\nmaximize = "val_accuracy"\nminimize = "weights"')
    ran = whole(tmp_path, study)
    assert len(ran.races) == 9
    entries = rank(ran.trials, ran.study.directions, ran.races)
    raced = [entry for entry in entries if entry.trust.seeds]
    assert raced
    assert all(entry.told == (entry.trust.estimate, entry.values[1]) for entry in entries)
    assert [entry.front for entry in entries] == sorted(entry.front for entry in entries)


def test_whoever_fails_is_last_and_trained_no_more(tmp_path):
    def candidate(order):
        if order.params is not None and order.family == "cnn":
            yield Failed("oom", "out of memory", "Traceback")
        else:
            yield from noisy(order)

    ran = whole(tmp_path, study_of(trials=40, rest=RACE), candidate)
    failed = [record.trial for record in ran.races if record.outcome == "failed"]
    assert failed
    assert len(failed) == len(set(failed))
    assert {ran.trials[number].family for number in failed} == {"cnn"}
    entries = rank(ran.trials, ran.study.directions, ran.races)
    assert {entry.trial.number for entry in entries[-len(failed) :]} == set(failed)
    assert all(entry.trust.failed == 1 for entry in entries[-len(failed) :])
    line = next(line for _, line in ran.log.endings if line.startswith("failed (oom), cnn"))
    assert line.endswith("out of memory")


def test_where_everybody_fails_nobody_is_ahead_and_it_is_said(tmp_path):
    def candidate(order):
        if order.params is not None:
            yield Failed("error", "ValueError: upside down", "Traceback")
        else:
            yield from noisy(order)

    study = study_of(trials=6)
    whole(tmp_path, study, candidate)
    ran = whole(tmp_path, study, candidate, fresh=False, race=20)
    assert len(ran.races) == 6  # nobody is left
    assert ran.ending.exit_code == 1
    assert ran.ending.message.endswith("ValueError: upside down")
    jobs = jobs_of(tmp_path, study, 20)
    assert jobs.standing().line.startswith("6 of 20 trainings, about ")
    jobs._ledger.close("test over")


def test_what_builds_another_architecture_now_is_not_trained(tmp_path):
    def candidate(order):
        if order.params is None:
            return (yield from noisy(order))
        yield Built(Architecture("another", (), Cost(1, 1, 1)), {"batch_size": 32})
        raise AssertionError("it was told to train")

    study = study_of(trials=3)
    whole(tmp_path, study, candidate)
    ran = whole(tmp_path, study, candidate, fresh=False, race=1)
    assert (ran.races[0].outcome, ran.races[0].kind, ran.races[0].curve) == ("failed", "error", ())
    assert "is another architecture now (another, it was cnn-" in ran.races[0].message


# ------------------------------------------------------------------------------------------- stopping, going on


def test_a_kill_in_the_middle_of_a_race_repeats_nothing_and_loses_nothing(tmp_path):
    heard: list[int] = []

    def candidate(order):
        script, answer = noisy(order), None
        while True:
            try:
                report = script.send(answer)
            except StopIteration:
                return
            if order.params is not None:
                heard.append(order.trial)
                if len(heard) == 20:
                    raise Killed
            answer = yield report

    study = study_of(trials=40, rest=RACE, workers=2)
    died = whole(tmp_path, study, candidate, dies=True)
    assert died.ending is None
    before = trained(died.races)
    assert 0 < len(before) < 12
    ran = whole(tmp_path, study, candidate, fresh=False)
    assert ran.ending.message == "The budget is used up."
    assert (spent(ran.study.counts), len(ran.races)) == (28, 12)
    assert trained(ran.races)[: len(before)] == before
    assert len(set(trained(ran.races))) == 12
    assert [(label, resumed) for label, _, resumed in ran.log.begun if resumed]
    again = {label for label, _, _ in ran.log.begun}
    assert not again & {f"race {record.number}" for record in died.races if record.outcome is not None}


def test_ctrl_c_saves_the_race_where_it_is_and_resume_goes_on(tmp_path):
    study = study_of(trials=20, rest=RACE, epochs=4)
    first = whole(tmp_path, study, stop=lambda log: ("race 2", 1) in log.epochs)
    assert first.ending.exit_code == 130
    assert first.ending.message == (
        "Stopped by Ctrl-C; 1 training of the race was interrupted and saved. Go on with `nas resume toy`."
    )
    assert "Stopping: the running epochs are finished and saved." in first.log.notes[-1]
    assert state(first.study) == "stopped"
    assert [record.outcome for record in first.races] == ["complete", "complete", None]
    assert 0 < len(first.races[2].curve) < 4
    second = whole(tmp_path, study, fresh=False)
    assert second.log.begun[0][::2] == ("race 2", True)
    assert ("race 2", 1) not in second.log.epochs  # told before
    assert len(second.races) == 6
    assert second.races[2].attempts == 2
    assert [epoch.step for epoch in second.races[2].curve] == [1, 2, 3, 4]
    assert state(second.study) == "finished"


def test_who_was_stopped_is_told_to_go_on_in_the_same_database(tmp_path):
    ran = whole(tmp_path, study_of(), stop=lambda log: ("trial 2", 1) in log.epochs, storage="/else where/nas.db")
    assert ran.ending.message.endswith("Go on with `nas resume toy --storage '/else where/nas.db'`.")
    ran = whole(tmp_path, study_of(trials=20), fresh=False, hours=1e-9, storage="/else where/nas.db")
    assert ran.ending.message.endswith("Go on with `nas resume toy --hours MORE --storage '/else where/nas.db'`.")


def test_ctrl_c_when_all_is_done_stops_nothing(tmp_path, monkeypatch):
    def stands(log, standing):
        if standing.done == standing.total:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(Log, "stands", stands)
    with StopSignals() as signals:
        ran = whole(tmp_path, study_of(trials=5), signals=signals)
    assert signals.received == signal.SIGINT
    assert (ran.ending.exit_code, ran.ending.message) == (0, "The budget is used up.")
    assert state(ran.study) == "finished"


def test_stopped_or_not_a_race_trains_the_same(tmp_path):
    study = study_of(trials=20, rest=RACE)
    (tmp_path / "whole").mkdir(), (tmp_path / "halves").mkdir()
    once = whole(tmp_path / "whole", study)
    whole(tmp_path / "halves", study, stop=lambda log: ("race 1", 2) in log.epochs, twice=True)
    again = whole(tmp_path / "halves", study, fresh=False)
    assert [(one.trial, one.seed, one.score) for one in again.races] == [
        (one.trial, one.seed, one.score) for one in once.races
    ]


# ------------------------------------------------------------------------------------------- nas race


def test_nas_race_adds_to_a_study_that_ended_without(tmp_path):
    study = study_of(trials=10)
    assert whole(tmp_path, study).races == []
    ran = whole(tmp_path, study, fresh=False, race=5)
    assert (ran.ending.exit_code, ran.ending.message) == (0, "The race is over.")
    assert len(ran.races) == 5
    assert ran.ending.best.trust.seeds > 0
    assert len(whole(tmp_path, study, fresh=False, race=2).races) == 7
    assert (spent(ran.study.counts), state(ran.study)) == (10, "finished")


def test_between_more_than_have_weights_it_is_said_what_to_do_with_a_winner_without(tmp_path):
    study = study_of(trials=10)
    whole(tmp_path, study)
    jobs = jobs_of(tmp_path, study, 5)
    for number in list(jobs._trials)[1:]:
        jobs._files.checkpoint(number).parent.mkdir(parents=True, exist_ok=True)
        jobs._files.checkpoint(number).touch()
    assert jobs.without_weights == 1
    jobs._ledger.close("looked at")
    notes = whole(tmp_path, study, fresh=False, race=2).log.notes
    assert any(
        note.startswith("Of 1 of the architectures in this race") and "fine-tuning has to train it" in note
        for note in notes
    )
    jobs._files.checkpoint(next(iter(jobs._trials))).touch()
    assert jobs.without_weights == 0
    assert len(whole(tmp_path, study, fresh=False, race=2).log.notes) == 1


def test_nas_race_that_was_stopped_says_how_to_go_on_to_the_same_end(tmp_path):
    study = study_of(trials=10)
    whole(tmp_path, study)
    ran = whole(tmp_path, study, fresh=False, race=5, stop=lambda log: ("race 1", 1) in log.epochs)
    assert ran.ending.exit_code == 130
    assert ran.ending.message.endswith("Go on with `nas race toy --trainings 4`.")
    assert len(whole(tmp_path, study, fresh=False, race=4).races) == 5


def test_what_nas_race_adds_is_apart_from_the_budget(tmp_path):
    study = study_of(trials=20)
    whole(tmp_path, study)
    added = whole(tmp_path, study, fresh=False, race=4)
    assert (added.study.race_budget, added.study.raced) == (3, 7)
    ran = whole(tmp_path, study, fresh=False, trials=40)
    assert (spent(ran.study.counts), len(ran.races)) == (34, 10)


def test_an_exhausted_space_is_exhausted_after_a_race_too(tmp_path):
    study = study_of(trials=100, rest=NONE)
    small = partial(noisy, grid=3)
    assert state(whole(tmp_path, study, small).study) == "finished"
    ran = whole(tmp_path, study, small, fresh=False, race=3)
    assert ran.ending.message == "The race is over."
    assert state(ran.study) == "finished"


def test_checkpoints_of_a_race_are_deleted_when_it_is_over(tmp_path):
    written: list[Path] = []

    def candidate(order):
        if order.params is not None:
            path = Path(order.checkpoint)
            assert not path.exists()
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"weights")
            written.append(path)
        return (yield from noisy(order))

    whole(tmp_path, study_of(trials=20), candidate)
    assert len(written) == 3
    assert not [path for path in written if path.exists()]

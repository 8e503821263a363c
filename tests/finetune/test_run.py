"""Fine-tuning from its call to its end, with scripted workers: what is trained and kept, what is said."""

import math
import shutil
import signal
from dataclasses import replace

import pytest
from rich.text import Text

from nas.cli.tuning_view import tuning_view
from nas.conversation import Failed
from nas.errors import BadInput, Interrupted, NotFound
from nas.finetune import run as finetuning
from nas.finetune.plan import plan_of
from nas.store import queries
from nas.store.engine import reading_from
from tests.finetune.scripts import House, examined, fingerprint, trained, tuning


@pytest.fixture(scope="module")
def searched(tmp_path_factory):
    """The folder of a study that was searched, to be copied."""
    return House(tmp_path_factory.mktemp("searched")).folder


@pytest.fixture
def house(searched, tmp_path, monkeypatch):
    made = House(shutil.copytree(searched, tmp_path / "house"))
    monkeypatch.setattr(finetuning, "hold", lambda *given, **others: made.hold(*given, **others))
    return made


def tune(house, **options):
    return finetuning.finetune("toy", storage=str(house.folder / "nas.db"), **{"epochs": 9, "top": 2} | options)


def stored(house):
    with reading_from(house.url) as connection:
        study = queries.study(connection, "toy")
        return queries.evaluations(connection, study.id), queries.looks(connection, study.id), study


def test_finalists_are_trained_measured_once_and_ordered_by_validation(house):
    found = tune(house)
    assert (found.exit_code, found.message) == (0, "The finalists are fine-tuned.")
    assert (found.met, found.requirement) == (None, None)
    assert len(found.finalists) == 2
    for tuned in found.finalists:
        assert len(tuned.trainings) == 7
        assert len(tuned.seeds) == 2
        assert max(tuned.scratch, tuned.from_search) < tuned.best.score  # a rate of 0.005 is better
        assert plan_of(tuned.best).params["training/adamw_learning_rate"] > 2e-3
        assert len(tuned.looks) == 1
        assert tuned.looks[0].evaluation == tuned.best.number
        assert tuned.validation.low < tuned.validation.value < tuned.validation.high
    first, second = (tuned.best.score for tuned in found.finalists)
    assert first >= second
    assert found.ensemble.members == {tuned.searched.trial.number: 1 for tuned in found.finalists}
    _, looks, study = stored(house)
    assert [look.trial is None for look in looks] == [False, False, True]
    best = [tuned.best for tuned in found.finalists]
    assert [(one.trial, one.evaluation, one.count) for one in looks[2].members] == [
        (record.trial, record.number, 1) for record in best
    ]
    assert looks[0].members == ()
    assert study.sessions[-1].ending == found.message
    assert study.running is None


def test_the_score_is_the_best_epochs_with_averaged_weights_and_its_files_stay(house):
    found = tune(house, top=1)
    for record in found.finalists[0].trainings:
        assert record.score == pytest.approx(max(epoch.value for epoch in record.curve) + 0.001)
        assert not house.files.evaluation(record.number).exists()
    best = found.finalists[0].best
    same = [
        record.number
        for record in found.finalists[0].trainings
        if (plan_of(record).params, plan_of(record).origin) == (plan_of(best).params, plan_of(best).origin)
    ]
    assert len(same) == 2  # the best recipe, and another seed of it
    kept = [record.number for record in found.finalists[0].trainings if house.files.kept(record.number).exists()]
    assert kept == same


def test_who_gets_no_better_is_ended_early(house):
    def peak(order):
        script = trained(order, order.params)
        yield next(script)
        for step in range(1, order.epochs + 1):
            epoch = next(script)
            epoch.metrics.update(val_accuracy=0.9 - 0.01 * abs(step - 3), averaged_val_accuracy=0.5)
            yield epoch

    house.script = peak
    found = tune(house, top=1, epochs=40, trainings=2, seeds=1)
    for record in found.finalists[0].trainings:
        assert (record.outcome, record.score, len(record.curve)) == ("complete", 0.9, 19)  # 0.4 × 40 after the third


def test_the_same_command_again_trains_and_looks_at_nothing_new(house):
    first = tune(house)
    second = tune(house)
    assert house.told.begun == []
    assert [tuned.best for tuned in second.finalists] == [tuned.best for tuned in first.finalists]
    assert [tuned.looks for tuned in second.finalists] == [tuned.looks for tuned in first.finalists]
    assert len(stored(house)[1]) == 3


def test_another_best_model_is_a_second_look(house):
    house.answer = lambda order: Failed("error", "no") if len(order.members) > 1 else examined(order)
    tune(house, trainings=2, seeds=1)
    found = tune(house, trainings=6, seeds=1)
    assert {len(tuned.looks) for tuned in found.finalists} == {2}
    for tuned in found.finalists:
        assert tuned.looks[-1].evaluation == tuned.best.number != tuned.looks[0].evaluation
    assert found.ensemble is None
    assert any("There is no ensemble: no" in note for note in house.told.notes)


def test_a_model_that_cannot_be_measured_has_no_earlier_one_s_result(house):
    tune(house, trainings=2, seeds=1)
    house.answer = lambda order: Failed("error", "no")
    found = tune(house, trainings=6, seeds=1)
    for tuned in found.finalists:
        assert (tuned.problem, tuned.look, len(tuned.looks)) == ("no", None, 1)
    assert found.exit_code == 1


def test_an_ensemble_of_one_is_that_model_s_own_look(house):
    def first_alone(order):
        told = examined(order)
        return replace(told, counts=(1, *[0] * (len(order.members) - 1)))

    def worse(order):
        yield from trained(order, {**order.params, "training/adamw_learning_rate": 0.05})

    house.answer = first_alone
    first = tune(house, trainings=2, seeds=1)
    house.script = worse
    tune(house, epochs=20, trainings=2, seeds=1)  # a later look at each, of a model that is not the best
    house.script = tuning
    again = tune(house, trainings=2, seeds=1)
    assert len(again.finalists[0].looks) == 2
    assert again.finalists[0].best == first.finalists[0].best
    assert again.ensemble.look == again.finalists[0].look == first.finalists[0].look


def test_a_requirement_is_met(house):
    found = tune(house, until="val_accuracy>=0.5")
    assert (found.exit_code, found.message) == (0, "The requirement val_accuracy >= 0.5 is met.")
    assert found.met is True
    assert {plan_of(record).stage for tuned in found.finalists for record in tuned.trainings} == {
        "full length",
        "seeds",
    }


def test_a_requirement_that_cannot_be_met_is_said_so_within_the_trainings(house):
    found = tune(house, until="val_accuracy>=0.999", trainings=10)
    assert found.exit_code == 1
    assert found.met is False
    assert "val_accuracy >= 0.999 is not met" in found.message
    assert f"the best came to {found.finalists[0].best.score:.4f}" in found.message
    assert "--trainings" in found.message
    assert all(9 <= len(tuned.trainings) <= 10 for tuned in found.finalists)
    assert any(plan_of(record).stage == "adjusting" for record in found.finalists[0].trainings)
    assert all(tuned.looks for tuned in found.finalists)


def test_hours_that_are_used_up_leave_with_6_and_go_on(house, monkeypatch):
    def slow(order):
        clock[0] += 3600.0
        return tuning(order)

    clock = [0.0]
    monkeypatch.setattr(finetuning.time, "monotonic", lambda: clock[0])
    house.script = slow
    found = tune(house, top=1, hours=2.5)
    assert found.exit_code == 6
    assert "Go on with `nas finetune toy --top 1 --epochs 9 --storage " in found.message  # not with as little time
    assert len(found.finalists[0].trainings) == 3
    assert found.finalists[0].looks
    found = tune(house, top=1, hours=0.5, until="val_accuracy>=0.999")
    assert found.exit_code == 1
    assert "the hours are used up" in found.message


def test_no_training_within_the_hours_is_no_failure(house, monkeypatch):
    clock = iter(range(0, 10**6, 7200))
    monkeypatch.setattr(finetuning.time, "monotonic", lambda: next(clock))
    found = tune(house, top=1, hours=1)
    assert found.exit_code == 6
    assert "before a training was complete" in found.message
    assert found.finalists[0].best is None


@pytest.mark.parametrize("workers", [1, 2])
def test_interrupted_anywhere_the_same_command_goes_on_as_if_it_had_not_been(
    house, searched, tmp_path, monkeypatch, workers
):
    def stopping(order):
        begun.append(order)
        for report in (script := tuning(order)):
            yield report
            if len(begun) == 4:
                house.signals.received = signal.SIGINT
        return script

    house.workers = workers
    begun = []
    house.script = stopping
    cut = tune(house)
    assert (cut.exit_code, cut.finalists) == (130, ())
    assert "Stopped by Ctrl-C" in cut.message
    assert "Go on with `nas finetune toy --top 2 --epochs 9 --storage" in cut.message
    records, looks, study = stored(house)
    assert study.sessions[-1].ending == cut.message
    assert looks == []
    unfinished = [record.number for record in records if record.outcome is None]
    assert unfinished
    house.script = tuning
    found = tune(house)
    assert found.exit_code == 0
    assert [line.split(",")[0] for line in house.told.begun[: len(unfinished)]] == [
        f"training {number}" for number in unfinished
    ]
    assert all("goes on" in line for line in house.told.begun[: len(unfinished)])
    assert all(record.outcome == "complete" for record in stored(house)[0])

    other = House(shutil.copytree(searched, tmp_path / "whole"))
    other.workers = workers
    monkeypatch.setattr(finetuning, "hold", lambda *given, **others: other.hold(*given, **others))
    expected = tune(other)
    assert {(record.trial, plan_of(record).key) for record in stored(house)[0]} == {
        (record.trial, plan_of(record).key) for record in stored(other)[0]
    }
    assert [tuned.best.score for tuned in found.finalists] == [tuned.best.score for tuned in expected.finalists]


def test_interrupted_while_it_measures_nothing_is_lost(house):
    def answer(order):
        house.signals.received = signal.SIGTERM
        return examined(order)

    house.answer = answer
    with pytest.raises(Interrupted) as stopped:
        tune(house)
    assert stopped.value.exit_code == 6
    assert "saved. Go on with `nas finetune toy --top 2 --epochs 9" in str(stopped.value)
    house.answer = examined
    assert tune(house).exit_code == 0
    assert house.told.begun == []


def test_all_failed_is_a_clear_end_with_the_cause_and_is_tried_again(house):
    house.script = lambda order: iter([Failed("error", "OSError: No space left on device", "")])
    found = tune(house)
    assert found.exit_code == 1
    assert "could be trained" in found.message
    assert [tuned.problem for tuned in found.finalists] == ["OSError: No space left on device"] * 2
    assert found.ensemble is None
    house.script = tuning
    found = tune(house)
    assert found.exit_code == 0
    assert len(found.finalists[0].trainings) == 7


def test_one_that_fails_does_not_hinder_the_others(house):
    best = tune(house, top=1, trainings=2, seeds=1).finalists[0].searched.trial.number

    def failing(order):
        return (
            iter([Failed("oom", "It needed more memory than there is.", "")]) if order.trial != best else tuning(order)
        )

    house.script = failing
    found = tune(house)
    assert found.exit_code == 0
    assert [tuned.best is None for tuned in found.finalists] == [False, True]
    assert found.finalists[1].problem == "It needed more memory than there is."
    assert found.ensemble is None


def test_an_architecture_that_no_longer_builds_is_said_to_and_goes_on_when_it_does(house):
    house.script = lambda order: trained(order, order.params, "0" * 64)
    found = tune(house)
    assert found.exit_code == 1
    assert all("is another architecture now" in tuned.problem for tuned in found.finalists)
    assert all("the family's code or a library has changed" in tuned.problem for tuned in found.finalists)
    house.script = tuning
    assert tune(house).exit_code == 0


def test_a_model_that_cannot_be_measured_is_no_success(house):
    house.answer = lambda order: Failed("error", "The weights in a.npz cannot be read.")
    found = tune(house)
    assert found.exit_code == 1
    assert "measured on the test split" in found.message
    assert {tuned.problem for tuned in found.finalists} == {"The weights in a.npz cannot be read."}
    assert all(tuned.best is not None for tuned in found.finalists)


def test_what_diverges_stays_failed_and_is_diagnosed(house):
    house.script = lambda order: iter([Failed("nan", "The loss became nan in epoch 2.", "")])
    found = tune(house)
    assert {len(tuned.trainings) for tuned in found.finalists} == {4}  # both origins, and two lower rates
    assert {finding.kind for tuned in found.finalists for finding in tuned.findings} == {"not converging"}
    house.script = tuning
    tune(house)
    assert house.told.begun == []


def test_an_ensemble_of_one_is_no_further_look(house):
    def one(order):
        answer = examined(order)
        return answer if len(order.members) == 1 else type(answer)((4, 0), *list_of(answer)[1:])

    def list_of(answer):
        return [answer.counts, answer.validation, answer.test, answer.examples, answer.doubtful, answer.suspects]

    house.answer = one
    found = tune(house)
    assert len(found.ensemble.members) == 1
    assert found.ensemble.look == found.finalists[0].looks[0]
    assert len(stored(house)[1]) == 2


def test_architecture_names_the_only_finalist(house):
    best = tune(house, trainings=2, seeds=1).finalists[0].searched.trial
    found = tune(house, architecture=best.fingerprint[:8].upper())
    assert [tuned.searched.trial.number for tuned in found.finalists] == [best.number]
    for digits, error, why in (
        ("0123", BadInput, "first 6 hexadecimal digits"),
        ("trial 5", BadInput, best.fingerprint[:12]),
        ("000000", NotFound, best.fingerprint[:12]),
    ):
        with pytest.raises(error, match=r"There are: ") as refused:
            tune(house, architecture=digits)
        assert why in str(refused.value)
    assert stored(house)[2].running is None


def test_nothing_complete_is_nothing_to_fine_tune(tmp_path, monkeypatch):
    house = House(tmp_path, trials=1, candidate=lambda order: iter([Failed("error", "no", "")]))
    monkeypatch.setattr(finetuning, "hold", lambda *given, **others: house.hold(*given, **others))
    with pytest.raises(NotFound, match="No trial of 'toy' is complete yet"):
        tune(house)


def test_without_the_searchs_weights_it_is_said_and_trained_from_scratch(tmp_path, monkeypatch):
    house = House(tmp_path, weights=False)
    monkeypatch.setattr(finetuning, "hold", lambda *given, **others: house.hold(*given, **others))
    found = tune(house, top=1, origin="search")
    assert found.finalists[0].from_search is None
    assert math.isfinite(found.finalists[0].scratch)
    assert any("has no weights kept by the search" in note for note in house.told.notes)
    tune(house, top=1, origin="scratch")
    assert not any("weights" in note for note in house.told.notes)


def test_a_wrong_requirement_or_study_is_refused_before_anything(house):
    with pytest.raises(BadInput, match="the sign is >="):
        tune(house, until="val_accuracy<=0.9")
    with pytest.raises(NotFound, match="No study is named 'tou'"):
        finetuning.finetune("tou", storage=str(house.folder / "nas.db"))
    assert len(stored(house)[2].sessions) == 1


def test_the_encoder_of_the_search_is_handed_over_with_its_params(house):
    orders = []
    house.script = lambda order: orders.append(order) or tuning(order)
    tune(house, top=1, trainings=2, seeds=1)
    scratch, search = orders
    assert scratch.start is None
    assert search.start.params == {f"{search.family}/x": search.params[f"{search.family}/x"]}
    assert search.start.weights == str(house.files.checkpoint(search.trial))
    assert scratch.seed == search.seed
    assert (search.epochs, search.horizon) == (9, 9)
    assert fingerprint(search.family, search.params[f"{search.family}/x"])


@pytest.mark.parametrize(
    ("asked", "trainings", "seeds"),
    [({"trainings": 1}, 1, 1), ({"trainings": 2}, 2, 2), ({"seeds": 3, "trainings": 3}, 3, 2)],
)
def test_no_more_is_trained_than_was_asked_for(house, asked, trainings, seeds):
    """With three trainings two are at full length, which leaves one for a second seed."""
    found = tune(house, top=1, **asked)
    assert len(found.finalists[0].trainings) == trainings
    assert len(found.finalists[0].seeds) <= seeds


def test_more_seeds_get_the_trainings_for_them_unless_fewer_were_asked_for(house):
    assert len(tune(house, top=1, seeds=9, origin="scratch").finalists[0].trainings) == 9
    with pytest.raises(BadInput, match="--seeds 3 with --trainings 2: each seed takes a training"):
        tune(house, top=1, seeds=3, trainings=2)


def test_the_test_split_is_said_to_be_measured_only_when_it_is(house):
    tune(house, top=1)
    assert house.told.notes.count("Measuring on the test split.") == 1
    tune(house, top=1)
    assert house.told.notes.count("Measuring on the test split.") == 0
    assert any(note.startswith("Nothing new to measure on the test split") for note in house.told.notes)


def test_labels_are_judged_by_who_has_learned_and_otherwise_it_is_said_why_not(house):
    def told(found):
        return " ".join(str(line) for line in tuning_view(found) if isinstance(line, Text))

    house.answer = lambda order: replace(examined(order), doubtful=0.55, suspects=("cat/1.png",))
    slow = tune(house, top=1, epochs=4, trainings=1)
    assert [found.kind for found in slow.finalists[0].findings] == ["too slow"]
    assert "labels: not looked at for errors, its training is too slow." in told(slow)
    good = tune(house, top=1, epochs=9, trainings=1)
    assert [found.kind for found in good.finalists[0].findings] == ["label noise"]
    assert "not looked at" not in told(good)
    assert "The most doubtful: cat/1.png." in told(good)


def test_a_value_without_an_interval_is_told_with_the_reason(house):
    perfect = {"val_accuracy": (1.0, math.nan, math.nan), "val_loss": (0.5, 0.4, 0.6)}
    house.answer = lambda order: replace(examined(order), test=perfect)
    found = tune(house, top=1, trainings=1)
    assert math.isnan(found.finalists[0].look.metrics["val_accuracy"].low)
    assert any(str(line).startswith("(–): whichever examples are drawn") for line in tuning_view(found))
    (look,) = stored(house)[1]
    assert math.isnan(look.metrics["val_accuracy"].high)


def test_a_look_at_what_finalists_come_to_together_is_said_even_where_each_was_looked_at_before(house):
    house.answer = lambda order: Failed("error", "no") if len(order.members) > 1 else examined(order)
    tune(house)
    house.answer = examined
    tune(house)
    assert [look.trial is None for look in stored(house)[1]] == [False, False, True]
    assert any("what they come to together" in note for note in house.told.notes)
    tune(house)
    assert not any("what they come to together" in note for note in house.told.notes)

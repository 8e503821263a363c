"""Which weights are meant, where an architecture was trained several times."""

from __future__ import annotations

from dataclasses import replace

import pytest

from nas.errors import NotFound
from nas.finetune.plan import Plan
from nas.search.chosen import Weights, _tuned, _why, _with_weights
from nas.search.files import StudyFiles
from tests.finetune.scripts import record_of
from tests.report import samples

PLAN = Plan("full length", "scratch", {}, 9, 0, "as in the search, at full length")
STUDY = samples.study()
TRIALS = [samples.trial(number, fingerprint="a" * 64) for number in range(3)]


def tuned(number: int, trial: int, score: float):
    return replace(record_of(PLAN, number, score), trial=trial)


@pytest.fixture
def files(tmp_path):
    made = StudyFiles(tmp_path, 1)
    made.start.parent.mkdir(parents=True)
    return made


def test_fine_tuned_weights_come_before_those_of_the_search_whichever_training_is_the_best_now(files):
    files.checkpoint(1).touch()
    files.kept(0).touch()
    files.kept(1).touch()
    evaluations = [tuned(0, 0, 0.90), tuned(1, 2, 0.95), tuned(2, 2, 0.99)]  # the weights of the last are not kept
    candidates = [TRIALS[1], TRIALS[0], TRIALS[2]]
    trial, weights = _with_weights(STUDY, TRIALS, candidates, _tuned(STUDY, [], evaluations, files), files)
    assert (trial, weights.tuned, weights.path) == (TRIALS[2], evaluations[1], files.kept(1))
    assert weights.words.startswith("fine-tuning: training 1 of trial 2, the best of 0 epochs")


def test_fine_tuning_of_others_does_not_count(files):
    files.checkpoint(2).touch()
    files.kept(0).touch()
    trial, weights = _with_weights(STUDY, TRIALS, TRIALS[1:], [tuned(0, 0, 0.9)], files)
    assert (trial, weights.tuned, weights.path) == (TRIALS[2], None, files.checkpoint(2))
    with pytest.raises(NotFound, match=r"of trial 1 of .* are not kept.*Kept: 2\. --trial takes one of them"):
        _with_weights(samples.study(), TRIALS, TRIALS[1:2], [], files)


def test_of_equally_good_fine_tuned_ones_the_better_ranked_is_meant_and_its_weights_must_be_kept(files):
    ranking = [samples.ranked(TRIALS[2], 1), samples.ranked(TRIALS[0], 2)]
    evaluations = [tuned(0, 0, 0.9), tuned(1, 2, 0.9), tuned(2, 2, 0.9)]
    for number in (0, 2):
        files.kept(number).touch()
    assert [one.number for one in _tuned(STUDY, ranking, evaluations, files)] == [2, 0]


def test_a_sentence_says_which_model_is_taken_and_who_leads_the_ranking_if_it_is_another(files):
    weights = Weights(files.kept(0), "", tuned(0, 0, 0.9))
    ranking = [samples.ranked(TRIALS[2], 1), samples.ranked(TRIALS[0], 2)]
    told = _why(TRIALS[0], ranking[1], ranking, weights, asked=False)
    assert told == "Trial 0: the best that was fine-tuned; trial 2 leads the ranking (--trial 2)."
    told = _why(TRIALS[2], ranking[0], ranking, weights, asked=False)
    assert told == "Trial 2: first in the ranking, and the best that was fine-tuned."
    told = _why(TRIALS[2], ranking[0], ranking, replace(weights, tuned=None), asked=False)
    assert told == "Trial 2: first in the ranking."
    assert _why(TRIALS[0], ranking[1], ranking, weights, asked=True) == "Trial 0, as asked."

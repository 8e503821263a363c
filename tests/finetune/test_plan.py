"""What is trained next follows from what was trained, and from nothing else."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nas.finetune.diagnosis import Finding
from nas.finetune.plan import GENTLE, PRETRAINED_RATE, Finalist, Plan, Wishes, next_plans, plan_of
from tests.finetune.scripts import PARAMS, record_of

RATE, DECAY, AUGMENTATION = "training/adamw_learning_rate", "training/adamw_weight_decay", "training/augmentation"
FINALIST = Finalist(0, PARAMS, True, {AUGMENTATION: ("none", "shift", "strong")})
KINDS = ("not converging", "overfitting", "too slow", "underfitting", "label noise")
BOTH = ("scratch", "search")


def goodness(record):
    return record.score if record.outcome == "complete" else -math.inf


class Story:
    """A finalist's trainings, one after the other, as `train` has it: plan -> (score, kind of failure)."""

    def __init__(self, train, wishes, *, finalist=FINALIST, until=None, kinds=lambda record: ()):
        self.train, self.wishes, self.finalist, self.until, self.kinds = train, wishes, finalist, until, kinds
        self.done = []

    def next(self):
        met = self.until is not None and any(goodness(record) >= self.until for record in self.done)
        return next_plans(
            self.finalist, self.done, self.wishes,
            goodness=goodness, met=met, asked=self.until is not None,
            diagnose=lambda record: [Finding(kind, "", "") for kind in self.kinds(record)],
        )  # fmt: skip

    def begin(self, plan):
        self.done.append(record_of(plan, len(self.done), over=False))

    def end(self, number):
        plan = plan_of(self.done[number])
        score, kind = self.train(plan)
        self.done[number] = record_of(plan, number, score, kind=kind)

    def tell(self, workers=1):
        """Go on to the end, with so many trainings at once; return the plans in the order in which they began."""
        running = []
        for _ in range(1000):
            while len(running) < workers and (plans := self.next()):
                self.begin(plans[0])
                running.append(len(self.done) - 1)
            if not running:
                return [plan_of(record) for record in self.done]
            self.end(running.pop(0))
        raise AssertionError("it does not end")


def chance(salt, failing=0.0):
    def train(plan):
        rng = random.Random(f"{salt}{plan.key}")
        return (math.nan, rng.choice(["nan", "oom", "error"])) if rng.random() < failing else (rng.random(), None)

    return train


def of(**scores):
    """Scores by the stage that a plan is of, 0.5 for others."""
    return lambda plan: (scores.get(plan.stage.replace(" ", "_"), 0.5), None)


def test_a_good_finalist_is_trained_at_full_length_refined_and_trained_with_other_seeds():
    plans = Story(of(), Wishes(36, 2, BOTH, 8)).tell()
    assert [plan.stage for plan in plans] == [
        "full length", "full length", "learning rate", "learning rate", "regularisation", "regularisation", "seeds",
    ]  # fmt: skip
    scratch, search = plans[:2]
    assert (scratch.origin, scratch.params) == ("scratch", {})
    assert (search.origin, search.params) == ("search", {PRETRAINED_RATE: GENTLE})
    assert [plan.params[RATE] for plan in plans[2:4]] == [pytest.approx(8e-4), pytest.approx(5e-3)]
    assert {plan.epochs for plan in plans} == {36}
    assert [plan.seed for plan in plans] == [0] * 6 + [1]


def test_each_stage_goes_on_from_the_best_of_those_before():
    def train(plan):
        return 0.5 + 0.1 * (plan.origin == "search") + 0.1 * (plan.params.get(RATE, 0) > 2e-3), None

    plans = Story(train, Wishes(36, 3, BOTH, 9)).tell()
    assert {plan.origin for plan in plans[2:]} == {"search"}
    assert all(plan.params[RATE] == pytest.approx(5e-3) for plan in plans[4:])
    best = max(plans[:6], key=lambda plan: train(plan)[0])
    assert [plan.params for plan in plans[6:]] == [best.params] * 2
    assert [plan.seed for plan in plans[6:]] == [1, 2]


def test_where_it_overfits_there_is_more_decay_and_augmentation():
    plans = Story(of(), Wishes(36, 1, BOTH, 8), kinds=lambda record: ["overfitting"]).tell()
    decay, augmented = (plan.params for plan in plans if plan.stage == "regularisation")
    assert decay[DECAY] == pytest.approx(5e-3)
    assert augmented[AUGMENTATION] == "shift"


@pytest.mark.parametrize(
    ("kind", "differs"),
    [
        ("too slow", lambda plan: plan.epochs == 72),
        ("overfitting", lambda plan: plan.params.get(DECAY) == pytest.approx(2.5e-2)),  # the milder ones were tried
        ("not converging", lambda plan: plan.params.get(RATE) == pytest.approx(2e-4)),
        ("underfitting", lambda plan: plan.epochs == 72),
    ],
)
def test_until_it_is_met_it_does_what_the_diagnosis_asks_for(kind, differs):
    plans = Story(of(regularisation=0.4), Wishes(36, 1, BOTH, 7), until=0.9, kinds=lambda record: [kind]).tell()
    (adjusted,) = (plan for plan in plans if plan.stage == "adjusting")
    assert differs(adjusted)


def test_what_is_met_is_not_refined_any_more():
    plans = Story(of(full_length=0.95), Wishes(36, 2, BOTH, 20), until=0.9).tell()
    assert [plan.stage for plan in plans] == ["full length", "full length", "seeds"]  # both origins, for the difference
    plans = Story(of(adjusting=0.95), Wishes(36, 2, BOTH, 20), until=0.9).tell()
    assert [plan.stage for plan in plans[-2:]] == ["adjusting", "seeds"]
    assert plans[-1].params == plans[-2].params


def test_few_trainings_leave_room_for_the_seeds_that_were_asked_for():
    plans = Story(of(), Wishes(36, 3, BOTH, 5)).tell()
    assert [plan.stage for plan in plans] == ["full length", "full length", "learning rate", "seeds", "seeds"]


def test_seeds_that_the_best_recipe_has_had_take_no_room_from_trainings_that_were_added():
    story = Story(of(full_length=0.9), Wishes(36, 2, BOTH, 3), until=0.999)
    story.tell()
    assert [plan_of(record).stage for record in story.done][-1] == "seeds"
    for trainings in (4, 6, 7):
        story.wishes = Wishes(36, 2, BOTH, trainings)
        assert len(story.tell()) == trainings


def test_without_weights_of_the_search_or_without_an_optimizer_it_is_trained_from_scratch_alone():
    for origins in (BOTH, ("search",)):
        plans = Story(of(), Wishes(9, 2, origins, 8), finalist=Finalist(0, {"x": 1}, False)).tell()
        assert [(plan.origin, plan.params, plan.seed) for plan in plans] == [("scratch", {}, 0), ("scratch", {}, 1)]


def test_who_diverges_is_rescued_by_a_lower_rate_and_refined_from_there():
    def train(plan):
        rate = plan.params.get(RATE, PARAMS[RATE])
        return (math.nan, "nan") if rate > 1e-4 else (0.5 + rate, None)

    plans = Story(train, Wishes(9, 2, BOTH, 12)).tell()
    assert [plan.stage for plan in plans[:4]] == ["full length", "full length", "adjusting", "adjusting"]
    assert [plan.params[RATE] for plan in plans[2:4]] == [pytest.approx(2e-4), pytest.approx(2e-5)]
    assert plans[4].params[RATE] == pytest.approx(8e-6)
    assert plans[-1].stage == "seeds"
    assert plans[-1].params[RATE] < 1e-4
    hopeless = Story(lambda plan: (math.nan, "nan"), Wishes(9, 2, BOTH, 12)).tell()
    assert len(hopeless) == 4


WISHES = st.builds(
    Wishes, st.just(9), st.integers(1, 4), st.sampled_from([BOTH, ("scratch",), ("search",)]), st.integers(4, 24)
)
TOLD = st.lists(st.sampled_from(KINDS), unique=True)


@given(WISHES, st.integers(), st.sampled_from([0.0, 0.3, 1.0]), st.sampled_from([None, 0.5, 0.97]), TOLD)
def test_whatever_comes_of_it_it_ends_within_the_trainings_and_repeats_nothing(wishes, salt, failing, until, kinds):
    for workers in (1, 3):
        story = Story(chance(salt, failing), wishes, until=until, kinds=lambda record: kinds)
        plans = story.tell(workers)
        assert 1 <= len(plans) <= wishes.trainings
        assert len({plan.key for plan in plans}) == len(plans)
        assert all(plan.epochs >= wishes.epochs for plan in plans)
        assert story.next() == []


@given(WISHES, st.integers(), st.sampled_from([0.0, 0.3]), TOLD)
def test_two_at_once_train_the_same_as_one_after_the_other(wishes, salt, failing, kinds):
    one, two = (Story(chance(salt, failing), wishes, kinds=lambda record: kinds).tell(workers) for workers in (1, 2))
    assert {plan.key for plan in one} == {plan.key for plan in two}


@given(WISHES, st.integers(), st.integers(0, 12), st.sampled_from([None, 0.9]), TOLD)
def test_cut_short_anywhere_it_goes_on_as_if_it_had_not_been(wishes, salt, cut, until, kinds):
    def story():
        return Story(chance(salt, 0.2), wishes, until=until, kinds=lambda record: kinds)

    whole = story().tell()
    halves = story()
    while len(halves.done) < min(cut, len(whole)):
        halves.begin(halves.next()[0])
        if len(halves.done) < cut:
            halves.end(len(halves.done) - 1)
    if halves.done and halves.done[-1].outcome is None:
        assert all(plan.key in {one.key for one in whole} for plan in halves.next())
        halves.end(len(halves.done) - 1)
    assert [plan.key for plan in halves.tell()] == [plan.key for plan in whole]


def test_raised_trainings_go_on_from_there():
    story = Story(chance(3), Wishes(9, 2, BOTH, 8), until=2.0, kinds=lambda record: ["too slow"])
    before = story.tell()
    story.wishes = Wishes(9, 2, BOTH, 12)
    after = story.tell()
    assert after[: len(before)] == before
    assert len(before) < len(after) <= 12


def test_a_plan_is_stored_and_comes_back():
    plan = Plan(
        "learning rate",
        "search",
        {PRETRAINED_RATE: 0.3, RATE: 1e-3, "training/class_weights": "balanced"},
        12,
        1,
        "why",
    )
    assert plan_of(record_of(plan, 0)) == plan
    assert plan.recipe == (
        "from the encoder of the search, which learns at 0.3 times the rate, adamw learning rate 0.001, "
        "class weights balanced"
    )

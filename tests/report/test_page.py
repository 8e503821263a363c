import re
import subprocess
import sys
from base64 import b64encode
from dataclasses import replace
from datetime import timedelta
from functools import cache
from hashlib import sha256
from html.parser import HTMLParser
from itertools import pairwise
from random import Random

import pytest

from nas.architecture import Cost
from nas.causes import causes
from nas.ranking import rank
from nas.report import render
from nas.report.data import DRAWN_CURVES, curves_to_draw
from nas.report.section import View
from nas.report.sections.choices import choices
from nas.report.sections.tradeoffs import on_frontier
from nas.store import records
from nas.store.evaluation_records import EpochRecord
from tests.report.samples import BEGAN, HOLDER, NOW, curve, digits, race, report_data, session, study, trial
from tests.report.states import STATES, failed, hostile_data

VOID = {"meta", "link", "br", "hr", "img", "input"}


class Page(HTMLParser):
    """What a page is made of; fails on tags that do not match."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.open, self.attributes, self.text = [], [], [], []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not {"style", "script"} & set(self.open):
            self.text.append(data)

    @property
    def words(self):
        return " ".join(" ".join(self.text).split())


def page(data):
    return Page(render(data, now=NOW))


@cache
def page_of(state):
    return page(STATES[state])


@pytest.mark.parametrize("state", STATES)
def test_every_state_gives_a_whole_page(state):
    made = page_of(state)
    assert made.tags.count("h1") == 1
    levels = [int(tag[1]) for tag in made.tags if tag in ("h1", "h2", "h3", "h4")]
    assert all(after <= before + 1 for before, after in pairwise(levels))
    ids = [value for name, value in made.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    targets = {value[1:] for name, value in made.attributes if name == "href"}
    assert targets <= set(ids)
    assert made.tags.count("section") == 12


@pytest.mark.parametrize(
    ("state", "sentence"),
    [
        ("empty", "Nothing yet: no trial has been started."),
        ("all failed", "Nothing: of 5 trials none is complete with a score (5 failed)."),
        ("all failed", "5 of 5 trials (100%); all of them: out of memory."),
        ("running", "It is still running (process 4242 on bench): 1 trial so far; none failed."),
        ("one trial", "The only complete architecture reached val_accuracy 0.5000."),
        ("below the baseline", "None of them beats what can be had without any encoder (majority class, val_accuracy"),
        ("above the baseline", "To beat without any encoder: majority class, val_accuracy 0.5000."),
        ("two objectives", "6 architectures are on the frontier"),
        (
            "finished",
            "51 trials ended; 1 failed. 4 candidates over a limit and 5 duplicates cost no epoch",
        ),
        ("finished", "1 trial taken up again after an attempt was lost"),
        ("finished", "The best of 30 such scores is optimistic"),
        ("finished", "All 30 architectures with a score, from 35 complete trials."),
        ("finished", "killed, or lost with its machine"),
        ("fine-tuned", "What the fine-tuned encoder of trial 12 makes of validation"),
        ("fine-tuned", "the mean of 2 × trial 12 (training 0) and 1 × trial 45 (training 1)"),
        ("no session", "There is no study file on record."),
        ("NaN everywhere", "none is complete with a score"),
    ],
)
def test_each_section_answers_its_question(state, sentence):
    assert sentence in page_of(state).words


def test_the_same_data_and_moment_give_the_same_bytes():
    assert render(digits(), now=NOW) == render(digits(), now=NOW)


def test_the_page_loads_nothing_and_its_policy_allows_its_own_style_and_script_only():
    html = render(digits(), now=NOW)
    made = Page(html)
    style = html[html.index("<style>") + len("<style>") : html.index("</style>")]
    script = html[html.rindex("<script>") + len("<script>") : html.rindex("</script>")]
    assert "report-data" in script
    for kind, text in (("style", style), ("script", script)):
        assert f"{kind}-src 'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'" in html
    assert html.index("Content-Security-Policy") < html.index("charset") < 1024
    assert not {"link", "img", "iframe", "object", "image", "use"} & set(made.tags)
    names = {name for name, _ in made.attributes}
    assert not {"style", "src", "xlink:href"} & names
    assert not [name for name in names if name.startswith("on")]
    assert all(value.startswith("#") for name, value in made.attributes if name == "href")


HOSTILE = [
    "</script><img src=x onerror=alert(1)>",
    "</style></title></svg><script>alert(1)</script>",
    "{{7*7}}{% raise %}",
    "a\u2028b\u202ec\x00d\ud800e\r\nf",
    "' onload='alert(1)\" x=\"",
    "x" * 10_000,
]


def hostile_page(text):
    return render(hostile_data(text), now=NOW)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_text(text):
    html = hostile_page(text)
    made = Page(html)
    assert "img" not in made.tags
    assert made.tags.count("script") == 1 + html.count('type="application/json"')
    assert not [name for name, _ in made.attributes if name.startswith("on")]
    assert not set("\u2028\u202e\x00\ud800") & set(html)
    assert len(html) < 400_000
    html.encode()


def test_what_looks_like_a_template_is_not_rendered():
    text = "{{7*7}}"
    made, harmless = (Page(hostile_page(name)).words for name in (text, "n" * len(text)))
    assert text in made
    assert made.count("49") == harmless.count("49")


def test_health_adds_up_with_what_was_free_apart():
    trials = [trial(n, outcome="pruned" if n else "complete") for n in range(4)]
    trials += [failed(4), failed(5, "rejected"), failed(6, "rejected"), trial(7, outcome="pruned", duplicate_of=1)]
    made = page(report_data(trials, study=study(trials, trials_budget=5))).words
    told = "5 trials ended; 1 failed. 2 candidates over a limit and 1 duplicate cost no epoch and did not count."
    assert told in made
    assert "1 complete 3 pruned 1 failed 2 over a limit 1 duplicate Budget 5 of 5 trials," in made
    assert "1 of 5 trials (20%): out of memory. 2 candidates were over a limit and cost no epoch." in made


SPENT_ON_NOTHING = [trial(0), failed(1, "rejected"), trial(2, duplicate_of=0)]
STOPPED = session(ending="Stopped by Ctrl-C; 0 trials were interrupted and saved.")
EXHAUSTED = session(ending="The space is exhausted: nothing new in 60 candidates.")


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({"trials_budget": 3, "sessions": (STOPPED,)}, "stopped"),
        ({"trials_budget": 1}, "finished"),
        ({"trials_budget": 3, "sessions": (EXHAUSTED,)}, "finished"),
        ({"trials_budget": 3, "hours_budget": 0.01}, "finished"),
        ({"trials_budget": 1, "running": HOLDER}, "running"),
    ],
)
def test_the_page_and_the_command_line_agree_on_what_is_finished(changes, state):
    record = study(SPENT_ON_NOTHING, **changes)
    assert records.state(record) == state
    made = page(report_data(SPENT_ON_NOTHING, study=record)).words
    assert f"Architecture search digits {state} maximize" in made


def test_a_trial_that_nobody_runs_is_interrupted():
    trials = [trial(0), trial(1, outcome=None, values=None, ended=None)]
    data = report_data(trials, study=study(trials, sessions=(session(ended=None, ending=None),)))
    made = page(data).words
    assert "1 complete 1 interrupted Budget" in made
    assert "None was pruned; 1 of 2 trainings did not complete (1 interrupted)." in made
    assert "running" not in made
    trials = trials[1:]
    assert "none is complete with a score (1 interrupted)." in page(report_data(trials)).words


@pytest.mark.parametrize(
    ("outcomes", "told"),
    [
        (("complete", "complete"), "Every training ran to its end; none was pruned."),
        (("complete", "failed"), "None was pruned; 1 of 2 trainings did not complete (1 failed)."),
        (("pruned", "failed"), "1 trial was pruned, after epoch 12."),
        (("pruned", "pruned"), "2 trials were pruned, half of them by epoch 12."),
    ],
)
def test_curves_are_said_to_end_where_they_do(outcomes, told):
    assert told in page(report_data([trial(n, outcome=outcome) for n, outcome in enumerate(outcomes)])).words


def test_a_perfect_score_has_a_standard_error_too():
    made = page(report_data([trial(0, values=(1.0,)), trial(1, values=(0.9975,)), trial(2, values=(0.99,))])).words
    # 362 of 364 hits: the square root of 362 / 364 · 2 / 364 / 364
    assert "a share of 1.0000 has a standard error of about 0.0039 from" in made
    assert "1 more architecture lies within it." in made


def test_of_one_architecture_nothing_is_said_about_others():
    made = page_of("one trial").words
    assert "The only architecture with a score, from 1 complete trial." in made
    assert "error of about 0.0262 from the choice of examples alone. The whole" in made
    assert not re.search("“\\+2”|Other complete trials|each with its own mark", made)


def test_the_smallest_of_those_that_are_as_good_as_the_best_is_named():
    costs = {0: 9000, 1: 1000, 2: 10}
    scores = {0: 0.95, 1: 0.949, 2: 0.5}
    trials = [trial(n, values=(scores[n],), cost=Cost(costs[n], 1, 1)) for n in costs]
    told = "1 more architecture lies within it. The smallest of these is trial 1: 1.00 k weights instead of 9.00 k."
    assert told in page(report_data(trials)).words
    assert "The smallest" not in page(report_data([replace(one, cost=Cost(1, 1, 1)) for one in trials])).words


def raced_digits():
    data = digits()
    best = rank(data.trials, data.study.directions)[:5]
    drawn = Random(3)
    scores = {one.trial.number: [one.values[0] - 0.02 * n + drawn.gauss(0, 0.002) for _ in range(4)]
              for n, one in enumerate(best)}  # fmt: skip
    return replace(data, evaluations=tuple(race(scores)))


def test_after_a_race_costs_are_weighed_against_estimates_and_no_zero_is_a_digit_too_many():
    made = page(raced_digits()).words
    assert "estimated val_accuracy against weights" in made
    assert re.search(
        r"expected to fall short of the best one’s: .*next to nothing if (only the first is|the first \d are)", made
    )
    assert "0.0000 if" not in made


def test_a_command_in_an_answer_is_one_to_be_copied():
    made = page_of("one trial")
    assert "To know, train the best again with new seeds: nas race digits" in made.words
    assert '<p class="answer">Not far' in render(STATES["one trial"], now=NOW)
    assert 'seeds: <code class="command"><span>nas</span>' in render(STATES["one trial"], now=NOW)
    stopped = study([trial(0)], sessions=(session(ending="The hours are used up. Go on with `nas resume digits`."),))
    assert "Go on with nas resume digits" in page(report_data([trial(0)], study=stopped)).words


def test_frontier_only_shows_with_one_objective_who_is_on_a_frontier_of_the_pictures():
    html = render(digits(), now=NOW)
    marked = set(re.findall(r'<tr data-trial="(\d+)" data-front="1"', html))
    assert marked == {str(number) for number in on_frontier(View(digits(), NOW))}
    assert 1 < len(marked) < 10


@pytest.mark.parametrize(
    ("seconds", "unit"), [(100, "seconds"), (600, "minutes"), (40_000, "hours"), (900_000, "days")]
)
def test_the_clock_has_a_unit_that_can_be_read(seconds, unit):
    data = digits()
    one = session(ended=BEGAN + timedelta(seconds=seconds), renewed=BEGAN + timedelta(seconds=seconds))
    made = page(replace(data, study=replace(data.study, sessions=(one,)))).words
    assert f"The best val_accuracy so far by {unit}" in made


def test_a_choice_that_those_drawn_did_not_make_differently_is_no_axis():
    varied = [{"cnn/width": n % 4, "cnn/depth": n % 3, "training/adam_rate": n / 100} for n in range(20)]
    trials = [
        trial(n, values=(0.5 + n / 50,), params={"training/optimizer": "adam", **some}) for n, some in enumerate(varied)
    ]
    odd = trial(20, params={"training/optimizer": "sgd", "cnn/width": 3, "cnn/depth": 2})
    made = choices(View(report_data([*trials, odd]), NOW)).evidence["figures"]
    headers = next(figure.table.headers for figure in made if figure.name == "parallel")
    assert "optimizer" not in headers
    assert {"cnn/width", "cnn/depth", "adam rate"} <= set(headers)


def test_commands_name_a_database_of_ones_own():
    trials = [trial(0), failed(1)]
    data = report_data(trials, study=study(trials, sessions=()), storage="my studies/nas.db")
    made = page(data).words
    commands = [
        made[found.start() :].split(" --storage ")[0]
        for found in re.finditer(r"nas (show|rank|resume|finetune|race) ", made)
    ]
    assert sorted(set(commands)) == [
        "nas finetune digits --architecture 5feceb66",
        "nas race digits",
        "nas rank digits",
        "nas resume digits",
        "nas show digits TRIAL",
    ]
    assert made.count("--storage 'my studies/nas.db'") == len(commands)
    assert "--storage" not in page(report_data(trials)).words


def test_the_rejected_are_grouped_by_limit_with_the_range_of_the_excess():
    over = ["271,762 weights, 200,000 allowed (limits.weights)", "1,305,100 weights, 200,000 allowed (limits.weights)"]
    both = "300,000 weights, 200,000 allowed (limits.weights); 9,000 macs, 8,000 allowed (limits.macs)"
    messages = [*over, both, "No such kernel for 3 inputs.", "No such kernel for 4 inputs."]
    made = page(report_data([failed(n, "rejected", message=text) for n, text in enumerate(messages)])).words
    assert "271,762 to 1,305,100 weights, 200,000 allowed (limits.weights) Trials 0, 1" in made
    assert f"{both} Trial 2" in made
    assert "3 inputs. Trial 3" in made


def test_a_limit_in_bytes_or_milliseconds_is_one_cause_too():
    """Its number has a fraction, its unit several words."""
    bytes_ = [f"{number} bytes of memory, 1,048,576 allowed (limits.memory)" for number in ("2,097,152", "9,000,000")]
    slow = [f"{number} ms, 1.5 allowed (limits.latency_ms)" for number in ("12.75", "2.35", "1e+03")]
    trials = [failed(n, "rejected", message=text) for n, text in enumerate((*bytes_, *slow))]
    made = page(report_data(trials)).words
    assert "2,097,152 to 9,000,000 bytes of memory, 1,048,576 allowed (limits.memory) Trials 0, 1" in made
    assert "2.35 to 1e+03 ms, 1.5 allowed (limits.latency_ms) Trials 2, 3, 4" in made
    assert [(message, number) for _, message, number in causes(trials)] == [
        ("2.35 to 1e+03 ms, 1.5 allowed (limits.latency_ms)", 3),
        ("2,097,152 to 9,000,000 bytes of memory, 1,048,576 allowed (limits.memory)", 2),
    ]


def test_marks_in_the_legend_are_whole():
    html = render(digits(), now=NOW)
    chart = html[html.index('<figure id="learning"') :]
    chart = chart[: chart.index("</svg>")]
    lines, legend = chart.split("role-legend", 1)
    assert lines.count("stroke-dasharray") > 4
    assert "stroke-dasharray" not in legend


def test_points_beyond_the_axis_are_counted():
    usual = {n: curve(0.9, 10, Random(n)) for n in range(20)}
    epochs = (EpochRecord(1, -50.0, {}, 0.1), *usual[0][1:])
    told = page(report_data([trial(n) for n in range(20)], curves={**usual, 0: epochs})).words
    assert "1 value is lower than" in told
    assert ", far off the others, and drawn at" in told
    assert (
        "far off" not in page(report_data([trial(0)], curves={0: tuple(replace(e, value=0.5) for e in epochs)})).words
    )


def test_an_objective_that_is_a_cost_is_a_count():
    trials = [trial(n, values=(1_234_567.0 + n, 0.9)) for n in range(3)]
    for objectives in (("weights",), ("macs",), ("weights", "val_accuracy")):
        some = [replace(one, values=one.values[: len(objectives)]) for one in trials]
        curves = {n: (EpochRecord(1, 1_234_567.0 + n, {}, 0.1),) for n in range(3)}
        directions = ("minimize", "maximize")[: len(objectives)]
        record = study(some, objectives=objectives, directions=directions)
        made = page(report_data(some, study=record, curves=curves))
        assert "1,234,567" in made.words
        assert not [text for text in (made.words, *(value for _, value in made.attributes)) if "e+06" in str(text)]


def test_a_thousand_trials_stay_small_and_say_what_is_left_out():
    html = render(digits(1000), now=NOW)
    assert len(html.encode()) < 2_000_000
    words = Page(html).words
    assert "architectures with a score" in words
    assert "150 of" in words


def test_long_curves_are_thinned_and_it_is_said():
    data = report_data([trial(0, epochs=500)])
    html = render(data, now=NOW)
    assert "Each curve is thinned to 60 epochs." in Page(html).words
    assert len(html) < 100_000


def test_importing_the_report_loads_neither_altair_nor_keras_nor_optuna():
    code = "import nas.report, sys; print({'altair', 'keras', 'tensorflow', 'optuna', 'sqlalchemy'} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"


def test_the_sample_of_curves_reaches_to_the_newest_trial():
    trials = tuple(trial(n, outcome="pruned") for n in range(500))
    numbers = curves_to_draw(trials, [])
    assert (len(numbers), numbers[0], numbers[-1]) == (DRAWN_CURVES, 0, 499)


def test_after_a_race_whether_the_search_has_seen_enough_goes_by_whom_the_verdict_names():
    scores = {0: 0.80, 1: 0.95, 2: 0.81, 3: 0.94}
    trials = [trial(n, values=(score,)) for n, score in scores.items()]
    lucky = race({1: [0.85, 0.85, 0.86], 3: [0.93, 0.94, 0.94]})
    made = page(report_data(trials, evaluations=tuple(lucky))).words
    estimate = re.search(r"trial 3 leads|Trial 3: of 4 architectures", made)
    assert estimate
    assert re.search(r"Perhaps not: the best \(trial 3, estimated 0\.9\d+\) was the last to complete\. The pict", made)
    assert "Perhaps not: the best (trial 1, 0.9500) came only 2" in page(report_data(trials)).words
    share = re.search(r"a share of (0\.\d+) has a standard error", made)
    assert share
    assert share[1] in re.findall(r"estimated 0\.\d+", made)[-1]


def test_the_one_with_the_fewest_macs_has_a_card_and_a_command_however_many_are_tied():
    trials = [trial(n, values=(0.90 - n / 1000,), cost=Cost(1000, 9000 - n, 1)) for n in range(7)]
    tied = race({n: [0.90 - n / 1000 + by for by in (-0.02, 0.0, 0.02)] for n in range(7)})
    data = report_data(trials, evaluations=tuple(tied))
    made, ranked = page(data).words, View(data, NOW).ranked
    assert all(entry.trust.tied for entry in ranked)
    assert ranked[-1].trial.number == 6
    assert "Trial 6 has the fewest MACs of them: 8.99 k." in made
    assert f"nas finetune digits --architecture {trials[6].fingerprint[:8]}" in made
    assert made.count("fewest MACs") == 2
    assert f"nas finetune digits --architecture {trials[5].fingerprint[:8]}" not in made
    assert "The first 5 at once: nas finetune digits --top 5" in made
    few = page(report_data(trials[:3], evaluations=tuple(race({n: [0.9, 0.88, 0.92] for n in range(3)})))).words
    assert "All of them at once: nas finetune digits --top 3" in few

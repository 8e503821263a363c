import subprocess
import sys
from base64 import b64encode
from dataclasses import replace
from hashlib import sha256
from html.parser import HTMLParser
from itertools import pairwise
from random import Random

import pytest

from nas.conversation import Cost, Node
from nas.report import render
from nas.report.data import DRAWN_CURVES, curves_to_draw
from nas.store.records import EpochRecord, EventRecord
from tests.report.samples import HOLDER, NOW, curve, digits, report_data, session, study, trial

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
        if "style" not in self.open:
            self.text.append(data)

    @property
    def words(self):
        return " ".join(" ".join(self.text).split())


def page(data):
    return Page(render(data, now=NOW))


def failed(number, kind="oom", **changes):
    changes = {"message": "Out of memory.", "values": None, "epochs": 0, **changes}
    return trial(number, outcome="failed", kind=kind, **changes)


def two_objectives():
    trials = [trial(n, values=(0.9 - n / 100, float(1000 >> n))) for n in range(6)]
    trials.append(trial(6, values=(0.1, 99999.0)))
    record = study(trials, objectives=("val_accuracy", "weights"), directions=("maximize", "minimize"))
    return report_data(trials, study=record)


STATES = {
    "finished": digits(),
    "empty": report_data(),
    "no session": report_data(study=study(sessions=(), file=None, data=None, trials_budget=None, hours_budget=None)),
    "all failed": report_data([failed(n) for n in range(5)]),
    "all pruned": report_data([trial(n, outcome="pruned", epochs=1) for n in range(5)]),
    "running": report_data([trial(0), trial(1, outcome=None, values=None, ended=None)], study=study(
        [trial(0), trial(1, outcome=None)], running=HOLDER, sessions=(session(ended=None, ending=None),))),
    "one trial": report_data([trial(0)]),
    "two objectives": two_objectives(),
    "nothing known": report_data(
        [trial(n, fingerprint=None, family=None, training={}, params={}, cost=Cost(unknown="?")) for n in range(2)]),
    "NaN everywhere": report_data([trial(0, values=(float("nan"),), seconds=float("nan"))],
        curves={0: tuple(EpochRecord(step, float("nan"), {}, None) for step in (1, 2))}),
}  # fmt: skip


@pytest.mark.parametrize("state", STATES)
def test_every_state_gives_a_whole_page(state):
    made = page(STATES[state])
    assert made.tags.count("h1") == 1
    levels = [int(tag[1]) for tag in made.tags if tag in ("h1", "h2", "h3", "h4")]
    assert all(after <= before + 1 for before, after in pairwise(levels))
    ids = [value for name, value in made.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    targets = {value[1:] for name, value in made.attributes if name == "href"}
    assert targets <= set(ids)
    assert made.tags.count("section") == 7


@pytest.mark.parametrize(
    ("state", "sentence"),
    [
        ("empty", "Nothing yet: no trial has been started."),
        ("all failed", "Nothing yet: of 5 trials none is complete with a score (5 failed)."),
        ("all failed", "5 of 5 trials (100%); all of them: out of memory."),
        ("running", "It is still running (process 4242 on bench): 1 trial so far; none failed."),
        ("one trial", "The only complete architecture reached val_accuracy 0.5000."),
        ("two objectives", "6 architectures are on the frontier"),
        ("finished", "The budget is used up. 60 trials ended; 5 failed."),
        ("finished", "1 trial taken up again after an attempt was lost"),
        ("finished", "The best of 30 such scores is optimistic"),
        ("finished", "All 30 architectures with a score, from 35 complete trials."),
        ("finished", "killed, or lost with its machine"),
        ("no session", "There is no study file on record."),
        ("NaN everywhere", "none is complete with a score"),
    ],
)
def test_each_section_answers_its_question(state, sentence):
    assert sentence in page(STATES[state]).words


def test_the_same_data_and_moment_give_the_same_bytes():
    assert render(digits(), now=NOW) == render(digits(), now=NOW)


def test_the_page_loads_nothing_and_its_policy_allows_its_own_style_only():
    html = render(digits(), now=NOW)
    made = Page(html)
    style = html[html.index("<style>") + len("<style>") : html.index("</style>")]
    assert f"style-src 'sha256-{b64encode(sha256(style.encode()).digest()).decode()}'" in html
    assert html.index("Content-Security-Policy") < html.index("charset") < 1024
    assert not {"script", "link", "img", "iframe", "object", "image", "use"} & set(made.tags)
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


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_text(text):
    nodes = (Node(text, text, text, (8, 8, 1), {text: text, "activation": text}, (), 1, None),)
    trials = [
        trial(0, family=text, fingerprint=text, params={text: text}, training={text: text}),
        failed(1, message=text, traceback=text, family=text),
    ]
    host = replace(HOLDER, host=text)
    one = session(command=text, holder=host, versions={text: text}, commit=text, ending=text)
    source = {"source": text, "examples": {text: text}}
    record = study(trials, name=text, file=text, objectives=(text,), data=source, sessions=(one,), running=host)
    event = EventRecord(NOW, text, text)
    data = report_data(trials, study=record, events=(event,), graphs={0: nodes}, curves={0: curve(0.9, 5, Random(0))})
    html = render(data, now=NOW)
    made = Page(html)
    assert not {"script", "img"} & set(made.tags)
    assert not [name for name, _ in made.attributes if name.startswith("on")]
    assert "49" not in made.words or "{{7*7}}" in made.words
    assert not set("\u2028\u202e\x00\ud800") & set(html)
    assert len(html) < 150_000
    html.encode()


def test_a_thousand_trials_stay_small_and_say_what_is_left_out():
    html = render(digits(1000), now=NOW)
    assert len(html.encode()) < 2_000_000
    words = Page(html).words
    assert "The best 100 of" in words
    assert "150 of" in words


def test_long_curves_are_thinned_and_it_is_said():
    data = report_data([trial(0, epochs=500)])
    html = render(data, now=NOW)
    assert "Each curve is thinned to 60 epochs." in Page(html).words
    assert len(html) < 60_000


def test_importing_the_report_loads_neither_altair_nor_keras_nor_optuna():
    code = "import nas.report, sys; print({'altair', 'keras', 'tensorflow', 'optuna', 'sqlalchemy'} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"


def test_the_sample_of_curves_reaches_to_the_newest_trial():
    trials = tuple(trial(n, outcome="pruned") for n in range(500))
    numbers = curves_to_draw(trials, [])
    assert (len(numbers), numbers[0], numbers[-1]) == (DRAWN_CURVES, 0, 499)

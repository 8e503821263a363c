"""The states that a study is reported in."""

from dataclasses import replace
from random import Random

from nas.architecture import Cost, Node
from nas.store.evaluation_records import EpochRecord
from nas.store.records import EventRecord
from tests.report.samples import HOLDER, NOW, curve, digits, embedding, look, report_data, session, study, trial, tuned


def failed(number, kind="oom", **changes):
    changes = {"message": "Out of memory.", "values": None, "epochs": 0, **changes}
    return trial(number, outcome="failed", kind=kind, **changes)


def two_objectives():
    trials = [trial(n, values=(0.9 - n / 100, float(1000 >> n))) for n in range(6)]
    trials.append(trial(6, values=(0.1, 99999.0)))
    record = study(trials, objectives=("val_accuracy", "weights"), directions=("maximize", "minimize"))
    return report_data(trials, study=record)


AGAINST = {"baseline": {"name": "majority class", "metrics": {"val_accuracy": 0.5}}}
STATES = {
    "finished": digits(),
    "fine-tuned": tuned(),
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
    "below the baseline": report_data([trial(0)], study=study([trial(0)], data=AGAINST | {"examples": {}})),
    "above the baseline": report_data([trial(0, values=(0.75,))], study=study([trial(0)], data=AGAINST)),
    "NaN everywhere": report_data([trial(0, values=(float("nan"),), seconds=float("nan"))],
        curves={0: tuple(EpochRecord(step, float("nan"), {}, None) for step in (1, 2))}),
}  # fmt: skip


def hostile_data(text):
    """A study of which all that comes from others is `text`."""
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
    points = embedding(0, examples=100).projection
    vectors = embedding(0, layer=text, split=text, projection=replace(points, names=(text, *points.names[1:])))
    return report_data(
        trials,
        study=record,
        events=(event,),
        graphs={0: nodes},
        curves={0: curve(0.9, 5, Random(0))},
        embeddings=(vectors,),
        looks=(look(0, None, 0.5),),
    )

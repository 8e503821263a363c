import csv
import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from nas.documents import objectives_document, plain, ranked_document, reliability_document
from nas.report import render
from nas.report.anonymous import anonymous
from nas.report.document import report_document
from nas.report.formats import as_csv, as_json, as_markdown
from nas.report.section import View
from nas.store.records import EventRecord, Holder
from tests.report.samples import NOW, digits, embedding, report_data, session, study, trial
from tests.report.states import STATES

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "report.schema.json").read_text("utf-8"))


@pytest.mark.parametrize("state", STATES)
def test_the_document_is_what_the_schema_says(state):
    Draft202012Validator.check_schema(SCHEMA)
    document = json.loads(as_json(View(STATES[state], NOW), None))
    Draft202012Validator(SCHEMA).validate(document)
    assert set(document) == set(SCHEMA["required"]) == set(SCHEMA["properties"])


def test_the_page_holds_the_same_document():
    html = render(digits(), now=NOW)
    start = html.index('id="report-data">') + len('id="report-data">')
    held = json.loads(html[start : html.index("</script>", start)])
    assert held == report_document(View(digits(), NOW))


def test_names_are_those_of_the_command_line():
    view = View(digits(), NOW)
    document = report_document(view)
    assert document["ranking"] == plain([ranked_document(entry) for entry in view.ranked])
    assert document["objectives"] == objectives_document(view.data.study)
    assert document["reliability"] == reliability_document(view.reliability)


def test_top_leaves_out_the_rest_and_says_how_many_there_are():
    document = report_document(View(digits(), NOW), 3)
    assert (len(document["ranking"]), document["architectures"]) == (3, 30)
    assert len(as_csv(View(digits(), NOW), 3).splitlines()) == 4


def test_csv_has_a_line_for_each_architecture_and_no_formula():
    trials = [trial(0, family="=HYPERLINK(1)", params={"cnn/width": 32, "@a": "+1"}), trial(1, values=(0.25,))]
    rows = list(csv.DictReader(io.StringIO(as_csv(View(report_data(trials), NOW), None))))
    assert [row["trial"] for row in rows] == ["0", "1"]
    assert rows[0]["family"] == "'=HYPERLINK(1)"
    assert rows[0]["params.@a"] == "'+1"
    assert rows[1]["val_accuracy"] == "0.25"


@pytest.mark.parametrize("state", STATES)
def test_markdown_asks_and_answers(state):
    text = as_markdown(View(STATES[state], NOW), None)
    assert text.startswith("# digits\n")
    assert text.count("\n## ") == 8


def test_markdown_of_a_hostile_name_is_text():
    record = study([trial(0)], name="<img src=x> [a](javascript:b) `c`\n# d")
    text = as_markdown(View(report_data([trial(0)], study=record), NOW), None)
    assert text.count("```") == 2
    text = text.partition("```")[0] + text.rpartition("```")[2]
    assert "<img" not in text
    assert "[a](" not in text
    assert "\n# d" not in text


def test_an_anonymous_report_counts_the_hours_of_the_search_alone_as_well():
    sessions = tuple(session(command=f"nas {verb} secret") for verb in ("launch", "resume", "race", "finetune"))
    data = report_data([trial(0)], study=study([trial(0)], sessions=sessions))
    hidden = anonymous(data)
    assert hidden.study.seconds == data.study.seconds > 0
    assert [one.command.split()[1] for one in hidden.study.sessions] == ["launch", "resume", "race", "finetune"]


def test_an_anonymous_report_names_no_database():
    ending = "Stopped by Ctrl-C; 1 trial was interrupted and saved. Go on with `nas resume digits --storage {}`."
    for storage in ("secret.db", "'my secret.db'", "../secret/nas.db", "postgresql+psycopg://me@secret/db"):
        one = session(ending=ending.format(storage))
        hidden = anonymous(report_data([trial(0)], study=study([trial(0)], sessions=(one,))))
        assert hidden.study.sessions[0].ending.endswith("--storage …`.")


def test_an_anonymous_report_names_nobody():
    holder = Holder(pid=4711, host="secret-host", boot_id="b", process_started=1.0)
    one = session(holder=holder, command="nas launch /home/somebody/secret.toml", ending="secret-host went down")
    event = EventRecord(NOW, "takeover", "Process 4711 on secret-host is gone; see /home/somebody/log.txt.")
    told = "No such file: /home/somebody/data/a.png"
    trials = [
        trial(0, family="/home/somebody/mine.py:Mine", params={"/home/somebody/mine.py:Mine/width": 3}),
        trial(1, outcome="failed", kind="error", message=told, traceback=f'File "/home/somebody/mine.py"\n{told}'),
    ]
    card = {"source": "images:/home/somebody/data", "folder": "/home/somebody", "class_names": ["secret"]}
    record = study(trials, name="secret-study", sessions=(one,), running=holder, data=card, file="secret", base="/home")
    data = replace(report_data(trials, study=record, events=(event,)), storage="/home/somebody/nas.db")
    vectors = embedding(0)
    named = replace(vectors, projection=replace(vectors.projection, names=tuple(f"secret {n}" for n in range(10))))
    data = replace(data, embeddings=(named,))
    hidden = anonymous(data)
    for text in (render(hidden, now=NOW), *(make(View(hidden, NOW), None) for make in (as_json, as_csv, as_markdown))):
        for name in ("secret", "somebody", "4711", "/home"):
            assert name not in text

import os
from dataclasses import asdict

import pytest
from optuna.trial import TrialState

from nas.architecture import Architecture, Cost
from nas.conversation import Epoch
from nas.errors import BadInput, NotFound
from nas.report import read, write_index, write_report
from nas.store.engine import open_read_only, storage_url
from nas.store.ledger import Ledger, create_study
from nas.store.records import Holder, NewSession
from tests.report.samples import FILE, NOW, cnn_graph, study


@pytest.fixture
def url(tmp_path):
    """A database with one study of two trials, the second one pruned."""
    url = storage_url(str(tmp_path / "nas.db"))
    objectives = [("val_accuracy", "maximize")]
    create_study(url, name="digits", file=FILE, base=str(tmp_path), objectives=objectives, trials=2, hours=None)
    session = NewSession(
        Holder(os.getpid(), "here", "b", 0.0), "nas launch digits.toml", 0, {"keras": "3"}, {}, "ab", None
    )
    ledger = Ledger.open(url, "digits", session)
    ledger.set_data(study().data)
    for score, state, outcome in ((0.9, TrialState.COMPLETE, "complete"), (0.4, TrialState.PRUNED, "pruned")):
        trial = ledger.study.ask()
        trial.suggest_int("cnn/width", 8, 64)
        ledger.start_attempt(trial._trial_id, worker=1, family="cnn")
        built = Architecture(f"{score:.1f}" * 21 + "0", cnn_graph(), Cost(1000, 2000, 3000))
        ledger.built(trial._trial_id, architecture=built, training={"batch_size": 32}, duplicate_of=None)
        for step in (1, 2):
            ledger.epoch(trial._trial_id, Epoch(step, {"val_accuracy": score * step / 2}, 0.1), score * step / 2)
        ledger.finish(
            trial._trial_id, state=state, values=[score] if outcome == "complete" else None, outcome=outcome, metrics={}
        )
    ledger.event("note", "Something happened.")
    ledger.close("budget used up")
    return url


def test_a_page_is_read_from_the_store_and_written_whole(url, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = write_report(url, "digits", now=NOW)
    assert path.as_posix() == "reports/digits.html"
    html = path.read_text("utf-8")
    for told in (
        "0.9000",
        "8 × 8 × 32",
        "1 trial was pruned",
        "Something happened.",
        "budget used up",
        "sklearn:digits",
    ):
        assert told in html
    assert sorted(file.name for file in path.parent.iterdir()) == ["digits.html", "index.html"]


def test_the_list_keeps_what_others_wrote_and_loses_links_to_what_is_gone(url, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    page, listed = write_report(url, "digits", now=NOW), tmp_path / "reports" / "index.html"
    assert '<a href="digits.html">digits</a>' in listed.read_text("utf-8")
    other = storage_url(str(tmp_path / "other.db"))
    create_study(
        other, name="</script> fashion", file=FILE, base=".", objectives=[("loss", "minimize")], trials=2, hours=None
    )
    write_report(other, "</script> fashion", now=NOW)
    told = listed.read_text("utf-8")
    assert '<a href="digits.html">digits</a>' in told
    assert '<a href="script-fashion.html">&lt;/script&gt; fashion</a>' in told
    assert "2 studies" in told
    write_report(url, "digits", tmp_path / "elsewhere.html", now=NOW)
    assert listed.read_text("utf-8") == told
    page.unlink()
    write_report(other, "</script> fashion", now=NOW)
    told = listed.read_text("utf-8")
    assert 'href="digits.html"' not in told
    assert ">digits<" in told
    assert write_index(url, now=NOW).read_text("utf-8") == told


@pytest.mark.parametrize(
    "text", ["", "<!doctype html>", '<script type="application/json" id="index-data">[1]</script>']
)
def test_a_list_that_is_none_is_begun_anew(url, tmp_path, monkeypatch, text):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / "index.html").write_text(text)
    write_report(url, "digits", now=NOW)
    assert "1 study" in (tmp_path / "reports" / "index.html").read_text("utf-8")


def test_reading_changes_nothing_in_the_database(url, tmp_path):
    before = (tmp_path / "nas.db").read_bytes()
    engine = open_read_only(url)
    data = read(engine, "digits")
    engine.dispose()
    write_report(url, "digits", tmp_path / "new" / "a.html", now=NOW)
    assert (tmp_path / "nas.db").read_bytes() == before
    assert set(data.graphs) == {0}
    assert [asdict(node) for node in data.graphs[0]] == [asdict(node) for node in cnn_graph()]
    assert set(data.curves) == {0, 1}


def test_commands_name_the_database_unless_it_is_the_default_one(url, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NAS_STORAGE", raising=False)
    html = write_report(url, "digits", now=NOW).read_text("utf-8")
    assert "<span>digits</span> <span>--storage</span> <span>nas.db</span></code>" in html
    monkeypatch.setenv("NAS_STORAGE", "nas.db")
    assert write_report(None, "digits", now=NOW).read_text("utf-8") == html
    (tmp_path / "studies").mkdir()
    (tmp_path / "nas.db").rename(tmp_path / "studies" / "nas.db")
    assert "--storage" not in write_report("studies/nas.db", "digits", now=NOW).read_text("utf-8")


def test_an_old_page_survives_a_failed_one(url, tmp_path):
    page = tmp_path / "page.html"
    page.write_text("old")
    with pytest.raises(NotFound, match="digit"):
        write_report(url, "digit", page)
    assert page.read_text() == "old"


def test_a_place_that_cannot_be_written_is_named(url, tmp_path):
    (tmp_path / "folder").mkdir()
    with pytest.raises(BadInput, match=r"cannot be written to .*folder.*-o"):
        write_report(url, "digits", tmp_path / "folder")
    assert sorted(file.name for file in tmp_path.iterdir() if file.suffix == ".part") == []
    (tmp_path / "t.csv").write_text("")
    for place in ("t.csv/x.html", "t.csv/deeper/x.html"):
        with pytest.raises(BadInput, match=r"x\.html: there is a file .*t\.csv where its folder would be.*-o"):
            write_report(url, "digits", tmp_path / place)


def test_a_study_of_any_name_gets_a_file_below_reports():
    from nas.report.writing import file_name

    assert file_name("../../etc/passwd") == "etc-passwd"
    assert file_name("..") == "study"
    assert file_name("ü" * 500 + "a" * 500) == "a" * 99

"""A study that starts from another one's encoder: which it is, what is refused, and who answers what. No TensorFlow."""

from dataclasses import asdict, replace
from pathlib import Path

import pytest

from nas.architecture import Architecture, Cost
from nas.conversation import Ask, Built, Distribution, Epoch, Finished, Start
from nas.data_card import DataCard, Input
from nas.errors import BadInput, StudyFailed, StudyFileError
from nas.search.files import StudyFiles
from nas.search.orders import order_of
from nas.search.origin import Origin, find_origin, keep_weights
from nas.search.preparing import with_families
from nas.store.engine import storage_url
from nas.store.files import files_root
from nas.store.ledger import Ledger
from nas.store.storage import load_study
from nas.study_file import parse_study
from tests.report import samples
from tests.search.scripts import CARD, run, session, study_of


def candidate(order):
    """The wider, the better."""
    width = yield Ask(f"{order.family}/width", Distribution("int", low=1, high=64), 8)
    rate = yield Ask("training/rate", Distribution("float", low=0.0, high=1.0), 0.5)
    training = {"rate": rate.value}
    yield Built(Architecture(f"{order.family}-{width.value}", (), Cost(1, 1, 1)), training)
    metrics = {"loss": 1.0, "val_accuracy": width.value / 64, "val_loss": 1.0}
    yield Epoch(1, metrics, 0.01)
    yield Finished(metrics)


@pytest.fixture
def pretrained(tmp_path) -> str:
    """The database of a study "toy" of eight trials with weights kept of all but trial 1; its URL."""
    url = storage_url(str(tmp_path / "nas.db"))
    finished = run(tmp_path, study_of(trials=8, epochs=1), candidate)
    files = StudyFiles(files_root(url), finished.ledger.record.id)
    for number in (0, *range(2, 8)):
        files.checkpoint(number).parent.mkdir(parents=True, exist_ok=True)
        files.checkpoint(number).write_bytes(b"weights of %d" % number)
    ledger = Ledger.open(url, "toy", session())
    ledger.set_data(asdict(CARD))
    ledger.close("done")
    return url


def widths(url: str) -> list[int]:
    trials = load_study("toy", url).get_trials()
    return [next(value for name, value in trial.params.items() if name.endswith("/width")) for trial in trials]


def test_the_best_trial_is_started_from_or_the_one_that_is_named(pretrained):
    found = widths(pretrained)
    best = max(range(8), key=found.__getitem__)
    start = find_origin(pretrained, "toy").start
    assert start.name == f"toy/{best}"
    assert start.params == {f"{start.family}/width": found[best]}  # nothing of how it was trained
    assert Path(start.weights).read_bytes() == b"weights of %d" % best
    second = find_origin(pretrained, "toy/2").start
    assert second.params == {f"{second.family}/width": found[2]}
    assert find_origin(pretrained, None) is None


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("tony", r"space\.start_from: No study is named 'tony'\. Did you mean 'toy'\?"),
        ("toy/8", r"'toy' has no trial 8\. They are numbered 0 to 7"),
        ("toy/1", r"weights of trial 1 of 'toy' are not kept.*Kept: 0, 2, 3"),
    ],
)
def test_what_cannot_be_started_from_is_refused_with_what_can(pretrained, name, message):
    with pytest.raises(BadInput, match=message):
        find_origin(pretrained, name)


def test_a_database_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(BadInput, match=r"space\.start_from: "):
        find_origin(storage_url(str(tmp_path / "none.db")), "toy")


def test_a_trial_that_failed_is_no_start(tmp_path):
    def breaks(order):
        yield Ask(f"{order.family}/width", Distribution("int", low=1, high=64), 8)
        yield Finished({})

    run(tmp_path, study_of(trials=2), breaks)
    url = storage_url(str(tmp_path / "nas.db"))
    with pytest.raises(BadInput, match="trial 0 of 'toy' is failed, not complete"):
        find_origin(url, "toy/0")
    with pytest.raises(BadInput, match="No trial of 'toy' is complete yet"):
        find_origin(url, "toy")


def test_a_copy_of_the_weights_outlives_the_study_s_own(pretrained, tmp_path):
    start = find_origin(pretrained, "toy/3").start
    kept = keep_weights(start, tmp_path / "other" / "start.npz")
    Path(start.weights).unlink()
    assert Path(kept.weights).read_bytes() == b"weights of 3"
    with pytest.raises(BadInput, match="not kept"):
        find_origin(pretrained, "toy/3")
    again = find_origin(pretrained, "toy/3", Path(kept.weights)).start
    assert again == kept
    assert keep_weights(again, Path(kept.weights)) == kept


def origin(inputs: dict[str, Input], folder: Path = Path("/nowhere")) -> Origin:
    card = DataCard("npz:old.npz", "0" * 64, str(folder), inputs, CARD.target, {"train": 80})
    return Origin(Start("old/3", "cnn", {}, "w.npz"), card)


@pytest.mark.parametrize(
    ("old", "message"),
    [
        (Input("image", (8, 8, 3)), r"old/3 was trained on other inputs.*: 'x' was image \(8, 8, 3\) and is"),
        (Input("sequence", (8, 8)), r"'x' was sequence \(8, 8\) and is image \(8, 8, 1\)"),
    ],
)
def test_other_inputs_are_refused(old, message):
    with pytest.raises(BadInput, match=message):
        with_families(study_of(), CARD, origin({"x": old}))
    with pytest.raises(BadInput, match=r"'photo' was image .* and is not there"):
        with_families(study_of(), CARD, origin({"photo": CARD.inputs["x"]}))
    scaled = replace(CARD.inputs["x"], mean=(3.0,), std=(2.0,))
    assert with_families(study_of(), CARD, origin({"x": scaled})).space.families == ("cnn",)


def test_texts_must_become_the_same_tokens(tmp_path):
    text = Input("text", (16,), vocabulary=50)
    old = origin({"x": text}, tmp_path / "old")
    card = replace(CARD, inputs={"x": text}, folder=str(tmp_path / "new"))
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x_tokenizer.json").write_text(name)
    remedy = rf'write tokenizer = "{tmp_path}/old/x_tokenizer\.json" and length = 16'
    with pytest.raises(BadInput, match=rf"other tokens than those that the encoder of old/3 knows.*{remedy}"):
        old.refuse_other_inputs(card)
    with pytest.raises(BadInput, match=rf"50 words and is text \(16,\), 60 words.*{remedy}"):
        old.refuse_other_inputs(replace(card, inputs={"x": replace(text, vocabulary=60)}))
    (tmp_path / "new" / "x_tokenizer.json").write_text("old")
    old.refuse_other_inputs(card)


def test_the_encoder_s_params_are_answered_and_kept_and_the_rest_is_searched(tmp_path):
    start = Start("old/3", "cnn", {"cnn/width": 3}, "w.npz")
    orders = []

    def watched(order):
        orders.append(order.start)
        yield from candidate(order)

    study = study_of(trials=5, epochs=1)
    study = study.model_copy(update={"space": study.space.model_copy(update={"families": ("cnn",)})})
    run(tmp_path, study, watched, start=start)
    trials = load_study("toy", str(tmp_path / "nas.db")).get_trials()
    assert [trial.params["cnn/width"] for trial in trials] == [3] * 5
    assert len({trial.params["training/rate"] for trial in trials}) == 5
    assert orders == [start] * 5


def test_a_choice_that_is_no_longer_there_is_said(tmp_path):
    start = Start("old/3", "cnn", {"cnn/width": 100}, "w.npz")
    with pytest.raises(StudyFailed, match=r"cnn/width cannot be asked like this: .*100"):
        run(tmp_path, study_of(trials=9), choosy, start=start)


def choosy(order):
    yield Ask("cnn/width", Distribution("categorical", choices=(8, 16)), 8)
    yield Finished({})


FILE = 'name = "new"\n[data]\nsource = "npz:toy.npz"\n[space]\n{}\n[search]\ntrials = 3\n'


def test_what_started_from_another_study_is_built_again_from_what_was_searched():
    inputs = {"photo": CARD.inputs["x"], "facts": Input("vector", (4,))}
    searched = dict.fromkeys(("own.py:Joins", "cnn", "mlp"), "11" * 32)  # and no family that has come since
    study = samples.study(
        file=FILE.format('start_from = "toy/12"'),
        data=asdict(replace(CARD, inputs=inputs)),
        sessions=(replace(samples.session(), space_fingerprints=searched),),
    )
    order = order_of(study, samples.trial(0, family="own.py:Joins"))
    assert order.family == "own.py:Joins"
    assert order.encoders == {"photo": ("cnn", "mlp"), "facts": ("mlp",)}
    alone = replace(study, data=asdict(replace(CARD, inputs={"user": Input("ids", (1,)), "item": Input("ids", (1,))})))
    assert order_of(alone, samples.trial(0, family="own.py:Joins")).encoders == {}  # whatever would be guessed of it


def test_the_key_is_checked_with_the_file():
    study = parse_study(FILE.format('start_from = "toy/12"'), path="new.toml", base=Path())
    assert study.space.start_from == "toy/12"
    with pytest.raises(StudyFileError, match=r"space\.start_from: must be 'STUDY' or 'STUDY/TRIAL'.*'toy/best'"):
        parse_study(FILE.format('start_from = "toy/best"'), path="new.toml", base=Path())
    with pytest.raises(StudyFileError, match="give `families` or `start_from`"):
        parse_study(FILE.format('start_from = "toy"\nfamilies = ["cnn"]'), path="new.toml", base=Path())

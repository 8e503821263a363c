"""A log becomes examples that know nothing of the future. Needs no TensorFlow."""

import gzip
import json
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nas.data.checks import check
from nas.data.interactions import load
from nas.data.options import DataSection, InteractionsSection, SplitSection
from nas.data.prepared import open_split, prepare
from nas.data.splits import split
from nas.errors import DataError

SPLITS = ("train", "validation", "test")
HEADER = "user,item,rating,time"


def data(source: str = "log.csv", split: SplitSection | None = None, **settings: object) -> DataSection:
    settings = {"fewest": 3, **settings}
    section = InteractionsSection.model_validate(settings)
    return DataSection(source=f"interactions:{source}", interactions=section, split=split or SplitSection())


def write(folder: Path, rows: object, header: str = HEADER, name: str = "log.csv") -> Path:
    path = folder / name
    path.write_text("\n".join([header, *(",".join(map(str, row)) for row in rows)]) + "\n", encoding="utf-8")
    return path


def grid(users: int = 4, items: int = 4) -> list[tuple[str, str, int, int]]:
    """Every user takes every item, at times that interleave, each in an order of their own."""
    return [
        (f"u{user}", f"i{(user + step) % items}", step + 1, 100 * step + user)
        for user in range(users)
        for step in range(items)
    ]


@st.composite
def logs(draw):
    """Rows of (user, item, time) in any order: a grid, of which something is always left, and others."""
    names = st.sampled_from(["u0", "u1", "v", "w"]), st.sampled_from(["i0", "i1", "j", "k"])
    others = draw(st.lists(st.tuples(*names, st.integers(0, 400)), max_size=30))
    return draw(st.permutations([(user, item, time) for user, item, _, time in grid()] + others))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("log")


def loaded(folder: Path, rows, **settings):
    """Return what a log becomes, each row's number being its rating; and that number of each example, by split."""
    write(folder, [(user, item, row, time) for row, (user, item, time) in enumerate(rows)])
    raw = load("log.csv", folder, data(**settings))
    return raw, {name: raw.splits[name].labels.astype(int).tolist() for name in SPLITS}


@given(logs(), st.sampled_from(["last", "time"]), st.integers(1, 6))
def test_a_history_holds_what_its_user_took_before_and_nothing_else(folder, rows, hold_out, length):
    raw, numbers = loaded(folder, rows, hold_out=hold_out, history=length)
    names = {}  # of items, by id
    for name in SPLITS:
        names |= dict(zip(raw.splits[name].x["item"][:, 0], (rows[n][1] for n in numbers[name]), strict=True))
    everything = sorted((n for name in SPLITS for n in numbers[name]), key=lambda n: (rows[n][2], n))
    for name in SPLITS:
        for number, history in zip(numbers[name], raw.splits[name].x["history"], strict=True):
            before = [n for n in everything[: everything.index(number)] if rows[n][0] == rows[number][0]]
            shown = [names[i] for i in history if i]
            assert shown == [rows[n][1] for n in before][-length:]
            assert not history[: length - len(shown)].any(), "padding is in front"


@given(logs())
def test_the_last_interaction_of_each_user_is_for_test_and_the_one_before_for_validation(folder, rows):
    _, numbers = loaded(folder, rows)
    when = {name: [(rows[n][0], (rows[n][2], n)) for n in numbers[name]] for name in SPLITS}
    for name in ("validation", "test"):
        assert len({user for user, _ in when[name]}) == len(when[name])
    for earlier, later in (("train", "validation"), ("validation", "test"), ("train", "test")):
        for user, moment in when[later]:
            assert all(other < moment for one, other in when[earlier] if one == user)
    assert {user for user, _ in when["train"]} >= {"u2", "u3"}


@given(logs(), st.floats(0.1, 0.4))
def test_by_time_every_split_is_later_than_the_one_before(folder, rows, share):
    settings = {"hold_out": "time", "split": SplitSection(validation=share, test=share)}
    raw, numbers = loaded(folder, rows, **settings)
    times = {name: [rows[n][2] for n in numbers[name]] for name in SPLITS}
    for earlier, later in (("train", "validation"), ("validation", "test"), ("train", "test")):
        if times[earlier] and times[later]:
            assert max(times[earlier]) < min(times[later])
    users = {rows[n][0] for n in numbers["train"]}
    for name in SPLITS:
        for n, user in zip(numbers[name], raw.splits[name].x["user"][:, 0], strict=True):
            assert (user == 0) == (rows[n][0] not in users), "0 is a user that train has not got"


@given(logs(), st.sampled_from(["last", "time"]))
def test_the_catalogue_has_every_item_of_train_once_and_no_split_has_another(folder, rows, hold_out):
    raw, _ = loaded(folder, rows, hold_out=hold_out)
    every = raw.catalogue.x["item"][:, 0].tolist()
    assert every == sorted(set(raw.train.x["item"][:, 0].tolist())) == list(range(1, 1 + len(every)))
    assert raw.inputs["item"].vocabulary == raw.inputs["history"].vocabulary == 1 + len(every)
    for name in SPLITS:
        assert set(raw.splits[name].x["item"][:, 0].tolist()) <= set(every)
    assert not raw.catalogue.x["user"].any()
    assert not raw.catalogue.x["history"].any()


@given(logs(), st.integers(3, 4))
def test_what_is_left_has_enough_interactions(folder, rows, fewest):
    _, numbers = loaded(folder, rows, fewest=fewest)  # the grid has four of everything
    users, items = _left(rows, fewest)
    assert {rows[n][0] for name in SPLITS for n in numbers[name]} == users
    assert {rows[n][1] for name in SPLITS for n in numbers[name]} <= items


def _left(rows, fewest):
    """Return the users and items of a k-core, slowly."""
    while True:
        users = {one for one, *_ in rows if sum(user == one for user, *_ in rows) >= fewest}
        items = {one for _, one, _ in rows if sum(item == one for _, item, _ in rows) >= fewest}
        kept = [row for row in rows if row[0] in users and row[1] in items]
        if len(kept) == len(rows):
            return users, items
        rows = kept


def test_rows_without_a_time_are_in_the_order_of_time(tmp_path):
    write(tmp_path, [(user, item) for user, item, *_ in grid()], header="user,item")
    raw = load("log.csv", tmp_path, data(history=3))
    assert raw.train.y is None
    assert raw.test.x["history"].tolist() == [[1, 2, 3], [2, 3, 4], [3, 4, 1], [4, 1, 2]]
    assert raw.test.x["item"].tolist() == [[4], [1], [2], [3]]


def test_dates_and_numbers_tell_the_same_time_and_tsv_the_same_as_csv(tmp_path):
    stamps = [(user, item, rating, 86_400 * (step + 1)) for step, (user, item, rating, _) in enumerate(grid())]
    plain = load(write(tmp_path, stamps).name, tmp_path, data())
    dates = [(*row[:3], f"1970-01-{row[3] // 86_400 + 1:02}T00:00:00{'Z' if row[3] % 2 else ''}") for row in stamps]
    write(tmp_path, dates, name="dates.csv")
    lines = [HEADER.split(","), *stamps]
    with gzip.open(tmp_path / "log.tsv.gz", "wt", encoding="utf-8") as file:
        file.write("\n".join("\t".join(map(str, line)) for line in lines))
    for name in ("dates.csv", "log.tsv.gz"):
        other = load(name, tmp_path, data())
        for split_name, examples in plain.splits.items():
            for key, array in examples.x.items():
                assert np.array_equal(array, other.splits[split_name].x[key])


def test_what_is_known_of_items_and_users_comes_with_them(tmp_path):
    write(tmp_path, grid())
    films = [
        ("i0", "A|B", 1990, "x0"),
        ("i1", "B", "", "x1"),
        ("i2", "", 1994, "x2"),
        ("i3", "A", 1994, "x3"),
        ("z", "C", 1, ""),
    ]
    write(tmp_path, films, header="item,genres,year,title", name="films.csv")
    write(tmp_path, [(f"u{n}", n / 2) for n in range(4)], header="user,age", name="people.csv")
    raw = load("log.csv", tmp_path, data(items="films.csv", users="people.csv"))
    assert list(raw.train.x) == ["user", "history", "item", "user_features", "item_features"]
    features = raw.catalogue.x["item_features"]
    assert features[:, :2].tolist() == [[1, 1], [0, 1], [0, 0], [1, 0]]
    assert features[:, 2].tolist() == pytest.approx([1990, 1992.666666, 1994, 1994])
    titles = features[:, 3:]
    assert titles.tolist() == np.eye(4).tolist(), "few titles are categories like others"
    for examples in (raw.train, raw.validation, raw.test):
        assert np.array_equal(examples.x["item_features"], features[examples.x["item"][:, 0] - 1])
        assert np.array_equal(examples.x["user_features"][:, 0], (examples.x["user"][:, 0] - 1) / 2)
    assert not raw.catalogue.x["user_features"].any()
    assert raw.inputs["item_features"].columns[:4] == ("genres=A", "genres=B", "year", "title=x0")
    assert raw.inputs["item_features"].item
    assert not raw.inputs["user_features"].item


def test_what_is_learned_of_users_is_learned_of_those_of_train(tmp_path):
    write(tmp_path, [*grid(), *(("late", f"i{item}", 1, 10_000 + item) for item in range(4))])
    people = [("u0", 10, "a"), ("u1", "", "b"), ("u2", 30, "a|b"), ("u3", 20, "b"), ("late", 1000, "b|c")]
    write(tmp_path, people, header="user,age,groups", name="people.csv")
    split = SplitSection(validation=0.1, test=0.1)
    raw = load("log.csv", tmp_path, data(users="people.csv", hold_out="time", split=split))
    assert raw.inputs["user_features"].columns == ("age", "groups=a", "groups=b"), "only a late user is of c"
    rows = {name: part.x["user_features"].tolist() for name, part in raw.splits.items()}
    assert {tuple(row) for row in rows["train"]} == {(10, 1, 0), (20, 0, 1), (30, 1, 1)}, "u1 has the mean of train, 20"
    assert rows["test"][-1] == [1000, 0, 1], "what train has not got is none"


def test_a_column_of_which_train_knows_nothing_is_left_out(tmp_path):
    write(tmp_path, [*grid(), *(("late", f"i{item}", 1, 10_000 + item) for item in range(4))])
    people = [(f"u{n}", "", "a", n) for n in range(4)] + [("late", 7, "b", 9)]
    write(tmp_path, people, header="user,age,group,level", name="people.csv")
    split = SplitSection(validation=0.1, test=0.1)
    raw = load("log.csv", tmp_path, data(users="people.csv", hold_out="time", split=split))
    assert raw.inputs["user_features"].columns == ("level",)
    assert any("age, group left out" in note for note in raw.notes)


def test_a_number_is_what_it_is_to_other_sources(tmp_path):
    write(tmp_path, grid())
    write(tmp_path, [(f"i{n}", f"1_{n}", f" {n}e1 ") for n in range(4)], header="item,code,size", name="films.csv")
    raw = load("log.csv", tmp_path, data(items="films.csv"))
    assert raw.inputs["item_features"].columns == ("code=1_0", "code=1_1", "code=1_2", "code=1_3", "size")
    assert raw.catalogue.x["item_features"][:, 4].tolist() == [0, 10, 20, 30]


def test_a_column_that_tells_items_apart_is_left_out_and_said(tmp_path):
    write(tmp_path, grid(users=205, items=4))
    write(tmp_path, [(f"u{n}", f"name {n}", n % 3) for n in range(205)], header="user,name,level", name="people.csv")
    raw = load("log.csv", tmp_path, data(users="people.csv"))
    assert raw.train.x["user_features"].shape[1] == 1
    assert any("name left out" in note for note in raw.notes)


@pytest.mark.parametrize(
    ("rows", "header", "message"),
    [
        ([*grid(), ("u", "i", "good", 3)], HEADER, r"line 18: rating is 'good', which is no number"),
        ([*grid(), ("u", "i", "nan", 3)], HEADER, r"line 18: rating is 'nan', which is no number"),
        ([*grid(), ("u", "i", "inf", 3)], HEADER, r"line 18: rating is inf, which is no rating"),
        ([*grid(), ("u", "i", 1, "yesterday")], HEADER, r"line 2: time is '0'; times must all be numbers, or dates"),
        ([*grid(), ("u", "i", 1, "inf")], HEADER, r"line 18: time is no moment"),
        ([("", "i", 1, 3), *grid()], HEADER, r"line 2: there is no user"),
        ([*grid(), ("u", "", 1, 3)], HEADER, r"line 18: there is no item"),
        ([*grid(), ("u", "i", 1)], HEADER, r"line 18: too few columns, 3"),
        ([], HEADER, r"has no rows"),
        (grid(2, 2), HEADER, r"None of 4 interactions is left: .*data\.interactions\.fewest"),
        (
            grid(),
            "usr,item,rating,time",
            r"no column 'user', which data\.interactions\.user_column names\. Did you mean",
        ),
    ],
)
def test_a_bad_log_is_refused_and_the_line_named(tmp_path, rows, header, message):
    write(tmp_path, rows, header)
    with pytest.raises(DataError, match=message):
        load("log.csv", tmp_path, data())


@pytest.mark.parametrize(
    ("films", "message"),
    [
        ([("i0", "A"), ("i1", "B")], r"lacks 2 of 4 names .* data\.bad allows: 'i2', 'i3'"),
        ([(f"i{n}", "A|B") for n in (0, 1, 2, 3, 0)], r"films\.csv, line 6: item 'i0' has a row already"),
        ([(f"i{n}", "A") for n in range(4)], r"no column of numbers, or of 2 to 200 categories"),
    ],
)
def test_a_bad_table_of_items_is_refused(tmp_path, films, message):
    write(tmp_path, grid())
    write(tmp_path, films, header="item,genres", name="films.csv")
    with pytest.raises(DataError, match=message):
        load("log.csv", tmp_path, data(items="films.csv"))


def test_a_column_that_is_named_must_be_there(tmp_path):
    write(tmp_path, grid())
    with pytest.raises(DataError, match=r"no column 'stars', which data\.interactions\.rating_column names"):
        load("log.csv", tmp_path, data(rating_column="stars"))
    with pytest.raises(DataError, match=r"no column 'when', which data\.interactions\.time_column names"):
        load("log.csv", tmp_path, data(time_column="when"))
    write(tmp_path, [("i0", 1)], header="film,year", name="films.csv")
    with pytest.raises(DataError, match=r"films\.csv has no column 'item', which the log, and so this table, names"):
        load("log.csv", tmp_path, data(items="films.csv"))


def test_shares_are_refused_where_they_have_no_say(tmp_path):
    write(tmp_path, grid())
    with pytest.raises(DataError, match=r"data\.split has no say"):
        load("log.csv", tmp_path, data(split=SplitSection(test=0.1)))


def test_it_passes_the_checks_and_is_cut_no_further(tmp_path):
    write(tmp_path, grid())
    raw = check(load("log.csv", tmp_path, data()))
    splits, _ = split(raw, cut="random")
    assert {name: len(examples) for name, examples in splits.items()} == {
        "train": 8,
        "validation": 4,
        "test": 4,
        "catalogue": 4,
    }


def test_environment_variables_are_expanded_where_files_are_opened(tmp_path, monkeypatch):
    write(tmp_path, grid())
    write(tmp_path, [(f"i{n}", n) for n in range(4)], header="item,year", name="films.csv")
    monkeypatch.setenv("NAS_TEST_LOGS", str(tmp_path))
    section = data("${NAS_TEST_LOGS}/log.csv", items="${NAS_TEST_LOGS}/films.csv")
    card, _ = prepare(section, "retrieval", tmp_path / "prepared", Path("/nowhere"))
    assert card.source == "interactions:${NAS_TEST_LOGS}/log.csv"
    assert open_split(card, "catalogue").labels.tolist() == [0, 1, 2, 3]
    names = json.loads(Path(card.folder, "item_names.json").read_text(encoding="utf-8"))
    assert names == ["", "i0", "i1", "i2", "i3"], "what the ids stand for is kept beside them"
    monkeypatch.delenv("NAS_TEST_LOGS")
    with pytest.raises(DataError, match=r"data\.interactions\.items: the environment variable 'NAS_TEST_LOGS'"):
        prepare(section, "retrieval", tmp_path / "prepared", Path("/nowhere"))


def test_movietweetings():
    folder = Path(os.environ.get("NAS_TEST_DATA", ""), "recommendation")
    if not folder.is_dir():
        pytest.skip("NAS_TEST_DATA names no folder with recommendation/ratings_100k.tsv.gz in it")
    settings = {"item_column": "movie", "time_column": "timestamp", "items": "movies.tsv.gz", "fewest": 5}
    raw = load("ratings_100k.tsv.gz", folder, data(**settings))
    assert {name: len(examples) for name, examples in raw.splits.items()} == {
        "train": 59_389,
        "validation": 4_333,
        "test": 4_333,
        "catalogue": 2_414,
    }
    assert raw.catalogue.x["item_features"].shape == (2_414, 23)
    assert raw.train.labels.min() >= 0
    assert raw.train.labels.max() == 10

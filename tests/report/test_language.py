"""The page in other languages: nothing is left in English, nothing is lost, and no name is taken for a message."""

import json
import re
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path
from string import Formatter

import pytest
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po

from nas import language
from nas.errors import UnknownName
from nas.language import _, languages, speaking
from nas.report import render, words
from nas.report.document import report_document
from nas.report.formats import as_csv, as_json, as_markdown
from nas.report.index import entry
from nas.report.page import render_comparison, render_index, spoken_by
from nas.report.section import View
from nas.report.vocabulary import said
from nas.store.evaluation_records import Interval, LookRecord
from tests.report.samples import NOW, digits, fresh, race, report_data, study, trial
from tests.report.states import STATES, hostile_data

ROOT = Path(__file__).parents[2]
OTHERS = languages()[1:]
SAYINGS = ("aria-label", "placeholder", "title", "data-tip")
VERBATIM = {"style", "script", "pre", "code"}
"""What a page shows as it is."""
LEFT = re.compile(r"[A-Za-z][a-z’']+(?:,? [a-z’']+){2,}")
"""Three words of English in a row."""
COMMAND = re.compile(r"\bnas [a-z]+( [a-z-]+)*")


def left(told):
    return [text for text in told if LEFT.search(COMMAND.sub("", text))]


@cache
def extracted():
    """Return by message where it is said: the plural ones as pairs."""
    with (ROOT / "babel.cfg").open() as file:
        methods, options = parse_mapping_cfg(file)
    found = {}
    for path, _line, message, _comments, _context in extract_from_dir(ROOT, methods, options, DEFAULT_KEYWORDS):
        found.setdefault(message, set()).add(Path(path).name)
    return found


@cache
def catalogue(name):
    folder = language._folders()[name]
    with (ROOT / "nas" / "locale" / folder / "LC_MESSAGES" / "nas.po").open("rb") as file:
        return read_po(file, locale=folder)


@pytest.mark.parametrize("name", OTHERS)
def test_every_message_of_the_source_is_translated_and_no_other(name):
    known = {message.id: message for message in catalogue(name) if message.id}
    assert sorted(map(str, set(extracted()) - set(known))) == [], "Run `make messages` and translate these."
    assert sorted(map(str, set(known) - set(extracted()))) == [], "Run `make messages`: nobody says these any more."
    assert not catalogue(name).obsolete
    assert [message.id for message in known.values() if message.fuzzy] == []
    for message in known.values():
        told = message.string if message.pluralizable else (message.string,)
        assert all(told), message.id
        assert len(told) == (catalogue(name).num_plurals if message.pluralizable else 1)


def places(text):
    """Return the names of what is filled in, in either notation."""
    return {name for _text, name, _spec, _how in Formatter().parse(text) if name is not None} | set(
        re.findall(r"%\((\w+)\)s", text)
    )


@pytest.mark.parametrize("name", OTHERS)
def test_what_is_filled_in_is_the_same_in_every_language(name):
    for message in catalogue(name):
        if message.id:
            told = message.string if message.pluralizable else (message.string,)
            every = message.id if message.pluralizable else (message.id,)
            assert {frozenset(places(text)) for text in (*every, *told)} == {frozenset(places(every[-1]))}, message.id


def test_the_script_is_given_all_that_it_says():
    for path in (ROOT / "nas" / "report" / "templates").glob("*.js"):
        of_the_script = {message for message, where in extracted().items() if path.name in where}
        with speaking("zh"):
            assert set(json.loads(spoken_by(path.read_text("utf-8")))) == of_the_script
        assert spoken_by(path.read_text("utf-8")) == ""


def test_adding_a_folder_is_all_it_takes(tmp_path, monkeypatch):
    shutil.copytree(ROOT / "nas" / "locale", tmp_path / "locale")
    shutil.copytree(tmp_path / "locale" / "zh_Hans", tmp_path / "locale" / "zh_Hant")
    shutil.copytree(tmp_path / "locale" / "zh_Hans", tmp_path / "locale" / "de")
    monkeypatch.setattr(language, "_LOCALES", tmp_path / "locale")
    for remembered in (language._folders, language.language, languages):
        remembered.cache_clear()
    try:
        assert languages() == ("en", "de", "zh-Hans", "zh-Hant")
        with speaking("de") as german:
            assert (german.tag, words.score(0.5), words.exact(1_234_567)) == ("de", "0,5000", "1.234.567")
            assert words.moment(NOW) == "2. März 2026 11:30:00 UTC"
    finally:
        monkeypatch.undo()
        for remembered in (language._folders, language.language, languages):
            remembered.cache_clear()


def test_a_language_that_is_not_there_is_refused_with_those_that_are():
    with pytest.raises(UnknownName, match=r"No language is named 'fr'\. Known: en, zh"), speaking("fr"):
        pass


class Words(HTMLParser):
    """What a page says: its text, and what is read out or shown when it is pointed at."""

    def __init__(self, html):
        super().__init__()
        self.open, self.said, self.tag = [], [], ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        told = dict(attrs)
        self.tag = told.get("lang", self.tag)
        if tag not in ("meta", "input", "br"):
            self.open.append((tag, told.get("class") or ""))
        self.said += [told[name] for name in SAYINGS if told.get(name)]

    def handle_endtag(self, tag):
        self.open.pop()

    def handle_data(self, data):
        # The layers of a drawing are named as in code.
        if not any(tag in VERBATIM or look == "architecture" for tag, look in self.open):
            self.said.append(data)


def wordless(data):
    """Return `data` without what was recorded in words: it is told as it was."""
    return replace(
        data,
        trials=tuple(replace(one, message=one.message and "¶", traceback=None) for one in data.trials),
        events=tuple(replace(event, kind="¶", message="¶") for event in data.events),
    )


@pytest.mark.parametrize("state", STATES)
def test_no_sentence_is_left_in_english(state):
    with speaking("zh"):
        page = Words(render(wordless(STATES[state]), now=NOW))
    assert page.tag == "zh-Hans"
    assert left(page.said) == []


def raced():
    """A study whose best were raced and fine-tuned, and measured on the test split."""
    data = digits()
    best = [entry.trial.number for entry in View(data, NOW).ranked[:4]]
    told = race({number: [0.97 - place / 500, 0.975 - place / 500] for place, number in enumerate(best)})
    tuned = [
        fresh(90 + seed, best[0], 0.98, (), purpose="finetune", plan={"origin": origin, "params": {"training/a": 0.5}})
        for seed, origin in enumerate(("search", "scratch"))
    ]
    look = LookRecord(0, best[0], 90, NOW, 360, {"val_accuracy": Interval(0.97, 0.96, 0.98)})
    return replace(data, evaluations=(*told, *tuned), looks=(look,))


def test_nor_of_a_study_that_was_raced_and_fine_tuned():
    with speaking("zh"):
        page = Words(render(wordless(raced()), now=NOW))
    assert left(page.said) == []
    assert {"微调结果", "最优概率"} <= set(page.said)


def test_nor_of_the_comparison_the_index_and_the_markdown():
    several = [digits(), digits(40), STATES["empty"]]
    with speaking("zh"):
        pages = [
            render_comparison(several, now=NOW),
            render_index(
                [entry(data.study, (), database="nas.db", now=NOW, file="digits.html") for data in several], now=NOW
            ),
            as_markdown(View(digits(), NOW), None),
        ]
    for page in pages:
        told = Words(page).said if page.startswith("<") else [re.sub(r"```.*?```", "", page, flags=re.DOTALL)]
        assert left(told) == []
    assert "哪项研究最好？" in pages[0]
    assert "## 哪些架构值得最终微调？" in pages[2]


def test_data_are_the_same_in_every_language():
    view = View(digits(), NOW)
    english = (as_json(view, None), as_csv(view, None))
    with speaking("zh"):
        assert (as_json(View(digits(), NOW), None), as_csv(View(digits(), NOW), None)) == english
        html = render(digits(), now=NOW)
    start = html.index(">", html.index('id="report-data"')) + 1
    assert json.loads(html[start : html.index("</script>", start)]) == report_document(view)


def test_the_facts_are_the_same_in_every_language():
    """Every number with a decimal point on the page, but for counts, which are rounded to other units."""
    found = []
    for name in ("en", "zh"):
        with speaking(name):
            text = " ".join(Words(render(digits(), now=NOW)).said)
        found.append(sorted(set(re.findall(r"\b0\.\d{4}\b", text))))
    assert found[0] == found[1]
    assert len(found[0]) > 30


@pytest.mark.parametrize(
    "text", ["{x}", "%s %(x)s", "{0.__class__}{trial}", "{{7*7}}{% raise %}", "</script><img src=x>", "\u202e{", "}{"]
)
def test_no_name_is_taken_for_a_message(text):
    data = hostile_data(text)
    with speaking("zh"):
        html = render(data, now=NOW)
        several = render_comparison([data, data], now=NOW)
        listed = render_index([entry(data.study, (), database=text, now=NOW, file=None)], now=NOW)
        assert as_markdown(View(data, NOW), None)
    for page in (html, several, listed):
        made = " ".join(Words(page).said)
        assert words.clean(text) in made
        assert "<img" not in page
        assert "\u202e" not in page


@pytest.mark.parametrize("why", ["the hours are", "the trainings are", "all there is to try is"])
def test_an_unmet_requirement_is_told_in_its_language(why):
    ending = f"The requirement val_accuracy >= 0.999 is not met: the best came to 0.9167, and {why} used up."
    with speaking("zh"):
        told = said(ending)
    assert told != ending
    assert "val_accuracy >= 0.999" in told
    assert "0.9167" in told


@pytest.mark.parametrize(
    ("made", "english", "chinese"),
    [
        (lambda: words.count(52_310), "52.3 k", "5.23万"),
        (lambda: words.count(9_994), "9.99 k", "9994"),
        (lambda: words.count(4_100_000_000), "4.10 G", "41.0亿"),
        (lambda: words.exact(1_234_567), "1,234,567", "1,234,567"),
        (lambda: words.percent(0.125, 1), "12.5%", "12.5%"),
        (lambda: words.percent(-0.5, signed=True), "-50%", "-50%"),
        (lambda: words.duration(250), "4 min 10 s", "4 分 10 秒"),
        (lambda: words.duration(7530), "2 h 06 min", "2 小时 6 分"),
        (
            lambda: words.moment(datetime(2026, 11, 25, 6, 15, tzinfo=UTC)),
            "2026-11-25 06:15:00 UTC",
            "2026年11月25日 06:15:00 UTC",
        ),
        (lambda: words.listed(["试验 1", "试验 2"]), "试验 1 and 试验 2", "试验 1 和试验 2"),
        (lambda: words.listed(["a", "b", "c"]), "a, b and c", "a、b 和 c"),
        (lambda: words.sentences("One.", "", "Two."), "One. Two.", "One.Two."),
        (lambda: words.setting(True), "yes", "是"),
        (lambda: said("pruned"), "pruned", "剪枝"),
        (lambda: said("what somebody wrote"), "what somebody wrote", "what somebody wrote"),
        (
            lambda: said("Stopped by Ctrl-C; 2 trials were interrupted and saved. Go on with `nas resume {x}`."),
            "Stopped by Ctrl-C; 2 trials were interrupted and saved. Go on with `nas resume {x}`.",
            "被 Ctrl-C 停止；2 次试验中断并已保存。用 `nas resume {x}` 继续。",
        ),
        # A space between a character and a letter, none between two characters.
        (lambda: _("{score} against {cost}", score="f1", cost="参数量"), "f1 against 参数量", "f1 与参数量"),
        (lambda: _("{score} against {cost}", score="f1", cost="MACs"), "f1 against MACs", "f1 与 MACs"),
    ],
)
def test_numbers_times_and_lists(made, english, chinese):
    assert made() == english
    with speaking("zh"):
        assert made() == chinese
    assert made() == english


def test_a_sentence_about_one_and_about_many():
    some = report_data([trial(0), trial(1)], study=study([trial(0), trial(1)]))
    with speaking("zh"):
        assert "2 次试验" in render(some, now=NOW)
        assert "1 次试验" in render(STATES["one trial"], now=NOW)


def test_catalogues_are_in_the_package():
    assert files("nas").joinpath("locale/zh_Hans/LC_MESSAGES/nas.po").is_file()

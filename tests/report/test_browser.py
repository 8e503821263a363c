"""The page in a real Chromium: what it loads, what its policy says, what it is like without a mouse, a script, room."""

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from nas.language import speaking
from nas.report import render
from nas.report.index import entry
from nas.report.page import render_comparison, render_index
from tests.report.samples import HOLDER, NOW, digits
from tests.report.states import STATES, hostile_data

sync_api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed: it is in the dev extra.")
CHROMIUM = os.environ.get("NAS_TEST_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="No Chromium here: apt-get install chromium.")

STOP = """() => {
    const stop = document.activeElement, box = stop.getBoundingClientRect();
    if (stop === document.body) return null;
    const visible = box.bottom > 0 && box.top < innerHeight;
    return [stop.tagName, stop.id || stop.textContent.slice(0, 20), visible, stop.closest("section")?.id];
}"""
HOSTILE = "</script><img src=x onerror=alert(1)>{{7*7}}\u2028\u202e" + "x" * 10_000


def long_names():
    """A study whose families, choices and layers have names as long as people give them."""
    data = digits(40)
    choices = [f"block_{n}/attention/number_of_heads_in_stage_{n}" for n in range(9)]
    trials = [
        replace(
            one,
            family=f"my_package.spaces.modules:{one.family}_with_a_name_that_says_all",
            params={name: n * one.number % 7 for n, name in enumerate(choices, start=1)} | dict(one.params),
        )
        for one in data.trials
    ]
    graphs = {
        number: tuple(
            replace(node, layer="StochasticDepth", settings={"rate": 0.05}) if node.layer == "Dropout" else node
            for node in graph
        )
        for number, graph in data.graphs.items()
    }
    return replace(data, trials=tuple(trials), graphs=graphs)


PAGES = {
    "finished": lambda: STATES["finished"],
    "fine-tuned": lambda: STATES["fine-tuned"],
    "running": lambda: STATES["running"],
    "empty": lambda: STATES["empty"],
    "all failed": lambda: STATES["all failed"],
    "one trial": lambda: STATES["one trial"],
    "two objectives": lambda: STATES["two objectives"],
    "a thousand trials": lambda: digits(1000),
    "long names": long_names,
    "hostile": lambda: hostile_data(HOSTILE),
    "in Chinese": lambda: STATES["finished"],
    "hostile, in Chinese": lambda: hostile_data(HOSTILE),
}
SPOKEN = {"in Chinese": "zh", "hostile, in Chinese": "zh"}


@pytest.fixture(scope="module")
def browser():
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """Return the file of each of `PAGES`, rendered when it is first asked for."""
    folder, made = tmp_path_factory.mktemp("pages"), {}

    def file(name):
        if name not in made:
            made[name] = folder / f"{name.replace(' ', '-')}.html"
            with speaking(SPOKEN.get(name, "en")):
                made[name].write_text(render(PAGES[name](), now=NOW), "utf-8")
        return made[name]

    return file


class Visit:
    """One page, opened; `trouble` is everything that a page of ours must not do."""

    def __init__(self, browser, file: Path, anchor="", **options):
        self.trouble = []
        self.context = browser.new_context(**options)
        self.context.set_offline(True)
        self.page = self.context.new_page()
        self.page.on(
            "console", lambda message: message.type in ("error", "warning") and self.trouble.append(message.text)
        )
        self.page.on("pageerror", lambda error: self.trouble.append(str(error)))
        self.page.on("dialog", lambda dialog: self.trouble.append(f"dialog: {dialog.message}"))
        self.page.on(
            "request", lambda request: self.trouble.append(request.url) if not self._own(request.url) else None
        )
        self.file = file.as_uri()
        self.page.goto(self.file + anchor)

    def _own(self, url):
        return url.partition("#")[0] == self.file or url.startswith("blob:")

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.context.close()
        if error[0] is None:
            assert self.trouble == []


def violations(page):
    from axe_playwright_python.sync_playwright import Axe

    # The policy of the page lets nothing in: axe is put there by the browser's own debugger.
    options = {
        "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
    }
    found = Axe().run(page, options=options).response["violations"]
    return [(one["id"], [node["target"] for node in one["nodes"]][:3]) for one in found]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_it_loads_nothing_breaks_no_rule_and_is_accessible(browser, pages, name, scheme):
    with Visit(browser, pages(name), color_scheme=scheme, bypass_csp=False) as visit:
        assert visit.page.locator("section").count() == 12
        assert visit.page.evaluate("document.querySelectorAll('img, iframe').length") == 0
        assert violations(visit.page) == []


def test_the_ranking_is_sorted_filtered_compared_and_kept_in_the_address(browser, pages):
    with Visit(browser, pages("finished")) as visit:
        page = visit.page
        page.click("#ranking-table thead [data-column=weights] button")
        headers = page.eval_on_selector_all("#ranking-table thead th", "all => all.map(one => one.dataset.column)")
        cells = f"#ranking-table tbody td:nth-child({headers.index('weights') + 1})"
        weights = page.eval_on_selector_all(cells, "all => all.map(one => Number(one.dataset.v))")
        assert weights == sorted(weights)
        assert page.get_attribute("#ranking-table [data-column=weights]", "aria-sort") == "ascending"
        page.fill("#filter", "resnet, weights < 100000")
        shown = page.locator("#ranking-table tbody tr:visible")
        assert 0 < shown.count() < 30
        assert all("resnet" in text for text in shown.all_inner_texts())
        assert f"{shown.count()} of 30 architectures are shown." in page.inner_text(".said")
        for index in range(2):
            shown.nth(index).locator("input[type=checkbox]").check()
        assert page.locator("#comparison table thead th").count() == 3
        address = page.evaluate("location.hash")
        count = shown.count()
    with Visit(browser, pages("finished"), address) as visit:
        assert visit.page.locator("#ranking-table tbody tr:visible").count() == count
        assert visit.page.locator("#comparison table thead th").count() == 3
        assert visit.page.get_attribute("#ranking-table [data-column=weights]", "aria-sort") == "ascending"


def test_columns_the_frontier_and_five_to_compare(browser, pages):
    with Visit(browser, pages("two objectives")) as visit:
        page = visit.page
        before = page.locator("#ranking-table thead th:visible").count()
        page.click(".columns summary")
        page.locator(".boxes input").last.uncheck()
        assert page.locator("#ranking-table thead th:visible").count() == before - 1
        page.check("#frontier")
        assert page.locator("#ranking-table tbody tr:visible").count() == 6
        for index in range(5):
            page.locator("#ranking-table tbody input[type=checkbox]").nth(index).click()
        assert page.locator("#comparison table thead th").count() == 5
        assert page.inner_text(".said") == "Four at most can be compared."


def test_a_trial_chosen_in_a_chart_is_marked_everywhere(browser, pages):
    with Visit(browser, pages("finished")) as visit:
        page = visit.page
        mark = page.locator("#scatter-0 [data-trial]").first
        trial = mark.get_attribute("data-trial")
        mark.hover()
        assert page.inner_text("#tip").startswith(f"trial {trial},")
        mark.click()
        assert page.locator(f"#ranking-table tr.lit[data-trial='{trial}']").count() == 1
        assert page.locator("#progress-trials .lit").count() == 1
        assert f"trial={trial}" in page.evaluate("location.hash")


def test_a_range_that_is_dragged_or_typed_is_marked_everywhere_and_kept(browser, pages):
    with Visit(browser, pages("finished"), viewport={"width": 1280, "height": 1200}) as visit:
        page = visit.page
        page.locator("#scatter-0").scroll_into_view_if_needed()
        plot = page.locator("#scatter-0 .role-frame path.background").first.bounding_box()
        page.mouse.move(plot["x"] + 0.3 * plot["width"], plot["y"] + 0.1 * plot["height"])
        page.mouse.down()
        page.mouse.move(plot["x"] + 0.7 * plot["width"], plot["y"] + 0.9 * plot["height"], steps=4)
        page.mouse.up()
        shown = page.locator("#ranking-table tbody tr:visible")
        count = shown.count()
        assert 0 < count < 30
        assert page.inner_text("#scatter-0-tools .said").endswith(f"in this range: {count}.")
        assert page.locator("#learning .faded").count() > 0
        assert page.locator("#scatter-0 .scale:visible rect.brush").count() == 1
        trial = shown.first.get_attribute("data-trial")
        assert page.locator(f"#scatter-0 .scale:visible [data-trial='{trial}'].faded").count() == 0
        address = page.evaluate("location.hash")
    with Visit(browser, pages("finished"), address) as visit:
        page = visit.page
        assert page.locator("#ranking-table tbody tr:visible").count() == count
        assert violations(page) == []
        page.click("#scatter-0-tools .clear")
        assert page.locator(".faded").count() == 0
        page.focus("#scatter-0-tools summary")
        for key in ("Tab", "Tab"):
            page.keyboard.press(key)
        page.keyboard.type("50000")
        weights = page.eval_on_selector("#report-data", "one => JSON.parse(one.textContent).ranking")
        few = sum(entry["best"]["cost"]["weights"] <= 50_000 for entry in weights)
        assert page.locator("#ranking-table tbody tr:visible").count() == few > 0


def test_the_scale_of_the_costs_can_be_changed(browser, pages):
    with Visit(browser, pages("finished")) as visit:
        page = visit.page
        before = page.locator("#scatter-0 .scale:visible").get_attribute("data-scale")
        page.select_option("#scatter-0 .scales", index=1)
        assert page.locator("#scatter-0 .scale:visible").get_attribute("data-scale") != before
        assert page.locator("#scatter-0 .scale:visible svg [tabindex='0']").count() == 1
        address = page.evaluate("location.hash")
    with Visit(browser, pages("finished"), address) as visit:
        assert visit.page.locator("#scatter-0 .scale:visible").get_attribute("data-scale") != before


def test_of_very_many_the_frontier_and_the_best_are_points_and_the_others_areas(browser, pages):
    with Visit(browser, pages("a thousand trials")) as visit:
        assert 50 < visit.page.locator("#scatter-0 .scale:visible [data-trial]").count() < 100
        assert visit.page.locator("#scatter-0 .scale:visible .mark-rect path").count() > 50
        assert "are counted by area" in visit.page.inner_text("#scatter-0 figcaption")


def test_on_a_phone_no_picture_scrolls_and_its_letters_can_be_read(browser, pages):
    sizes = """() => [...document.querySelectorAll("svg.chart, svg.architecture")].filter(one => one.checkVisibility())
        .flatMap(one => [...one.querySelectorAll("text")].map(text =>
            parseFloat(getComputedStyle(text).fontSize) * one.getScreenCTM().a))"""
    scrolling = """() => [...document.querySelectorAll("figure > .scroll")].filter(one => one.checkVisibility()
        && one.scrollWidth > one.clientWidth + 1).map(one => one.closest("figure").id)"""
    with Visit(browser, pages("finished"), viewport={"width": 390, "height": 844}) as visit:
        assert min(visit.page.evaluate(sizes)) >= 9.9
        assert visit.page.evaluate(scrolling) == []
    with Visit(browser, pages("finished"), viewport={"width": 1280, "height": 844}) as visit:
        found = visit.page.evaluate(sizes)
        assert min(found) >= 11
        assert max(found) <= 15


@pytest.mark.parametrize("width", [390, 1280])
def test_the_list_and_the_comparison_fit_and_are_accessible(browser, tmp_path, width):
    several, made = [digits(), digits(40)], {}
    made["comparison"] = render_comparison(several, now=NOW)
    listed = [
        entry(data.study, (), database=f"studies/{at}.db", now=NOW, file="digits.html")
        for at, data in enumerate(several)
    ]
    made["index"] = render_index(listed, now=NOW)
    for name, html in made.items():
        file = tmp_path / f"{name}.html"
        file.write_text(html, "utf-8")
        with Visit(browser, file, viewport={"width": width, "height": 844}) as visit:
            assert violations(visit.page) == []
            wide = "all => all.filter(one => one.scrollWidth > one.clientWidth + 1).length"
            assert visit.page.eval_on_selector_all(".scroll:has(> .studies)", wide) == 0


def test_downloads_are_what_the_page_holds(browser, pages, tmp_path):
    with Visit(browser, pages("finished"), accept_downloads=True) as visit:
        for label, name in (("Download CSV", "digits.csv"), ("Download JSON", "digits.json")):
            with visit.page.expect_download() as download:
                visit.page.click(f"text={label}")
            assert download.value.suggested_filename == name
            download.value.save_as(tmp_path / name)
        assert len((tmp_path / "digits.csv").read_text().splitlines()) == 31
        assert json.loads((tmp_path / "digits.json").read_text())["study"] == "digits"


def test_everything_can_be_reached_and_done_with_the_keyboard(browser, pages):
    with Visit(browser, pages("finished"), reduced_motion="reduce") as visit:
        page = visit.page
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip-link"
        seen = []
        for _ in range(400):
            page.keyboard.press("Tab")
            told = page.evaluate(STOP)
            if told is None:
                break
            seen.append(told)
        else:
            raise AssertionError("There is no end of stops.")
        assert [stop for stop in seen if not stop[2]] == []
        sections = {section for *_, section in seen}
        assert {
            "verdict",
            "ranking",
            "trade-offs",
            "progress",
            "choices",
            "architectures",
            "curves",
            "reproduce",
        } <= sections
        page.locator("#scatter-0 .scale:visible svg [tabindex='0']").focus()
        first = page.inner_text("#tip")
        page.keyboard.press("ArrowRight")
        assert page.inner_text("#tip") != first
        page.keyboard.press("Enter")
        assert page.locator("#ranking-table tr.lit").count() == 1
        page.keyboard.press("Escape")
        assert page.locator("#tip").is_hidden()


def test_any_two_architectures_are_compared_by_keyboard_as_the_page_compares_the_best(browser, pages):
    cells = """all => all.map(row => [...row.cells].map(cell =>
        cell.innerText.replace(/\\s+/g, ' ').trim() + cell.querySelectorAll('mark').length))"""
    rows = "#difference-tables tr"
    with Visit(browser, pages("finished"), java_script_enabled=False) as visit:
        told = visit.page.locator(rows).evaluate_all(cells)
        captions = visit.page.locator("#difference-tables caption").all_inner_texts()
        assert visit.page.locator("#difference-tools").is_hidden()
    with Visit(browser, pages("finished")) as visit:
        page = visit.page
        page.click("#difference-swap")
        assert page.locator(rows).evaluate_all(cells) != told
        page.click("#difference-swap")
        assert page.locator(rows).evaluate_all(cells) == told
        assert page.locator("#difference-tables caption").all_inner_texts() == captions
        page.focus("#difference-other")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("ArrowDown")
        chosen = page.input_value("#difference-other")
        assert f"to trial {chosen}" in page.inner_text("#difference-layers")
        assert violations(page) == []
        address = page.evaluate("location.hash")
    with Visit(browser, pages("finished"), address) as visit:
        assert f"to trial {chosen}" in visit.page.inner_text("#difference-layers")


def test_a_page_that_is_watched_reloads_where_one_was_unless_told_not_to(browser, tmp_path):
    file = tmp_path / "watched.html"
    running = replace(digits(), study=replace(digits().study, running=HOLDER))
    file.write_text(render(running, now=NOW, every=2), "utf-8")
    with Visit(browser, file, "#filter=cnn") as visit:
        page = visit.page
        assert "written anew every 2 seconds" in page.inner_text("#live")
        page.locator("#reproduce details").first.evaluate("one => { one.open = false; }")
        with page.expect_navigation():
            page.evaluate("scrollTo({ top: 700, behavior: 'instant' })")
        assert page.evaluate("scrollY") == 700
        assert not page.locator("#reproduce details").first.evaluate("one => one.open")
        assert page.input_value("#filter") == "cnn"
        page.uncheck("#reloads")
        page.evaluate("window.before = true")
        page.wait_for_timeout(2500)
        assert page.evaluate("window.before") is True
        assert violations(page) == []
    with Visit(browser, file, reduced_motion="reduce") as visit:
        assert not visit.page.is_checked("#reloads")


def test_without_a_script_nothing_is_missing(browser, pages):
    with Visit(browser, pages("finished")) as visit:
        with_script = visit.page.locator("svg.chart, svg.architecture").count()
        rows = visit.page.locator("#ranking-table tbody tr").count()
    with Visit(browser, pages("finished"), java_script_enabled=False) as visit:
        assert visit.page.locator("svg.chart, svg.architecture").count() == with_script > 8
        assert visit.page.locator("#ranking-table tbody tr").count() == rows == 30
        assert visit.page.locator("#ranking-tools").is_hidden()
        assert visit.page.locator("figure details table").count() > 5


@pytest.mark.parametrize(("width", "zoom"), [(320, 1), (1280, 2), (1280, 4)])
@pytest.mark.parametrize("name", ["finished", "hostile", "a thousand trials", "in Chinese", "hostile, in Chinese"])
def test_it_reflows(browser, pages, name, width, zoom):
    """Zoom to 200 % and 400 % is a window of a half and a quarter of the width, in pixels of twice and four times."""
    viewport = {"width": width // zoom, "height": 800 // zoom}
    with Visit(browser, pages(name), viewport=viewport, device_scale_factor=zoom) as visit:
        assert visit.page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]


def test_printed_it_is_light_and_whole(browser, pages):
    with Visit(browser, pages("finished"), color_scheme="dark") as visit:
        visit.page.emulate_media(media="print")
        assert visit.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        assert visit.page.locator("#ranking-tools").is_hidden()
        assert visit.page.locator("button:not(.sort):visible, input:visible, select:visible").count() == 0
        printed = visit.page.pdf(format="A4")
        assert printed.startswith(b"%PDF")
        assert len(printed) > 50_000


def test_in_print_heads_are_repeated_numbers_whole_and_few_rows_together(browser, pages):
    with Visit(browser, pages("finished")) as visit:
        visit.page.emulate_media(media="print")
        style = "(one, name) => getComputedStyle(one)[name]"
        # Chromium repeats no head that a block in it makes unbreakable.
        assert visit.page.eval_on_selector("#ranking-table .sort", style, "display") == "contents"
        assert visit.page.eval_on_selector("#ranking-table tbody .number", style, "whiteSpace") == "nowrap"
        assert visit.page.eval_on_selector("#progress-trials table", style, "breakInside") == "avoid"
        assert visit.page.eval_on_selector("#ranking-table", style, "breakInside") == "auto"
        assert visit.page.eval_on_selector("#ranking-table tbody tr:nth-child(2)", style, "breakAfter") == "avoid"


def test_no_name_is_cut_by_the_edge_of_its_picture_or_its_block(browser, pages):
    cut = """() => {
        const cut = (text, box) => text.left < box.left - 1 || text.right > box.right + 1;
        const said = [];
        for (const chart of document.querySelectorAll("svg.chart")) {
            const box = chart.closest(".scroll").getBoundingClientRect();
            for (const text of chart.querySelectorAll("text"))
                if (text.checkVisibility() && cut(text.getBoundingClientRect(), box)) said.push(text.textContent);
        }
        for (const block of document.querySelectorAll(".architecture .block")) {
            const box = block.getBoundingClientRect();
            for (const text of block.closest("svg").querySelectorAll("text")) {
                const own = text.getBoundingClientRect(), middle = (own.top + own.bottom) / 2;
                const inside = own.left > box.left && own.left < box.right && middle > box.top && middle < box.bottom;
                if (inside && cut(own, box)) said.push(text.textContent);
            }
        }
        return said;
    }"""
    for width in (390, 1280):
        with Visit(browser, pages("long names"), viewport={"width": width, "height": 844}) as visit:
            assert visit.page.evaluate(cut) == []
            assert visit.page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_ranking_has_more_room_where_there_is_some(browser, pages):
    with Visit(browser, pages("finished"), viewport={"width": 1280, "height": 844}) as visit:
        table, text = (visit.page.locator(one).first.bounding_box() for one in (".tall", "main h2"))
        assert table["width"] > text["width"]
        assert visit.page.evaluate("document.documentElement.scrollWidth") <= 1280


def test_of_one_architecture_there_is_nothing_to_filter_or_compare(browser, pages):
    with Visit(browser, pages("one trial")) as visit:
        assert visit.page.locator("#filter, #ranking-table input").count() == 0
        assert visit.page.locator("#ranking-tools button").all_inner_texts() == ["Download CSV", "Download JSON"]


def test_the_theme_can_be_chosen(browser, pages):
    with Visit(browser, pages("one trial"), color_scheme="light") as visit:
        ground = "getComputedStyle(document.body).backgroundColor"
        light = visit.page.evaluate(ground)
        visit.page.select_option("#theme", "dark")
        assert visit.page.evaluate(ground) != light
        assert violations(visit.page) == []


def test_in_chinese_the_script_speaks_it_too(browser, pages):
    with Visit(browser, pages("in Chinese")) as visit:
        page = visit.page
        assert page.get_attribute("html", "lang") == "zh-Hans"
        assert page.locator("#theme option").all_inner_texts() == ["自动", "浅色", "深色"]
        page.fill("#filter", "resnet，参数量 < 100000")
        shown = page.locator("#ranking-table tbody tr:visible")
        assert 0 < shown.count() < 30
        assert page.inner_text(".said") == f"显示 30 个架构中的 {shown.count()} 个。"
        for index in range(2):
            shown.nth(index).locator("input[type=checkbox]").check()
        assert page.inner_text("#comparison h3") == "并排对比"
        assert page.locator("#comparison tbody th").all_inner_texts()[:2] == ["名次", "val_accuracy"]
        page.locator("#scatter-0 [data-trial]").first.hover()
        assert page.inner_text("#tip").startswith("试验 ")

"""The page in a real Chromium: what it loads, what its policy says, what it is like without a mouse, a script, room."""

import json
import os
import shutil
from pathlib import Path

import pytest

from nas.report import render
from tests.report.samples import NOW, digits
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
PAGES = {
    "finished": lambda: STATES["finished"],
    "fine-tuned": lambda: STATES["fine-tuned"],
    "running": lambda: STATES["running"],
    "empty": lambda: STATES["empty"],
    "all failed": lambda: STATES["all failed"],
    "one trial": lambda: STATES["one trial"],
    "two objectives": lambda: STATES["two objectives"],
    "a thousand trials": lambda: digits(1000),
    "hostile": lambda: hostile_data(HOSTILE),
}


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
        page.locator("#scatter-0 svg [tabindex='0']").focus()
        first = page.inner_text("#tip")
        page.keyboard.press("ArrowRight")
        assert page.inner_text("#tip") != first
        page.keyboard.press("Enter")
        assert page.locator("#ranking-table tr.lit").count() == 1
        page.keyboard.press("Escape")
        assert page.locator("#tip").is_hidden()


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
@pytest.mark.parametrize("name", ["finished", "hostile", "a thousand trials"])
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
        printed = visit.page.pdf(format="A4")
        assert printed.startswith(b"%PDF")
        assert len(printed) > 50_000


def test_the_theme_can_be_chosen(browser, pages):
    with Visit(browser, pages("one trial"), color_scheme="light") as visit:
        ground = "getComputedStyle(document.body).backgroundColor"
        light = visit.page.evaluate(ground)
        visit.page.select_option("#theme", "dark")
        assert visit.page.evaluate(ground) != light
        assert violations(visit.page) == []

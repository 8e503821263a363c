"""The report in ``reports/`` and the picture of it in ``docs/``: ``python -m benchmarks.sample_report DATABASE STUDY``.

Of a real study, without who ran it and where; its name and its file stay. The picture wants Chromium.
"""

from __future__ import annotations

import shutil
import sys
from dataclasses import replace
from pathlib import Path

from nas.report import read, render
from nas.report.anonymous import anonymous
from nas.store.engine import reading_from, storage_url

ROOT = Path(__file__).parents[1]
PICTURES = {"report": (1280, 1500)}


def main(database: str, name: str) -> None:
    """Write the page of study `name`, as of its last session, and its pictures."""
    with reading_from(storage_url(database)) as connection:
        data = read(connection, name)
    study = data.study
    hidden = anonymous(data)
    known = replace(hidden.study, name=study.name, file=study.file, data=(study.data or {}) | {"folder": ""})
    page = ROOT / "reports" / f"{name}.html"
    page.write_text(render(replace(hidden, study=known), now=study.sessions[-1].renewed), "utf-8")
    print(page.relative_to(ROOT), f"{page.stat().st_size:,} bytes")
    if chromium := shutil.which("chromium"):
        _draw(page, chromium)


def _draw(page: Path, chromium: str) -> None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for name, (width, height) in PICTURES.items():
            shown = browser.new_page(viewport={"width": width, "height": height}, color_scheme="light")
            shown.goto(page.as_uri())
            picture = ROOT / "docs" / f"{name}.png"
            shown.screenshot(path=picture)
            print(picture.relative_to(ROOT), f"{picture.stat().st_size:,} bytes")
        browser.close()


if __name__ == "__main__":
    main(*sys.argv[1:])

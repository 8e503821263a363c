"""The process that draws charts: what it answers, and that a page is an error away from it at worst."""

import os
import signal
import subprocess
import sys

import pytest
from markupsafe import Markup

from nas.report import painter
from nas.report.figure import Picture, together
from nas.report.painter import DrawingError, paint

BAR = {"data": {"values": [{"a": "one", "b": 1}]}, "mark": "bar", "encoding": {"x": {"field": "a", "type": "nominal"}}}


def test_charts_come_back_in_the_order_they_were_asked_for():
    many = [paint({**BAR, "title": f"chart {number}"}) for number in range(5)]
    for number, svg in enumerate(many):
        assert svg.result().startswith("<svg")
        assert f"chart {number}<" in svg.result()


def test_a_title_in_any_script_stays_what_it_is():
    assert "架构 \u2028 é &lt;b&gt;" in paint({**BAR, "title": "架构 \u2028 é <b>"}).result()


def test_a_chart_that_cannot_be_drawn_is_told_and_the_next_one_is_drawn():
    bad = paint({**BAR, "data": {"url": "nowhere.invalid/x.parquet", "format": {"type": "odd"}}, "mark": "unheard-of"})
    with pytest.raises(DrawingError, match="A chart of the report cannot be drawn: "):
        bad.result()
    assert paint(BAR).result().startswith("<svg")


def test_a_process_that_was_killed_is_told_of_and_begun_anew():
    paint(BAR).result()
    os.kill(painter._painter()._process.pid, signal.SIGKILL)
    with pytest.raises(DrawingError, match=r"ended with status -9: .* write the report again"):
        paint(BAR).result()
    assert paint(BAR).result().startswith("<svg")


def test_a_child_draws_with_a_painter_of_its_own_and_ends_before_its_parent():
    program = f"""
import os, sys
from nas.report.painter import paint
paint({BAR}).result()
if child := os.fork():
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
sys.exit(7 if paint({BAR}).result().startswith("<svg") else 1)
"""
    assert subprocess.run([sys.executable, "-c", program], timeout=60, check=False).returncode == 7


def test_a_picture_is_drawn_once_and_when_it_is_needed():
    asked = []
    picture = Picture(lambda: asked.append(1) or Markup("<svg/>"))
    both = together([picture, picture]).within('<div data-of="{}">{}</div>', '"two"')
    assert asked == []
    assert str(both) == '<div data-of="&#34;two&#34;"><svg/><svg/></div>'
    assert asked == [1]

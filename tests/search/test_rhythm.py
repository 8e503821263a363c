"""What is done now and then."""

from __future__ import annotations

from nas.search import rhythm


def test_it_is_due_after_so_many_seconds_since_it_was_done(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(rhythm.time, "monotonic", lambda: now[0])
    later, at_once = rhythm.Every(10.0), rhythm.Every(10.0, at_once=True)
    assert (later.is_due(), at_once.is_due()) == (False, True)
    assert not at_once.is_due()
    now[0] += 10.0
    assert later.is_due()
    assert not later.is_due()
    now[0] += 9.0
    later.done()
    now[0] += 9.0
    assert not later.is_due()
    now[0] += 1.0
    assert later.is_due()

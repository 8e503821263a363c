import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nas.report import words
from tests.report.samples import BEGAN, session, study, trial


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (None, "–"), (0, "0"), (999, "999"), (1000, "1.00 k"), (52_310, "52.3 k"), (123_456, "123 k"),
        (999_400, "999 k"), (999_960, "1.00 M"), (9_999_999, "10.0 M"), (4_100_000_000, "4.10 G"),
    ],
)  # fmt: skip
def test_counts_have_three_digits(number, text):
    assert words.count(number) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "–"), (math.nan, "–"), (0, "0.0 s"), (59.9, "59.9 s"), (59.96, "1 min 00 s"), (250, "4 min 10 s"),
        (3600, "1 h 00 min"), (7530, "2 h 06 min"), (3 * 86400, "3 d 00 h"),
    ],
)  # fmt: skip
def test_durations_have_two_units(seconds, text):
    assert words.duration(seconds) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.98765, "0.9877"), (0.0, "0.0000"), (12345.6, "12,350"), (1e-7, "1e-07"), (math.nan, "nan"), (None, "–")],
)
def test_scores(value, text):
    assert words.score(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(18_020.4, "18,020"), (9999.6, "10,000"), (-123_456.0, "-123,500"), (1e15, "1e+15"), (0.12345, "0.1235")],
)
def test_large_numbers_are_written_out(value, text):
    assert words.digits(value) == text


@given(st.text(), st.integers(2, 50))
def test_of_a_long_name_both_ends_are_told(text, length):
    whole, made, half = words.short(text, 10_000), words.middle(text, length), length // 2
    assert made == whole if len(whole) <= length else len(made) == length
    assert whole.startswith(made[:half])
    assert whole.endswith(made[half + 1 :])


def test_a_family_is_called_by_its_class():
    assert [words.family(name) for name in ("cnn", "my/file.py:Net", "package.module:Net", None)] == [
        "cnn",
        "Net",
        "Net",
        "",
    ]


def test_a_moment_is_rounded_to_the_second_in_utc():
    assert words.moment(datetime(2026, 3, 2, 9, 30, 59, 600_000, tzinfo=UTC)) == "2026-03-02 09:31:00 UTC"


def test_what_hides_or_reorders_text_is_shown():
    assert words.clean("a\u202eb\x00\u2028\ud800") == "a⟨U+202E⟩b⟨U+0000⟩⟨U+2028⟩⟨U+D800⟩"
    assert words.clean("line\r\nline\tü 漢") == "line\nline\tü 漢"


@given(st.text(alphabet=st.characters(codec=None)), st.integers(2, 50))
def test_short_text_is_short_on_one_line_and_can_be_written(text, length):
    made = words.short(text, length)
    assert len(made) <= length
    assert "\n" not in made
    made.encode()


def test_a_cut_text_says_how_much_is_gone():
    made = words.cut("a" * 6000 + "b" * 6000, 4000)
    assert "8,000 characters left out" in made
    assert (made[0], made[-1]) == ("a", "b")
    assert words.cut("short") == "short"


@given(st.lists(st.integers(), max_size=200, unique=True), st.integers(2, 60))
def test_what_is_thinned_keeps_its_order_and_both_ends(items, most):
    made = words.thinned(items, most)
    assert len(made) == len(set(made)) == min(most, len(items))
    assert (made[:1], made[-1:]) == (items[:1], items[-1:])
    assert sorted(made, key=items.index) == made


@pytest.mark.parametrize(
    ("trials", "raced", "seconds", "told"),
    [
        (100_000, 5, 1200, "5 trainings with new seeds, as many as the hours allow"),
        (100_000, 1, 3700, "1 training with new seeds, as many as the hours allow"),
        (60, 5, 1200, "5 of 9 trainings with new seeds"),
        (60, 9, 3500, "9 of 9 trainings with new seeds"),
    ],
)
def test_a_race_that_the_hours_end_is_told_by_them(trials, raced, seconds, told):
    over = BEGAN + timedelta(seconds=seconds)
    one = session(ended=over, renewed=over, ending="Stopped by Ctrl-C")
    done = study([trial(number) for number in range(20)], sessions=(one,), hours_budget=1.0, trials_budget=trials)
    assert words.race_line(replace(done, race_budget=trials * 15 // 100, raced=raced)) == told

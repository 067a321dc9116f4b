import re
import time

import hypothesis.strategies as st
import jax.numpy as jnp
import pytest
from hypothesis import given

from alberta_framework.reports import Timer, format_duration
from tests.statistics import golden

PAIRS = golden.cases("format_duration")["format_duration"]["pairs"]


@pytest.mark.parametrize(("seconds", "text"), PAIRS)
def test_durations_agree_with_the_reference(seconds, text):
    assert format_duration(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (59.994, "59.99s"),
        (59.999, "1m 0.00s"),
        (119.999, "2m 0.00s"),
        (3599.999, "1h 0m 0.00s"),
        (7199.996, "2h 0m 0.00s"),
        (-90.5, "-1m 30.50s"),
        (-59.999, "-1m 0.00s"),
        (360_000, "100h 0m 0.00s"),
        (float("nan"), "nan"),
        (float("inf"), "inf"),
        (float("-inf"), "-inf"),
        (1e300, f"{int(1e300) // 3600}h {int(1e300) // 60 % 60}m {int(1e300) % 60}.00s"),
    ],
)
def test_durations_are_rounded_before_they_are_split(seconds, text):
    assert format_duration(seconds) == text


@given(st.floats(0.0, 1e9))
def test_duration_reads_back_to_the_nearest_hundredth(seconds):
    parts = re.fullmatch(r"(?:(\d+)h )?(?:(\d+)m )?(\d+)\.(\d\d)s", format_duration(seconds))
    hours, minutes, whole, hundredths = (int(part or 0) for part in parts.groups())
    assert minutes < 60 and whole < 60
    assert (parts[2] is None) == (round(seconds, 2) < 60)
    assert (parts[1] is None) == (round(seconds, 2) < 3600)
    total = hours * 3600 + minutes * 60 + whole + hundredths / 100
    # Half a hundredth, and the rounding of numbers near 1e9.
    assert abs(total - seconds) <= 0.005 + 1e-6


def test_timer_measures_its_block_and_says_so(capsys):
    with Timer("Sleeping") as timer:
        time.sleep(0.02)
        assert 0.02 <= timer.elapsed() < 5.0
    assert timer.duration == timer.end_time - timer.start_time >= 0.02
    assert timer.elapsed() == timer.duration
    assert capsys.readouterr().out == f"Sleeping completed in {format_duration(timer.duration)}\n"


def test_timer_before_its_start_shows_no_time():
    timer = Timer("X")
    assert (timer.elapsed(), timer.duration, timer.start_time, timer.end_time) == (0, 0, None, None)
    assert repr(timer) == "Timer(name='X')"


def test_timer_shows_its_duration_only_when_finished():
    with Timer("X", verbose=False) as timer:
        assert repr(timer) == "Timer(name='X')"
    timer.duration = 1.2345
    assert repr(timer) == "Timer(name='X', duration=1.23s)"


def test_timer_can_be_quiet_or_report_elsewhere(capsys):
    lines = []
    with Timer("A", verbose=False, print_fn=lines.append):
        pass
    assert lines == []
    with Timer(print_fn=lines.append):
        pass
    assert lines == ["Operation completed in 0.00s"]
    assert capsys.readouterr().out == ""


def test_timer_reports_and_lets_an_exception_pass():
    lines = []
    with pytest.raises(ZeroDivisionError), Timer("Failing", print_fn=lines.append) as timer:
        raise ZeroDivisionError
    assert lines == [f"Failing completed in {format_duration(timer.duration)}"]
    assert timer.end_time is not None


def test_timer_starts_again_from_zero():
    timer = Timer(verbose=False)
    with timer:
        time.sleep(0.05)
    first = timer.duration
    with timer:
        assert timer.elapsed() < first and timer.duration == 0.0
    assert timer.duration < first


def test_block_waits_for_every_array_and_returns_the_tree():
    x = jnp.ones((1500, 1500))
    tree = {"product": x @ x @ x, "count": 3}
    assert Timer.block(tree) == {"product": tree["product"], "count": 3}
    assert tree["product"].is_ready()

"""The example of distribution shifts, on a small run."""

import re

import pytest


@pytest.fixture
def out(printed):
    return printed("distribution_shift")


def test_only_those_who_keep_learning_live_through_the_shifts(out, tmp_path):
    form = r"^(fitted once|LMS|LMS, normalized|Autostep, normalized) {2,}(.+)$"
    # The second table, of the ends of the phases, replaces the first.
    ends = {name: list(map(float, row.split())) for name, row in re.findall(form, out, re.M)}
    assert list(ends) == ["fitted once", "LMS", "LMS, normalized", "Autostep, normalized"]
    assert ends["fitted once"][0] < 0.02 and min(ends["fitted once"][1:]) > 1_000
    assert max(ends["Autostep, normalized"]) < 100
    assert (tmp_path / "distribution_shift.png").stat().st_size > 10_000


def test_readings_that_are_no_numbers_are_rejected(out):
    rejected = dict(re.findall(r"^(.+): ([\d,]+) of 2,000 readings rejected$", out, re.M))
    # Every fifth of the 500 readings of the last phase.
    assert rejected["LMS, normalized"] == rejected["Autostep, normalized"] == "100"

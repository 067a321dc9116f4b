"""What each kind of field makes of its values, by hand."""

import datetime
import math

import numpy as np
import pytest

import alberta_framework as af


def rows(field, values):
    """The numbers of each value, in order, and the state at the end."""
    state, read, found = field.init(), field.reader(), []
    for value in values:
        numbers, state = read(state, value)
        assert len(numbers) == len(field.feature_names)
        found.append(numbers)
    return found, state


def test_a_number_with_its_past():
    field = af.NumberField("load", lags=(1, 3), difference=True)
    assert field.feature_names == ["load", "load.lag1", "load.lag3", "load.difference"]
    found, _ = rows(field, [4, 2.0, None, 9, None])
    assert found == [
        [4, 4, 4, 0],  # no past yet: the mean
        [2, 4, 3, -2],
        [3, 2, 3, 0],  # missing: the mean, and no difference
        [9, 5, 4, 7],  # the lag was missing; the difference is to the last there was
        [5, 9, 2, 0],
    ]


def test_what_lies_outside_its_bounds_is_missing():
    """A sensor that writes -9999 where it has measured nothing."""
    field = af.NumberField("celsius", lags=(1,), difference=True, missing=True, low=-60, high=60)
    assert field == af.AbstractComponent.from_config(field.to_config())
    features = af.EventFeatures((field,))
    state, values = features.init(), [4.0, -9999, 60, np.float32(61), None, np.int64(-60)]
    found = []
    for value in values:
        row, state = features.see(state, {"celsius": value})
        found.append(row.tolist())
    plain = af.EventFeatures((af.NumberField("celsius", (1,), True, missing=True),))
    other, expected = plain.init(), []
    for value in [4.0, None, 60, None, None, -60]:
        row, other = plain.see(other, {"celsius": value})
        expected.append(row.tolist())
    assert found == expected and state == other
    assert state.missing == (3,)
    for bad in ("warm", True, [1], math.nan, math.inf, -math.inf, np.float32(np.inf)):
        with pytest.raises(af.FieldError, match=r"^celsius: must be a finite number or null"):
            features.see(state, {"celsius": bad})


@pytest.mark.parametrize("bounds, values", [({"low": 0}, [-1, 0]), ({"high": 0}, [1, 0])])
def test_one_bound_alone(bounds, values):
    features = af.EventFeatures((af.NumberField("x", missing=True, **bounds),))
    rows = [features.see(features.init(), {"x": value})[0].tolist() for value in values]
    assert rows == [[0, 1], [0, 0]]


@pytest.mark.parametrize(
    "bounds, error",
    [
        ({"low": 2, "high": 1}, "`low` must be at most `high`, 1.0, got 2.0"),
        ({"low": "cold"}, "`low` must be a number or None, got 'cold'"),
        ({"high": True}, "`high` must be a number or None"),
        ({"high": float("inf")}, "`high` must lie within"),
        ({"low": 10**400}, "`low` must lie within"),
        ({"low": float("nan")}, "`low` must lie within"),
    ],
)
def test_bounds_that_make_no_sense(bounds, error):
    with pytest.raises((TypeError, ValueError), match=error):
        af.NumberField("x", **bounds)


@pytest.mark.parametrize("start", [2**24 + 1, 1_700_000_000_123, 2**53 + 1, 10**30 + 7])
def test_the_difference_of_large_integers_is_exact(start):
    field = af.NumberField("bytes", difference=True, value=False)
    assert rows(field, [start, start + 3, start - 1])[0] == [[0], [3], [-4]]
    whole = af.NumberField("bytes", difference=True)
    with pytest.raises(af.FieldError, match=rf"^bytes: {start} is an integer that float32 cannot"):
        rows(whole, [start])
    with pytest.raises(af.FieldError, match=r"^bytes"):
        rows(af.NumberField("bytes", value=False, lags=(1,)), [start])


def test_what_was_let_in_spoils_no_later_event():
    field = af.NumberField("x", difference=True)
    largest = 2.0**126
    found, _ = rows(field, [largest, -largest, largest])
    assert np.isfinite(np.float32(found)).all()
    for bad in (math.nextafter(largest, math.inf), -3e38, 1e300, 10**400):
        with pytest.raises(af.FieldError, match=r"^x: must"):
            rows(field, [bad])


def test_categories_get_a_place_of_their_own():
    field = af.CategoryField("host", capacity=2, hashed=1)
    assert field.feature_names == ["host[0]", "host[1]", "host#0"]
    found, state = rows(field, ["a", "a", "b", "c", "b", "c", None])
    assert found[:6] == [[0, 0, 1], [1, 0, 0], [0, 0, 1], [0, 0, 1], [0, 1, 0], [0, 0, 1]]
    assert found[6] == [1 / 6, 1 / 6, 4 / 6]
    assert field.told_names(state) == ["host=a", "host=b", "host#0"]


def test_a_hash_is_the_same_in_every_process():
    """Worked out elsewhere: the remainder of zlib's crc32 of the text in quotes."""
    field = af.CategoryField("host", capacity=0, hashed=8)
    assert [row.index(1.0) for row in rows(field, ["web1", "web2", 7, True])[0]] == HASHED


HASHED = [0, 3, 2, 5]


def test_categories_are_told_apart_by_kind():
    field = af.CategoryField("code", capacity=4, hashed=1)
    values = [1, "1", True, "true"]
    found, state = rows(field, values + values)
    assert [row.index(1.0) for row in found[4:]] == [0, 1, 2, 3]
    assert field.told_names(state)[:4] == ["code=1", "code=1", "code=true", "code=true"]


def test_a_long_category_takes_no_place():
    _, state = rows(af.CategoryField("host", capacity=2), ["a" * 10_000, "b"])
    assert list(state.places) == ['"b"']


def test_a_truth_value_that_is_missing_is_the_share():
    found, _ = rows(af.BooleanField("ok"), [None, True, 0, np.bool_(True), None, 1.0])
    assert found == [[0], [1], [0], [1], [2 / 3], [1]]


def test_a_time_is_a_place_on_two_circles():
    """Monday 1970-01-05 at 06:00 UTC: a quarter of the day, a 28th of the week."""
    field = af.TimestampField("at")
    assert field.feature_names == [
        *("at.hour_sin", "at.hour_cos", "at.weekday_sin", "at.weekday_cos", "at.elapsed_s")
    ]
    seconds = 4 * 86_400 + 6 * 3_600
    found, _ = rows(field, [seconds, seconds + 12.5, seconds, None])
    week = 2 * math.pi / 28
    expected = [1, 0, math.sin(week), math.cos(week), 0]
    np.testing.assert_allclose(found[0], expected, atol=1e-15)  # a rounding of sin and cos
    assert [row[-1] for row in found] == [0, 12.5, -12.5, 0]
    np.testing.assert_allclose(found[3], np.mean(found[:3], axis=0), rtol=1e-12)  # three roundings


def test_a_time_may_be_said_in_many_ways():
    """All the same moment, so nothing has gone by in between."""
    moment = datetime.datetime(2024, 2, 29, 12, 30, 15, 250_000, tzinfo=datetime.UTC)
    seconds = 1_709_209_815
    said = {
        "s": [seconds + 0.25, moment, moment.replace(tzinfo=None), "2024-02-29T12:30:15.25Z"],
        "ms": [seconds * 10**3 + 250, "2024-02-29 14:30:15.25+02:00"],
        "us": [seconds * 10**6 + 250_000, np.datetime64("2024-02-29T12:30:15.25")],
        "ns": [seconds * 10**9 + 250_000_000, np.int64(seconds * 10**9 + 250_000_000)],
    }
    rows_of = [rows(af.TimestampField("at", unit=unit), values)[0] for unit, values in said.items()]
    assert all(row == rows_of[0][0] for found in rows_of for row in found)


@pytest.mark.parametrize("unit, second", [("s", 1), ("ms", 10**3), ("us", 10**6), ("ns", 10**9)])
def test_time_gone_by_is_exact(unit, second):
    field = af.TimestampField("at", unit=unit, hour=False, weekday=False)
    start = 1_700_000_000 * second
    found, _ = rows(field, [start, start + second, start + second + 1])
    assert found == [[0], [1], [1 / second]]


BAD = {
    "NumberField": ["1", True, [], {}, math.nan, math.inf, np.nan, "NaN", 10**5000],
    "CategoryField": [1.5, [], {}, math.nan, 10**5000],
    "BooleanField": ["true", 2, -1, 0.5, [], {}, math.nan],
    "TimestampField": ["", "now", True, [], {}, math.nan, math.inf, 10**30, 1e300, "2024-13-01"],
}


@pytest.mark.parametrize("kind", BAD)
def test_values_of_the_wrong_kind_name_the_field(kind):
    field = getattr(af, kind)("what")
    for bad in BAD[kind]:
        with pytest.raises(af.FieldError, match=r"^what: (must|an integer must)"):
            rows(field, [bad])


@pytest.mark.parametrize(
    "kind, arguments, told",
    [
        ("NumberField", {"name": ""}, "`name` must be a text"),
        ("NumberField", {"name": "x", "lags": (0,)}, "`lags` must be an integer >= 1, got 0"),
        ("NumberField", {"name": "x", "lags": 3}, "`lags` must be a tuple"),
        ("NumberField", {"name": "x", "lags": (2, 2)}, "`lags` must be different"),
        ("NumberField", {"name": "x", "value": False}, "`value` must be True"),
        ("NumberField", {"name": "x", "difference": 1}, "`difference` must be one of"),
        ("CategoryField", {"name": "x", "capacity": -1}, "`capacity` must be an integer >= 0"),
        ("CategoryField", {"name": "x", "hashed": 0}, "`hashed` must be an integer >= 1"),
        ("BooleanField", {"name": 3}, "`name` must be a text"),
        ("BooleanField", {"name": "x", "missing": None}, "`missing` must be one of"),
        ("TimestampField", {"name": "x", "unit": "h"}, "`unit` must be one of"),
        ("TimestampField", dict.fromkeys(("hour", "weekday", "elapsed"), False), "must be True"),
    ],
)
def test_arguments(kind, arguments, told):
    with pytest.raises((TypeError, ValueError), match=f"{kind}: .*{told}"):
        getattr(af, kind)(**{"name": "x"} | arguments)

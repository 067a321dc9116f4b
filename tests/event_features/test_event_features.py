"""Whole events as rows: laws of every event, and of the state."""

import json
import pathlib
import tomllib

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

import alberta_framework as af

from .cases import FEATURES, FIELDS, drawn

READ = FEATURES.reader()


def state_after(events):
    state = FEATURES.init()
    for event in events:
        _, state = READ(state, event)
    return state


LIVED = state_after(drawn(30))
numbers = st.one_of(
    st.integers(), st.floats(), st.integers(-(2**200), 2**200), st.integers(0, 2**42), st.booleans()
)
scalars = st.one_of(st.none(), numbers, st.text(max_size=6), st.datetimes().map(str))
values = st.one_of(scalars, st.lists(scalars, max_size=2), st.dictionaries(st.text(), scalars))
names = st.one_of(st.sampled_from([field.name for field in FIELDS]), st.text(max_size=4))
objects = st.dictionaries(names, values, max_size=7)


@settings(max_examples=400)
@given(st.lists(objects, max_size=4), st.booleans())
def test_any_object_is_a_finite_row_or_an_error_that_names_a_field(events, lived):
    state = LIVED if lived else FEATURES.init()
    for event in events:
        before = json.dumps(FEATURES.stored(state))
        try:
            row, after = READ(state, event)
        except af.FieldError as error:
            assert any(str(error).startswith(f"{field.name}: ") for field in FIELDS)
        else:
            assert row.dtype == np.float32 and row.shape == (FEATURES.feature_dim,)
            assert np.isfinite(row).all()
            again, _ = READ(state, event)
            assert again.tobytes() == row.tobytes()
            # What was let in spoils nothing that comes after it.
            assert np.isfinite(READ(after, {})[0]).all()
            assert json.dumps(FEATURES.stored(state)) == before
            state = after
        assert FEATURES.restored(json.loads(json.dumps(FEATURES.stored(state)))) == state
    assert len(set(FEATURES.told_names(state))) == FEATURES.feature_dim


def test_a_state_that_was_stored_goes_on_with_the_same_bits():
    events = drawn(60, seed=3)
    whole, parted = FEATURES.init(), FEATURES.init()
    for event in events:
        expected, whole = FEATURES.see(whole, event)
        parted = FEATURES.restored(json.loads(json.dumps(FEATURES.stored(parted))))
        found, parted = FEATURES.see(parted, event)
        assert found.tobytes() == expected.tobytes()
    assert parted == whole


def test_what_is_missing_is_the_mean_and_can_be_told():
    row, _ = FEATURES.see(LIVED, {})
    found = dict(zip(FEATURES.feature_names, row.tolist(), strict=True))
    loads = [event.get("load") for event in drawn(30)]
    loads = [load for load in loads if load is not None]
    assert found["load"] == pytest.approx(np.mean(loads), rel=1e-6)  # rounded to float32
    assert (found["load.missing"], found["host.missing"]) == (1, 1)
    hosts = [value for name, value in found.items() if name.startswith(("host[", "host#"))]
    assert sum(hosts) == pytest.approx(1, rel=1e-6)  # rounded to float32
    assert FEATURES.report(LIVED)["missing"]["load"] == 30 - len(loads)


def test_fields_nobody_declared_are_counted():
    state = state_after([{"user": 1, "load": 2}, {"user": None, "tty": []}])
    assert FEATURES.report(state)["undeclared"] == {"user": 2, "tty": 1}
    state = state_after([{f"{'x' * 200}{i}": i for i in range(10)}, *({i: 0} for i in range(200))])
    report = FEATURES.report(state)
    assert len(report["undeclared"]) == 64 and report["undeclared"]["x" * 80] == 10
    assert report["undeclared_others"] == 200 - 63


def test_or_they_are_an_error():
    strict = af.EventFeatures(FIELDS, extra="error")
    with pytest.raises(af.FieldError, match=r"^'user': unknown; known: load, bytes, host, ok, at$"):
        strict.see(strict.init(), {"user": 1})


def test_the_names_tell_the_categories():
    told = FEATURES.told_names(LIVED)
    assert told[: len(FIELDS[0].feature_names)] == FIELDS[0].feature_names
    assert "host.missing" in told and sum(name.startswith("host=web") for name in told) == 2
    clash = af.EventFeatures((af.CategoryField("a", capacity=1), af.BooleanField("a=b")))
    state = clash.see(clash.init(), {"a": "b"})[1]
    assert clash.told_names(state) == clash.feature_names


@pytest.mark.parametrize("extra", ["ignore", "error"])
def test_the_configuration_is_the_same_in_json_and_toml(extra, tmp_path):
    features = af.EventFeatures(FIELDS, extra)
    config = json.loads(json.dumps(features.to_config()))
    assert af.from_config(config) == features
    path = pathlib.Path(tmp_path, "features.toml")
    path.write_text(f'extra = "{extra}"\n' + TOML)
    assert af.EventFeatures.from_config(tomllib.loads(path.read_text())) == features


TOML = """fields = [
    { type = "NumberField", name = "load", lags = [1, 3], difference = true, missing = true },
    { type = "NumberField", name = "bytes", difference = true, value = false },
    { type = "CategoryField", name = "host", capacity = 2, hashed = 3, missing = true },
    { type = "BooleanField", name = "ok" },
    { type = "TimestampField", name = "at", unit = "ms" },
]
"""


@pytest.mark.parametrize(
    "arguments, told",
    [
        (((),), "at least one"),
        ((af.LMS(),), "must be AbstractEventFields"),
        (((af.BooleanField("x"), af.NumberField("x")),), "'x' is there twice"),
        (((af.BooleanField("x", missing=True), af.BooleanField("x.missing")),), "'x.missing'"),
        ((FIELDS, "drop"), "`extra` must be one of"),
    ],
)
def test_arguments(arguments, told):
    with pytest.raises((TypeError, ValueError), match=told):
        af.EventFeatures(*arguments)


@pytest.mark.parametrize("event", [None, [1.0], "load", 3])
def test_an_event_is_a_mapping(event):
    with pytest.raises(TypeError, match="`event` must be a mapping"):
        FEATURES.see(FEATURES.init(), event)

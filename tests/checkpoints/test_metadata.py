"""Metadata: JSON values and nothing else, kept as they are."""

import collections
import datetime
import math
import pathlib

import jax.numpy as jnp
import numpy as np
import pytest

from alberta_framework.checkpoints import (
    load_checkpoint,
    load_checkpoint_metadata,
    save_checkpoint,
)

from .forging import TEMPLATE


def back(path, metadata):
    save_checkpoint(TEMPLATE, path, metadata)
    alone = load_checkpoint_metadata(path)
    assert repr(load_checkpoint(TEMPLATE, path)[1]) == repr(alone)
    return alone


@pytest.mark.parametrize(
    "metadata",
    [
        {},
        {"a": 1, "b": -0.5, "c": "text", "d": None, "e": True, "f": [1, [2.5, "x"], {}], "g": {}},
        {"_format_version": 2, "format_version": 3, "metadata": {}, "leaves": [], "type": "LMS"},
        {"": "", "\u00e9\u4e2d\U0001f600": '\n\t\0\\"\u2028', "a.b": {"['c']": 1}},
        {"big": 10**30, "small": 5e-324, "zero": -0.0, "pi": math.pi, "third": 1 / 3},
        {"infinite": math.inf, "negative": -math.inf},
        {"long": "x" * 100_000},
        {"false": False, "zero": 0, "none": None},
    ],
    ids=lambda metadata: ",".join(map(ascii, metadata)) or "empty",
)
def test_json_values_come_back(tmp_path, metadata):
    assert repr(back(tmp_path / "x.ckpt", metadata)) == repr(metadata)


def test_nan_comes_back(tmp_path):
    assert math.isnan(back(tmp_path / "x.ckpt", {"a": [math.nan]})["a"][0])


def test_absent_is_empty(tmp_path):
    save_checkpoint(TEMPLATE, tmp_path / "x.ckpt")
    assert load_checkpoint_metadata(tmp_path / "x.ckpt") == {}
    assert back(tmp_path / "y.ckpt", None) == {}


def test_tuples_become_lists(tmp_path):
    assert back(tmp_path / "x.ckpt", {"a": (1, (2,), [])}) == {"a": [1, [2], []]}


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (np.float32(0.1), float(np.float32(0.1))),
        (np.float64(0.1), 0.1),
        (np.int64(-3), -3),
        (np.uint64(2**64 - 1), 2**64 - 1),
        (np.bool_(True), True),
        (np.array(2.5), 2.5),
        (jnp.float32(0.1), float(np.float32(0.1))),
        (jnp.int32(7), 7),
        (jnp.bool_(False), False),
        (jnp.bfloat16(1.5), 1.5),
    ],
    ids=repr,
)
def test_scalars_of_arrays_become_python_numbers(tmp_path, value, number):
    found = back(tmp_path / "x.ckpt", {"a": [value]})["a"][0]
    assert (type(found), found) == (type(number), number)


def cyclic():
    values = []
    values.append(values)
    return values


@pytest.mark.parametrize(
    ("metadata", "path"),
    [
        ({"a": {"b": [0, object()]}}, ("a", "b", "1")),
        ({"a": np.zeros(2)}, ("a",)),
        ({"a": jnp.zeros(1)}, ("a",)),
        ({"a": {1, 2}}, ("a",)),
        ({"a": b"octets"}, ("a",)),
        ({"a": 1j}, ("a",)),
        ({"a": pathlib.Path("x")}, ("a",)),
        ({"a": datetime.date(2020, 1, 1)}, ("a",)),
        ({"a": np.datetime64("2020-01-01")}, ("a",)),
        ({"a": {1: "x"}}, ("a", "1")),
        ({"a": {None: "x"}}, ("a",)),
        ({"a": {True: "x"}}, ("a",)),
        ({3: "x"}, ("3",)),
    ],
    ids=lambda part: ascii(part)[:30],
)
def test_anything_else_is_refused_with_its_path_before_a_file_is_written(tmp_path, metadata, path):
    with pytest.raises(TypeError) as caught:
        save_checkpoint(TEMPLATE, tmp_path / "folder" / "x.ckpt", metadata)
    assert all(part in str(caught.value) for part in path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("metadata", [[], "text", 3, [("a", 1)]], ids=repr)
def test_metadata_are_a_mapping(tmp_path, metadata):
    with pytest.raises(TypeError, match="metadata"):
        save_checkpoint(TEMPLATE, tmp_path / "x.ckpt", metadata)
    assert list(tmp_path.iterdir()) == []


def test_endless_metadata_are_refused(tmp_path):
    with pytest.raises((TypeError, ValueError)):
        save_checkpoint(TEMPLATE, tmp_path / "x.ckpt", {"a": cyclic()})
    assert list(tmp_path.iterdir()) == []


def test_text_that_is_no_unicode_is_refused_or_kept(tmp_path):
    metadata = {"a": "\ud800"}
    try:
        found = back(tmp_path / "x.ckpt", metadata)
    except (TypeError, ValueError):
        assert list(tmp_path.iterdir()) == []
    else:
        assert found == metadata


def test_what_is_saved_loads(tmp_path):
    """Python reads no integer of more than 4,300 digits: such a file would be lost."""
    metadata = {"a": 10**5000}
    try:
        save_checkpoint(TEMPLATE, tmp_path / "x.ckpt", metadata)
    except (TypeError, ValueError):
        assert list(tmp_path.iterdir()) == []
    else:
        assert load_checkpoint_metadata(tmp_path / "x.ckpt") == metadata


def test_deep_metadata_that_are_saved_load(tmp_path):
    deep = []
    for _ in range(3_000):
        deep = [deep]
    try:
        save_checkpoint(TEMPLATE, tmp_path / "x.ckpt", {"a": deep})
    except (TypeError, ValueError):
        assert list(tmp_path.iterdir()) == []
    else:
        assert load_checkpoint_metadata(tmp_path / "x.ckpt") == {"a": deep}


def test_other_mappings_are_taken_as_dicts(tmp_path):
    metadata = collections.OrderedDict(b=1, a=collections.OrderedDict(c=2))
    found = back(tmp_path / "x.ckpt", metadata)
    assert found == {"b": 1, "a": {"c": 2}}
    assert type(found) is dict


def test_loaded_metadata_are_the_callers_own(tmp_path):
    save_checkpoint(TEMPLATE, tmp_path / "x.ckpt", {"a": [1]})
    first = load_checkpoint_metadata(tmp_path / "x.ckpt")
    first["a"].append(2)
    first["b"] = 3
    assert load_checkpoint_metadata(tmp_path / "x.ckpt") == {"a": [1]}

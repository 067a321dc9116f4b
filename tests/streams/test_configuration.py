"""Streams as JSON."""

import dataclasses
import json

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import alberta_framework as af
from tests.golden_files import manifest
from tests.streams import cases
from tests.trees import assert_same_bits

CONFIGURED = [row for row in cases.ALL if row.kind != "RecordedStream"]


@pytest.mark.parametrize("row", CONFIGURED, ids=str)
def test_a_stream_comes_back_from_json(row):
    stream = row.build()
    config = stream.to_config()
    text = json.dumps(config)
    assert json.loads(text) == config
    again = af.from_config(json.loads(text))
    assert jax.tree.structure(again) == jax.tree.structure(stream)
    for ours, expected in zip(jax.tree.leaves(again), jax.tree.leaves(stream), strict=True):
        assert type(ours) is type(expected)
        np.testing.assert_array_equal(ours, expected)
    assert again.to_config() == config


def test_streams_in_streams_come_back():
    inner = af.ScaledStreamWrapper(af.AbruptChangeStream(3, 30), [10.0, 0.1, 3.0])
    stream = af.ScaledStreamWrapper(inner, [2.0, 0.5, -1.0])
    config = json.loads(json.dumps(stream.to_config()))
    assert config["inner_stream"]["inner_stream"] == {
        "type": "AbruptChangeStream",
        "feature_dim": 3,
        "change_interval": 30,
        "noise_std": 0.1,
        "feature_std": 1.0,
    }
    assert config["feature_scales"] == [2.0, 0.5, -1.0]
    again = af.AbstractStream.from_config(config)
    begin = again.init(jr.key(1))
    assert_same_bits(again.rollout(begin, 5)[0], stream.rollout(begin, 5)[0])


SPECS = [
    pytest.param(case["spec"], id=name)
    for name, case in manifest("streams")["cases"].items()
    if case["kind"] == "stream"
]


@pytest.mark.parametrize("spec", SPECS)
def test_keys_left_out_take_their_defaults(spec):
    written = af.from_config(spec).to_config()
    for key in spec.keys() - {"inner_stream", "feature_scales"}:
        assert written.pop(key) == spec[key]
    if "inner_stream" not in spec:
        defaults = {name: field.default for name, field in fields(spec["type"]).items()}
        assert written == {key: defaults[key] for key in written}


def fields(kind):
    return {field.name: field for field in dataclasses.fields(getattr(af, kind))}


def test_scales_come_back_as_float32():
    config = {
        "type": "ScaledStreamWrapper",
        "inner_stream": {"type": "RandomWalkStream", "feature_dim": 2},
        "feature_scales": [1, 0.1],
    }
    scales = af.from_config(config).feature_scales
    assert isinstance(scales, jax.Array) and scales.dtype == jnp.float32
    np.testing.assert_array_equal(scales, np.float32([1, 0.1]))


@pytest.mark.parametrize(
    "change, message",
    [
        ({"drift": 0.1}, "unknown key 'drift'.*drift_rate"),
        ({"drift_rate": "fast"}, "drift_rate: must be a number"),
        ({"drift_rate": -1}, "`drift_rate` must lie in"),
        ({"feature_dim": 2.0}, "feature_dim: must be int"),
        ({"type": "RandomWalk"}, "Unknown stream type: 'RandomWalk'"),
    ],
)
def test_a_wrong_configuration_is_explained(change, message):
    config = {"type": "RandomWalkStream", "feature_dim": 2} | change
    with pytest.raises(ValueError, match=message):
        af.AbstractStream.from_config(config)


def test_a_wrong_inner_configuration_is_found_by_its_path():
    inner = {"type": "RandomWalkStream", "feature_dim": 2, "noise_std": -1}
    config = {"type": "ScaledStreamWrapper", "inner_stream": inner, "feature_scales": [1, 2]}
    with pytest.raises(ValueError, match="inner_stream: RandomWalkStream: `noise_std`"):
        af.from_config(config)
    config["inner_stream"] = {"type": "LMS"}
    with pytest.raises(ValueError, match="`inner_stream` must be a stream"):
        af.from_config(config)


def test_a_batched_stream_has_no_configuration():
    with pytest.raises(TypeError, match="`drift_rate` has shape"):
        af.RandomWalkStream(2, jnp.array([0.1, 0.2])).to_config()

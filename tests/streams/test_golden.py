"""Every stream and scale range of the reference implementation (alberta-framework 0.16.0)."""

import functools as ft

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import alberta_framework as af
from tests.golden_files import GoldenCase, manifest
from tests.streams.cases import begun, rolled

ENTRIES = manifest("streams")["cases"]


def cases(kind):
    return [
        pytest.param(GoldenCase("streams", about | {"case": name}), id=name)
        for name, about in ENTRIES.items()
        if about["kind"] == kind
    ]


def field(state, path):
    """`inner_state.key` and its like; keys as their data."""
    for name in path.split("."):
        state = getattr(state, name)
    is_key = isinstance(state, jax.Array) and jnp.issubdtype(state.dtype, jax.dtypes.prng_key)
    return jr.key_data(state) if is_key else state


def assert_state(state, golden, name):
    """Keys, counters and signs are exact; the rest agrees as observations do."""
    assert golden, "the case holds no state"
    for path, expected in golden.items():
        ours = np.asarray(field(state, path))
        assert ours.shape == expected.shape, f"{name}: {path}"
        if path.split(".")[-1] in ("key", "step_count", "signs"):
            np.testing.assert_array_equal(ours, expected, err_msg=f"{name}: {path}")
        else:
            # Sums of 130 steps, rounded differently by each version of the compiler.
            np.testing.assert_allclose(ours, expected, rtol=2e-6, atol=2e-6, err_msg=path)


@ft.partial(jax.jit, static_argnums=2)
def stepped(stream, state, length):
    def one(state, idx):
        return stream.step(state, idx)[::-1]

    return jax.lax.scan(one, state, jnp.arange(length))[::-1]


@pytest.fixture(scope="module")
def runs():
    """Stepped and drawn at once, with numbers traced as the loops do."""
    ran = {}

    def run(case):
        if case.name not in ran:
            stream = jax.tree.map(jnp.asarray, af.from_config(case.about["spec"]))
            length = case.about["steps"]
            begin = begun(stream, jr.key(case.about["seed"]))
            ran[case.name] = (
                begin,
                stepped(stream, begin, length),
                rolled(stream, begin, length),
            )
        return ran[case.name]

    return run


@pytest.mark.parametrize("case", cases("stream"))
def test_first_state(case, runs):
    begin, _, _ = runs(case)
    assert_state(begin, case.starting("init/"), case.name)


@pytest.mark.parametrize("way", ["stepped", "at once"])
@pytest.mark.parametrize("case", cases("stream"))
def test_130_steps(case, way, runs):
    _, stepped, at_once = runs(case)
    experience, end = stepped if way == "stepped" else at_once
    np.testing.assert_allclose(experience.observation, case["observation"], rtol=2e-6, atol=0)
    # The reference takes the sine of a growing angle, which is off by a few ulp of the angle.
    of_largest = 1e-5 if "periodic" in case.name else 1e-6
    largest = np.max(np.abs(case["target"]))
    np.testing.assert_allclose(experience.target, case["target"], rtol=0, atol=of_largest * largest)
    assert_state(end, case.starting("final/"), case.name)


@pytest.mark.parametrize("case", cases("make_scale_range"))
def test_scale_ranges(case):
    scales = af.make_scale_range(**case.about["kwargs"])
    assert scales.dtype == np.float32
    np.testing.assert_allclose(scales, case["scales"], rtol=1e-6)
    ends = case.about["kwargs"]
    assert scales[0] == np.float32(ends.get("min_scale", 0.001))
    if len(scales) > 1:
        assert scales[-1] == np.float32(ends.get("max_scale", 1000.0))

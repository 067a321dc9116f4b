"""Parity with the reference implementation (alberta-framework 0.16.0)."""

import jax.numpy as jnp
import pytest

import alberta_framework as af
from tests import golden_files
from tests.bounders.test_bound import bound_each


@pytest.mark.parametrize(
    "case", golden_files.cases("optimizers", "bounder.bound"), ids=lambda case: case.name
)
def test_bound(case):
    about = case.about
    bounder = getattr(af, about["cls"])(**about["ctor"], **about["compat"])
    tensors = range(len(about["shapes"]))
    steps = tuple(jnp.asarray(case[f"steps.{k}"]) for k in tensors)
    params = tuple(jnp.asarray(case[f"params.{k}"]) for k in tensors)
    bounded, metric = bound_each(bounder, steps, jnp.asarray(case["errors"]), params)
    golden_files.assert_every_step_close(metric, case["metric"], name="metric")
    for k in tensors:
        golden_files.assert_every_step_close(bounded[k], case[f"bounded.{k}"], name=f"bounded.{k}")

"""Parity of the linear learners with the reference implementation (alberta-framework 0.16.0)."""

import copy

import jax.numpy as jnp
import numpy as np
import pytest

import alberta_framework as af
from tests import golden_files
from tests.learners import runs


def build(case):
    """The learner of the case, every option at the reference's value."""
    config = copy.deepcopy(case.about["learner"])
    parts = [part for part in config.values() if isinstance(part, dict)]
    for key, value in golden_files.manifest("learners")["compat"].items():
        kind, option = key.split(".")
        for part in parts:
            if part["type"] == kind:
                part[option] = value
    if config.get("normalizer") is not None:
        config["normalizer"]["predict_with"] = "current"
    return af.from_config(config)


def field(state, path):
    for name in path.split("."):
        state = getattr(state, name)
    return state


def assert_final_state_matches(case, state, **tolerance):
    compared = case.starting("final.")
    for path, golden in compared.items():
        if path == "step_count":
            assert state.step_count == golden
        else:
            golden_files.assert_close(field(state, path), golden, name=path, **tolerance)
    assert {"weights", "bias", "step_count"} <= set(compared)


def ids(case):
    return case.name


@pytest.mark.parametrize("case", golden_files.cases("learners", "linear"), ids=ids)
def test_linear(case):
    learner, inputs = build(case), case.about["inputs"]
    x, y = (jnp.asarray(case.other(f"{inputs}/{name}")) for name in ("observations", "targets"))
    state, results = runs.run(learner, learner.init(case.about["feature_dim"]), x, y)
    golden_files.assert_close(results.prediction[:, 0], case["predictions"], name="predictions")
    golden_files.assert_close(results.error[:, 0], case["errors"], name="errors")
    golden_files.assert_close(results.metrics, case["metrics"], name="metrics")
    probes = [learner.predict(state, probe)[0] for probe in case.other(case.about["probe"])]
    golden_files.assert_close(np.array(probes), case["probe_predictions"], name="probes")
    assert_final_state_matches(case, state)


@pytest.mark.parametrize("case", golden_files.cases("learners", "td_linear"), ids=ids)
def test_td_linear(case):
    learner, inputs = build(case), case.about["inputs"]
    names = ("observations", "rewards", "next_observations")
    columns = [jnp.asarray(case.other(f"{inputs}/{name}")) for name in names]
    gammas = jnp.full(len(columns[0]), case.about["gamma"], jnp.float32)
    state = learner.init(case.about["feature_dim"])
    state, results = runs.run(learner, state, *columns, gammas)
    golden_files.assert_close(results.prediction[:, 0], case["predictions"], name="predictions")
    golden_files.assert_close(results.td_error[:, 0], case["td_errors"], name="td_errors")
    golden_files.assert_close(results.metrics, case["metrics"], name="metrics")
    assert_final_state_matches(case, state)

"""Parity of the network learners with the reference implementation (alberta-framework 0.16.0)."""

import copy
import dataclasses

import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import alberta_framework as af
from tests import golden_files
from tests.learners import network_cases, network_runs
from tests.learners.test_golden import build, ids
from tests.trees import assert_same_numbers


def follow(tree, path):
    """Field names and indices joined by dots; our stacked heads are indexed like tuples."""
    for name in path.split("."):
        tree = tree[int(name)] if name.isdigit() else getattr(tree, name)
    return tree


def assert_final_state_matches(case, state):
    compared = case.starting("final.")
    for path, golden in compared.items():
        ours = follow(state, path)
        if path == "step_count":
            assert ours == golden
        else:
            assert np.shape(ours) == golden.shape, path
            golden_files.assert_close(ours, golden, name=path)
    assert "step_count" in compared and len(compared) > 3


def initial_parameters(case):
    """By path."""
    init = case.about.get("init")
    if init is None:
        return case.starting("init.")
    layers = range(len(case.about["learner"]["hidden_sizes"]) + 1)
    paths = [f"params.{kind}.{i}" for kind in ("weights", "biases") for i in layers]
    return {path: case.other(f"{init}/{path}") for path in paths}


def begin(case, learner):
    """The initial state, its parameters set to the golden ones."""
    params = initial_parameters(case)
    if case.about["kind"] == "mlp":
        chosen = {"params": layers("params", params)}
    else:
        heads = layers("head_params", params)
        stacked = af.MLPParams(jnp.stack(heads.weights), jnp.stack(heads.biases))
        chosen = {"trunk_params": layers("trunk_params", params), "head_params": stacked}
    return network_runs.begin(learner, chosen, case.about["feature_dim"])


def layers(field, params):
    """The parameters below one field of the state."""
    chosen = {
        kind: tuple(jnp.asarray(v) for path, v in params.items() if path.startswith(start))
        for kind in ("weights", "biases")
        for start in (f"{field}.{kind}.",)
    }
    return af.MLPParams(**chosen)


def distinct(cases):
    """One case for each trunk."""
    return list({tuple(case.about["learner"]["hidden_sizes"]): case for case in cases}.values())


NETWORKS = [
    *distinct(golden_files.cases("learners", "mlp")),
    *distinct(golden_files.cases("learners", "multi_head")),
]


@pytest.mark.parametrize("case", NETWORKS, ids=ids)
def test_initial_weights_are_equal_bit_for_bit(case):
    """The keys are split in the same order. Optimizers, bounders and normalizers draw nothing."""
    config = copy.deepcopy(case.about["learner"]) | PLAIN
    state = af.from_config(config).init(case.about["feature_dim"], jr.key(case.about["seed"]))
    for path, golden in initial_parameters(case).items():
        assert_same_numbers(follow(state, path), golden, err_msg=path)


PLAIN = {"optimizer": {"type": "LMS"}, "head_optimizer": None, "bounder": None, "normalizer": None}


@pytest.mark.parametrize("case", golden_files.cases("learners", "mlp"), ids=ids)
def test_mlp(case):
    learner, inputs = build(case), case.about["inputs"]
    x, y = (jnp.asarray(case.other(f"{inputs}/{name}")) for name in ("observations", "targets"))
    state, results = network_runs.run(learner, begin(case, learner), x, y)
    golden_files.assert_close(results.prediction[:, 0], case["predictions"], name="predictions")
    golden_files.assert_close(results.error[:, 0], case["errors"], name="errors")
    golden_files.assert_close(results.metrics, case["metrics"], name="metrics")
    probes = network_runs.predictions(learner, state, case.other(case.about["probe"]))
    golden_files.assert_close(probes[:, 0], case["probe_predictions"], name="probes")
    assert_final_state_matches(case, state)
    assert not np.any(results.rejected)


@pytest.mark.parametrize("case", golden_files.cases("learners", "multi_head"), ids=ids)
def test_multi_head(case):
    learner = build(case)
    x, y = jnp.asarray(case["observations"]), jnp.asarray(case["targets"])
    state, results = network_runs.run(learner, begin(case, learner), x, y)
    for name in ("predictions", "errors", "per_head_metrics", "trunk_bounding_metric"):
        golden_files.assert_close(getattr(results, name), case[name], name=name)
    probe = case["probe"]
    predictions = network_runs.predictions(learner, state, probe[None])[0]
    golden_files.assert_close(predictions, case["probe_predictions"], name="probe")
    assert_final_state_matches(case, state)
    assert not np.any(results.rejected)

    sensitivity = af.compute_feature_sensitivity(learner, state, probe)
    golden_files.assert_close(sensitivity, case["probe_sensitivity"], name="sensitivity")
    relevance, golden = af.compute_feature_relevance(state), case.starting("relevance.")
    for field in dataclasses.fields(relevance):
        ours = getattr(relevance, field.name)
        assert (ours is None) == (field.name not in golden), field.name
        if ours is not None:
            golden_files.assert_close(ours, golden[field.name], name=field.name)
    told, expected = af.relevance_to_dict(relevance), case.about["relevance_dict_keys"]
    assert sorted(told["trunk"]) == sorted(expected["trunk"])


def test_golden_runs_have_the_length_and_size_of_the_others():
    """Programs are compiled once for all of them."""
    case = golden_files.cases("learners", "mlp")[0]
    assert len(case["predictions"]) == network_cases.CHUNK
    assert case.about["feature_dim"] == network_cases.DIM

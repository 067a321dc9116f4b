"""Which features matter to which head, by weights, step sizes and derivatives."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import alberta_framework as af
from tests.learners import network_cases, network_runs
from tests.learners.network_cases import CHUNK, DIM, HEADS
from tests.trees import assert_leaves_close, lane

CASES = [
    network_cases.MultiHeadCase(network_cases.IDBD, network_cases.EMA, hidden_sizes=(8, 6)),
    network_cases.MultiHeadCase(network_cases.AUTOSTEP, network_cases.WELFORD),
    network_cases.MultiHeadCase(network_cases.LMS, None, None, network_cases.AUTOSTEP),
    network_cases.MultiHeadCase(network_cases.LMS, network_cases.EMA, hidden_sizes=()),
]
EACH = pytest.mark.parametrize("case", CASES, ids=str)
X = np.float32([0.5, -1.0, 0.2, 0.0, 2.0])


@EACH
def test_relevance_is_what_its_formulas_say(case):
    learner, state = network_runs.experienced(case)
    ours = af.compute_feature_relevance(state)
    product = np.abs(np.float64(state.head_params.weights[:, 0]))
    np.testing.assert_allclose(ours.head_reliance, product, rtol=1e-6)
    for w in reversed(state.trunk_params.weights):
        product = product @ np.abs(np.float64(w))
    np.testing.assert_allclose(ours.weight_relevance, product, rtol=1e-5)

    activity, trace = np.zeros(DIM), np.zeros(DIM)
    if case.hidden_sizes:
        alphas = learner.optimizer.step_sizes(state.trunk_optimizer_states[0])
        activity = np.broadcast_to(alphas, (8, DIM)).mean(axis=0)
        trace = np.abs(state.trunk_traces[0]).mean(axis=0)
        assert np.all(activity > 0) and np.any(trace > 0)
    np.testing.assert_allclose(ours.step_size_activity, activity, rtol=1e-5)
    np.testing.assert_allclose(ours.trace_activity, trace, rtol=1e-5)

    if case.normalizer is None:
        assert ours.normalizer_mean is None and ours.normalizer_std is None
    else:
        known = state.normalizer_state
        np.testing.assert_allclose(ours.normalizer_mean, known.mean, rtol=1e-6)
        std = np.sqrt(np.float64(known.var) + 1e-8)
        np.testing.assert_allclose(ours.normalizer_std, std, rtol=1e-5)

    head = (case.head_optimizer or case.optimizer).kind
    if head == "LMS":
        assert ours.head_mean_step_size is None
    else:
        w = state.head_optimizer_states.w
        alphas = np.exp(w.log_step_sizes) if head == "IDBD" else w.step_sizes
        expected = np.mean(alphas, axis=(1, 2))
        np.testing.assert_allclose(ours.head_mean_step_size, expected, rtol=1e-5)
    assert_leaves_close(af.compute_feature_relevance(state, learner), ours)


@EACH
def test_sensitivity_is_the_derivative_of_predict(case):
    """By the raw observation: against a backward pass by hand."""
    learner, state = network_runs.experienced(case)
    x, y = network_cases.regression(case, CHUNK, seed=9)
    oracle = case.oracle(network_runs.begin(learner, case.parameters()))
    for now in zip(x, y, strict=True):
        oracle.update(*now)
    ours = af.compute_feature_sensitivity(learner, state, X)
    assert ours.shape == (HEADS, DIM)
    expected = np.array(oracle.sensitivity(X))
    np.testing.assert_allclose(ours, expected, rtol=1e-3, atol=1e-3 * np.abs(expected).max())


def test_sensitivity_of_fixed_features_is_the_weights():
    """Over the standard deviation of the feature, which `predict` divides by."""
    learner, state = network_runs.experienced(CASES[3])
    seen = learner.normalizer.update_only(state.normalizer_state, X)
    std = np.sqrt(seen.var) + learner.normalizer.epsilon
    ours = af.compute_feature_sensitivity(learner, state, X)
    expected = np.asarray(state.head_params.weights[:, 0]) / np.asarray(std)
    np.testing.assert_allclose(ours, expected, rtol=1e-4)


def test_diagnostics_are_made_inside_compiled_code():
    learner, state = network_runs.experienced(CASES[1])
    both = jax.tree.map(lambda leaf: jnp.stack([leaf, leaf]), state)

    def tell(learner, state):
        sensitivity = af.compute_feature_sensitivity(learner, state, jnp.asarray(X))
        return af.compute_feature_relevance(state), sensitivity

    expected = tell(learner, state)
    mapped = jax.jit(jax.vmap(tell, in_axes=(None, 0)))(learner, both)
    assert_leaves_close(lane(mapped, 1), expected, relative=1e-5)


FEATURES = [f"feature_{i}" for i in range(DIM)]


@pytest.fixture(scope="module")
def full():
    return af.compute_feature_relevance(network_runs.experienced(CASES[1])[1])


def numbers(values):
    return dict(zip(FEATURES, map(float, values), strict=True))


def test_the_dictionary_key_by_key(full):
    told = af.relevance_to_dict(full)
    assert json.loads(json.dumps(told)) == told
    assert list(told) == ["trunk", "per_head"]
    names = ["step_size_activity", "trace_activity", "normalizer_mean", "normalizer_std"]
    assert list(told["trunk"]) == names
    for name in names:
        assert told["trunk"][name] == numbers(getattr(full, name))
    assert list(told["per_head"]) == ["head_0", "head_1", "head_2"]
    for i, head in enumerate(told["per_head"].values()):
        assert list(head) == [
            "weight_relevance",
            "normalized_weight_relevance",
            "head_reliance",
            "mean_step_size",
        ]
        assert head["weight_relevance"] == numbers(full.weight_relevance[i])
        scaled = numbers(full.weight_relevance[i] * full.normalizer_std)
        assert head["normalized_weight_relevance"] == pytest.approx(scaled, rel=1e-5)
        assert list(head["head_reliance"]) == [f"neuron_{j}" for j in range(8)]
        assert list(head["head_reliance"].values()) == [float(v) for v in full.head_reliance[i]]
        assert head["mean_step_size"] == float(full.head_mean_step_size[i])


def test_the_dictionary_leaves_out_what_is_absent():
    plain = network_cases.MultiHeadCase(network_cases.LMS)
    state = network_runs.begin(plain.build(), plain.parameters())
    told = af.relevance_to_dict(af.compute_feature_relevance(state))
    assert list(told["trunk"]) == ["step_size_activity", "trace_activity"]
    assert all(
        list(head) == ["weight_relevance", "head_reliance"] for head in told["per_head"].values()
    )


def test_names_of_the_user(full):
    names, heads = ["a", "b", "c", "d", "e"], ["x", "y", "z"]
    told = af.relevance_to_dict(full, names, heads)
    assert list(told["trunk"]["trace_activity"]) == names
    assert list(told["per_head"]) == heads
    assert list(told["per_head"]["y"]["weight_relevance"]) == names


@pytest.mark.parametrize(
    "arguments, words",
    [
        ({"feature_names": ["a"]}, ["feature_names", "5", "1"]),
        ({"feature_names": list("abcdef")}, ["feature_names", "5", "6"]),
        ({"feature_names": list("abcda")}, ["feature_names", "a"]),
        ({"head_names": ["a", "b"]}, ["head_names", "3", "2"]),
        ({"head_names": ["a", "b", "b"]}, ["head_names", "b"]),
    ],
    ids=str,
)
def test_names_that_do_not_fit(full, arguments, words):
    with pytest.raises(ValueError) as caught:
        af.relevance_to_dict(full, **arguments)
    for word in words:
        assert word in str(caught.value), str(caught.value)

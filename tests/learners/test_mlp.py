"""MLPLearner against a float64 network, and the properties of one update."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import alberta_framework as af
from tests.learners import network_cases, network_runs, runs
from tests.learners.network_cases import CHUNK, DIM
from tests.oracles.mlp import interleaved
from tests.trees import assert_leaves_close, assert_same_bits, lane

# Layer norm of a few units multiplies rounding now and then: much longer runs part ways.
STEPS = 3 * CHUNK
X = np.float32([0.5, -1.0, 0.2, 0.0, 2.0])


@pytest.mark.parametrize("case", [*network_cases.MLP, *network_cases.MLP_SHAPES], ids=str)
def test_learns_as_its_equations_say(case):
    x, y = network_cases.regression(case, STEPS)
    learner = case.build()
    state = network_runs.begin(learner, case.parameters())
    oracle = case.oracle(state)
    state, results = network_runs.run_in_chunks(learner, state, x, y)
    rows = [oracle.update(*now) for now in zip(x, y, strict=True)]
    predictions, errors, metrics = map(np.array, zip(*rows, strict=True))
    scale = np.abs(predictions).max()
    np.testing.assert_allclose(results.prediction[:, 0], predictions, atol=1e-4 * scale)
    np.testing.assert_allclose(results.error[:, 0], errors, atol=1e-4 * scale)
    np.testing.assert_allclose(results.metrics, metrics, rtol=1e-4, atol=1e-4 * scale**2)
    np.testing.assert_allclose(results.metrics[:, 2], metrics[:, 2], rtol=1e-4)
    assert metrics.shape[1] == (3 if case.normalizer is None else 4)
    tensors = interleaved(state.params.weights, state.params.biases)
    for ours, expected in zip(tensors, oracle.tensors(), strict=True):
        np.testing.assert_allclose(ours, expected, rtol=1e-4, atol=1e-4)
    for ours, expected in zip(state.traces, oracle.traces, strict=True):
        np.testing.assert_allclose(ours, expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max())
    assert (state.step_count, state.rejected_count) == (STEPS, 0)

    probes = np.float32([[0.5, -1.0, 2.0, 0.0, 1.0], [0, 0, 0, 0, 0]])
    ours = network_runs.predictions(learner, state, probes)
    expected = [[oracle.predict(probe)] for probe in probes]
    np.testing.assert_allclose(ours, expected, atol=1e-4 * scale)


def fresh(case, **changes):
    learner = case.build(**changes)
    return learner, network_runs.begin(learner, case.parameters())


def test_without_hidden_layers_it_is_a_linear_learner():
    """With the step sizes of LMS, from the same weights."""
    case = network_cases.Case(network_cases.LMS, network_cases.EMA, hidden_sizes=())
    learner, state = fresh(case)
    linear = af.LinearLearner(case.optimizer.build(), case.normalizer.build())
    begun = linear.init(DIM).replace(weights=state.params.weights[0][0])
    x, y = map(jnp.asarray, network_cases.regression(case, CHUNK))
    ours, results = network_runs.run(learner, state, x, y)
    expected, truth = runs.run(linear, begun, x, y)
    np.testing.assert_allclose(ours.params.weights[0][0], expected.weights, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(ours.params.biases[0][0], expected.bias, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(results.error, truth.error, rtol=1e-5, atol=1e-5)


def test_traces_of_a_linear_network_add_up_the_inputs():
    """Three steps by hand: z = 0.5 z + (x, 1) and w += e a z."""
    learner = af.MLPLearner((), step_size=0.1, gamma=1.0, lamda=0.5, sparsity=1.0)
    state = learner.init(2, jr.key(0))
    w, b, z, zb = np.zeros(2), 0.0, np.zeros(2), 0.0
    for x, y in (([1.0, -2.0], 1.0), ([0.5, 0.0], -1.0), ([0.0, 3.0], 2.0)):
        x = np.array(x)
        error = y - (w @ x + b)
        z, zb = 0.5 * z + x, 0.5 * zb + 1.0
        w, b = w + 0.1 * error * z, b + 0.1 * error * zb
        result = learner.update(state, np.float32(x), y)
        state = result.state
        np.testing.assert_allclose(result.error, [error], rtol=1e-6)
    np.testing.assert_allclose(state.traces[0], [z], rtol=1e-6)
    np.testing.assert_allclose(state.traces[1], [zb], rtol=1e-6)
    np.testing.assert_allclose(state.params.weights[0], [w], rtol=1e-5)
    np.testing.assert_allclose(state.params.biases[0], [b], rtol=1e-5)


def test_a_unit_at_zero_has_the_slope_of_a_positive_one():
    """All weights and biases are 0: the layer below the output learns nothing, the output does."""
    learner = af.MLPLearner((2,), step_size=0.1, sparsity=1.0, use_layer_norm=False)
    state = learner.init(2, jr.key(0))
    state = state.replace(
        params=af.MLPParams(
            (jnp.zeros((2, 2)), jnp.array([[1.0, -2.0]])), (jnp.zeros(2), jnp.zeros(1))
        )
    )
    result = learner.update(state, np.float32([3.0, 0.0]), 1.0)
    np.testing.assert_allclose(result.state.params.biases[0], [0.1, -0.2], rtol=1e-6)
    np.testing.assert_allclose(result.state.params.weights[0], [[0.3, 0], [-0.6, 0]], rtol=1e-6)
    np.testing.assert_allclose(result.state.params.biases[1], [0.1], rtol=1e-6)


@pytest.mark.parametrize("bounder", [None, af.ObGDBounding(), af.AGCBounding()], ids=repr)
def test_an_error_of_zero_moves_no_parameter(bounder):
    learner, state = fresh(network_cases.MLP[0], bounder=bounder)
    target = network_runs.predictions(learner, state, X[None])[0]
    result = network_runs.update(learner, state, X, target)
    # Two programs may round the same prediction differently.
    np.testing.assert_allclose(result.error, [0.0], atol=1e-6)
    assert_leaves_close(result.state.params, state.params, absolute=1e-7)
    silent = network_runs.update(learner, zeroed(state), X, 0.0)
    assert_leaves_close(silent.state.params, zeroed(state).params, relative=0.0)
    assert not silent.rejected


def zeroed(state):
    """A network whose output is exactly 0."""
    *below, last = state.params.weights
    weights = (*below, jnp.zeros_like(last))
    return state.replace(params=af.MLPParams(weights, state.params.biases))


def test_the_optimizer_of_the_heads_serves_the_output_alone():
    case = network_cases.Case(
        network_cases.LMS, head_optimizer=network_cases.AUTOSTEP, hidden_sizes=(8, 6)
    )
    state = fresh(case)[1]
    kinds = [type(entry).__name__ for entry in state.optimizer_states]
    assert kinds == ["LMSState"] * 4 + ["AutostepParamState"] * 2
    only = network_cases.Case(
        network_cases.LMS, head_optimizer=network_cases.AUTOSTEP, hidden_sizes=()
    )
    kinds = [type(entry).__name__ for entry in fresh(only)[1].optimizer_states]
    assert kinds == ["AutostepParamState"] * 2


def predicting_with_current(learner):
    """The learner whose `predict` takes the statistics as they are."""
    normalizer = dataclasses.replace(learner.normalizer, predict_with="current")
    return eqx.tree_at(lambda part: part.normalizer, learner, normalizer)


def test_the_prediction_of_an_update_uses_the_statistics_with_its_own_observation():
    learner, state = network_runs.experienced(network_cases.FULL)
    x = 5 * X
    result = learner.update(state, x, 1.0)
    ahead = state.replace(normalizer_state=result.state.normalizer_state)
    as_they_are = predicting_with_current(learner)
    np.testing.assert_allclose(result.prediction, as_they_are.predict(ahead, x), rtol=1e-5)
    assert abs(result.prediction - as_they_are.predict(state, x)) > 1e-3


@pytest.mark.parametrize("target", [2, 2.0, np.float32(2), [2.0], jnp.array(2), np.int64(2)])
def test_a_target_is_a_number_or_an_array_of_one(target):
    learner, state = fresh(network_cases.MLP[0])
    target = np.array(target) if isinstance(target, list) else target
    ours = learner.update(state, X, target)
    assert ours.prediction.shape == ours.error.shape == (1,)
    assert_same_bits(ours, learner.update(state, X, jnp.float32(2.0)))


def test_integer_observations_are_numbers_too():
    learner, state = fresh(network_cases.FULL)
    whole = np.array([1, 0, -2, 3, 1])
    ours = learner.update(state, whole, 1)
    assert_leaves_close(ours, learner.update(state, np.float32(whole), 1.0))
    assert learner.predict(state, whole) == learner.predict(state, np.float32(whole))


def test_the_default_optimizer_is_lms_with_the_step_size():
    assert af.MLPLearner().optimizer == af.LMS(1.0)
    assert af.MLPLearner(step_size=0.25).optimizer == af.LMS(0.25)
    given = af.MLPLearner(optimizer=af.IDBD(0.1), step_size=0.25)
    assert given.optimizer == af.IDBD(0.1) and "step_size" not in given.to_config()
    assert af.MLPLearner().hidden_sizes == (128, 128)
    assert af.MLPLearner([4, 3]).hidden_sizes == (4, 3)
    normalizer = af.WelfordNormalizer()
    assert af.MLPLearner(normalizer=normalizer).normalizer == normalizer


def test_init_begins_with_nothing_but_weights():
    case = network_cases.Case(network_cases.LMS, hidden_sizes=(8, 6))
    state = fresh(case)[1]
    shapes = [(8, 5), (8,), (6, 8), (6,), (1, 6), (1,)]
    assert [z.shape for z in state.traces] == shapes
    assert [t.shape for t in interleaved(state.params.weights, state.params.biases)] == shapes
    assert not any(np.any(z) for z in (*state.traces, *state.params.biases))
    assert state.normalizer_state is None
    assert (state.step_count, state.rejected_count, state.uptime_s) == (0, 0, 0.0)


def test_reset_traces_cuts_the_traces_and_nothing_else():
    case = network_cases.MLP_SHAPES[0]
    learner, state = network_runs.experienced(case)
    assert all(np.any(z != 0) for z in state.traces)
    cut = learner.reset_traces(state)
    assert not any(np.any(z != 0) for z in cut.traces)
    assert_same_bits(cut.replace(traces=state.traces), state)
    # The next step then is one without traces.
    without = case.build(gamma=0.0)
    ours, expected = learner.update(cut, X, 1.0), without.update(cut, X, 1.0)
    assert_leaves_close(ours, expected, absolute=1e-7)
    kept = learner.update(state, X, 1.0)
    assert not np.allclose(kept.state.params.weights[0], ours.state.params.weights[0])


def test_replace_knows_fields_and_properties_and_nothing_else():
    _, state = fresh(network_cases.MLP[0])
    changed = state.replace(step_count=2**53, traces=state.traces[::-1])
    assert changed.step_count == 2**53 and state.step_count == 0
    np.testing.assert_array_equal(changed.traces[0], state.traces[-1])
    with pytest.raises(TypeError, match="trases"):
        state.replace(trases=())


def test_eager_compiled_scanned_and_mapped_updates_agree():
    case = network_cases.FULL
    learner, state = network_runs.experienced(case)
    x, y = map(jnp.asarray, network_cases.regression(case, CHUNK))
    scanned, results = network_runs.run(learner, state, x, y)
    single = state
    for t in range(5):
        result = learner.update(single, x[t], y[t])
        # Each step begins where the last one of its own kind ended.
        assert_leaves_close(result, lane(results, t), relative=1e-5, absolute=1e-6)
        single = result.state
    with jax.disable_jit():
        eager = learner.update(state, x[0], y[0])
    assert_leaves_close(eager, learner.update(state, x[0], y[0]), relative=2e-6, absolute=1e-7)
    twice = jax.tree.map(lambda leaf: jnp.stack([leaf, leaf]), state)
    mapped = network_runs.update_states(learner, twice, x[0], y[0])
    assert_leaves_close(lane(mapped, 1), lane(results, 0), relative=2e-6, absolute=1e-7)
    assert scanned.step_count == state.step_count + CHUNK


def test_learn_is_update_for_one_unit_of_experience():
    learner, state = network_runs.experienced(network_cases.FULL)
    x, y = network_cases.regression(network_cases.FULL, 1)
    moved, metrics = learner.learn(state, af.TimeStep(jnp.asarray(x[0]), jnp.asarray(y)))
    result = learner.update(state, x[0], y)
    assert_same_bits((moved, metrics), (result.state, result.metrics))

"""MultiHeadMLPLearner against a float64 learner with one head after the other."""

import hypothesis.strategies as st
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
from hypothesis import given, settings

import alberta_framework as af
from tests.learners import network_cases, network_runs
from tests.learners.network_cases import CHUNK, DIM, HEADS
from tests.learners.test_mlp import predicting_with_current
from tests.oracles.mlp import interleaved
from tests.trees import assert_leaves_close, assert_same_bits, lane

# Layer norm of a few units multiplies rounding now and then: much longer runs part ways.
STEPS = 3 * CHUNK
X = np.float32([0.5, -1.0, 0.2, 0.0, 2.0])
Y = np.float32([1.0, -0.5, 0.3])
NAN = np.float32(np.nan)
ALL = [*network_cases.MULTI_HEAD, *network_cases.MULTI_HEAD_SHAPES]


def fresh(case, **changes):
    learner = case.build(**changes)
    return learner, network_runs.begin(learner, case.parameters())


@pytest.mark.parametrize("case", ALL, ids=str)
def test_learns_as_its_equations_say(case):
    x, y = network_cases.regression(case, STEPS)
    learner, state = fresh(case)
    oracle = case.oracle(state)
    state, results = network_runs.run_in_chunks(learner, state, x, y)
    rows = [oracle.update(*now) for now in zip(x, y, strict=True)]
    predictions, errors, metrics, factors = map(np.array, zip(*rows, strict=True))
    scale = np.abs(predictions).max()
    np.testing.assert_allclose(results.predictions, predictions, atol=1e-4 * scale)
    np.testing.assert_allclose(results.errors, errors, atol=1e-4 * scale)
    np.testing.assert_allclose(results.per_head_metrics, metrics, rtol=1e-4, atol=1e-4 * scale**2)
    np.testing.assert_allclose(results.per_head_metrics[..., 2], metrics[..., 2], rtol=1e-4)
    np.testing.assert_allclose(results.trunk_bounding_metric, factors, rtol=1e-4)
    # Among the targets are inactive ones, and only they give a NaN.
    np.testing.assert_array_equal(np.isnan(results.errors), np.isnan(y))
    assert 0 < np.sum(np.isnan(y)) < y.size / 4
    assert (state.step_count, state.rejected_count) == (STEPS, 0)

    trunk = interleaved(state.trunk_params.weights, state.trunk_params.biases)
    for ours, expected in zip(trunk, oracle.trunk.tensors(), strict=True):
        np.testing.assert_allclose(ours, expected, rtol=1e-4, atol=1e-4)
    for ours, expected in zip(state.trunk_traces, oracle.trunk_traces, strict=True):
        np.testing.assert_allclose(ours, expected, rtol=1e-4, atol=1e-4 * scale)
    for i, head in enumerate(oracle.heads):
        ours = (state.head_params.weights[i], state.head_params.biases[i])
        for a, b in zip(ours, (head.weights, head.bias), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4)
        for a, b in zip(state.head_traces[i], head.traces, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4 * np.abs(head.traces[0]).max())

    probes = np.float32([[0.5, -1.0, 2.0, 0.0, 1.0], [0, 0, 0, 0, 0]])
    ours = network_runs.predictions(learner, state, probes)
    expected = [oracle.predict(probe) for probe in probes]
    np.testing.assert_allclose(ours, expected, atol=1e-4 * scale)


MASKS = st.lists(st.booleans(), min_size=HEADS, max_size=HEADS).map(np.array)


@pytest.mark.parametrize("case", [ALL[-1], network_cases.FULL_MULTI_HEAD], ids=str)
def test_an_inactive_head_keeps_everything_bit_for_bit(case):
    learner, state = network_runs.experienced(case)

    @settings(max_examples=20, deadline=None, derandomize=True, database=None)
    @given(MASKS, st.integers(0, 2**16))
    def check(active, seed):
        x, y = network_cases.regression(case, 1, seed=seed)
        y = np.where(active, np.nan_to_num(y[0], nan=1.0), NAN)
        result = learner.update(state, x[0], y)
        assert not result.rejected
        np.testing.assert_array_equal(np.isnan(result.errors), ~active)
        np.testing.assert_array_equal(np.isnan(result.per_head_metrics).all(axis=1), ~active)
        assert np.all(np.isfinite(result.predictions))
        after = result.state
        for name in ("head_params", "head_traces", "head_optimizer_states"):
            old, new = getattr(state, name), getattr(after, name)
            for i in np.flatnonzero(~active):
                assert_same_bits(lane(new, i), lane(old, i))
            for i in np.flatnonzero(active):
                kept = jax.tree.map(np.array_equal, lane(new, i), lane(old, i))
                assert not all(jax.tree.leaves(kept)), name

    check()


def test_a_step_without_any_target_moves_no_head_and_no_parameter():
    """The trunk's optimizer runs on gradients of zero; normalizer and counter go on."""
    learner, state = network_runs.experienced(network_cases.FULL_MULTI_HEAD)
    result = learner.update(state, X, np.full(HEADS, NAN))
    after = result.state
    assert not result.rejected
    assert np.all(np.isnan(result.errors)) and np.all(np.isnan(result.per_head_metrics))
    assert np.all(np.isfinite(result.predictions))
    for name in ("head_params", "head_traces", "head_optimizer_states"):
        assert_same_bits(getattr(after, name), getattr(state, name))
    assert_leaves_close(after.trunk_params, state.trunk_params, relative=0.0)
    assert not any(np.any(z) for z in after.trunk_traces)
    assert after.step_count == state.step_count + 1
    assert after.normalizer_state.sample_count == state.normalizer_state.sample_count + 1
    # IDBD's traces decay by 1 - alpha z^2 = 1.
    assert_leaves_close(after.trunk_optimizer_states, state.trunk_optimizer_states, relative=1e-6)


@pytest.mark.parametrize("case", ALL[2::9], ids=str)
def test_the_order_of_the_heads_does_not_matter(case):
    learner, state = network_runs.experienced(case)
    x, y = network_cases.regression(case, CHUNK, seed=5)
    order = np.array([2, 0, 1])
    if learner.per_head_gamma_lamda is None:
        shuffled = learner
    else:
        shuffled = case.build(per_head_gamma_lamda=learner.per_head_gamma_lamda[order])
    heads = ("head_params", "head_traces", "head_optimizer_states")

    def permuted(state):
        turned = {name: jax.tree.map(lambda a: a[order], getattr(state, name)) for name in heads}
        return state.replace(**turned)

    y_turned = y[:, order]
    expected, truth = network_runs.run(learner, state, *map(jnp.asarray, (x, y)))
    ours, results = network_runs.run(shuffled, permuted(state), *map(jnp.asarray, (x, y_turned)))
    # The errors of the heads are summed in another order: rounding, grown over the steps.
    close = {"rtol": 1e-4, "atol": 1e-4}
    np.testing.assert_allclose(results.predictions, truth.predictions[:, order], **close)
    np.testing.assert_allclose(results.errors, truth.errors[:, order], **close)
    for a, b in zip(jax.tree.leaves(ours), jax.tree.leaves(permuted(expected)), strict=True):
        if a.dtype == np.float32:
            np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-4 * (1e-4 + np.abs(b).max()))


def head_alone(state, i):
    """The state of a learner whose only head is the i-th."""
    names = ("head_params", "head_traces", "head_optimizer_states")
    return state.replace(
        **{n: jax.tree.map(lambda leaf: leaf[i : i + 1], getattr(state, n)) for n in names}
    )


LINEAR = [
    network_cases.MultiHeadCase(o, network_cases.EMA, b, None, (), network_cases.HEAD_DECAYS)
    for o, b in (
        (network_cases.LMS, network_cases.OBGD),
        (network_cases.IDBD, network_cases.AGC),
        (network_cases.AUTOSTEP, network_cases.OBGD),
    )
]


@pytest.mark.parametrize("case", LINEAR, ids=str)
def test_heads_on_fixed_features_are_learners_of_their_own(case):
    """Bounds, meta-learning and traces of one head know nothing of another."""
    learner, state = fresh(case)
    x, y = network_cases.regression(case, CHUNK)
    _, together = network_runs.run(learner, state, jnp.asarray(x), jnp.asarray(y))
    for i in range(HEADS):
        decay = dict(case.arguments)["per_head_gamma_lamda"][i]
        alone = af.MultiHeadMLPLearner(
            1,
            (),
            case.optimizer.build(),
            normalizer=case.normalizer.build(),
            bounder=case.bounder.build(),
            per_head_gamma_lamda=(decay,),
            sparsity=network_cases.SPARSITY,
        )
        column = jnp.asarray(y[:, i : i + 1])
        _, single = network_runs.run(alone, head_alone(state, i), jnp.asarray(x), column)
        for name in ("predictions", "errors", "per_head_metrics"):
            ours = getattr(together, name)[:, i]
            np.testing.assert_allclose(ours, getattr(single, name)[:, 0], rtol=1e-5, atol=1e-5)


ONE_HEAD = [
    (network_cases.NONE, (8, 6), None),
    (network_cases.EMA, (8,), None),
    (network_cases.EMA, (8,), network_cases.AUTOSTEP),
    (network_cases.NONE, (), None),
]


@pytest.mark.parametrize("normalizer, hidden_sizes, head_optimizer", ONE_HEAD, ids=str)
def test_one_head_is_the_learner_with_one_output(normalizer, hidden_sizes, head_optimizer):
    """For LMS below the head, without traces and bounder: there the two agree."""
    case = network_cases.Case(network_cases.LMS, normalizer, None, head_optimizer, hidden_sizes)
    single, state = fresh(case)
    *trunk, head = interleaved(state.params.weights, state.params.biases)[::2]
    many = af.MultiHeadMLPLearner(
        1,
        hidden_sizes,
        case.optimizer.build(),
        normalizer=normalizer and normalizer.build(),
        head_optimizer=head_optimizer and head_optimizer.build(),
        sparsity=network_cases.SPARSITY,
    )
    begun = network_runs.begin(
        many,
        {
            "trunk_params": network_cases.with_biases(trunk),
            "head_params": af.MLPParams(head[None], jnp.zeros((1, 1))),
        },
    )
    x, y = map(jnp.asarray, network_cases.regression(case, CHUNK))
    expected, truth = network_runs.run(single, state, x, y)
    ours, results = network_runs.run(many, begun, x, y[:, None])
    np.testing.assert_allclose(results.predictions, truth.prediction, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(results.errors, truth.error, rtol=1e-5, atol=1e-5)
    tensors = [
        *interleaved(ours.trunk_params.weights, ours.trunk_params.biases),
        ours.head_params.weights[0],
        ours.head_params.biases[0],
    ]
    params = interleaved(expected.params.weights, expected.params.biases)
    for a, b in zip(tensors, params, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def test_one_head_begins_with_the_weights_of_the_learner_with_one_output():
    one = af.MLPLearner((8,), sparsity=0.5).init(5, jr.key(3)).params
    many = af.MultiHeadMLPLearner(1, (8,), sparsity=0.5).init(5, jr.key(3))
    np.testing.assert_array_equal(many.trunk_params.weights[0], one.weights[0])
    np.testing.assert_array_equal(many.head_params.weights[0], one.weights[1])
    assert len(many.trunk_params.weights) == 1


def test_the_first_update_by_hand():
    """Two heads on fixed features, one of them inactive; then one on a hidden unit."""
    learner = af.MultiHeadMLPLearner(2, (), step_size=0.1, sparsity=1.0)
    state = learner.init(2, jr.key(0))
    result = learner.update(state, np.float32([1.0, -2.0]), np.float32([3.0, np.nan]))
    np.testing.assert_array_equal(result.predictions, [0.0, 0.0])
    np.testing.assert_array_equal(result.errors, [3.0, np.nan])
    np.testing.assert_allclose(result.per_head_metrics[0], [9.0, 3.0, 0.1], rtol=1e-6)
    assert np.all(np.isnan(result.per_head_metrics[1]))
    np.testing.assert_allclose(
        result.state.head_params.weights, [[[0.3, -0.6]], [[0.0, 0.0]]], rtol=1e-6
    )
    np.testing.assert_allclose(result.state.head_params.biases, [[0.3], [0.0]], rtol=1e-6)
    assert result.trunk_bounding_metric == 1.0


@pytest.mark.parametrize(
    "bounder, metric", [(None, 1.0), (af.ObGDBounding(), 1.0), (af.AGCBounding(), 0.0)], ids=str
)
def test_the_bounding_metric_of_no_trunk(bounder, metric):
    learner = af.MultiHeadMLPLearner(2, (), bounder=bounder)
    result = network_runs.update(learner, learner_state(learner), X, Y[:2])
    assert result.trunk_bounding_metric == metric


def learner_state(learner):
    heads = af.MLPParams(jnp.ones((2, 1, DIM)), jnp.zeros((2, 1)))
    return network_runs.begin(learner, {"head_params": heads})


def test_the_trunk_step_is_the_sum_over_the_active_heads():
    """LMS, no bounder: the trunk moves by the sum of what each head alone would move it."""
    learner, state = fresh(network_cases.MULTI_HEAD[0])
    only = [np.where(np.arange(HEADS) == i, Y, NAN) for i in range(HEADS)]

    def change(targets):
        moved = learner.update(state, X, targets).state.trunk_params
        return jax.tree.map(lambda a, b: np.asarray(a - b), moved, state.trunk_params)

    singles = [change(targets) for targets in only]
    total = jax.tree.map(lambda *parts: sum(parts), *singles)
    assert_leaves_close(change(Y), total, relative=1e-5, absolute=1e-7)
    assert np.abs(total.weights[0]).max() > 1e-4


def test_without_bias_the_heads_have_none_and_the_trunk_has():
    case = network_cases.MultiHeadCase(
        network_cases.IDBD, network_cases.EMA, network_cases.OBGD, arguments=(("use_bias", False),)
    )
    x, y = network_cases.regression(case, CHUNK)
    learner, state = fresh(case)
    oracle = case.oracle(state)
    state, results = network_runs.run_in_chunks(learner, state, x, y)
    for now in zip(x, y, strict=True):
        oracle.update(*now)
    assert not np.any(results.state.head_params.biases)
    assert not np.any(results.state.head_traces.b)
    assert np.any(state.trunk_params.biases[0])
    for i, head in enumerate(oracle.heads):
        np.testing.assert_allclose(state.head_params.weights[i], head.weights, rtol=1e-4, atol=1e-5)


def test_stacked_traces_and_optimizer_states_are_sequences_of_pairs():
    _, state = network_runs.experienced(network_cases.FULL_MULTI_HEAD)
    traces, optimizers = state.head_traces, state.head_optimizer_states
    assert len(traces) == len(optimizers) == HEADS
    assert len(state.head_params.weights) == HEADS
    for i in range(HEADS):
        w, b = traces[i]
        np.testing.assert_array_equal(w, traces.w[i])
        np.testing.assert_array_equal(b, traces.b[i])
        assert (w.shape, b.shape) == ((1, 8), (1,))
        for part, whole in zip(optimizers[i], (optimizers.w, optimizers.b), strict=True):
            assert type(part) is af.IDBDParamState
            np.testing.assert_array_equal(part.log_step_sizes, whole.log_step_sizes[i])
            np.testing.assert_array_equal(part.traces, whole.traces[i])
    assert_same_bits(traces[-1], traces[HEADS - 1])
    assert len(list(traces)) == len(list(optimizers)) == HEADS
    for i, (pair, both) in enumerate(zip(traces, optimizers, strict=True)):
        assert_same_bits(pair, traces[i])
        assert_same_bits(both, optimizers[i])


@pytest.mark.parametrize("index", [HEADS, HEADS + 7, -HEADS - 1])
def test_an_index_out_of_range_is_an_index_error(index):
    _, state = fresh(network_cases.MULTI_HEAD[0])
    for sequence in (state.head_traces, state.head_optimizer_states):
        with pytest.raises(IndexError):
            sequence[index]


def test_init_begins_with_nothing_but_weights():
    case = network_cases.MULTI_HEAD_SHAPES[0]
    state = fresh(case)[1]
    shapes = [(8, 5), (8,), (6, 8), (6,)]
    assert [z.shape for z in state.trunk_traces] == shapes
    assert state.head_traces.w.shape == state.head_params.weights.shape == (HEADS, 1, 6)
    assert state.head_traces.b.shape == state.head_params.biases.shape == (HEADS, 1)
    assert not any(np.any(z) for z in jax.tree.leaves((state.trunk_traces, state.head_traces)))
    assert not hasattr(state, "previous_discounts"), "targets have no discounts"
    assert (state.step_count, state.rejected_count, state.uptime_s) == (0, 0, 0.0)


@pytest.mark.parametrize("mask", [None, [True, False, True], [False] * HEADS], ids=str)
def test_reset_traces_cuts_the_traces_of_the_mask_and_nothing_else(mask):
    case = network_cases.MULTI_HEAD_SHAPES[0]
    learner, state = network_runs.experienced(case)
    assert np.any(state.head_traces.w[2] != 0) and np.any(state.trunk_traces[0] != 0)
    cut = learner.reset_traces(state, None if mask is None else np.array(mask))
    for i, chosen in enumerate([True] * HEADS if mask is None else mask):
        if chosen:
            assert not any(np.any(z) for z in cut.head_traces[i])
        else:
            assert_same_bits(cut.head_traces[i], state.head_traces[i])
    if mask is None:
        assert not any(np.any(z) for z in cut.trunk_traces)
    else:
        assert_same_bits(cut.trunk_traces, state.trunk_traces)
    back = {"head_traces": state.head_traces, "trunk_traces": state.trunk_traces}
    assert_same_bits(cut.replace(**back), state)


def test_metrics_as_dictionaries():
    learner, state = fresh(network_cases.MULTI_HEAD[0])
    result = learner.update(state, X, np.float32([1.0, np.nan, 0.3]))
    told = af.multi_head_metrics_to_dicts(result)
    assert told[1] is None and len(told) == HEADS
    for i in (0, 2):
        assert list(told[i]) == ["squared_error", "error", "mean_step_size"]
        assert all(type(value) is float for value in told[i].values())
        np.testing.assert_array_equal(list(told[i].values()), result.per_head_metrics[i])


def test_the_prediction_of_an_update_uses_the_statistics_with_its_own_observation():
    learner, state = network_runs.experienced(network_cases.FULL_MULTI_HEAD)
    x = 5 * X
    result = learner.update(state, x, Y)
    ahead = state.replace(normalizer_state=result.state.normalizer_state)
    as_they_are = predicting_with_current(learner)
    np.testing.assert_allclose(result.predictions, as_they_are.predict(ahead, x), rtol=1e-4)
    assert np.abs(result.predictions - as_they_are.predict(state, x)).max() > 1e-3


@pytest.mark.parametrize("targets", [[1, 0, 2], np.array([1, 0, 2]), np.array([1.0, 0, 2])])
def test_targets_of_other_kinds_are_numbers_too(targets):
    learner, state = fresh(network_cases.MULTI_HEAD[0])
    expected = learner.update(state, X, np.float32([1, 0, 2]))
    assert_same_bits(learner.update(state, X, targets), expected)


def test_integer_observations_are_numbers_too():
    learner, state = fresh(network_cases.FULL_MULTI_HEAD)
    whole = np.array([1, 0, -2, 3, 1])
    ours = learner.update(state, whole, Y)
    assert_leaves_close(ours, learner.update(state, np.float32(whole), Y))


def test_the_defaults():
    learner = af.MultiHeadMLPLearner(2)
    assert (learner.n_heads, learner.hidden_sizes) == (2, (128, 128))
    assert learner.optimizer == af.LMS(1.0) and learner.per_head_gamma_lamda is None
    assert af.MultiHeadMLPLearner(2, step_size=0.5).optimizer == af.LMS(0.5)
    given = af.MultiHeadMLPLearner(2, optimizer=af.IDBD(), normalizer=af.EMANormalizer())
    assert given.optimizer == af.IDBD() and given.normalizer == af.EMANormalizer()
    positional = (2, (), None, 1.0, None, 0.0, 0.0, None, 0.9, 0.01, True, None, None)
    assert af.MultiHeadMLPLearner(*positional, use_bias=False).use_bias is False
    with pytest.raises(TypeError):
        af.MultiHeadMLPLearner(*positional, False)


def test_eager_compiled_scanned_and_mapped_updates_agree():
    case = network_cases.FULL_MULTI_HEAD
    learner, state = network_runs.experienced(case)
    x, y = map(jnp.asarray, network_cases.regression(case, CHUNK))
    _, results = network_runs.run(learner, state, x, y)
    single = state
    for t in range(5):
        result = learner.update(single, x[t], y[t])
        assert_leaves_close(finite(result), finite(lane(results, t)), relative=1e-5, absolute=1e-6)
        single = result.state
    with jax.disable_jit():
        eager = learner.update(state, x[0], y[0])
    compiled = learner.update(state, x[0], y[0])
    assert_leaves_close(finite(eager), finite(compiled), relative=2e-6, absolute=1e-7)
    twice = jax.tree.map(lambda leaf: jnp.stack([leaf, leaf]), state)
    mapped = network_runs.update_states(learner, twice, x[0], y[0])
    ours, expected = finite(lane(mapped, 1)), finite(compiled)
    assert_leaves_close(ours, expected, relative=2e-6, absolute=1e-7)


def finite(result):
    """With -1 where a head is inactive."""
    return jax.tree.map(lambda leaf: jnp.nan_to_num(leaf, nan=-1.0), result)


def test_learn_is_update_for_one_unit_of_experience():
    learner, state = network_runs.experienced(network_cases.FULL_MULTI_HEAD)
    moved, metrics = learner.learn(state, af.MultiHeadStep(jnp.asarray(X), jnp.asarray(Y)))
    result = learner.update(state, X, Y)
    assert_same_bits((moved, metrics), (result.state, result.per_head_metrics))

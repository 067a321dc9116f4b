"""FADE: what is exact about it, who must not forget, and that forgetting pays."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import alberta_framework as af
from tests.oracles.fade import FADEParam
from tests.trees import assert_same_bits

STEPS, DIM = 200, 4
RNG = np.random.default_rng(0)
X = np.float32(RNG.normal(size=(STEPS, DIM)))
Y = np.float32(X @ [1.0, -0.5, 2.0, 0.0] + 0.3 * RNG.normal(size=STEPS))
# So small that 1 - d is 1, and what is forgotten is far below the rounding of a weight.
NOTHING = {"initial_decay": 1e-30, "min_decay": 1e-30, "decay_meta_step_size": 0.0}


def learned(learner, x=X, y=Y):
    """The state after the rows, and the weights after each."""

    def one(state, now):
        state = learner.update(state, *now).state
        return state, state.weights

    return jax.jit(lambda state: jax.lax.scan(one, state, (x, y)))(learner.init(x.shape[-1]))


def test_without_decay_it_is_idbd():
    """Where IDBD clips nothing."""
    ours, weights = learned(af.LinearLearner(af.FADE(0.02, 0.01, **NOTHING), use_bias=False))
    theirs, expected = learned(af.LinearLearner(af.IDBD(0.02, 0.01), use_bias=False))
    np.testing.assert_allclose(weights, expected, rtol=1e-5, atol=1e-6)
    for name in ("log_step_sizes", "traces"):
        ours_, theirs_ = (getattr(s.optimizer_state, name) for s in (ours, theirs))
        np.testing.assert_allclose(ours_, theirs_, rtol=1e-5, atol=1e-6)


def test_without_decay_the_bias_is_a_weight_of_idbd():
    """On the input 1: of one input only the name differs."""
    ones = np.ones((STEPS, 1), np.float32)
    ours, _ = learned(af.LinearLearner(af.FADE(0.02, 0.01, **NOTHING)), ones)
    np.testing.assert_array_equal(ours.bias, ours.weights[0])
    state = ours.optimizer_state
    for name in ("trace", "decay_trace", "log_step_size", "log_decay"):
        np.testing.assert_array_equal(getattr(state, f"bias_{name}"), getattr(state, f"{name}s")[0])


def scalar_weight(beta, c, x, y):
    """The weight after rows of one input, at fixed log step size and log decay, in float64."""
    w = 0.0
    for xi, yi in zip(x, y, strict=True):
        w = (1.0 - np.exp(c)) * w + np.exp(beta) * (yi - w * xi) * xi
    return w


def test_the_traces_are_the_derivatives_of_a_single_weight():
    """By central differences over 60 random steps: of the oracle in float64 to 3e-11, of ours to
    float32's rounding."""
    rng = np.random.default_rng(1)
    x, y = np.float32(rng.uniform(-1, 1, size=(2, 60)))
    x, y = x.astype(np.float64), y.astype(np.float64)
    alpha, d, step = np.float64(np.float32(0.1)), np.float64(np.float32(0.05)), 1e-5
    beta, c = np.log(alpha), np.log(d)
    by_beta, by_c = (
        (scalar_weight(beta + db, c + dc, x, y) - scalar_weight(beta - db, c - dc, x, y)) / 2 / step
        for db, dc in ((step, 0.0), (0.0, step))
    )
    numbers = {"initial_step_size": alpha, "initial_decay": d}
    numbers |= {"meta_step_size": 0.0, "decay_meta_step_size": 0.0}
    oracle, w = FADEParam((), **numbers), 0.0
    for xi, yi in zip(x, y, strict=True):
        error = yi - w * xi
        w = w + error * float(oracle.update_from_gradient(xi, error, w)) - oracle.forgotten(w)
    # 1e-5 squared is the error of the differences, 1e-16 / 1e-5 their rounding.
    np.testing.assert_allclose([oracle.traces, oracle.decay_traces], [by_beta, by_c], atol=3e-11)
    assert min(abs(by_beta), abs(by_c)) > 1e-3
    learner = af.LinearLearner(af.FADE(**numbers), use_bias=False)
    state, _ = learned(learner, np.float32(x[:, None]), np.float32(y))
    state = state.optimizer_state
    found = [state.traces[0], state.decay_traces[0]]
    np.testing.assert_allclose(found, [by_beta, by_c], rtol=1e-4)


@pytest.mark.parametrize("old", [0.0, 3.0, -1e6])
def test_at_a_decay_of_one_the_old_weight_is_gone(old):
    learner = af.LinearLearner(af.FADE(initial_decay=1.0, min_decay=1.0), use_bias=False)
    state = learner.init(DIM).replace(weights=jnp.full(DIM, old, jnp.float32))
    result = learner.update(state, X[0], 0.5)
    alpha = learner.optimizer.step_sizes(result.state.optimizer_state)
    np.testing.assert_allclose(result.state.weights, alpha * result.error * X[0], rtol=1e-6)


def test_the_linear_learner_follows_the_equations():
    """All of them in float64, vectors at a time; those of the oracle are one scalar at a time."""
    numbers = {"initial_step_size": 0.05, "meta_step_size": 0.02, "initial_decay": 0.02}
    numbers |= {"decay_meta_step_size": 0.5, "min_decay": 0.018, "max_decay": 0.03}
    flipping = np.where(np.arange(STEPS) // 50 % 2, -Y, Y)
    _, weights = learned(af.LinearLearner(af.FADE(**numbers)), y=flipping)
    x1 = np.concatenate([X, np.ones((STEPS, 1))], 1).astype(np.float64)
    w, h, s = np.zeros((3, DIM + 1))
    beta, c = np.full(DIM + 1, np.log(0.05)), np.full(DIM + 1, np.log(0.02))
    clipped = np.zeros(2, int)
    for t, (row, y) in enumerate(zip(x1, flipping.astype(np.float64), strict=True)):
        gradient = (y - w @ row) * row
        beta = beta + 0.02 * gradient * h
        c = np.clip(c + 0.5 * gradient * s, np.log(0.018), np.log(0.03))
        clipped += (c == np.log(0.018)).any(), (c == np.log(0.03)).any()
        alpha, d = np.exp(beta), np.exp(c)
        k = np.maximum(1.0 - d - alpha * row**2, 0.0)
        h, s = k * h + alpha * gradient, k * s - d * w
        w = (1.0 - d) * w + alpha * gradient
        np.testing.assert_allclose(weights[t], w[:DIM], rtol=1e-4, atol=1e-5)
    assert clipped.min() > 0  # both ends of the clip took part


def test_weights_decay_where_their_input_is_zero():
    learner = af.LinearLearner(af.FADE(initial_decay=0.25))
    state = learner.init(2).replace(weights=jnp.ones(2), bias=jnp.float32(1.0))
    after = learner.update(state, np.zeros(2), 1.0).state  # the bias predicts 1: no error
    np.testing.assert_array_equal(after.weights, np.float32([0.75, 0.75]))
    np.testing.assert_array_equal(after.bias, np.float32(0.75))


def test_a_bias_that_does_not_learn_is_not_forgotten():
    for learner in (
        af.LinearLearner(af.FADE(), use_bias=False),
        af.MultiHeadMLPLearner(1, (), af.FADE(), use_bias=False),
    ):
        state = learner.init(2, jax.random.key(0))
        if isinstance(learner, af.LinearLearner):
            state = state.replace(bias=jnp.float32(2.0))
            assert learner.update(state, np.ones(2), 1.0).state.bias == 2.0
            continue
        heads = state.head_params.replace(biases=jnp.full((1, 1), 2.0))
        after = learner.update(state.replace(head_params=heads), np.ones(2), np.ones(1)).state
        assert after.head_params.biases[0, 0] == 2.0


def without_life(state):
    return state.replace(life=None)


@pytest.mark.parametrize("bad", [(np.nan, 1.0), (np.inf, 1.0), (1.0, np.nan), (1.0, -np.inf)])
def test_a_rejected_step_forgets_nothing(bad):
    state, _ = learned(learner := af.LinearLearner(af.FADE()))
    result = learner.update(state, np.full(DIM, bad[0], np.float32), bad[1])
    assert result.rejected
    assert_same_bits(without_life(result.state), without_life(state))


def test_a_meta_gradient_out_of_range_is_rejected():
    """beta is not clipped: where it would overflow the step does not count."""
    learner = af.LinearLearner(af.FADE())
    state, _ = learned(learner)
    huge = np.full(DIM, 1e15, np.float32)
    result = learner.update(state, huge, -1e15)
    assert result.rejected
    assert_same_bits(without_life(result.state), without_life(state))


def test_inactive_heads_forget_nothing():
    heads = 3
    learner = af.MultiHeadMLPLearner(heads, (5,), HYBRID, sparsity=0.0)
    state = learner.init(DIM, jax.random.key(0))
    for x, y in zip(X[:5], Y[:5], strict=True):
        state = learner.update(state, x, np.full(heads, y)).state
    after = learner.update(state, X[5], np.float32([np.nan, 1.0, np.nan])).state

    def of(state, i):
        weights, biases = state.head_params.weights[i], state.head_params.biases[i]
        return weights, biases, state.head_optimizer_states[i]

    for i in (0, 2):
        assert_same_bits(of(after, i), of(state, i))
    assert not np.array_equal(of(after, 1)[0], of(state, 1)[0])
    all_inactive = learner.update(state, X[5], np.full(heads, np.nan, np.float32)).state
    names = ("head_params", "head_optimizer_states", "trunk_params")
    for name in names:
        assert_same_bits(getattr(all_inactive, name), getattr(state, name))


def test_a_bounder_does_not_bound_what_is_forgotten():
    """kappa so large that nothing is left of the part with the error in it."""
    x, target, heads = X[0], 5.0, 2
    nothing = af.ObGDBounding(1e30)
    fade = af.FADE(initial_decay=0.25)
    linear = af.LinearLearner(fade, bounder=nothing)
    state = linear.init(DIM).replace(weights=jnp.ones(DIM), bias=jnp.float32(1.0))
    after = linear.update(state, x, target).state
    np.testing.assert_allclose([*after.weights, after.bias], 0.75, rtol=1e-6)
    optimizer, of = af.Hybrid(af.LMS(0.01), fade), {"bounder": nothing, "sparsity": 0.0}
    spec = af.create_horde_spec(
        [af.GVFSpec(f"v{i}", af.DemonType.PREDICTION, 0.0, 0.0, -1) for i in range(heads)]
    )
    targets = np.full(heads, target, np.float32)
    many = {
        "heads": af.MultiHeadMLPLearner(heads, (5,), optimizer, **of),
        "jointly": af.HordeLearner(spec, (5,), optimizer, trunk_traces="per_demon", **of),
    }
    for name, learner in many.items():
        state = learner.init(DIM, KEY)
        more = (x,) if name == "jointly" else ()
        after = learner.update(state, x, targets, *more).state
        before = state.head_params.weights
        assert np.any(before != 0.0)
        np.testing.assert_allclose(after.head_params.weights, 0.75 * before, rtol=1e-6)
    mlp = af.MLPLearner((5,), optimizer, **of)
    state = mlp.init(DIM, jax.random.key(0))
    after, before = mlp.update(state, x, target).state.params, state.params
    np.testing.assert_allclose(after.weights[-1], 0.75 * before.weights[-1], rtol=1e-6)
    np.testing.assert_array_equal(after.weights[0], before.weights[0])


def test_it_must_see_the_weights():
    optimizer = af.FADE()
    with pytest.raises(TypeError, match="`weights, bias` must be given"):
        optimizer.update(optimizer.init(DIM), 0.5, X[0])
    with pytest.raises(TypeError, match="`weights` must be given"):
        optimizer.update_from_gradient(optimizer.init_for_shape((DIM,)), X[0], 0.5)
    update = optimizer.update(optimizer.init(DIM), 0.5, X[0], np.ones(DIM), 2.0)
    np.testing.assert_allclose(update.weight_forgotten, np.full(DIM, 0.1), rtol=1e-6)
    np.testing.assert_allclose(update.bias_forgotten, 0.2, rtol=1e-6)
    np.testing.assert_allclose(update.metrics["mean_decay"], 0.1, rtol=1e-6)


def test_bounds_must_be_in_order():
    for numbers in ({"min_decay": 0.2}, {"max_decay": 0.05}):
        with pytest.raises(ValueError, match="initial_decay"):
            af.FADE(**numbers)


def demons(lamda):
    return af.create_horde_spec([af.GVFSpec("v", af.DemonType.PREDICTION, 0.0, lamda, -1)])


HYBRID = af.Hybrid(af.LMS(0.01), af.FADE())
KEY = jax.random.key(0)
NETWORK = {"network": af.StreamMLP((4,), 2)}
WITH_TRACES = {
    "MLPLearner": lambda o: af.MLPLearner((4,), o, gamma=0.9, lamda=0.8),
    "MLPLearner, traced": lambda o: jax.vmap(
        lambda lamda: af.MLPLearner((4,), o, gamma=0.9, lamda=lamda).lamda
    )(jnp.ones(2)),
    "linear MLPLearner": lambda o: af.MLPLearner((), af.FADE(), gamma=0.9, lamda=0.8),
    "MultiHeadMLPLearner": lambda o: af.MultiHeadMLPLearner(2, (), o, gamma=0.9, lamda=0.8),
    "of some heads": lambda o: af.MultiHeadMLPLearner(2, (4,), o, per_head_gamma_lamda=[0.0, 0.1]),
    "head_optimizer": lambda o: af.MLPLearner(
        (4,), af.LMS(0.01), head_optimizer=af.FADE(), gamma=0.9, lamda=0.8
    ),
    "HordeLearner": lambda o: af.HordeLearner(demons(0.5), (4,), o),
    "SARSAAgent": lambda o: af.SARSAAgent(af.SARSAConfig(2), (4,), o, lamda=0.5),
    "StreamTD": lambda o: af.StreamTD(optimizer=o),
    "GradientTraceTD": lambda o: af.GradientTraceTD(optimizer=o),
    "StreamQ": lambda o: af.StreamQ(2, optimizer=o, **NETWORK),
    "StreamSARSA": lambda o: af.StreamSARSA(2, optimizer=o, **NETWORK),
    "QRC": lambda o: af.QRC(2, optimizer=o),
    "DifferentialQ": lambda o: af.DifferentialQ(2, optimizer=o, lamda=0.5, **NETWORK),
    "DifferentialSARSA": lambda o: af.DifferentialSARSA(2, optimizer=o, lamda=0.5, **NETWORK),
    "policy of StreamAC": lambda o: af.StreamAC(af.SoftmaxPolicy(2), policy_optimizer=o),
    "value of StreamAC": lambda o: af.StreamAC(af.SoftmaxPolicy(2), value_optimizer=o),
    "actor of AVG": lambda o: af.AVG(af.TanhGaussianPolicy(), actor_optimizer=o, lamda=0.5),
    "critic of AVG": lambda o: af.AVG(af.TanhGaussianPolicy(), critic_optimizer=o, lamda=0.5),
    "a step rule": lambda o: af.StreamQ(2, optimizer=af.PerTensor(o), **NETWORK),
    "a step rule for each leaf": lambda o: af.StreamQ(
        2, optimizer=af.PerTensor((af.LMS(),) * 3 + (af.FADE(),)), **NETWORK
    ),
}


@pytest.mark.parametrize("name", WITH_TRACES)
def test_traces_are_refused(name):
    with pytest.raises(ValueError, match=r"(?s)must be 0 with .*FADE.*no eligibility traces"):
        WITH_TRACES[name](HYBRID)


def test_numbers_of_many_lanes_are_those_of_a_loop():
    optimizers = [
        af.FADE(0.02, 0.0, 0.3, 0.01, 1e-3, 0.5),
        af.FADE(0.05, 0.01, 0.1, 0.03, 3e-7, 1.0),
        af.FADE(0.01, 0.03, 0.01, 0.1, 0.01, 0.01),
    ]
    batch = jax.tree.map(lambda *numbers: jnp.stack([*map(jnp.float32, numbers)]), *optimizers)
    x, y = X[:40], Y[:40]

    def weights(optimizer):
        learner = af.LinearLearner(optimizer)

        def one(state, now):
            return learner.update(state, *now).state, None

        return jax.lax.scan(one, learner.init(DIM), (x, y))[0].weights

    found = jax.jit(jax.vmap(weights))(batch)
    for ours, optimizer in zip(found, optimizers, strict=True):
        np.testing.assert_allclose(ours, jax.jit(weights)(optimizer), rtol=2e-6)


def test_forgetting_pays_on_the_task_of_idbd():
    """Experiment 1 of Sutton (1992), in short: 8 seeds, the last 2,000 of 6,000 steps. Published
    after 20,000: IDBD 1.57, FADE 1.26."""
    keys, stream = jax.random.split(jax.random.key(0), 8), af.SuttonExperiment1Stream()

    def error(optimizer):
        learner = af.LinearLearner(optimizer, use_bias=False)
        metrics = af.run_learning_loop_batched(learner, stream, 6_000, keys).metrics
        return np.asarray(metrics)[:, 4_000:, 0].mean(1)

    assert np.all(error(af.FADE()) < error(af.IDBD(0.05, 0.0075)) - 0.1)

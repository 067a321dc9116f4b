"""The effective step of every rule that bounds it, for inputs of any size."""

import jax.numpy as jnp
import numpy as np
import pytest

import alberta_framework as af
from tests.optimizers import runs

STEPS = 200
# Decimal exponents of the inputs' sizes.
SIZES = {"all": (-8, 8), "huge": (7, 8), "tiny": (-8, -7), "ordinary": (-1, 1), "large": (3, 5)}
EACH_SIZE = pytest.mark.parametrize("sizes", SIZES.values(), ids=SIZES)
# float32 tells logarithms of 1e-16 apart to 4e-6.
SLACK = 1e-5

AUTOSTEPS = [
    af.Autostep(),
    af.Autostep(initial_step_size=1.0, meta_step_size=0.1, tau=100.0),
    af.Autostep(min_step_size=1e-3),
    af.Autostep(min_step_size=0.0, max_step_size=np.inf),
]
GUARDED = [af.IDBD(max_effective_step=limit, max_log_step_change=2.0) for limit in (1.0, 0.1)]
SUPERVISED = [*AUTOSTEPS, *GUARDED]
GUARDED_TD = [
    af.TDIDBD(trace_decay=0.8, max_effective_step=1.0, max_log_step_change=2.0),
    af.TDIDBD(use_semi_gradient=False, max_effective_step=1.0, max_log_step_change=2.0),
    af.AutoTDIDBD(max_effective_step=1.0),
    af.AutoTDIDBD(0.1, 0.05, trace_decay=0.8, max_effective_step=0.5),
    af.AutoTDIDBD(trace_decay=0.8, max_effective_step=1.0, trace_discount="outgoing"),
]


def drawn(sizes, *shape, seed):
    rng = np.random.default_rng(seed)
    size = 10 ** rng.uniform(*sizes, size=shape)
    return np.float32(size * rng.choice([-1, 1], size=shape))


def limit_of(optimizer):
    return getattr(optimizer, "max_effective_step", 1.0)


def step_sizes(optimizer, states):
    return np.asarray(optimizer.step_sizes(states), np.float64)


def assert_bounded(effective, limit):
    assert np.all(np.isfinite(effective))
    assert np.max(effective) <= limit * (1 + SLACK)


@EACH_SIZE
@pytest.mark.parametrize("features", [1, 6])
@pytest.mark.parametrize("optimizer", SUPERVISED, ids=repr)
def test_linear_path(optimizer, features, sizes):
    x, errors = drawn(sizes, STEPS, features, seed=0), drawn((-4, 4), STEPS, seed=1)
    *_, states = runs.run_supervised(optimizer, jnp.asarray(errors), jnp.asarray(x))
    effective = (step_sizes(optimizer, states) * np.float64(x) ** 2).sum(axis=1)
    assert_bounded(effective + np.float64(states.bias_step_size), limit_of(optimizer))


@EACH_SIZE
@pytest.mark.parametrize("with_error", [True, False])
@pytest.mark.parametrize("optimizer", SUPERVISED, ids=repr)
def test_per_parameter_path(optimizer, with_error, sizes):
    z, errors = drawn(sizes, STEPS, 2, 3, seed=2), drawn((-4, 4), STEPS, seed=3)
    _, states = runs.run_tensor(optimizer, jnp.asarray(errors) if with_error else None, z)
    effective = (step_sizes(optimizer, states) * np.float64(z) ** 2).sum(axis=(1, 2))
    assert_bounded(effective, limit_of(optimizer))


def transitions(sizes, features):
    x, x_next = drawn(sizes, STEPS, features, seed=4), drawn(sizes, STEPS, features, seed=5)
    gammas = np.float32(np.random.default_rng(6).choice([0.0, 0.5, 0.9, 1.0], size=STEPS))
    return drawn((-4, 4), STEPS, seed=7), x, x_next, gammas


def td_states(optimizer, columns):
    """Step sizes, traces and differences of the features, the bias as the last of them."""
    *_, states = runs.run_td(optimizer, *map(jnp.asarray, columns))
    _, x, x_next, gammas = columns
    ones = np.ones((STEPS, 1))
    x = np.concatenate([x, ones], axis=1, dtype=np.float64)
    x_next = np.concatenate([x_next, ones], axis=1, dtype=np.float64)

    def joined(weights, bias):
        return np.concatenate([weights, np.asarray(bias)[:, None]], axis=1, dtype=np.float64)

    alpha = np.exp(joined(states.log_step_sizes, states.bias_log_step_size))
    z = joined(states.eligibility_traces, states.bias_eligibility_trace)
    return alpha, x, z, gammas[:, None] * x_next - x


@EACH_SIZE
@pytest.mark.parametrize("optimizer", GUARDED_TD, ids=repr)
def test_guarded_td(optimizer, sizes):
    """By all that an update does: to the value of x, by x alone too, and to the TD error."""
    alpha, x, z, u = td_states(optimizer, transitions(sizes, 6))
    for measure in (x**2, x * z, -u * z):
        assert_bounded((alpha * measure).sum(axis=1), optimizer.max_effective_step)


# At "huge" inputs the published recursion itself leaves float32: it has no bound of a step that
# adds to the TD error.
@pytest.mark.parametrize("sizes", [s for name, s in SIZES.items() if name != "huge"], ids=str)
@pytest.mark.parametrize("discount", ["incoming", "outgoing"])
@pytest.mark.parametrize("trace_decay", [0.0, 0.8])
def test_auto_td_idbd(trace_decay, discount, sizes):
    """Its published bound is of the trace before the step."""
    optimizer = af.AutoTDIDBD(0.1, trace_decay=trace_decay, trace_discount=discount)
    _, x, x_next, gammas = transitions(sizes, 1)
    # Small errors: the published rule does not bound the step itself, which would overflow.
    errors = np.full(STEPS, 1e-4, np.float32) / np.abs(x[:, 0])
    alpha, _, z, u = td_states(optimizer, (errors, x, x_next, gammas))
    before = np.concatenate([np.zeros_like(z[:1]), z[:-1]])
    for of_one in np.moveaxis(alpha * -u * before, 1, 0):
        assert_bounded(of_one, 1.0)


def test_obgd():
    """|e| never changes by more than itself over kappa."""
    for sizes in SIZES.values():
        x, errors = drawn(sizes, STEPS, 4, seed=8), drawn((-4, 4), STEPS, seed=9)
        for optimizer in (af.ObGD(), af.ObGD(kappa=3.0)):
            dw, db, *_ = runs.run_supervised(optimizer, jnp.asarray(errors), jnp.asarray(x))
            # With traces, the sum of all steps is bounded; the step of one input is within it.
            steps = (np.abs(np.float64(dw)).sum(axis=1) + np.abs(db)) / np.abs(errors)
            assert np.all(steps * np.maximum(np.abs(errors), 1.0) <= (1 + SLACK) / optimizer.kappa)


def test_one_large_feature_is_learned():
    learner = af.LinearLearner(af.Autostep())
    state = learner.init(1)
    for i in range(30):
        result = learner.update(state, [736389.0 + i], 43.0)
        assert not result.rejected
        state = result.state
    assert abs(float(learner.predict(state, [736419.0])[0]) - 43.0) < 1.0


def test_the_floor_does_not_make_the_step_sizes_of_large_features_equal():
    """Where it would break the bound the algorithm goes on as without a floor."""
    x = drawn((5, 6), STEPS, 4, seed=10)
    errors = np.float32(np.random.default_rng(11).normal(size=STEPS))
    columns = jnp.asarray(errors), jnp.asarray(x)
    *_, floored = runs.run_supervised(af.Autostep(meta_step_size=0.1), *columns)
    *_, free = runs.run_supervised(af.Autostep(meta_step_size=0.1, min_step_size=0.0), *columns)
    np.testing.assert_allclose(floored.step_sizes, free.step_sizes, rtol=1e-5)
    last = np.asarray(floored.step_sizes[-1])
    assert last.max() > 1.1 * last.min()

"""Eligibility traces against NumPy, and what they make of a linear value."""

import json

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import alberta_framework as af
from tests.trees import assert_same_bits

STEPS, SHAPES = 60, {"bias": (3,), "scale": (), "weights": (3, 4)}


def accumulated(z, x, decay):
    return {k: decay * z[k] + x[k] for k in z}


def replaced(z, x, decay):
    return {k: np.where(x[k] != 0, x[k], decay * z[k]) for k in z}


def dutch(alpha):
    def moved(z, x, decay):
        inner = sum(np.sum(z[k] * x[k]) for k in z)
        return {k: decay * z[k] + (1 - alpha * decay * inner) * x[k] for k in z}

    return moved


CASES = [
    pytest.param(af.Accumulating(), accumulated, id="Accumulating"),
    pytest.param(af.Replacing(), replaced, id="Replacing"),
    pytest.param(af.Dutch(0.05), dutch(0.05), id="Dutch"),
    pytest.param(af.Dutch(0), dutch(0), id="Dutch, step size 0"),
]


def rows(seed=0):
    """Gradients, many of them 0, decays from 0 to 1, and where traces are cut."""
    rng = np.random.default_rng(seed)
    gradients = {
        name: np.float32(rng.normal(size=(STEPS, *shape)) * (rng.random((STEPS, *shape)) < 0.6))
        for name, shape in SHAPES.items()
    }
    decays = np.float32(rng.choice([0.0, 0.5, 0.9, 1.0], size=STEPS, p=[0.1, 0.4, 0.4, 0.1]))
    return gradients, decays, rng.random(STEPS) < 0.1


@eqx.filter_jit
def traced(trace, gradients, decays, cuts):
    def one(z, now):
        gradient, decay, cut = now
        z = trace.update(z, gradient, decay)
        return trace.cut(z, cut), z

    begin = trace.init({name: jnp.zeros(shape) for name, shape in SHAPES.items()})
    return jax.lax.scan(one, begin, (gradients, decays, cuts))


@pytest.mark.parametrize("trace, moved", CASES)
def test_it_is_its_equation(trace, moved):
    gradients, decays, cuts = rows()
    last, found = traced(trace, gradients, decays, cuts)
    z = {name: np.zeros(shape) for name, shape in SHAPES.items()}
    for t in range(STEPS):
        z = moved(z, {k: np.float64(g[t]) for k, g in gradients.items()}, np.float64(decays[t]))
        for name in z:
            np.testing.assert_allclose(found[name][t], z[name], rtol=1e-4, atol=1e-5)
        if cuts[t]:
            z = {k: 0.0 * v for k, v in z.items()}
    for name in z:
        np.testing.assert_allclose(last[name], z[name], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("trace, moved", CASES)
def test_a_cut_is_where_it_is_told_and_begins_anew(trace, moved):
    del moved
    gradients, decays, _ = rows(1)
    _, found = traced(trace, gradients, decays, np.zeros(STEPS, bool))
    z = jax.tree.map(lambda leaf: leaf[-1], found)
    zeros = jax.tree.map(jnp.zeros_like, z)
    for where in (True, np.bool_(True), jnp.asarray(True)):
        assert_same_bits(trace.cut(z, where), zeros)
    assert_same_bits(trace.cut(z), zeros)
    assert_same_bits(trace.cut(z, jnp.asarray(False)), z)
    gradient = jax.tree.map(lambda leaf: leaf[0], gradients)
    one, other = trace.update(zeros, gradient, 0.9), trace.update(z, gradient, 0.0)
    for name in SHAPES:
        np.testing.assert_array_equal(one[name], other[name])


@pytest.mark.parametrize("trace, moved", CASES)
def test_a_configuration_round_trips(trace, moved):
    del moved
    again = af.from_config(json.loads(json.dumps(trace.to_config())))
    assert again == trace and type(again) is type(trace)


def test_a_vmap_over_the_step_size_is_a_loop_over_it():
    gradients, decays, cuts = rows()
    sizes = jnp.float32([0.0, 0.05, 0.1])
    together = eqx.filter_vmap(lambda a: traced(af.Dutch(a), gradients, decays, cuts)[1])(sizes)
    for i, size in enumerate(sizes):
        alone = traced(af.Dutch(size), gradients, decays, cuts)[1]
        for name in SHAPES:
            np.testing.assert_allclose(together[name][i], alone[name], rtol=1e-5, atol=1e-6)


def test_a_step_size_below_0_is_refused():
    with pytest.raises(ValueError, match="Dutch: `step_size`"):
        af.Dutch(-0.1)


def one_hots(seed=0, features=5):
    rng = np.random.default_rng(seed)
    return np.eye(features, dtype=np.float32)[rng.integers(features, size=STEPS)]


@eqx.filter_jit
def over(trace, features, decay):
    def one(z, x):
        z = trace.update(z, x, decay)
        return z, z

    return jax.lax.scan(one, jnp.zeros(features.shape[-1]), features)[1]


def test_the_dutch_trace_replaces_and_accumulates_at_its_ends():
    """Of one binary feature at a time: step size 1 replaces, 0 accumulates."""
    x = one_hots()
    np.testing.assert_allclose(over(af.Dutch(1), x, 0.9), over(af.Replacing(), x, 0.9), rtol=1e-5)
    sums = over(af.Accumulating(), x, 0.9)
    np.testing.assert_allclose(over(af.Dutch(0), x, 0.9), sums, rtol=1e-6)
    assert np.max(sums) > 1.5


def test_traces_of_binary_features_are_at_most_one_where_they_replace():
    rng = np.random.default_rng(2)
    x = np.float32(rng.random((STEPS, 6)) < 0.4)
    z = np.asarray(over(af.Replacing(), x, 0.95))
    assert z.max() == 1.0 and np.all(z[x == 1] == 1.0)


def test_a_trace_is_float32_whatever_the_gradients_are_of():
    params = {"a": np.float64([1.0]), "b": jnp.int32([1])}
    z = af.Accumulating().init(params)
    assert {leaf.dtype for leaf in jax.tree.leaves(z)} == {jnp.dtype("float32")}


# Identities of conventions: which discount decays a trace, and how many traces there are.


def td(trace, x, following, rewards, discounts, alpha, lamda):
    """TD(lambda) of a linear value: weights after the last step, in float32."""
    w = z = jnp.zeros(x.shape[-1])
    before = 0.0
    for t in range(len(rewards)):
        z = trace.update(z, x[t], before * lamda)
        delta = rewards[t] + discounts[t] * following[t] @ w - x[t] @ w
        w, before = w + alpha * delta * z, discounts[t]
    return np.asarray(w)


def test_a_trace_decays_by_the_discount_into_the_state():
    """Two steps, lamda 1, gamma 0.9, the reward at the end; the outgoing one gives [0, 0.1]."""
    x = jnp.eye(2)
    weights = td(af.Accumulating(), x, x[::-1], [0.0, 1.0], [0.9, 0.0], 0.1, 1.0)
    np.testing.assert_allclose(weights, [0.09, 0.1], rtol=1e-6)


def test_one_value_has_one_trace_over_the_weights_of_all_actions():
    """Actions 0 then 1 in one state: features of pairs of state and action."""
    x = jnp.eye(2)
    weights = td(af.Accumulating(), x, jnp.zeros((2, 2)), [0.0, 1.0], [0.9, 0.0], 0.1, 0.8)
    np.testing.assert_allclose(weights, [0.072, 0.1], rtol=1e-6)


@pytest.mark.parametrize("seed", [0, 1])
def test_dutch_traces_make_td_the_online_lambda_return(seed):
    """True online TD(lambda) against the online lambda-return algorithm, which goes through the
    episode again at every step with the targets that are known by then."""
    rng = np.random.default_rng(seed)
    steps, alpha, gamma, lamda = 12, 0.1, 0.95, 0.9
    x = np.float32(rng.normal(size=(steps + 1, 4)))
    x[-1] = 0.0  # the terminal state
    rewards = np.float32(rng.normal(size=steps))

    w, z, v_old, trace = np.zeros(4), jnp.zeros(4), 0.0, af.Dutch(alpha)
    forward = [np.zeros(4)]
    for t in range(steps):
        z = trace.update(z, x[t], gamma * lamda if t else 0.0)
        v, ahead = np.float64(x[t]) @ w, np.float64(x[t + 1]) @ w
        delta = rewards[t] + gamma * ahead - v
        w = w + alpha * (delta + v - v_old) * np.float64(z) - alpha * (v - v_old) * x[t]
        v_old = ahead

        horizon = t + 1
        again = np.zeros(4)
        for k in range(horizon):
            # The n-step returns from k, each with the weights that there were at its horizon.
            known = [
                sum(gamma ** (i - k) * rewards[i] for i in range(k, n))
                + gamma ** (n - k) * x[n] @ forward[n - 1]
                for n in range(k + 1, horizon + 1)
            ]
            shares = [(1 - lamda) * lamda**i for i in range(len(known) - 1)]
            shares.append(lamda ** (len(known) - 1))
            again = again + alpha * (np.dot(shares, known) - x[k] @ again) * x[k]
        forward.append(again)
        # the trace alone is float32
        np.testing.assert_allclose(w, again, rtol=1e-5, atol=1e-6)

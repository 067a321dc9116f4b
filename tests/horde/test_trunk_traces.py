"""A trace of the whole trunk for each demon, against separate copies of the network in float64."""

import resource
import warnings

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import alberta_framework as af
from tests.oracles.streaming.network import Network, one_hot

FEATURES, HIDDEN, STEPS = 4, (6,), 60
GAMMAS, LAMDAS = (0.0, 0.9, 0.5), (0.7, 0.8, 1.0)


def horde(gammas=GAMMAS, lamdas=LAMDAS, **changes):
    demons = [
        af.GVFSpec(f"d{i}", af.DemonType.PREDICTION, g, lamda, -1)
        for i, (g, lamda) in enumerate(zip(gammas, lamdas, strict=True))
    ]
    given = {"sparsity": 0.0, "trunk_traces": "per_demon", "optimizer": af.LMS(0.03)} | changes
    return af.HordeLearner(af.create_horde_spec(demons), HIDDEN, **given)


def experience(seed=0, n=3, missing=0.3):
    """Observations, cumulants of which some are NaN, and which transitions terminate."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(STEPS + 1, FEATURES)).astype(np.float32)
    cumulants = rng.normal(size=(STEPS, n)).astype(np.float32)
    cumulants[rng.uniform(size=cumulants.shape) < missing] = np.nan
    return x, cumulants, rng.uniform(size=STEPS) < 0.1


def leaves(tree):
    return [np.asarray(leaf, np.float64) for leaf in jax.tree.leaves(tree)]


class Copies:
    """n demons on one network, whose traces are kept apart and whose steps are added up by hand."""

    def __init__(self, state, gammas, lamdas, step_size, kappa=None, combine="sum", advance=False):
        trunk = state.trunk_params
        pairs = zip(trunk.weights, trunk.biases, strict=True)
        self.trunk = [np.asarray(t, np.float64) for pair in pairs for t in pair]
        self.w = np.asarray(state.head_params.weights, np.float64)[:, 0]
        self.b = np.asarray(state.head_params.biases, np.float64)[:, 0]
        self.gammas, self.lamdas = np.asarray(gammas), np.asarray(lamdas)
        self.step_size, self.kappa, self.combine = step_size, kappa, combine
        self.advance, self.net, n = advance, Network(), len(gammas)
        self.traces = [[np.zeros_like(p) for p in self.leaves] for _ in range(n)]
        self.discounts = np.ones(n)

    @property
    def leaves(self):
        return [*self.trunk, self.w, self.b]

    def values(self, x):
        return self.net.forward(self.leaves, x)

    def step(self, x, cumulants, following, terminated):
        n, heard = len(cumulants), ~np.isnan(cumulants)
        g = np.zeros(n) if terminated else self.gammas
        delta = np.where(heard, np.nan_to_num(cumulants) + g * self.values(following), 0.0)
        delta = np.where(heard, delta - self.values(x), 0.0)
        for i in range(n):
            if heard[i] or self.advance:
                decay = self.discounts[i] * self.lamdas[i]
                gradient = self.net.gradient(self.leaves, x, one_hot(i, n))
                pairs = zip(self.traces[i], gradient, strict=True)
                self.traces[i] = [decay * z + d for z, d in pairs]
        share = 1.0 / max(heard.sum(), 1) if self.combine == "mean" else 1.0
        factor = 1.0
        if self.kappa is not None:
            size = sum(
                max(abs(delta[i]), 1.0)
                * self.step_size
                * sum(np.abs(z).sum() * (share if z.shape[0] == HIDDEN[0] else 1.0) for z in own)
                for i, own in enumerate(self.traces)
                if heard[i]
            )
            factor = 1.0 / max(self.kappa * size, 1.0)
        for i in np.flatnonzero(heard):
            rate = factor * self.step_size * delta[i]
            *trunk, w, b = self.traces[i]
            self.trunk = [p + share * rate * z for p, z in zip(self.trunk, trunk, strict=True)]
            self.w, self.b = self.w + rate * w, self.b + rate * b
        moved = np.ones(n, bool) if self.advance else heard | (g == 0.0)
        self.discounts = np.where(moved, g, self.discounts)
        return delta


@pytest.mark.parametrize("inactive", ["freeze", "advance"])
@pytest.mark.parametrize("combine", ["sum", "mean"])
@pytest.mark.parametrize("kappa", [None, 2.0])
def test_every_step_is_that_of_separate_copies(inactive, combine, kappa):
    bounder = None if kappa is None else af.ObGDBounding(kappa)
    learner = horde(bounder=bounder, combine=combine, inactive=inactive)
    state = learner.init(FEATURES, jr.key(1))
    copies = Copies(state, GAMMAS, LAMDAS, 0.03, kappa, combine, inactive == "advance")
    x, cumulants, terminated = experience()
    for t in range(STEPS):
        # A head that is not heard has no step size of its own that would tell the trunk's apart.
        expected = copies.step(x[t], cumulants[t], x[t + 1], terminated[t])
        result = learner.update(state, x[t], cumulants[t], x[t + 1], terminated=terminated[t])
        state = result.state
        heard = ~np.isnan(cumulants[t])
        np.testing.assert_allclose(result.td_errors[heard], expected[heard], atol=2e-5)
    np.testing.assert_allclose(learner.predict(state, x[-1]), copies.values(x[-1]), atol=2e-5)
    pairs = zip(state.trunk_params.weights, state.trunk_params.biases, strict=True)
    for ours, theirs in zip([t for p in pairs for t in p], copies.trunk, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=2e-5)
    for k, ours in enumerate(state.trunk_traces):
        theirs = np.stack([own[k] for own in copies.traces])
        np.testing.assert_allclose(ours, theirs, atol=1e-4)


def test_one_demon_is_stream_td():
    learner = horde((0.9,), (0.8,), optimizer=af.LMS(1.0), bounder=af.ObGDBounding(2.0))
    alone = af.StreamTD(af.StreamMLP(HIDDEN, 1, sparsity=0.0), af.ObGD(kappa=2.0), lamda=0.8)
    state, other = learner.init(FEATURES, jr.key(0)), alone.init(FEATURES, jr.key(1))
    trunk, head = state.trunk_params, state.head_params
    params = other.params.replace(
        weights=(*trunk.weights, head.weights[0]), biases=(*trunk.biases, head.biases[0])
    )
    other = other.replace(params=params)
    x, cumulants, terminated = experience(n=1, missing=0.0)
    for t in range(STEPS):
        ours = learner.update(state, x[t], cumulants[t], x[t + 1], terminated=terminated[t])
        g = 0.0 if terminated[t] else 0.9
        theirs = alone.update(other, x[t], cumulants[t, 0], x[t + 1], g)
        state, other = ours.state, theirs.state
        np.testing.assert_allclose(ours.td_errors[0], theirs.td_error[0], rtol=1e-6, atol=1e-6)
    for a, b in zip(leaves(state.trunk_params.weights), leaves(other.params.weights), strict=False):
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("lamda", [0.0, 0.9])
def test_without_discounts_traces_change_nothing(lamda):
    """Where no bound looks at trunk and heads together."""
    pair = [horde((0.0,) * 3, (lamda,) * 3, trunk_traces=kind) for kind in ("none", "per_demon")]
    x, cumulants, terminated = experience()
    ends = []
    for learner in pair:
        result = af.run_horde_learning_loop(
            learner,
            learner.init(FEATURES, jr.key(2)),
            x[:-1],
            cumulants,
            x[1:],
            terminated=terminated,
        )
        ends.append((result.state.trunk_params, result.state.head_params))
    for a, b in zip(jax.tree.leaves(ends[0]), jax.tree.leaves(ends[1]), strict=True):
        # Two programs: XLA of jax 0.12 rounds both alike, that of 0.10 not in the last bit.
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def test_a_demon_that_is_always_right_leaves_the_other_as_if_it_were_alone():
    both, alone = horde((0.9, 0.8), (0.8, 0.9)), horde((0.9,), (0.8,))
    state = both.init(FEATURES, jr.key(3))
    of_one = alone.init(FEATURES, jr.key(3))
    heads = jax.tree.map(lambda a: a[:1], state.head_params)
    of_one = of_one.replace(trunk_params=state.trunk_params, head_params=heads)
    x, cumulants, _ = experience(n=2, missing=0.0)
    for t in range(STEPS):
        values, following = both.predict(state, x[t]), both.predict(state, x[t + 1])
        right = float(values[1] - 0.8 * following[1])
        state = both.update(state, x[t], jnp.array([cumulants[t, 0], right]), x[t + 1]).state
        of_one = alone.update(of_one, x[t], cumulants[t, :1], x[t + 1]).state
    for a, b in zip(leaves(state.trunk_params), leaves(of_one.trunk_params), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)


def test_a_rejected_step_leaves_the_traces_to_the_bit_and_learning_goes_on():
    learner = horde()
    state, clean = (learner.init(FEATURES, jr.key(4)),) * 2
    x, cumulants, _ = experience(missing=0.0)
    bad = [np.full(FEATURES, np.nan), np.full(FEATURES, np.inf), np.full(FEATURES, 3e38)]
    for t in range(20):
        before = state
        found = learner.update(state, bad[t % 3].astype(np.float32), cumulants[t], x[t + 1])
        assert found.rejected
        for a, b in zip(found.state.trunk_traces, before.trunk_traces, strict=True):
            np.testing.assert_array_equal(a, b)
        state = learner.update(found.state, x[t], cumulants[t], x[t + 1]).state
        clean = learner.update(clean, x[t], cumulants[t], x[t + 1]).state
    for a, b in zip(state.trunk_traces, clean.trunk_traces, strict=True):
        np.testing.assert_array_equal(a, b)


def test_traces_are_cut_of_all_demons_or_of_some():
    learner = horde()
    x, cumulants, _ = experience(missing=0.0)
    state = learner.init(FEATURES, jr.key(5))
    for t in range(3):
        state = learner.update(state, x[t], cumulants[t], x[t + 1]).state
    some = learner.reset_traces(state, np.array([True, False, True]))
    for before, after in zip(state.trunk_traces, some.trunk_traces, strict=True):
        assert (np.asarray(after)[[0, 2]] == 0.0).all()
        np.testing.assert_array_equal(after[1], before[1])
    assert all((np.asarray(z) == 0.0).all() for z in learner.reset_traces(state).trunk_traces)


def test_traces_that_take_more_than_a_quarter_of_a_gigabyte_are_told_of():
    demons = [af.GVFSpec(f"d{i}", af.DemonType.PREDICTION, 0.9, 0.9, -1) for i in range(2)]
    spec = af.create_horde_spec(demons)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        af.HordeLearner(spec, (2000,), af.LMS(0.1)).init(20_000, jr.key(0))
    learner = af.HordeLearner(spec, (2000,), af.LMS(0.1), trunk_traces="per_demon")
    with pytest.warns(UserWarning, match=r"traces of 2 demons .* take 320 MB"):
        learner.init(20_000, jr.key(0))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"trunk_traces": "all"}, "`trunk_traces` must be one of"),
        ({"combine": "median"}, "`combine` must be one of"),
        ({"inactive": True}, "`inactive` must be one of"),
    ],
)
def test_what_is_wrong_is_named(change, message):
    with pytest.raises(ValueError, match=message):
        horde(**change)


def test_the_configuration_tells_what_is_not_default():
    assert af.HordeLearner.from_config(horde(combine="mean").to_config()) == horde(combine="mean")
    assert "trunk_traces" not in horde(trunk_traces="none").to_config()


@pytest.mark.slow
def test_ten_million_steps_leave_counters_exact_numbers_finite_and_memory_flat():
    learner = horde((0.0, 0.9, 0.95), (0.5, 1.0, 0.9), optimizer=af.LMS(0.003))
    steps, chunk = 10_000_000, 1_000_000
    x, cumulants, ended = experience()
    rows = jnp.asarray(x[:-1]), jnp.asarray(cumulants), jnp.asarray(x[1:]), jnp.asarray(ended)

    @jax.jit
    def lived(state):
        def step(state, i):
            here, c, after, end = (array[i % STEPS] for array in rows)
            result = learner.update(state, here, c, after, terminated=end)
            return result.state, None

        return jax.lax.scan(step, state, jnp.arange(chunk))[0]

    state = lived(learner.init(FEATURES, jr.key(0)))
    sizes = [leaf.shape for leaf in jax.tree.leaves(state)]
    used = most_used()
    for _ in range(steps // chunk - 1):
        state = lived(state)
        assert all(np.all(np.isfinite(leaf)) for leaf in leaves(state.trunk_params))
    assert state.step_count == steps and state.rejected_count == 0
    assert [leaf.shape for leaf in jax.tree.leaves(state)] == sizes
    assert most_used() < used + 20.0
    # Nothing has drifted away from values that cumulants of this size allow.
    largest = np.nanmax(np.abs(cumulants)) / (1.0 - np.float64([0.0, 0.9, 0.95]))
    assert np.all(np.abs(learner.predict(state, x[0])) < largest)
    assert np.any(lived(state).head_params.weights != state.head_params.weights)


def most_used():
    """The most memory that this process has had, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

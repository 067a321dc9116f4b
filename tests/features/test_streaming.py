"""Transforms that carry a state through a life, against float64 and by the laws of components."""

import json

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import alberta_framework as af
from tests.compilations import count_compilations
from tests.features import cases
from tests.trees import assert_leaves_close, assert_same_bits

LIFE = cases.recorded()


def test_the_life_has_every_kind_of_end():
    both = LIFE.terminated & LIFE.truncated
    assert both.any() and (LIFE.terminated & ~both).any() and (LIFE.truncated & ~both).any()


@pytest.mark.parametrize("case", cases.CASES, ids=str)
def test_it_is_the_published_transform(case):
    seen, rewards, _ = cases.through(case.build(), LIFE)
    expected, of_rewards = cases.through_oracle(case.oracle(), LIFE)
    # Of float32 observations around 10 with standard deviation 1.
    np.testing.assert_allclose(seen, expected, rtol=1e-5, atol=2e-5)
    np.testing.assert_allclose(rewards, np.ravel(of_rewards), rtol=1e-5)


def test_a_stack_is_its_parts_one_after_the_other():
    ours, oracle = cases.stack()
    seen, rewards, _ = cases.through(ours, LIFE)
    expected, of_rewards = cases.through_oracle(oracle, LIFE)
    np.testing.assert_allclose(seen, expected, rtol=1e-5, atol=2e-5)
    np.testing.assert_allclose(rewards, np.ravel(of_rewards), rtol=1e-5)
    assert ours.feature_dim_of(cases.DIM) == cases.DIM + 1 == seen.shape[-1]


def test_representations_stand_side_by_side():
    ours, oracle = cases.side_by_side()
    seen, rewards, _ = cases.through(ours, LIFE)
    expected, _ = cases.through_oracle(oracle, LIFE)
    np.testing.assert_allclose(seen, expected, rtol=1e-5, atol=2e-5)
    np.testing.assert_array_equal(rewards, LIFE.rewards)
    assert ours.feature_dim_of(cases.DIM) == 3 * cases.DIM + 1 == seen.shape[-1]
    again = af.from_config(json.loads(json.dumps(ours.to_config())))
    assert eqx.tree_equal(again, ours)
    for parts in ([], [af.LMS()]):
        with pytest.raises(TypeError, match="`parts` must be AbstractFeatures"):
            af.Concatenated(parts)


def test_each_number_has_a_tile_of_each_tiling():
    coder = af.TilesOfEach(0.0, 1.0, tilings=2, tiles=4)
    x = jnp.float32([0.0, 0.3, 1.0, 7.0, np.nan])
    shown = [coder.see(None, af.Percept(x[i : i + 1]))[0].observation for i in range(5)]
    first = [np.flatnonzero(one).tolist() for one in shown[:4]]
    assert first == [[0, 5], [1, 6], [4, 9], [4, 9]]
    assert np.all(np.isnan(shown[4]))
    assert coder.feature_dim_of(3) == 30
    with pytest.raises(ValueError, match="`low` must be below `high`"):
        af.TilesOfEach(1.0, 1.0)
    with pytest.raises(ValueError, match="`tilings`"):
        af.TilesOfEach(tilings=0)


@pytest.mark.parametrize("case", cases.ONE_OF_EACH, ids=str)
@pytest.mark.parametrize("scale", [1e-6, 1e6])
def test_it_holds_at_other_scales(case, scale):
    life = cases.recorded(offset=0.0)
    far = cases.Recorded(
        np.float32(scale) * life.resets,
        np.float32(scale) * life.observations,
        np.float32(scale) * life.rewards,
        life.terminated,
        life.truncated,
    )
    seen, rewards, _ = cases.through(case.build(), far)
    expected, of_rewards = cases.through_oracle(case.oracle(), far)
    np.testing.assert_allclose(seen, expected, rtol=1e-5, atol=2e-5 * np.abs(expected).max())
    np.testing.assert_allclose(rewards, np.ravel(of_rewards), rtol=1e-5)


def test_first_outputs():
    x = jnp.float32([3.0, -1e4, 0.1])
    begin = af.Percept(x, first=True)
    normalizer, trace = af.ObservationNormalizer(), af.ObservationTrace()
    assert not np.any(normalizer.see(normalizer.init(3), begin)[0].observation)
    np.testing.assert_array_equal(trace.see(trace.init(3), begin)[0].observation, x)
    scaler = af.RewardScaler(0.9)
    shown, state = scaler.see(scaler.init(3), begin)
    assert shown.reward is None
    assert_same_bits(state, scaler.init(3))
    shown, _ = scaler.see(state, af.Percept(x, jnp.float32(17.5)))
    assert float(shown.reward) == 17.5


def test_a_constant_observation_is_its_own_trace():
    trace = af.ObservationTrace(0.999)
    x = jnp.float32([0.1, 1e4, -3.3])
    state, first = trace.init(3), True
    for _ in range(50):
        shown, state = trace.see(state, af.Percept(x, first=first))
        np.testing.assert_array_equal(shown.observation, x)
        first = False


@pytest.mark.slow
def test_a_trace_of_long_memory_does_not_drift():
    """A million steps around 1e4 at beta = 0.9999: plain float32 stops taking in small steps."""
    trace, rows = af.ObservationTrace(0.9999), 10**6
    x = np.float32(1e4 + np.random.default_rng(0).normal(size=(rows, 1)))

    @jax.jit
    def run(x):
        def one(carry, row):
            state, first = carry
            shown, state = trace.see(state, af.Percept(row, first=first))
            return (state, jnp.zeros((), bool)), shown.observation

        return jax.lax.scan(one, (trace.init(1), jnp.ones((), bool)), x)[1]

    found, beta, m = np.asarray(run(x))[-1, 0], float(np.float32(0.9999)), 0.0
    for value in np.float64(x[:, 0]).tolist():
        m = beta * m + (1 - beta) * value
    # One ulp of 1e4; the trace has standard deviation 0.007.
    np.testing.assert_allclose(found, m, rtol=0, atol=1e-3)


@pytest.mark.parametrize("last", [2**31 - 2, 2**31 - 1])
def test_time_stands_still_at_the_end_of_int32(last):
    feature = af.TimeFeature(100)
    shown, k = feature.see(jnp.int32(last), af.Percept(jnp.zeros(1), first=False))
    assert int(k) == 2**31 - 1 and k.dtype == jnp.int32
    assert float(shown.observation[-1]) > 2e7


def test_normalizers_have_one_implementation_of_their_statistics():
    """So that what holds for a `WelfordNormalizer` after a hundred million samples holds here."""
    welford, ours = af.WelfordNormalizer(), af.ObservationNormalizer()
    scaler = af.RewardScaler(0.0)
    state, own, of_rewards = welford.init(3), ours.init(3), scaler.init(3)
    of_sums = welford.init(1)
    for t in range(5):
        x, reward = jnp.asarray(LIFE.observations[t]), jnp.asarray(LIFE.rewards[t])
        state, of_sums = welford.update_only(state, x), welford.update_only(of_sums, reward[None])
        _, own = ours.see(own, af.Percept(x))
        _, of_rewards = scaler.see(of_rewards, af.Percept(x, reward))
    # Compiled, a product and a sum may be rounded once together.
    assert_leaves_close(own, state)
    assert_leaves_close(of_rewards.statistics, of_sums)
    late = own.replace(sample_count=jnp.int32(10**9))
    moved = ours.see(late, af.Percept(late.mean + 50.0))[1]
    change = np.float64(moved.mean_residual) - np.float64(late.mean_residual)
    change += np.float64(moved.mean) - np.float64(late.mean)
    np.testing.assert_allclose(change, 50.0 / 1e9, rtol=0.01)


@pytest.mark.parametrize("case", cases.ONE_OF_EACH, ids=str)
def test_where_nothing_is_learned_statistics_stay(case):
    features = case.build()
    _, _, state = cases.through(features, LIFE)
    x = jnp.float32([9.0, 11.0, 10.5])
    percept = af.Percept(x, jnp.float32(2.0), False, False, False, learning=False)
    shown, after = features.see(state, percept)
    if case.kind == "TimeFeature":
        assert int(after) == int(state) + 1
    elif case.kind == "ObservationTrace":
        assert np.any(np.asarray(after.trace) != np.asarray(state.trace))
    else:
        assert_same_bits(after, state)
    if case.kind == "ObservationNormalizer":
        expected = (x - state.mean) / np.sqrt(np.float64(state.var) + 1e-8)
        np.testing.assert_allclose(shown.observation, expected, rtol=1e-5)
    if case.kind == "RewardScaler":
        np.testing.assert_allclose(shown.reward, 2.0 / features.scale(state), rtol=1e-6)


@pytest.mark.parametrize("case", cases.ONE_OF_EACH, ids=str)
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_shows(case, bad):
    features = case.build()
    state = features.init(3)
    seen, _ = features.see(state, af.Percept(jnp.float32([1.0, bad, 0.0]), jnp.float32(1.0)))
    assert not np.isfinite(seen.observation).all()
    seen, _ = features.see(state, af.Percept(jnp.zeros(3), jnp.float32(bad)))
    assert not np.isfinite(seen.reward)


@pytest.mark.parametrize("case", cases.CASES, ids=str)
def test_a_number_is_a_leaf(case):
    """Swept side by side it gives what each value gives alone, and no value compiles anew."""
    args = [jnp.asarray(getattr(LIFE, name)) for name in LIFE.__dataclass_fields__]
    for name, numbers in case.numbers.items():
        dtype = jnp.int32 if name == "limit" else jnp.float32

        def one(value, name=name):
            return cases._through(case.build(**{name: value}), *args)

        swept = jax.tree.leaves(eqx.filter_vmap(one)(jnp.asarray(numbers, dtype)))
        each = [jnp.asarray(number, dtype) for number in numbers]
        for lane, number in enumerate(each):
            for ours, alone in zip(swept, jax.tree.leaves(one(number)), strict=True):
                np.testing.assert_allclose(ours[lane], alone, rtol=1e-5, atol=2e-5)
        with count_compilations() as compiled:
            for number in each:
                one(number)
        assert not compiled


EVERYTHING = af.Pipeline(
    [
        *(case.build() for case in cases.CASES),
        af.Pipeline([af.ObservationTrace(0.5)]),
    ]
)


def test_configurations_come_back():
    config = EVERYTHING.to_config()
    again = af.from_config(json.loads(json.dumps(config)))
    assert eqx.tree_equal(again, EVERYTHING) is True
    assert again.to_config() == config
    assert config["parts"][2] == {"type": "RewardScaler", "gamma": 0.9, "epsilon": 1e-8}


@pytest.mark.parametrize(
    "kind, field, value, allowed",
    [
        ("ObservationNormalizer", "epsilon", 0.0, r"\(0, inf\)"),
        ("ObservationNormalizer", "epsilon", np.nan, r"\(0, inf\)"),
        ("RewardScaler", "gamma", 1.5, r"\[0, 1\]"),
        ("RewardScaler", "gamma", -0.1, r"\[0, 1\]"),
        ("RewardScaler", "epsilon", 0.0, r"\(0, inf\)"),
        ("TimeFeature", "limit", 0, r"\[1, 2\.14748e\+09\]"),
        ("TimeFeature", "limit", 2.5, "an integer number of steps"),
        ("ObservationTrace", "beta", 1.0, r"\[0, 1\)"),
        ("ObservationTrace", "beta", 1, r"\[0, 1\)"),
        ("ObservationTrace", "beta", 1 - 1e-9, r"\[0, 1\)"),  # 1 as float32
        ("ObservationTrace", "beta", -0.5, r"\[0, 1\)"),
        ("ObservationTrace", "beta", np.array([0.5, 1.0]), r"\[0, 1\)"),
    ],
)
def test_a_number_out_of_range(kind, field, value, allowed):
    arguments = {"gamma": 0.9} if kind == "RewardScaler" else {}
    with pytest.raises(ValueError, match=f"{kind}: `{field}` must .*{allowed}"):
        getattr(af, kind)(**arguments | {field: value})


@pytest.mark.parametrize("value", [True, "0.5", None, [0.5]], ids=repr)
def test_what_is_no_number(value):
    for build in (af.ObservationTrace, af.RewardScaler, af.TimeFeature, af.ObservationNormalizer):
        with pytest.raises(TypeError, match="must be a real number"):
            build(value)


@pytest.mark.parametrize("kind", ["ObservationNormalizer", "ObservationTrace"])
def test_observations_have_a_size(kind):
    with pytest.raises(ValueError, match=f"{kind}.init: `observation_dim` must be an integer >= 1"):
        getattr(af, kind)().init(0)

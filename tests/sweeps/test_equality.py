"""Every member of a sweep is the loop of the library with its numbers and its key."""

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import alberta_framework as af
from tests.sweeps.grids import (
    DRIFT,
    EVERY,
    INITIAL,
    KEYS,
    META,
    SEEDS,
    STEPS,
    assert_equals,
    rows,
    swept,
)

STEP_SIZE = "learner.optimizer.step_size"


def test_a_linear_learner_over_a_product():
    axes = {INITIAL: [0.02, 0.05], DRIFT: [0.0, 0.1], META: [0.0, 0.02]}
    result = swept(axes=axes)
    assert result.metrics["error"].shape == (8, SEEDS, STEPS)

    def loop(point):
        learner = af.LinearLearner(af.IDBD(point[INITIAL], point[META]), use_bias=False)
        stream = af.RandomWalkStream(3, drift_rate=point[DRIFT])
        return af.run_learning_loop_batched(learner, stream, STEPS, KEYS).metrics

    assert_equals(result, loop, "error", 1)
    assert_equals(result, loop, "mean_step_size", 2)
    # The first axis is the slowest.
    assert [p[INITIAL] for p in result.points] == [0.02] * 4 + [0.05] * 4
    assert [p[META] for p in result.points] == [0.0, 0.02] * 4


def test_zipped_axes_go_together():
    axes = {META: [0.0, 0.01, 0.05], DRIFT: [0.1, 0.0, 0.02]}
    result = swept(axes=axes, combine="zip")
    assert [tuple(p.values()) for p in result.points] == [(0.0, 0.1), (0.01, 0.0), (0.05, 0.02)]

    def loop(point):
        learner = af.LinearLearner(af.IDBD(0.05, point[META]), use_bias=False)
        stream = af.RandomWalkStream(3, drift_rate=point[DRIFT])
        return af.run_learning_loop_batched(learner, stream, STEPS, KEYS).metrics

    assert_equals(result, loop, "squared_error", 0)


def test_a_td_learner():
    learner = af.TDLinearLearner(af.TDIDBD(0.1))
    result = swept(
        learner, af.RandomWalkChainStream(5), {META: [0.01, 0.02], "stream.gamma": [0.5, 1.0]}
    )

    def loop(point):
        learner = af.TDLinearLearner(af.TDIDBD(0.1, meta_step_size=point[META]))
        stream = af.RandomWalkChainStream(5, point["stream.gamma"])
        return af.run_td_learning_loop_batched(learner, stream, STEPS, KEYS).metrics

    assert_equals(result, loop, "td_error", 1)
    assert_equals(result, loop, "mean_eligibility_trace", 3)


def test_a_network_and_its_sizes():
    axes = {"learner.hidden_sizes": [(4,), (3, 2)], STEP_SIZE: [0.1, 0.5]}
    stream = af.RandomWalkStream(3)
    result = swept(af.MLPLearner((4,)), stream, axes)

    def loop(point):
        learner = af.MLPLearner(point["learner.hidden_sizes"], step_size=point[STEP_SIZE])
        return af.run_mlp_learning_loop_batched(learner, stream, STEPS, KEYS).metrics

    assert_equals(result, loop, "squared_error", 0)
    assert list(result.to_xarray()["learner.hidden_sizes"].values) == ["(4,)", "(3, 2)"]


def test_many_heads_on_recorded_rows():
    x, _, targets = rows()
    stream = af.RecordedStream(af.MultiHeadStep(x, targets))
    result = swept(af.MultiHeadMLPLearner(2, (4,)), stream, {STEP_SIZE: [0.1, 0.5]})

    def loop(point):
        learner = af.MultiHeadMLPLearner(2, (4,), step_size=point[STEP_SIZE])
        return af.run_multi_head_learning_loop_batched(learner, x, targets, KEYS).per_head_metrics

    assert_equals(result, loop, "error", 1)
    # An inactive head has no error, and is left out of the score.
    assert np.isnan(result.metrics["error"]).any() and np.isfinite(result.scores()).all()


def horde(lamda, step_size=1.0):
    kind = af.DemonType.PREDICTION
    demons = [af.GVFSpec("a", kind, 0.9, lamda, 0), af.GVFSpec("b", kind, 0.5, lamda, 0)]
    return af.HordeLearner(af.create_horde_spec(demons), (4,), step_size=step_size)


def test_a_number_in_place_of_an_array_is_for_every_demon():
    x, following, cumulants = rows()
    stream = af.RecordedStream(af.DemonStep(x, cumulants, following))
    axes = {"learner.horde_spec.lamdas": [0.0, 0.7], STEP_SIZE: [0.1, 0.5]}
    result = swept(horde(0.3), stream, axes)

    def loop(point):
        learner = horde(point["learner.horde_spec.lamdas"], point[STEP_SIZE])
        return af.run_horde_learning_loop_batched(
            learner, x, cumulants, following, KEYS
        ).per_demon_metrics

    assert_equals(result, loop, "td_error", 1)
    assert result.to_xarray()["td_error"].dims[-1] == "demon"


def test_sarsa_from_arrays():
    x, following, _ = rows()
    rng = np.random.default_rng(1)
    actions, rewards = rng.integers(0, 2, STEPS), rng.normal(size=STEPS).astype(np.float32)
    ends = rng.random(STEPS) < 0.1
    agent = af.SARSAAgent(af.SARSAConfig(2), hidden_sizes=(4,))
    never = np.zeros(STEPS, bool)
    taken = actions.astype(np.int32)
    upcoming = np.where(ends, -1, np.append(taken[1:], -1)).astype(np.int32)
    ahead = np.concatenate([x[1:], following[-1:]])
    stream = af.RecordedStream(
        af.ControlStep(x, taken, rewards, ends, never, following, upcoming, ahead)
    )
    axes = {"learner.sarsa_config.gamma": [0.5, 0.9]}
    result = swept(agent, stream, axes)

    def loop(point):
        gamma = point["learner.sarsa_config.gamma"]
        agent = af.SARSAAgent(af.SARSAConfig(2, gamma=gamma), hidden_sizes=(4,))
        errors = [
            af.run_sarsa_from_arrays(
                agent, agent.init(3, key), x, rewards, ends, following, actions=actions
            ).td_errors
            for key in KEYS
        ]
        return np.stack(errors)[..., None]

    assert_equals(result, loop, "td_error", 0)


def test_learners_of_other_kinds_learn_from_the_same_experience():
    learners = [af.LinearLearner(af.LMS(0.02)), af.MLPLearner((4,)), af.LinearLearner(af.IDBD())]
    result = swept(axes={"learner": learners})
    streams, weights = jax.vmap(jr.split, out_axes=1)(KEYS)
    stream = af.RandomWalkStream(3, drift_rate=0.01)
    for place in (0, 2):
        loop = af.run_learning_loop_batched(learners[place], stream, STEPS, streams)
        np.testing.assert_allclose(
            result.metrics["error"][place], loop.metrics[..., 1], rtol=2e-5, atol=2e-6
        )
    loop = af.run_mlp_learning_loop_batched(learners[1], stream, STEPS, KEYS)
    np.testing.assert_allclose(
        result.metrics["error"][1], loop.metrics[..., 1], rtol=2e-5, atol=2e-6
    )
    del weights
    # What only some of them have is not recorded.
    assert list(result.metrics) == ["squared_error", "error"]
    assert list(result.to_xarray().learner.values) == [
        "LinearLearner(optimizer=LMS)",
        "MLPLearner",
        "LinearLearner(optimizer=IDBD)",
    ]


class Clock:
    """A stream of a user's own that is no PyTree, and goes by the number of the step."""

    feature_dim = 2

    def init(self, key):
        return key

    def step(self, state, idx):
        key, draw = jr.split(state)
        x = jr.normal(draw, (2,))
        return af.TimeStep(x, jnp.sum(x)[None] * jnp.cos(idx / 50)), key


def test_a_stream_that_is_stepped_goes_by_one_clock():
    steps, window = 2500, 25
    result = swept(
        af.LinearLearner(),
        Clock(),
        {STEP_SIZE: [0.05, 0.1]},
        num_steps=steps,
        record=af.WindowMean(window),
    )

    def loop(point):
        learner = af.LinearLearner(af.LMS(point[STEP_SIZE]))
        return af.run_learning_loop_batched(
            learner, Clock(), steps, KEYS, record_window=window
        ).metrics

    assert_equals(result, loop, "squared_error", 0)


def test_without_axes_there_is_one_point():
    result = swept(axes={})
    assert result.points == [{}]
    stream = af.RandomWalkStream(3, drift_rate=0.01)
    learner = af.LinearLearner(af.IDBD(0.05), use_bias=False)
    assert_equals(
        result,
        lambda _: af.run_learning_loop_batched(learner, stream, STEPS, KEYS).metrics,
        "error",
        1,
    )


def test_rejected_steps_are_counted():
    x, _, targets = rows(columns=2)
    x[[5, 9]] = np.nan
    stream = af.ArrayStream(x, targets[:, :1])
    result = swept(stream=stream, record=EVERY)
    np.testing.assert_array_equal(result.rejected, np.full((3, SEEDS), 2))


@pytest.mark.parametrize("steps", [101, 997])
def test_windows_are_few_and_cover_every_step(steps):
    result = swept(num_steps=steps, record=None)
    assert 25 <= len(result.recorded_at) <= 101 and result.recorded_at[-1] == steps
    every = swept(num_steps=steps)
    starts = np.concatenate([[0], result.recorded_at[:-1]])
    sums = np.add.reduceat(np.float64(every.metrics["squared_error"]), starts, axis=-1)
    means = sums / np.diff(np.append(starts, steps))
    np.testing.assert_allclose(result.metrics["squared_error"], means, rtol=1e-4, atol=1e-6)

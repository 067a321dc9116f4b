"""Batched states: every lane and every member learns as it does alone."""

import math

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import alberta_framework as af
from alberta_framework.compilation.execution_plan import execution_plan
from alberta_framework.loops.ahead import usable_cores
from alberta_framework.loops.chunk import planned
from alberta_framework.loops.tiles import Tiles

STEPS, DIM = 40, 5
LEARNER = af.LinearLearner(af.IDBD(0.05), af.EMANormalizer())
STREAM = af.RandomWalkStream(DIM)


def learner_states(shape):
    """A state for each place, all of other weights."""
    state = LEARNER.init(DIM)
    batch = jax.tree.map(lambda a: jnp.broadcast_to(a, (*shape, *a.shape)), state)
    return batch.replace(weights=jr.normal(jr.key(1), (*shape, DIM)))


def stream_states(lanes, shared):
    if shared:
        return STREAM.init(jr.key(0))
    return jax.vmap(STREAM.init)(jr.split(jr.key(0), lanes))


# More lanes than a tile holds, more members than one holds, and fewer than fill a vector.
CASES = (
    ((9,), False),
    ((12,), True),
    ((330,), False),
    ((3, 7), True),
    ((30, 20), False),
    ((250, 3), False),
)


@pytest.mark.parametrize(("shape", "shared"), CASES)
def test_each_learns_as_it_does_alone(shape, shared):
    lanes = af.Lanes(shared_stream=shared, members=len(shape) == 2)
    state, stream_state = learner_states(shape), stream_states(shape[0], shared)
    plan = planned(LEARNER, (), state, af.TimeStep(jnp.zeros(DIM), jnp.zeros(1)), lanes)
    if execution_plan().uses("lanes last"):
        assert (plan.form == "lanes last") == (math.prod(shape) >= 16)
    else:
        assert plan.form == "plain"
    (ends, stream_ends), metrics, (means,) = af.drive(
        LEARNER,
        STREAM,
        STEPS,
        state=state,
        stream_state=stream_state,
        recorders=(af.WindowMean(STEPS // 2),),
        chunk_size=STEPS // 4,
        lanes=lanes,
    )
    assert metrics.shape[: len(shape) + 1] == (*shape, STEPS)
    for place in {(0,) * len(shape), tuple(n // 2 for n in shape), tuple(n - 1 for n in shape)}:
        own_stream = (lambda a: a) if shared else (lambda a, lane=place[0]: a[lane])
        (end, stream_end), own_metrics, (own_means,) = af.drive(
            LEARNER,
            STREAM,
            STEPS,
            state=jax.tree.map(lambda a, place=place: a[place], state),
            stream_state=jax.tree.map(own_stream, stream_state),
            recorders=(af.WindowMean(STEPS // 2),),
        )
        np.testing.assert_allclose(metrics[place], own_metrics, rtol=2e-5, atol=1e-6)
        np.testing.assert_allclose(means[place], own_means, rtol=2e-5, atol=1e-6)
        np.testing.assert_allclose(ends.weights[place], end.weights, rtol=2e-5, atol=1e-6)
        assert ends.step_count[place] == end.step_count == STEPS
        ended_at = own_stream(stream_ends.true_weights)
        np.testing.assert_array_equal(ended_at, stream_end.true_weights)


WIDE = af.LinearLearner(af.IDBD())
NETWORK = af.MLPLearner((4,), af.LMS(0.1))


@pytest.mark.parametrize(
    ("learner", "state", "lanes"),
    [
        (LEARNER, LEARNER.init(DIM), 7),
        (WIDE, WIDE.init(41), 30),
        (NETWORK, NETWORK.init(DIM, jr.key(0)), 30),
        (LEARNER, LEARNER.init(DIM), 10**5),
    ],
    ids=["few lanes", "many numbers", "matrices", "much memory"],
)
def test_what_does_not_gain_from_lanes_last_is_left_to_xla(learner, state, lanes):
    experience = af.TimeStep(jnp.zeros(state.feature_dim), jnp.zeros(1))
    batch = jax.tree.map(lambda a: jnp.broadcast_to(a, (lanes, *a.shape)), state)
    assert planned(learner, (), batch, experience, af.Lanes()).form != "lanes last"


@pytest.mark.skipif(not execution_plan().uses("small loops"), reason="on this jaxlib")
def test_networks_live_one_after_the_other():
    experience = af.TimeStep(jnp.zeros(DIM), jnp.zeros(1))
    state = NETWORK.init(DIM, jr.key(0))
    batch = jax.tree.map(lambda a: jnp.broadcast_to(a, (30, *a.shape)), state)
    assert planned(NETWORK, (), batch, experience, af.Lanes()).form == "each lane"
    # A wide one leaves the cores without work if there are fewer lives than cores.
    large = af.MLPLearner((600, 600), af.LMS(0.1))
    state = large.init(DIM, jr.key(0))
    for lanes, form in ((1, "plain"), (max(2, usable_cores()), "each lane")):
        batch = jax.tree.map(lambda a, n=lanes: a[None].repeat(n, 0), state)
        assert planned(large, (), batch, experience, af.Lanes()).form == form


def test_the_shapes_above_are_of_several_tiles():
    bytes_of_one = sum(leaf.nbytes for leaf in jax.tree.leaves(LEARNER.init(DIM)))
    for lanes, members in ((330, 1), (250, 3)):
        assert Tiles.of(lanes, members, bytes_of_one).tile_lanes < lanes
    tiles = Tiles.of(30, 20, bytes_of_one)
    assert tiles.tile_lanes == 30 and tiles.units * tiles.unit_members < 20


def test_a_lane_that_is_rejected_leaves_the_others_alone():
    x = jr.normal(jr.key(2), (STEPS, DIM))
    state = learner_states((12,))
    bad = state.replace(weights=state.weights.at[4, 0].set(jnp.inf))
    stream = af.ArrayStream(x, x[:, :1])
    ends = [
        af.drive(
            LEARNER,
            stream,
            STEPS,
            state=states,
            stream_state=stream.init(None),
            lanes=af.Lanes(shared_stream=True),
        )[0][0]
        for states in (state, bad)
    ]
    without_it, with_it = ends
    others = np.arange(12) != 4
    np.testing.assert_array_equal(without_it.weights[others], with_it.weights[others])
    assert with_it.rejected_count.tolist() == [0 if other else STEPS for other in others]
    np.testing.assert_array_equal(with_it.weights[4], bad.weights[4])

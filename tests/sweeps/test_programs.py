"""How many programs a sweep compiles, and in which blocks it runs."""

import importlib
import itertools
import math

import jax
import numpy as np
import pytest

import alberta_framework as af
from alberta_framework.sweeps.blocks import cut
from tests.compilations import count_compilations
from tests.sweeps.grids import (
    DRIFT,
    EVERY,
    IDBD,
    KEYS,
    META,
    ROUNDING,
    SEEDS,
    STEPS,
    WALK,
    assert_same,
    swept,
)

chunk = importlib.import_module("alberta_framework.loops.chunk")


def chunk_programs():
    """How many programs of the loop there are, in whichever form."""
    programs = (chunk._chunks, chunk._learned)
    return sum(p.plain._cache_size() + p.small._cache_size() for p in programs)


def test_other_numbers_keys_and_segments_compile_nothing():
    def run(factor, seed):
        axes = {META: [0.01 * factor, 0.02 * factor], DRIFT: [0.1 * factor, 0.2 * factor]}
        keys = jax.random.split(jax.random.key(seed), SEEDS)
        return swept(IDBD, WALK, axes, num_steps=2000, record=af.WindowMean(50), keys=keys)

    run(1.0, 0)
    with count_compilations() as compiled:
        result = run(0.5, 1)
    assert len(compiled) == 0
    assert len(result.recorded_at) == 40


@pytest.mark.parametrize("points", [2, 9])
def test_a_grid_of_any_size_is_one_program(points):
    before = chunk_programs()
    with count_compilations() as compiled:
        swept(stream=af.RandomWalkStream(4), axes={META: np.linspace(0.0, 0.02, points)})
    assert chunk_programs() == before + 1
    # The others set up states and tapes, draw, and share the lanes out among the cores.
    assert len(compiled) <= 8


def test_a_surface_of_a_streaming_agent_is_one_program():
    agent = af.WithFeatures(
        af.StreamQ(2, af.StreamMLP((4,), 2), epsilon=af.Linear(1.0, 0.1, 50)),
        af.Pipeline((af.RewardScaler(0.99), af.ObservationNormalizer())),
    )

    def run(gammas, kappas, seed):
        axes = {
            "agent.agent.gamma": gammas,
            "agent.agent.lamda": [0.0, 0.8],
            "agent.agent.optimizer.kappa": kappas,
        }
        keys = jax.random.split(jax.random.key(seed), 2)
        return swept(agent, af.CartPole(), axes, keys=keys, metrics=["td_error"])

    before = chunk_programs()
    result = run([0.9, 0.99], [1.0, 3.0], 0)
    assert chunk_programs() == before + 1
    # Each of the three has its own effect.
    errors = np.reshape(result.metrics["td_error"], (2, 2, 2, -1))
    assert all(np.any(np.diff(errors, axis=axis)) for axis in range(3))
    with count_compilations() as compiled:
        run([0.8, 0.95], [2.0, 4.0], 1)
    assert len(compiled) == 0


def test_each_structure_is_one_program():
    optimizers = [af.IDBD(0.05), af.Autostep(0.05), af.IDBD(0.02), af.LMS(0.1)]
    run = af.SweepRun(
        IDBD,
        WALK,
        {"learner.optimizer": optimizers, DRIFT: [0.0, 0.1]},
        num_steps=STEPS,
        keys=KEYS,
    )
    # Three structures, the same number of steps each.
    assert run.total_steps == 3 * STEPS


@pytest.mark.parametrize("max_batch", [1, 4, 5, 7, 100])
def test_smaller_batches_change_nothing(max_batch):
    axes = {META: [0.0, 0.01, 0.05], "learner.optimizer.initial_step_size": [0.02, 0.05]}
    whole, parts = swept(axes=axes), swept(axes=axes, max_batch=max_batch)
    for name, values in whole.metrics.items():
        # A batch of another size is another program.
        np.testing.assert_allclose(parts.metrics[name], values, **ROUNDING)


@pytest.mark.parametrize(
    "lanes, points, max_batch, processes, devices",
    list(itertools.product([1, 3, 30], [1, 7, 20], [None, 1, 10, 64], [1, 2, 5], [1, 2, 4])),
)
def test_blocks_hold_every_member_and_have_one_shape(lanes, points, max_batch, processes, devices):
    found = cut(lanes, points, max_batch=max_batch, processes=processes, devices=devices)
    members = {
        (lane, point) for block in found.blocks for lane in block.lanes for point in block.points
    }
    assert members == set(itertools.product(range(lanes), range(points)))
    (shape,) = {(len(block.lanes), len(block.points)) for block in found.blocks}
    assert found.mesh[0] * found.mesh[1] == devices
    assert shape[0] % found.mesh[0] == 0 and shape[1] % found.mesh[1] == 0
    # No process waits while another has a lane or a point to give away.
    if max_batch is None and processes <= lanes:
        assert len(found.blocks) <= processes
        assert shape[0] < math.ceil(lanes / processes) + found.mesh[0]
    if max_batch is not None and devices == 1:
        assert shape[0] * shape[1] <= max_batch


def test_experience_is_shared_before_points_are_divided():
    # Lanes are divided first; a block has all points of its lanes.
    assert all(
        len(block.points) == 20
        for block in cut(30, 20, max_batch=100, processes=1, devices=1).blocks
    )
    # One seed on two devices: half of the points each.
    assert cut(1, 20, max_batch=None, processes=1, devices=2).mesh == (1, 2)
    assert cut(30, 20, max_batch=None, processes=1, devices=2).mesh == (2, 1)


def test_a_sweep_that_is_advanced_by_hand_is_the_same():
    arguments = {"num_steps": 3000, "keys": KEYS, "record": af.WindowMean(100)}
    run, seen = af.SweepRun(IDBD, WALK, {META: [0.0, 0.01]}, **arguments), []
    while not run.finished:
        run.advance(seen.append)
    assert seen == sorted(seen) and seen[-1] == run.total_steps == 3000 and len(seen) > 1
    assert_same(run.result(), af.sweep(IDBD, WALK, {META: [0.0, 0.01]}, **arguments))


def test_the_progress_bar_reaches_the_end(capsys):
    swept(progress=True, record=EVERY)
    assert "100%" in capsys.readouterr().err

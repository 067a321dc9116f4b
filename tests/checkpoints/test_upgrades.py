"""Lives saved before they counted rejections in a row: four rows of words, where five are now."""

import shutil

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import alberta_framework as af
from alberta_framework.checkpoints import (
    CheckpointError,
    load_agent,
    load_checkpoint,
    save_agent,
    save_checkpoint,
    verify_checkpoint,
)
from tests.sweeps.grids import IDBD, KEYS, META, WALK, assert_same
from tests.trees import assert_same_bits

from . import forging, learners
from .states import assert_same_state, filled


def life_of(state):
    return getattr(state, "learner_state", state).life


def older(state):
    """The state as it was saved before."""
    return eqx.tree_at(lambda s: life_of(s).words, state, life_of(state).words[..., :4, :])


def begun_again(state):
    """What an older file of the state holds, in the form of today."""
    return state.replace(rejected_in_a_row=np.zeros(np.shape(state.step_count), np.int64))


def batched(state, *lanes):
    """Copies as lanes that count on their own."""
    size = int(np.prod(lanes))
    states = jax.tree.map(lambda leaf: jnp.stack([leaf] * size), state)
    states = states.replace(step_count=np.arange(size), rejected_count=np.arange(size) + 2**33)
    return jax.tree.map(lambda leaf: leaf.reshape(*lanes, *leaf.shape[1:]), states)


@pytest.mark.parametrize("lanes", [(), (3,), (2, 3)], ids=str)
@pytest.mark.parametrize("backend", ["file", "orbax"])
@pytest.mark.parametrize(("learner", "arguments"), [learners.FULL[0], learners.FULL[5]])
def test_an_older_state_loads_with_no_rejections_in_a_row(
    tmp_path, learner, arguments, backend, lanes
):
    if backend == "orbax":
        pytest.importorskip("orbax.checkpoint")
    state = filled(learners.shapes(learner, arguments))
    state = batched(state, *lanes) if lanes else state
    path = tmp_path / "older"
    save_checkpoint(older(state), path, {"n": 1}, backend=backend)
    verify_checkpoint(path)
    loaded, metadata = load_checkpoint(state, path)
    assert metadata == {"n": 1}
    assert_same_state(loaded, begun_again(state))
    shapes = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype), state)
    assert_same_state(load_checkpoint(shapes, path)[0], begun_again(state))


def written_before(path, learner, state):
    """A file of `save_agent` with the header and the words of an older version."""
    save_agent(learner, state, path)
    _, header, payload = forging.taken_apart(path.read_bytes())
    blocks = []
    for leaf, array in zip(header["leaves"], forging.arrays(payload), strict=True):
        if leaf["path"].endswith(".life.words"):
            array = array[..., :4, :]
            leaf["shape"] = list(array.shape)
        blocks.append(forging.block(array, version=(1, 0)))
    path.write_bytes(forging.forged(header, b"".join(blocks)))


def test_an_older_agent_goes_on(tmp_path):
    learner, path = af.LinearLearner(af.Autostep(), af.EMANormalizer()), tmp_path / "agent"
    state, x = learner.init(2), np.float32([1.0, -2.0])
    for bad in (0.0, np.nan):
        state = learner.update(state, x + np.float32(bad), 1.0).state
    written_before(path, learner, state)
    again, loaded, _ = load_agent(path)
    assert eqx.tree_equal(again, learner)
    assert (loaded.step_count, loaded.rejected_count, loaded.rejected_in_a_row) == (1, 1, 0)
    ours, expected = again.update(loaded, x, 1.0).state, learner.update(state, x, 1.0).state
    assert_same_bits(ours, expected)
    refused = again.update(loaded, x * np.float32(np.nan), 1.0).state
    assert (refused.rejected_count, refused.rejected_in_a_row) == (2, 1)
    save_agent(again, loaded, path)
    assert_same_bits(load_agent(path)[1], loaded)


def test_words_that_are_no_life_are_left_alone(tmp_path):
    class Own(af.AbstractState):
        words: jax.Array

    save_checkpoint({"life": Own(jnp.zeros((4, 2), jnp.uint32))}, tmp_path / "own")
    with pytest.raises(CheckpointError, match=r"at \['life'\]\.words: expected uint32\[5, 2\]"):
        load_checkpoint({"life": Own(jnp.zeros((5, 2), jnp.uint32))}, tmp_path / "own")


def test_an_older_sweep_goes_on(tmp_path, monkeypatch):
    pytest.importorskip("orbax.checkpoint")
    from alberta_framework.checkpoints.unfinished import UnfinishedRun

    found = UnfinishedRun.load

    def of_four_rows(array):
        life = array.dtype == np.uint32 and array.shape[-2:] == (5, 2)
        return array[..., :4, :] if life else array

    def loaded(self):
        saved = found(self)
        return saved and saved | {"carry": [of_four_rows(array) for array in saved["carry"]]}

    arguments = {"num_steps": 4000, "keys": KEYS, "record": af.WindowMean(100)}
    axes = {META: [0.0, 0.01]}
    first, second = tmp_path / "first", tmp_path / "second"
    run = af.SweepRun(IDBD, WALK, axes, checkpoint=first, checkpoint_every_s=0.0, **arguments)
    run.advance()
    assert not run.finished
    shutil.copytree(first, second)
    monkeypatch.setattr(UnfinishedRun, "load", loaded)
    again = af.SweepRun(IDBD, WALK, axes, checkpoint=second, **arguments)
    assert again.steps_done == run.steps_done
    while not again.finished:
        again.advance()
    while not run.finished:
        run.advance()
    assert_same(again.result(), run.result())

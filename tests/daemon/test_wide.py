"""A daemon whose learner has arrays too large to be packed: they go beside the words."""

import jax
import jax.random as jr
import numpy as np
import pytest

import alberta_framework as af
from alberta_framework.compilation.packing import Packing
from tests.trees import assert_same_bits

DIM, HEADS, EVENTS = 3, 2, 30
LEARNER = af.MultiHeadMLPLearner(HEADS, (80, 80), af.Autostep(0.01), sparsity=0.0)


def events():
    rng = np.random.default_rng(0)
    x, targets = rng.normal(size=(EVENTS, DIM)), rng.normal(size=(EVENTS, HEADS))
    x[7], targets[11] = np.nan, np.inf
    return zip(np.float32(x), np.float32(targets), strict=True)


def test_the_learner_is_large_enough():
    state = LEARNER.init(DIM, jr.key(0))
    assert sum(Packing(state, Packing.MOST_WORDS).beside) > 1


def test_it_learns_as_its_learner_does():
    daemon = af.Daemon(LEARNER, DIM, key=jr.key(1))
    state = daemon.state
    for x, targets in events():
        found = daemon.step(x, targets)
        result = LEARNER.update(state, x, targets)
        state = result.state
        assert bool(found.rejected) == bool(result.rejected)
        if not result.rejected:
            np.testing.assert_allclose(found.predictions, result.predictions, rtol=1e-4, atol=1e-5)
    for own, other in zip(
        jax.tree.leaves(daemon.state.replace(life=None)),
        jax.tree.leaves(state.replace(life=None)),
        strict=True,
    ):
        np.testing.assert_allclose(own, other, rtol=1e-4, atol=1e-6)
    assert daemon.state.rejected_count == 2
    np.testing.assert_allclose(daemon.predict(x), LEARNER.predict(state, x), rtol=1e-5)


def test_it_goes_on_from_its_checkpoint(tmp_path):
    path = tmp_path / "wide.ckpt"
    whole = af.Daemon(LEARNER, DIM, key=jr.key(1))
    rows = list(events())
    with af.Daemon(LEARNER, DIM, key=jr.key(1), checkpoint=path) as first:
        for x, targets in rows[:13]:
            whole.step(x, targets), first.step(x, targets)
    with af.Daemon(LEARNER, DIM, checkpoint=path) as second:
        assert second.steps == 13
        for x, targets in rows[13:]:
            one, other = whole.step(x, targets), second.step(x, targets)
            np.testing.assert_array_equal(one.predictions, other.predictions)
        assert_same_bits(whole.state.replace(life=None), second.state.replace(life=None))


def test_an_event_that_was_interrupted_is_finished_or_was_none(monkeypatch):
    daemon = af.Daemon(LEARNER, DIM, key=jr.key(1))
    rows = list(events())
    daemon.step(*rows[0])
    # A state that was given is not taken away by later events.
    given = daemon.state
    kept = np.array(given.trunk_params.weights[1])
    for x, targets in rows[1:4]:
        daemon.step(x, targets)
    np.testing.assert_array_equal(given.trunk_params.weights[1], kept)

    def fails(*args):
        raise KeyboardInterrupt

    programs = daemon._kind.programs
    monkeypatch.setattr(programs, "call_into", fails)
    with pytest.raises(KeyboardInterrupt):
        daemon.step(*rows[4])
    monkeypatch.undo()
    assert daemon.steps == 4
    daemon.step(*rows[4])
    assert daemon.steps == 5

"""A horde on features: every observation enters them once, whoever runs it."""

import json

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import alberta_framework as af
from tests.trees import assert_leaves_close, assert_same_bits

NAMES, SCALES, STEPS = ("a", "b"), (1.0, 4.0), 60
LEARNER = af.nexting_learner(NAMES, SCALES, 1.0, step_size=0.5, memories=(0.5,), tiles=3)
N, DIM = len(NAMES) * len(SCALES), len(NAMES)
# Of float32 after 60 steps of numbers up to 20.
CLOSE = {"relative": 1e-4, "absolute": 1e-5}


def signals(seed=0, steps=STEPS):
    return np.float32(np.random.default_rng(seed).normal(3.0, 2.0, size=(steps + 1, DIM)))


def rows(x, **given):
    step = af.DemonStep(x[:-1], None, x[1:], **given)
    return jax.tree.map(jnp.asarray, step)


def lived(record, steps=STEPS):
    return af.learn(LEARNER, af.RecordedStream(record=record), steps, jr.key(0))


def shown(x, starts):
    """What the features make of each observation, in one pass; episodes begin at `starts`."""
    features, found = LEARNER.features, []
    state = features.init(DIM)
    for t, one in enumerate(x):
        percept = af.Percept(jnp.asarray(one), first=jnp.asarray(t in starts))
        seen, state = features.see(state, percept)
        found.append(seen.observation)
    return jnp.stack(found), state


def test_it_is_the_horde_on_what_one_pass_makes_of_the_observations():
    x = signals()
    found = lived(rows(x))
    features, state = shown(x, {0})
    plain = af.DemonStep(features[:-1], None, features[1:], signals=jnp.asarray(x[1:]))
    alone = af.learn(LEARNER.horde, af.RecordedStream(record=plain), STEPS, jr.key(0))
    ours, theirs = found.state.horde_state.replace(life=None), alone.state.replace(life=None)
    assert_leaves_close(ours, theirs, **CLOSE)
    assert_leaves_close(found.state.features_state, state, **CLOSE)
    np.testing.assert_allclose(found.metrics.td_error, alone.metrics.td_error, rtol=1e-4, atol=1e-4)
    assert found.state.step_count == STEPS and found.state.feature_dim == DIM
    expected = LEARNER.horde.predict(alone.state, features[-1])
    np.testing.assert_allclose(LEARNER.predict(found.state, x[-1]), expected, rtol=1e-4, atol=1e-4)


def test_an_episode_begins_where_the_last_transition_did_not_end():
    one, two = signals(1, 20), signals(2, 20)
    record = af.DemonStep(
        np.concatenate([one[:-1], two[:-1]]), None, np.concatenate([one[1:], two[1:]])
    )
    ends = np.arange(40) == 19
    features, _ = shown(np.concatenate([one, two]), {0, 21})
    for flags in ({}, {"truncated": ends}, {"terminated": np.float32(ends)}):
        given = jax.tree.map(jnp.asarray, record.replace(**flags))
        kept = np.delete(np.arange(41), 20)
        plain = given.replace(
            observation=features[kept],
            next_observation=features[kept + 1],
            signals=given.next_observation,
        )
        alone = af.learn(LEARNER.horde, af.RecordedStream(record=plain), 40, jr.key(0))
        found = lived(given, 40).state.horde_state.weights
        np.testing.assert_allclose(found, alone.state.weights, rtol=1e-4, atol=1e-5)


def test_a_rejected_step_leaves_all_as_it_was():
    state = lived(rows(signals())).state
    x = np.float32([1.0, 2.0])
    bad = af.DemonStep(jnp.asarray(x), None, jnp.asarray(np.float32([np.nan, 0.0])))
    after, outputs = LEARNER.learn(state, bad)
    assert after.rejected_count == 1 and np.all(np.isnan(LEARNER.metrics(outputs).td_error))
    without = {"horde_state": None}
    assert_same_bits(after.replace(**without), state.replace(**without))
    np.testing.assert_array_equal(after.horde_state.weights, state.horde_state.weights)


def test_a_prediction_changes_nothing_and_is_what_is_learned_from():
    x = signals()
    state = lived(rows(x)).state
    ahead = np.float32([0.5, 4.0])
    elsewhere = LEARNER.predict(state, ahead)
    assert np.all(np.isfinite(elsewhere))
    assert not np.allclose(elsewhere, LEARNER.predict(state, x[-1]))
    step = af.DemonStep(jnp.asarray(x[-1]), None, jnp.asarray(ahead))
    after, outputs = LEARNER.learn(state, step)
    assert LEARNER.metrics(outputs).td_error.shape == (N,)
    # An observation of its own life: the same memories, and the statistics with it in them.
    near = LEARNER.horde.predict(state.horde_state, after.last_shown)
    np.testing.assert_allclose(elsewhere, near, atol=0.3 * np.abs(near).max())


def test_it_goes_into_daemons_sweeps_and_checkpoints(tmp_path):
    x = signals()
    path = tmp_path / "nexting.ckpt"
    with af.Daemon(LEARNER, DIM, checkpoint=path) as daemon:
        for one in x:
            told = daemon.step(one, np.repeat(one, len(SCALES)))
        assert told.predictions.shape == (N,) and told.step == STEPS + 1
    expected = lived(rows(x)).state
    found = daemon.state
    clocks = {"birth_timestamp": 0.0, "uptime_s": 0.0}
    # The daemon's first event begins the life, and is counted.
    clocks["step_count"] = 0
    assert_leaves_close(found.replace(**clocks), expected.replace(**clocks), **CLOSE)
    learner, state, _ = af.load_agent(path)
    assert eqx.tree_equal(learner, LEARNER)
    np.testing.assert_array_equal(state.horde_state.weights, found.horde_state.weights)

    swept = af.sweep(
        LEARNER,
        af.RecordedStream(record=rows(x)),
        {"learner.horde.step_size": [0.0, 0.05]},
        num_steps=STEPS,
        keys=jr.key(0)[None],
    )
    still, learned = np.nanmean(swept.metrics["squared_td_error"], axis=(-1, -2))[:, 0]
    assert learned < still


def test_the_parts_are_checked_and_the_config_round_trips():
    again = af.from_config(json.loads(json.dumps(LEARNER.to_config())))
    assert eqx.tree_equal(again, LEARNER)
    assert LEARNER.demons == LEARNER.horde.demons
    assert LEARNER.metric_parts.names == LEARNER.horde.horde_spec.names
    assert LEARNER.n_demons == N
    with pytest.raises(TypeError, match="`horde` must predict, and learn from DemonSteps"):
        af.HordeWithFeatures(af.LinearLearner(), af.TimeFeature(3))
    with pytest.raises(TypeError, match="`features` must be an AbstractFeatures"):
        af.HordeWithFeatures(LEARNER.horde, None)

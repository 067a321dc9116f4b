"""Sweeps over agents in environments, and evaluations."""

import dataclasses

import jax
import jax.random as jr
import numpy as np
import pytest

import alberta_framework as af
from tests.compilations import count_compilations

AGENT = af.SARSAAgent(af.SARSAConfig(2, 0.9, 0.2), (), af.LMS(0.01), lamda=0.8)
POLE = af.CartPole()
KEYS = jr.split(jr.key(3), 3)
AXES = {"agent.lamda": [0.0, 0.8], "environment.half_length": [0.5, 1.0]}
NUMBERS = {"num_steps": 600, "record": af.WindowMean(60)}


@pytest.fixture(scope="module")
def swept():
    return af.sweep(AGENT, POLE, AXES, keys=KEYS, **NUMBERS)


def test_each_member_is_its_own_life(swept):
    for place, (lamda, length) in enumerate([(0.0, 0.5), (0.0, 1.0), (0.8, 0.5), (0.8, 1.0)]):
        agent = dataclasses.replace(AGENT, lamda=lamda)
        pole = af.CartPole(half_length=length)
        for seed, key in enumerate(KEYS):
            alone = af.interact(agent, pole, 600, key, record_window=60).metrics
            for name, values in swept.metrics.items():
                # Rounding may change an action much later than this.
                np.testing.assert_allclose(
                    values[place, seed][:3], alone[name][:3], rtol=1e-4, err_msg=name
                )


def test_names_and_labels(swept):
    assert [*swept.metrics][-3:] == ["reward", "episode_return", "episode_length"]
    found = swept.to_xarray() if hasattr(swept, "to_xarray") else swept.metrics["reward"]
    assert found is not None


def test_unknown_paths_are_told():
    with pytest.raises(ValueError, match=r"did you mean 'agent\.lamda'"):
        af.sweep(AGENT, POLE, {"agent.lambda": [0.0]}, keys=KEYS, **NUMBERS)
    with pytest.raises(ValueError, match=r"unknown path 'stream\.half_length'"):
        af.sweep(AGENT, POLE, {"stream.half_length": [0.5]}, keys=KEYS, **NUMBERS)
    with pytest.raises(TypeError, match="`agent` must be an AbstractAgent"):
        af.sweep(af.LinearLearner(), POLE, {}, keys=KEYS, **NUMBERS)


def test_a_sweep_of_lives_as_a_configuration():
    sweep = af.SweepExperiment("poles", AGENT, POLE, AXES, num_steps=600, seeds=2)
    config = sweep.to_config()
    assert {"agent", "environment"} <= config.keys()
    assert config.keys().isdisjoint({"learner", "stream"})
    again = af.sweep_from_config(config)
    assert again.to_config() == config
    del config["environment"]
    with pytest.raises(ValueError, match="missing key 'environment'"):
        af.sweep_from_config(config)


def test_an_evaluation_is_its_episodes():
    state = af.interact(AGENT, POLE, 500, KEYS[0]).state
    found = af.evaluate(AGENT, state, POLE, 3, jr.key(1), max_steps=40)
    assert found.returns.shape == found.lengths.shape == (3,)
    np.testing.assert_array_equal(found.returns, found.lengths)
    np.testing.assert_array_equal(found.truncated, found.lengths == 40)
    for key, length in zip(jr.split(jr.key(1), 3), found.lengths, strict=True):
        begin, key = jr.split(key)
        world, observation = POLE.reset(begin)
        for step in range(40):
            act, of_world = jr.split(jr.fold_in(key, step))
            action = AGENT.act(state.agent_state, observation, act, explore=False)
            world, now = POLE.step(world, action, of_world)
            observation = now.observation
            if now.terminated:
                break
        assert step + 1 == length


def test_an_evaluation_learns_nothing_and_compiles_once():
    state = af.interact(AGENT, POLE, 50, KEYS[0]).state
    before = jax.tree.map(np.asarray, state.agent_state.learner_state.head_params)
    af.evaluate(AGENT, state, POLE, 2, jr.key(1), explore=True)
    with count_compilations() as compiled:
        af.evaluate(AGENT, state, af.CartPole(gravity=5.0), 2, jr.key(2), explore=True)
    assert not compiled
    after = state.agent_state.learner_state.head_params
    np.testing.assert_array_equal(before.weights, after.weights)


def test_results_print_in_a_line(swept):
    assert repr(swept) == (
        "SweepResult(4 points x 3 seeds, 600 steps; metrics: squared_td_error, td_error, "
        "greedy_value, reward, episode_return, episode_length)"
    )
    lived = af.interact_batched(AGENT, POLE, 60, KEYS, record_window=30)
    assert repr(lived).startswith("InteractResult(") and "3x2 recordings" in repr(lived)

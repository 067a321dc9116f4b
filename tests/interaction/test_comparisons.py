"""Comparisons of agents in an environment in JAX: every point and seed in one program."""

import json

import jax.random as jr
import numpy as np
import pytest

import alberta_framework as af
from tests.compilations import count_compilations

AGENT = af.SARSAAgent(af.SARSAConfig(2, 0.9, 0.2), (), af.LMS(0.01), lamda=0.8)


def comparison(**changes):
    given = {
        "name": "poles",
        "environment": af.CartPole(max_steps=60),
        "agents": {"sarsa": af.Contender(AGENT, {"lamda": [0.0, 0.8]})},
        "episodes": 12,
        "seeds": 2,
        "evaluate_last": 5,
    }
    return af.ControlComparison(**given | changes)


def test_each_seed_is_its_own_life():
    result = af.run_control_comparison(comparison()).agents["sarsa"]
    assert result.returns.shape == (2, 2, 12)
    for place, lamda in enumerate([0.0, 0.8]):
        agent = af.SARSAAgent(af.SARSAConfig(2, 0.9, 0.2), (), af.LMS(0.01), lamda=lamda)
        for seed in range(2):
            alone = af.interact(agent, af.CartPole(max_steps=60), 700, jr.key(seed)).episodes
            # Later episodes may differ by an action that rounding changed.
            np.testing.assert_array_equal(result.returns[place, seed, :4], alone.returns[:4])
            np.testing.assert_array_equal(result.steps[place, seed, :4], alone.lengths[:4])
    assert not result.rejected.any()


def test_features_and_other_numbers_compile_nothing_new():
    coder = af.TileCoder([-3.0] * 4, [3.0] * 4, tilings=2, tiles=2)
    first = comparison(features=coder)
    assert af.run_control_comparison(first).agents["sarsa"].returns.shape == (2, 2, 12)
    other = comparison(features=coder, environment=af.CartPole(gravity=5.0, max_steps=50))
    with count_compilations() as compiled:
        af.run_control_comparison(other)
    assert not compiled


def test_it_is_a_configuration():
    config = json.loads(json.dumps(comparison().to_config()))
    assert config["environment"]["type"] == "CartPole"
    again = af.control_comparison_from_config(config)
    assert again.to_config() == comparison().to_config()
    assert again.environment == af.CartPole(max_steps=60)


def test_what_does_not_suit_is_told():
    three = af.SARSAAgent(af.SARSAConfig(3), ())
    with pytest.raises(ValueError, match="`n_actions` must be 2"):
        comparison(agents={"sarsa": three})
    with pytest.raises(TypeError, match="`features` must be an AbstractFeatures"):
        comparison(features=af.EMANormalizer())
    with pytest.raises(ValueError, match=r"environment.*CartPool"):
        af.control_comparison_from_config(
            comparison().to_config() | {"environment": {"type": "CartPool"}}
        )


def test_a_life_that_has_had_its_episodes_waits_for_the_others():
    run = af.ControlRun(comparison(episodes=3, evaluate_last=3))
    while not run.finished:
        run.advance()
    assert run.episodes_done == run.done == run.asked == 2 * 2 * 3
    assert run.recent_return is not None and run.recent_return > 5.0


def test_the_running_return_of_each_agent_is_that_of_its_last_fifty_episodes():
    two = {name: comparison().agents["sarsa"] for name in ("first", "second")}
    run, told = af.ControlRun(comparison(agents=two, episodes=70)), []
    while not run.finished:
        run.advance()
        told.append(run.recent_returns)
    assert list(told[-1]) == ["first", "second"] and list(told[0]) == ["first"]
    for name, result in run.result().agents.items():
        expected = result.returns[..., -50:].mean()
        np.testing.assert_allclose(told[-1][name], expected, rtol=1e-6)

"""Whole lives of streaming agents against float64, every parameter after every step."""

import numpy as np
import pytest

import alberta_framework as af
from tests.control.streaming import lives

WORLD = lives.world()
KINDS = ("StreamQ", "StreamSARSA", "softmax", "gaussian")


def test_the_world_has_every_end():
    both = WORLD.terminated & WORLD.truncated
    over = WORLD.terminated | WORLD.truncated
    assert both.any() and (WORLD.terminated & ~both).any() and (WORLD.truncated & ~both).any()
    assert (over[1:] & over[:-1]).sum() >= 2


def assert_replays(kind, rule, agent, told=WORLD, atol=1e-4):
    rows, _, begin = lives.lived(agent, told)
    assert not np.any(rows.rejected)
    expected = lives.replayed(kind, rule, agent, begin, rows, told)
    np.testing.assert_allclose(rows.metrics["td_error"], expected.td_errors, rtol=0, atol=atol)
    if kind in ("StreamQ", "StreamSARSA"):
        assert np.unique(rows.actions).size == lives.ACTIONS
        lives.assert_close(rows.states.params, expected.parameters, atol)
        return rows, expected
    lives.assert_close(rows.states.actor_params, expected.actor_parameters, atol)
    lives.assert_close(rows.states.critic_params, expected.critic_parameters, atol)
    return rows, expected


# Every rule with Q, and those of each kind with the others, which share its code.
PAIRS = [
    *(("StreamQ", rule) for rule in lives.RULES),
    ("StreamSARSA", "ObGD"),
    *(("softmax", rule) for rule in ("ObGD", "ImplicitTD")),
    *(("gaussian", rule) for rule in ("ObGD", "Intentional")),
]


@pytest.mark.parametrize("kind, rule", PAIRS)
def test_a_life_is_that_of_the_published_algorithm(kind, rule):
    assert_replays(kind, rule, lives.agent_of(kind, rule))


@pytest.mark.parametrize("kind, rule", [("StreamQ", "ImplicitTD"), ("gaussian", "ObGD")])
def test_a_truncation_may_count_as_terminal(kind, rule):
    agent = lives.agent_of(kind, rule, bootstrap_on_truncation=False)
    assert_replays(kind, rule, agent)


def test_soft_values():
    """Where the bootstrap is no single action's value, and its gradient that of all of them."""
    agent = lives.agent_of("StreamQ", "ImplicitTD", soft_temperature=0.3)
    assert_replays("StreamQ", "ImplicitTD", agent)


def test_soft_rewards():
    agent = lives.agent_of("softmax", soft=True, entropy_coefficient=0.2)
    assert_replays("softmax", "ObGD", agent)


def test_the_trace_ends_after_the_step_of_an_exploratory_action():
    rows, expected = assert_replays("StreamQ", "ObGD", lives.agent_of("StreamQ"))
    explored = np.asarray(rows.exploratory)
    assert 10 < explored.sum() < 190
    cut = explored | WORLD.terminated | WORLD.truncated
    for k, z in enumerate(lives.history_of(rows.states.rule_state.trace)):
        np.testing.assert_allclose(z, expected.traces[k], rtol=0, atol=1e-4)
        assert not np.any(z[cut])
    assert np.any(lives.history_of(rows.states.rule_state.trace)[-1][~cut])


def test_sarsa_traces_do_not_end_there():
    rows, expected = assert_replays("StreamSARSA", "ObGD", lives.agent_of("StreamSARSA"))
    over = WORLD.terminated | WORLD.truncated
    explored = np.asarray(rows.exploratory) & ~over
    last = lives.history_of(rows.states.rule_state.trace)[-1]
    assert explored.sum() > 10 and np.all(np.any(last[explored] != 0, axis=1))
    np.testing.assert_allclose(last, expected.traces[-1], rtol=0, atol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("gamma, lamda", [(1.0, 1.0), (0.0, 0.8), (0.9, 0.0)])
def test_discounts_and_traces_at_their_ends(kind, gamma, lamda):
    agent = lives.agent_of(kind, gamma=gamma, lamda=lamda)
    assert_replays(kind, "ObGD", agent)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rule", ["Intentional", "Adaptive", "Implicit"])
def test_a_rule_with_averages_needs_a_rate_of_its_own_where_gamma_lamda_is_1(kind, rule):
    with pytest.raises(ValueError, match="`average_decay` must lie in"):
        lives.agent_of(kind, rule, gamma=1.0, lamda=1.0)
    own = {
        "Intentional": af.Intentional,
        "Adaptive": af.Adaptive,
        "Implicit": af.Implicit,
    }[rule](average_decay=0.9)
    assert own.averaging(1.0) is own


def test_actions_that_are_clipped_are_learned_from_as_they_were_drawn():
    rows, _ = assert_replays("gaussian", "ObGD", lives.agent_of("gaussian"))
    drawn, taken = np.asarray(rows.actions), np.asarray(rows.next_actions)
    bounds = np.float32([1, 2])
    assert np.any(np.abs(drawn) > bounds) and np.all(np.abs(taken) <= bounds)

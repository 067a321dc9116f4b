"""What is no number teaches a streaming agent nothing, is counted, and is never bridged."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.checkpoints.states import assert_same_state
from tests.control.streaming import lives
from tests.control.streaming.test_oracles import KINDS
from tests.trees import assert_same_bits, lane

AT = 57  # within an episode
WORLD = lives.world()
BAD = {"nan": np.nan, "inf": np.inf, "-inf": -np.inf}


def spoilt(where, value=np.nan, at=AT, **changes):
    told = {name: np.array(getattr(WORLD, name)) for name in ("observations", "rewards")}
    ends = {name: np.array(getattr(WORLD, name)) for name in ("terminated", "truncated")}
    for name, flag in ({"terminated": False, "truncated": False} | changes).items():
        ends[name][at] = flag
    if where == "observations":
        told[where][at, -1] = value
    elif where == "rewards":
        told[where][at] = value
    return WORLD.replace(**told, **ends)


def learned_of(kind, states):
    """What learning changes: parameters and rules' states."""
    if kind in ("StreamQ", "StreamSARSA"):
        return states.params, states.rule_state
    actor = states.actor_params, states.actor_rule_state
    return actor, (states.critic_params, states.critic_rule_state)


def test_nothing_ends_there():
    assert not np.any(WORLD.terminated[AT - 2 : AT + 4] | WORLD.truncated[AT - 2 : AT + 4])


@pytest.mark.parametrize("where", ["observations", "rewards"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_lost_transition_is_rejected_once_and_never_bridged(kind, where):
    agent = lives.agent_of(kind)
    for value in BAD.values():
        rows, _, _ = lives.lived(agent, spoilt(where, value))
        learned = learned_of(kind, rows.states)
        before, at, after, next_ = (lane(learned, AT + k) for k in (-1, 0, 1, 2))
        assert_same_bits(at, before)
        # After an observation that is no number nothing is pending: the transition out of it
        # teaches nothing either. One whose reward alone was none begins at a sound observation.
        lost = (AT, AT + 1) if where == "observations" else (AT,)
        if len(lost) == 2:
            assert_same_bits(after, before)
        np.testing.assert_array_equal(rows.rejected, np.arange(lives.STEPS) == AT)
        assert_counts(rows, lives.STEPS - len(lost), 1)
        told = np.isfinite(rows.metrics["td_error"])
        np.testing.assert_array_equal(~told, np.isin(np.arange(lives.STEPS), lost))
        # Then life goes on, with a trace of that pair's gradient alone.
        assert any(
            not np.array_equal(a, b)
            for a, b in zip(jax.tree.leaves(next_), jax.tree.leaves(before), strict=True)
        )


def assert_counts(rows, steps, rejected):
    last = lane(rows.states, -1)
    assert (last.step_count, last.rejected_count) == (steps, rejected)


@pytest.mark.parametrize("kind", KINDS)
def test_what_follows_a_lost_transition_is_a_life_that_begins_there(kind):
    """The replay of the steps before it, and of those after it as of another episode."""
    agent = lives.agent_of(kind)
    told = spoilt("observations")
    rows, _, begin = lives.lived(agent, told)
    kept = np.delete(np.arange(lives.STEPS), [AT, AT + 1])
    rows, told = (
        lane(rows, kept),
        told.replace(
            **{
                name: getattr(told, name)[kept]
                for name in ("observations", "rewards", "terminated", "truncated")
            }
        ),
    )
    # An episode ends at AT - 1 for the trace alone: what it bootstraps from is there.
    truncated = np.array(told.truncated)
    truncated[AT - 1] = True
    expected = lives.replayed(kind, "ObGD", agent, begin, rows, told.replace(truncated=truncated))
    if kind in ("StreamQ", "StreamSARSA"):
        lives.assert_close(rows.states.params, expected.parameters)
    else:
        lives.assert_close(rows.states.actor_params, expected.actor_parameters)
        lives.assert_close(rows.states.critic_params, expected.critic_parameters)


@pytest.mark.parametrize("value", BAD.values(), ids=BAD)
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_observed_at_the_end_does_not_matter(kind, value):
    agent = lives.agent_of(kind)
    bad, good = (
        lives.lived(agent, spoilt(where, value, terminated=True))
        for where in ("observations", None)
    )
    assert not np.any(bad[0].rejected) and not np.any(good[0].rejected)
    ours, theirs = (learned_of(kind, found[0].states) for found in (bad, good))
    assert_same_bits(lane(ours, AT), lane(theirs, AT))
    assert np.isfinite(bad[0].metrics["td_error"]).all()


@pytest.mark.parametrize("kind", KINDS)
def test_a_truncation_has_to_show_what_is_bootstrapped_from(kind):
    """Unless it counts as terminal."""
    told = spoilt("observations", truncated=True)
    rows, _, _ = lives.lived(lives.agent_of(kind), told)
    np.testing.assert_array_equal(rows.rejected, np.arange(lives.STEPS) == AT)
    assert_counts(rows, lives.STEPS - 1, 1)


def test_a_truncation_that_is_terminal_may_show_anything():
    agent = lives.agent_of("StreamQ", "ImplicitTD", bootstrap_on_truncation=False)
    rows, _, _ = lives.lived(agent, spoilt("observations", truncated=True))
    assert not np.any(rows.rejected)


@pytest.mark.parametrize("kind", KINDS)
def test_a_first_observation_that_is_no_number_leaves_nothing_pending(kind):
    agent, begins = lives.agent_of(kind), np.array(WORLD.begins)
    begins[0] = np.nan
    rows, _, begin = lives.lived(agent, WORLD.replace(begins=begins))
    assert not np.any(rows.rejected)
    assert_same_bits(
        lane(learned_of(kind, rows.states), 0), jax.tree.map(jnp.asarray, learned_of(kind, begin))
    )
    assert_counts(rows, lives.STEPS - 1, 0)
    assert np.all(np.isfinite(rows.metrics["td_error"][1:]))


@pytest.mark.parametrize("kind", KINDS)
def test_no_magnitude_leaves_a_state_that_is_not_finite(kind):
    rng = np.random.default_rng(3)

    def wild(shape):
        size = 10 ** rng.uniform(-30, 38, size=shape) * rng.choice([-1, 1], size=shape)
        size[rng.random(shape) < 0.02] = np.nan
        return np.float32(np.where(rng.random(shape) < 0.5, rng.normal(size=shape), size))

    told = WORLD.replace(
        observations=wild(WORLD.observations.shape), rewards=wild(WORLD.rewards.shape)
    )
    rows, last, _ = lives.lived(lives.agent_of(kind), told)
    assert 0 < rows.rejected.sum() < lives.STEPS
    for leaf in jax.tree.leaves(learned_of(kind, rows.states)):
        assert np.all(np.isfinite(leaf))
    accepted = ~np.asarray(rows.rejected)
    pending = np.isfinite(rows.metrics["td_error"])
    assert np.all(accepted[pending])
    assert lane(rows.states, -1).rejected_count == rows.rejected.sum()
    del last


@pytest.mark.parametrize("kind", KINDS)
def test_reset_traces_cuts_them_and_nothing_else(kind):
    agent = lives.agent_of(kind)
    _, state, _ = lives.lived(agent, WORLD)
    cut = agent.reset_traces(state)
    rules = ("rule_state",) if "Stream" in kind else ("actor_rule_state", "critic_rule_state")
    for name in rules:
        assert not any(np.any(z) for z in jax.tree.leaves(getattr(cut, name).trace))
    kept = {name: getattr(state, name) for name in (*rules, "trace_decay")}
    assert cut.trace_decay == 0.0
    assert_same_state(cut.replace(**kept), state)

"""Comparisons in control that are stopped and gone on with: the same bits, or why not."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import alberta_framework as af
from alberta_framework.comparisons.control.finished import FinishedEpisodes

pytest.importorskip("orbax.checkpoint")

AGENT = af.SARSAAgent(af.SARSAConfig(2, 0.9, 0.2), (), af.LMS(0.01), lamda=0.8)
NUMBERS = {"lamda": [0.0, 0.8]}


def comparison(**changes):
    given = {
        "name": "poles",
        "environment": af.CartPole(max_steps=60),
        "agents": {
            "grid": af.Contender(AGENT, NUMBERS),
            "seen": af.WithFeatures(af.StreamQ(2), af.ObservationNormalizer()),
        },
        "steps": 2_500,
        "seeds": 2,
    }
    return af.ControlComparison(**given | changes)


def assert_same(found, expected):
    for name, agent in expected.agents.items():
        for field in dataclasses.fields(agent):
            one, other = (getattr(r.agents[name], field.name) for r in (found, expected))
            np.testing.assert_array_equal(one, other)
    assert list(found.agents) == list(expected.agents)


@pytest.mark.parametrize("extent", [{}, {"steps": None, "episodes": 90}], ids=["steps", "episodes"])
def test_a_run_that_was_stopped_after_any_call_gives_the_same_bits(extent, tmp_path):
    whole = af.run_control_comparison(comparison(**extent))
    calls = 0
    while True:
        run = af.ControlRun(comparison(**extent), checkpoint=tmp_path, checkpoint_every_s=0.0)
        if run.finished:
            break
        run.advance()
        calls += 1
    assert calls >= 3
    assert_same(run.result(), whole)
    assert (whole.agents["grid"].steps > 0).sum() > 10


def test_without_a_checkpoint_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = af.ControlRun(comparison())
    run.advance()
    run.save()
    assert not list(tmp_path.iterdir())


def test_a_save_is_made_when_it_is_due_and_when_all_is_done(tmp_path):
    small = comparison(steps=1_500, agents={"a": AGENT})
    run = af.ControlRun(small, checkpoint=tmp_path, checkpoint_every_s=1e9)
    run.advance()
    assert af.ControlRun(small, checkpoint=tmp_path).done == 0
    run.save()
    assert af.ControlRun(small, checkpoint=tmp_path).done == run.done == 2_000
    run.advance()
    assert run.finished and af.ControlRun(small, checkpoint=tmp_path).finished


def test_what_a_comparison_is_called_does_not_tell_it_apart(tmp_path):
    run = af.ControlRun(comparison(), checkpoint=tmp_path)
    run.advance()
    run.save()
    renamed = comparison(name="other", title="t", description="d")
    assert af.ControlRun(renamed, checkpoint=tmp_path).done == run.done
    others = [
        {"seeds": 3},
        {"steps": 2_600},
        {"environment": af.CartPole(max_steps=61)},
        {"agents": {"grid": af.Contender(AGENT, NUMBERS)}},
        {"agents": {"grid": af.Contender(AGENT, {"lamda": [0.0, 0.81]})}},
        {"evaluate_last_share": 0.3},
    ]
    for changes in others:
        with pytest.raises(ValueError, match="is of another comparison"):
            af.ControlRun(comparison(**changes), checkpoint=tmp_path)


def test_steps_that_were_broken_off_are_not_saved(tmp_path, monkeypatch):
    """As by a second Ctrl-C, when the states are those after a step that is not counted yet."""
    run = af.ControlRun(comparison(), checkpoint=tmp_path, checkpoint_every_s=1e9)
    run.advance()
    run.save()
    done = run.done

    def pressed(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(FinishedEpisodes, "add", pressed)
    with pytest.raises(KeyboardInterrupt):
        run.advance()
    run.save()
    monkeypatch.undo()
    again = af.ControlRun(comparison(), checkpoint=tmp_path)
    assert again.done == done
    while not again.finished:
        again.advance()
    assert_same(again.result(), af.run_control_comparison(comparison()))


def test_lives_on_the_host_are_not_resumed_and_told_why(tmp_path):
    pytest.importorskip("gymnasium")
    on_the_host = comparison(environment={"id": "CartPole-v1"})
    with pytest.raises(TypeError, match="state of an environment of Gymnasium is an object"):
        af.ControlRun(on_the_host, checkpoint=tmp_path)
    assert on_the_host.not_resumed is not None and comparison().not_resumed is None


def test_an_agent_that_holds_a_nan_is_told():
    found = af.run_control_comparison(comparison(agents={"a": AGENT}, steps=100))
    assert not found.agents["a"].diverged.any()
    run = af.ControlRun(comparison(agents={"a": AGENT}, steps=100))
    run.advance()
    lives = run._lives["a"]
    inner = lives._states.inner
    weights = inner.agent_state
    poisoned = jax.tree.map(
        lambda leaf: leaf.at[1].set(jnp.nan) if eqx.is_inexact_array(leaf) else leaf, weights
    )
    lives._states = lives._states.replace(inner=inner.replace(agent_state=poisoned))
    np.testing.assert_array_equal(run.result().agents["a"].diverged, [[False, True]])

"""States of every learner come back bit for bit, and go on as if they had never left."""

import equinox as eqx
import jax
import jax.numpy as jnp
import pytest

import alberta_framework as af
from alberta_framework.checkpoints import (
    load_agent,
    load_checkpoint,
    save_agent,
    save_checkpoint,
)
from tests.compilations import count_compilations
from tests.learners import cases, network_cases

from . import learners
from .states import assert_same_state, filled


@pytest.mark.parametrize(("learner", "arguments"), learners.ROWS)
def test_state_comes_back(tmp_path, learner, arguments):
    shapes = learners.shapes(learner, arguments)
    state, path = filled(shapes), tmp_path / "state.ckpt"
    save_checkpoint(state, path)
    for template in (state, shapes):
        loaded, metadata = load_checkpoint(template, path)
        assert_same_state(loaded, state)
        assert metadata == {}


@pytest.mark.parametrize(("learner", "arguments"), learners.ROWS)
def test_agent_comes_back(tmp_path, learner, arguments):
    state, path = filled(learners.shapes(learner, arguments), seed=1), tmp_path / "agent.ckpt"
    save_agent(learner, state, path, {"seed": 1})
    again, loaded, metadata = load_agent(path)
    assert_same_state(loaded, state)
    assert again.to_config() == learner.to_config()
    assert eqx.tree_equal(again, learner)
    assert metadata == {"seed": 1}


@pytest.mark.parametrize(("learner", "arguments"), learners.FULL)
@pytest.mark.parametrize("lanes", [(1,), (2, 3), (0,)], ids=str)
def test_batched_agent_comes_back(tmp_path, learner, arguments, lanes):
    shapes = learners.batched(learners.shapes(learner, arguments), *lanes)
    state, path = filled(shapes), tmp_path / "agent.ckpt"
    save_agent(learner, state, path)
    assert_same_state(load_agent(path)[1], state)


def test_batch_made_by_filter_vmap_comes_back(tmp_path):
    learner = network_cases.FULL_MULTI_HEAD.build()
    keys = jax.random.split(jax.random.key(3), 2)
    init = eqx.filter_vmap(learner.init, in_axes=(None, 0))
    states = init(network_cases.DIM, keys)
    save_agent(learner, states, tmp_path / "batch.ckpt")
    assert_same_state(load_agent(tmp_path / "batch.ckpt")[1], states)
    template = eqx.filter_eval_shape(init, network_cases.DIM, keys)
    assert_same_state(load_checkpoint(template, tmp_path / "batch.ckpt")[0], states)


def test_batch_over_a_hyperparameter_is_saved_without_its_learner(tmp_path):
    def state(step_size):
        return af.LinearLearner(af.LMS(step_size)).init(3)

    states = eqx.filter_vmap(state, axis_size=4)(jnp.arange(4.0) / 10)
    save_checkpoint(states, tmp_path / "batch.ckpt")
    assert_same_state(load_checkpoint(states, tmp_path / "batch.ckpt")[0], states)
    many = eqx.filter_vmap(lambda size: af.LinearLearner(af.LMS(size)))(jnp.arange(4.0) / 10)
    with pytest.raises(TypeError, match="step_size"):
        save_agent(many, states, tmp_path / "agent.ckpt")
    assert not (tmp_path / "agent.ckpt").exists()


@pytest.mark.parametrize("case", [cases.FULL, network_cases.FULL_MULTI_HEAD], ids=str)
def test_loaded_state_goes_on_bit_for_bit_without_compiling(tmp_path, case):
    networks = case is not cases.FULL
    learner = case.build()
    if networks:
        state = learner.init(network_cases.DIM, jax.random.key(1))
        xs, ys = network_cases.regression(case, 6)
    else:
        state = learner.init(cases.DIM)
        xs, ys = cases.regression(6)
    for x, y in zip(xs[:3], ys[:3], strict=True):
        state = learner.update(state, x, y).state
    save_agent(learner, state, tmp_path / "agent.ckpt")
    again, resumed, _ = load_agent(tmp_path / "agent.ckpt")
    with count_compilations() as compiled:
        for x, y in zip(xs[3:], ys[3:], strict=True):
            state = learner.update(state, x, y).state
            resumed = again.update(resumed, x, y).state
    assert compiled == []
    assert_same_state(resumed, state)
    assert resumed.step_count == 6


def test_a_life_is_kept_exactly(tmp_path):
    learner = cases.FULL.build()
    told = {"step_count": 2**53 + 1, "birth_timestamp": 1.7e9 + 0.125, "uptime_s": 3e8 + 0.001}
    state = learner.init(cases.DIM).replace(**told, rejected_count=7, rejected_in_a_row=2**40)
    save_agent(learner, state, tmp_path / "agent.ckpt")
    loaded = load_agent(tmp_path / "agent.ckpt")[1]
    assert {name: getattr(loaded, name) for name in told} == told
    assert (loaded.rejected_count, loaded.rejected_in_a_row) == (7, 2**40)

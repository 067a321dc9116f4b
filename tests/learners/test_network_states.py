"""States of the network learners: exact counters, untouched clocks, fixed layout, float32."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import alberta_framework as af
from tests.learners import network_cases, network_runs
from tests.learners.network_cases import DIM
from tests.trees import layout, named_leaves

EACH = pytest.mark.parametrize(
    "case", [network_cases.FULL, network_cases.FULL_MULTI_HEAD], ids=["one", "many"]
)
GOOD = np.float32([0.5, -1.0, 0.2, 0.0, 2.0])


def step(case, learner, state, *, bad=False):
    x = GOOD * np.float32(np.nan) if bad else GOOD
    return learner.update(state, x, np.ones(case.targets, np.float32)).state


@EACH
@pytest.mark.parametrize("count", [2**31 - 1, 2**32 - 1, 2**53 - 1])
def test_counters_go_on_exactly(case, count):
    learner, state = network_runs.experienced(case)
    state = state.replace(step_count=count, rejected_count=count)
    moved = step(case, learner, state)
    assert (moved.step_count, moved.rejected_count) == (count + 1, count)
    assert type(moved.step_count) is int and type(moved.rejected_count) is int
    refused = step(case, learner, moved, bad=True)
    assert (refused.step_count, refused.rejected_count) == (count + 1, count + 1)


@EACH
def test_birth_and_uptime_pass_through_unchanged(case):
    learner, state = network_runs.experienced(case)
    state = state.replace(birth_timestamp=1763712345.123457, uptime_s=2e6 + 0.05)
    assert af.agent_uptime_s(state) == pytest.approx(2e6 + 0.05, abs=1e-6, rel=0)
    for moved in (step(case, learner, state), step(case, learner, state, bad=True)):
        assert moved.birth_timestamp == state.birth_timestamp
        assert moved.uptime_s == state.uptime_s
    with pytest.raises(TypeError, match=r"state\.life"):
        jax.jit(lambda s: s.step_count)(state)


@EACH
def test_a_batch_of_states_tells_arrays(case):
    _, state = network_runs.experienced(case)
    states = jax.tree.map(lambda a, b: jnp.stack([a, b]), state, state.replace(step_count=2**40))
    np.testing.assert_array_equal(states.step_count, [state.step_count, 2**40])
    assert states.step_count.dtype == np.int64
    assert af.agent_age_s(states).shape == (2,)


@EACH
def test_a_step_keeps_the_layout_of_the_state(case):
    learner, state = network_runs.experienced(case)
    assert layout(step(case, learner, state)) == layout(state)
    assert layout(learner.reset_traces(state)) == layout(state)
    assert not any(weak for _, _, weak in layout(state)[1])
    kinds = {leaf.dtype for _, leaf in named_leaves(state)}
    assert kinds == {np.dtype(np.float32), np.dtype(np.int32), np.dtype(np.uint32)}


@EACH
def test_a_step_leaves_the_given_state_alone(case):
    learner, state = network_runs.experienced(case)
    before = [(path, leaf.copy()) for path, leaf in named_leaves(state)]
    step(case, learner, state)
    for (path, old), (_, new) in zip(before, named_leaves(state), strict=True):
        np.testing.assert_array_equal(old, new, err_msg=path)


@EACH
def test_everything_is_float32_when_x64_is_on(case):
    learner, state = network_runs.experienced(case)
    with jax.enable_x64(True):
        x, y = np.zeros(DIM), np.ones(case.targets)
        abstract = jax.eval_shape(lambda l, s: l.update(s, x, y), learner, state)
        begun = jax.eval_shape(lambda l: l.init(DIM, jax.random.key(0)), learner)
    for tree in (abstract.state, begun):
        assert jax.tree.map(lambda leaf: leaf.dtype, tree) == jax.tree.map(
            lambda leaf: leaf.dtype, state
        )
    floats = [leaf.dtype for leaf in jax.tree.leaves(abstract) if leaf.dtype.kind == "f"]
    assert set(floats) == {np.dtype(np.float32)}

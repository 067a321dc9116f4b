"""Counters and clocks that stay right for years."""

import time

import equinox as eqx
import jax
import jax.experimental
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import alberta_framework as af
from tests.learners import cases, runs

LEARNERS = {"linear": cases.FULL, "td": cases.FULL_TD}
EACH = pytest.mark.parametrize("case", LEARNERS.values(), ids=LEARNERS)
GOOD = np.float32([0.5, -1.0, 0.2])
NAMES = ["step_count", "birth_timestamp", "uptime_s", "rejected_count", "rejected_in_a_row"]


def step(case, learner, state, *, bad=False):
    x = GOOD * np.float32(np.nan) if bad else GOOD
    rest = (1.0, GOOD, 0.9) if isinstance(case, cases.TDCase) else (1.0,)
    return learner.update(state, x, *rest).state


@EACH
def test_all_of_the_lifetime_is_one_leaf(case):
    state = case.build().init(cases.DIM)
    (words,) = jax.tree.leaves(state.life)
    assert (words.shape, words.dtype) == ((5, 2), np.uint32)
    birth = (int(words[1, 0]) << 32) + int(words[1, 1])
    assert birth == round(state.birth_timestamp * 1e6)
    np.testing.assert_array_equal(words[jnp.array([0, 2, 3, 4])], np.zeros((4, 2)))


@EACH
@pytest.mark.parametrize("count", [0, 1, 2**31 - 1, 2**32 - 1, 2**53 - 1, 2**60])
def test_counters_go_on_exactly(case, count):
    learner = case.build()
    state = learner.init(cases.DIM).replace(step_count=count, rejected_count=count)
    assert (state.step_count, state.rejected_count) == (count, count)
    moved = step(case, learner, state)
    assert (moved.step_count, moved.rejected_count) == (count + 1, count)
    assert type(moved.step_count) is int and type(moved.rejected_count) is int
    refused = step(case, learner, moved, bad=True)
    assert (refused.step_count, refused.rejected_count) == (count + 1, count + 1)


@EACH
@pytest.mark.parametrize("count", [0, 2**32 - 1, 2**53 - 1])
def test_rejections_in_a_row_end_with_an_accepted_step(case, count):
    learner = case.build()
    state = learner.init(cases.DIM)
    assert state.rejected_in_a_row == 0
    state = state.replace(rejected_in_a_row=count)
    assert (state.rejected_in_a_row, state.rejected_count) == (count, 0)
    for more in (1, 2):
        state = step(case, learner, state, bad=True)
        assert (state.rejected_in_a_row, state.rejected_count) == (count + more, more)
        assert type(state.rejected_in_a_row) is int
    state = step(case, learner, state)
    assert (state.rejected_in_a_row, state.rejected_count, state.step_count) == (0, 2, 1)
    state = step(case, learner, state, bad=True)
    assert (state.rejected_in_a_row, state.rejected_count) == (1, 3)


def test_each_lane_counts_its_own_rejections_in_a_row():
    learner = af.LinearLearner()
    x, y = map(np.array, cases.regression(cases.CHUNK))
    bad = np.zeros((3, cases.CHUNK), bool)
    bad[0, 5:9], bad[1, -7:], bad[2, [-4, -1]] = True, True, True
    rows = np.where(bad[:, :, None], np.nan, x)
    states = jax.tree.map(lambda leaf: jnp.stack([leaf] * 3), learner.init(cases.DIM))
    run = jax.vmap(runs.updates, in_axes=(None, 0, 0, None))
    states, _ = jax.jit(run)(learner, states, jnp.asarray(rows, jnp.float32), jnp.asarray(y))
    np.testing.assert_array_equal(states.rejected_in_a_row, [0, 7, 1])
    np.testing.assert_array_equal(states.rejected_count, [4, 7, 2])
    changed = states.replace(rejected_in_a_row=np.array([2**40, 0, 5]))
    np.testing.assert_array_equal(changed.rejected_in_a_row, [2**40, 0, 5])
    np.testing.assert_array_equal(changed.rejected_count, [4, 7, 2])


def test_counters_go_on_exactly_in_a_scan():
    learner = af.LinearLearner()
    x, y = map(jnp.asarray, cases.regression(cases.CHUNK))
    for count in (2**32 - 3, 2**53 - 1):
        state = learner.init(cases.DIM).replace(step_count=count)
        assert runs.run(learner, state, x, y)[0].step_count == count + cases.CHUNK


@EACH
def test_a_batch_of_states_tells_arrays(case):
    learner = case.build()
    one = learner.init(cases.DIM).replace(step_count=2**53 - 1, uptime_s=2.5)
    states = jax.tree.map(lambda a, b: jnp.stack([a, b]), one, one.replace(step_count=7))
    assert states.step_count.dtype == np.int64
    np.testing.assert_array_equal(states.step_count, [2**53 - 1, 7])
    np.testing.assert_array_equal(states.rejected_count, [0, 0])
    assert states.birth_timestamp.dtype == states.uptime_s.dtype == np.float64
    np.testing.assert_array_equal(states.birth_timestamp, [one.birth_timestamp] * 2)
    np.testing.assert_array_equal(states.uptime_s, [2.5, 2.5])
    ages = af.agent_age_s(states)
    assert isinstance(ages, np.ndarray) and ages.shape == (2,)
    np.testing.assert_array_equal(af.agent_uptime_s(states), [2.5, 2.5])


@EACH
def test_birth_is_the_time_of_init_to_the_microsecond(case):
    before = time.time_ns() // 1000
    state = case.build().init(cases.DIM)
    after = time.time_ns() // 1000
    assert before <= round(state.birth_timestamp * 1e6) <= after
    later = case.build().init(cases.DIM)
    assert later.birth_timestamp >= state.birth_timestamp


@EACH
def test_birth_and_uptime_pass_through_everything_unchanged(case):
    learner = case.build()
    birth, uptime = 1763712345.123457, 10 * 365.25 * 86400 + 0.001234
    state = learner.init(cases.DIM).replace(birth_timestamp=birth, uptime_s=uptime)
    assert state.birth_timestamp == pytest.approx(birth, abs=1e-6, rel=0)
    assert state.uptime_s == pytest.approx(uptime, abs=1e-6, rel=0)
    batched = jax.tree.map(lambda leaf: jnp.stack([leaf, leaf]), state)
    mapped = jax.vmap(lambda s: step(case, learner, s))(batched)
    for moved in (
        step(case, learner, state),
        jax.jit(lambda s: s)(state),
        jax.tree.map(lambda leaf: leaf[1], mapped),
        step(case, learner, state, bad=True),
    ):
        assert moved.birth_timestamp == state.birth_timestamp
        assert moved.uptime_s == state.uptime_s


@pytest.mark.parametrize("name", NAMES)
@EACH
def test_the_properties_belong_to_the_host(case, name):
    state = case.build().init(cases.DIM)
    message = "host-side property; use state.life inside compiled code"
    with pytest.raises(TypeError, match=message):
        jax.jit(lambda s: getattr(s, name))(state)
    with pytest.raises(TypeError, match=message):
        jax.vmap(lambda s: getattr(s, name))(jax.tree.map(lambda leaf: leaf[None], state))


@EACH
def test_replace_knows_fields_and_properties_and_nothing_else(case):
    state = case.build().init(cases.DIM)
    changed = state.replace(weights=jnp.ones(cases.DIM), step_count=5)
    np.testing.assert_array_equal(changed.weights, np.ones(cases.DIM))
    assert changed.step_count == 5 and state.step_count == 0
    with pytest.raises(TypeError, match="wieghts"):
        state.replace(wieghts=jnp.ones(cases.DIM))


def test_age_is_the_time_since_birth():
    state = af.LinearLearner().init(2).replace(birth_timestamp=time.time() - 1000)
    assert af.agent_age_s(state) == pytest.approx(1000, abs=1)
    assert isinstance(af.agent_age_s(state), float)
    assert af.agent_uptime_s(state) == 0.0
    assert af.agent_uptime_s(state.replace(uptime_s=0.25)) == 0.25


@pytest.mark.parametrize("ask", [af.agent_age_s, af.agent_uptime_s], ids=["age", "uptime"])
def test_what_has_no_lifetime_is_told_so(ask):
    with pytest.raises(TypeError, match=r"`state`.*LMSState"):
        ask(af.LMS().init(2))


class Clock(list):
    """A list of one number that is what it is, however often it changes."""

    __hash__ = object.__hash__


class Slow(eqx.Module):
    """A stream each of whose steps takes a second of `clock`, while the compiled loop runs."""

    clock: Clock = eqx.field(static=True)
    feature_dim: int = eqx.field(static=True, default=3)

    def init(self, key):
        return key

    def step(self, state, idx):
        def second():
            self.clock[0] += 1.0
            return np.float32(1.0)

        target = jax.experimental.io_callback(second, jax.ShapeDtypeStruct((), jnp.float32))
        return af.TimeStep(jnp.ones(self.feature_dim), target), state


def test_uptime_adds_the_time_a_loop_took(monkeypatch):
    """Also to an uptime of weeks, where a float32 would lose it."""
    clock = Clock([1e6])
    monkeypatch.setattr(time, "perf_counter", lambda: clock[0])
    learner, stream = af.LinearLearner(), Slow(clock)
    begun = learner.init(3).replace(uptime_s=2e6)
    state, _ = af.run_learning_loop(learner, stream, 7, jr.key(0), begun)
    assert state.uptime_s - 2e6 == clock[0] - 1e6 == 7.0
    again, _ = af.run_learning_loop(learner, stream, 7, jr.key(0), state)
    assert again.uptime_s - 2e6 == 14.0
    assert again.birth_timestamp == begun.birth_timestamp


def test_a_loop_inside_compiled_code_leaves_uptime_alone():
    learner, stream = af.LinearLearner(), af.RandomWalkStream(3)
    begun = learner.init(3).replace(uptime_s=7.0)
    run = jax.jit(lambda state: af.run_learning_loop(learner, stream, 20, jr.key(0), state)[0])
    state = run(begun)
    assert (state.uptime_s, state.step_count) == (7.0, 20)


def test_every_lane_of_a_batched_loop_is_born_now_and_gets_the_whole_time():
    learner, stream = af.LinearLearner(), af.RandomWalkStream(3)
    af.run_learning_loop_batched(learner, stream, 50, jr.split(jr.key(0), 3))
    before, start = time.time(), time.perf_counter()
    result = af.run_learning_loop_batched(learner, stream, 50, jr.split(jr.key(1), 3))
    elapsed = time.perf_counter() - start
    births, uptimes = result.states.birth_timestamp, result.states.uptime_s
    assert np.all(births >= before - 1e-3) and np.all(births <= time.time())
    assert np.all(uptimes == uptimes[0]) and 0 < uptimes[0] <= elapsed + 1e-6

"""A rollout makes the draws of repeated steps, however it is cut and wherever it runs."""

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import alberta_framework as af
from tests.streams import cases
from tests.trees import assert_same_bits, lane, layout, named_leaves

STEPS = 40
EXACT = ("key", "signs", "position", "steps", "configurations", "base_weights", "phases", "idx")


def assert_state_close(ours, expected):
    """Keys, counters, signs and what never changes are exact; wandering weights are rounded."""
    truth = dict(named_leaves(cases.key_data(expected)))
    for path, leaf in named_leaves(cases.key_data(ours)):
        if any(path.endswith(name) for name in EXACT):
            np.testing.assert_array_equal(leaf, truth[path], err_msg=path)
        else:
            np.testing.assert_allclose(leaf, truth[path], rtol=2e-6, atol=2e-6, err_msg=path)


def assert_experience_close(ours, expected):
    truth = dict(named_leaves(expected))
    for path, leaf in named_leaves(ours):
        if path == ".target":
            atol = 1e-6 * np.max(np.abs(truth[path]))
            np.testing.assert_allclose(leaf, truth[path], rtol=0, atol=atol, err_msg=path)
        else:
            np.testing.assert_allclose(leaf, truth[path], rtol=2e-6, atol=0, err_msg=path)


def layout_of(tree):
    return layout(cases.key_data(tree))


@cases.each
def test_a_rollout_is_the_steps_one_after_the_other(row, getkey):
    stream = row.traced()
    begin = cases.begun(stream, getkey())
    experience, end = cases.rolled(stream, begin, STEPS)
    expected, expected_end = cases.stepped(stream, begin, STEPS)
    assert_experience_close(experience, expected)
    assert_state_close(end, expected_end)
    assert layout_of(end) == layout_of(expected_end) == layout_of(begin)


UNSCALED = [
    row
    for row in [*cases.SYNTHETIC, *cases.ARRAYS]
    if row.kind not in ("ScaleDriftStream", "DynamicScaleShiftStream")
]


@pytest.mark.parametrize("row", UNSCALED, ids=str)
def test_draws_of_a_rollout_are_those_of_steps(row, getkey):
    """Observations that are draws and nothing else; rewards and discounts of transitions.

    What is recorded or chosen is equal bit for bit. A normal number is a polynomial of its random
    bits, in which XLA contracts products and sums as it likes in each program: to a few ulp.
    """
    stream = row.traced()
    begin = cases.begun(stream, getkey())
    experience, _ = cases.rolled(stream, begin, STEPS)
    expected, _ = cases.stepped(stream, begin, STEPS)
    same = {"target": expected.target} if hasattr(expected, "target") else {}
    if row in cases.SYNTHETIC and "target" in same:
        np.testing.assert_array_max_ulp(experience.observation, expected.observation, maxulp=4)
        same["observation"] = expected.observation
    assert_same_bits(experience.replace(**same), expected)


@pytest.mark.parametrize("dim", [1, 5, 8, 10, 20, 33])
def test_noise_is_drawn_bit_for_bit_at_every_dimension(dim, getkey):
    """With weights that never move and features of size 0 the target is the noise."""
    stream = cases.with_arrays(af.RandomWalkStream(dim, 0.0, noise_std=1.0, feature_std=0.0))
    begin = cases.begun(stream, getkey())
    experience, end = cases.rolled(stream, begin, STEPS)
    expected, expected_end = cases.stepped(stream, begin, STEPS)
    assert np.ptp(expected.target) > 1
    assert_same_bits(experience, expected)
    assert_same_bits(cases.key_data(end), cases.key_data(expected_end))


@pytest.mark.parametrize("cut", [(37, 3), (2,) * 20], ids=["uneven", "pairs"])
@cases.each
def test_a_rollout_cut_into_chunks_is_bit_identical_to_a_whole_one(row, cut, getkey):
    stream = row.traced()
    state = begin = cases.begun(stream, getkey())
    parts = []
    for length in cut:
        experience, state = cases.rolled(stream, state, length)
        parts.append(experience)
    whole, end = cases.rolled(stream, begin, STEPS)
    assert_same_bits(jax.tree.map(lambda *p: jnp.concatenate(p), *parts), whole)
    assert_same_bits(cases.key_data(state), cases.key_data(end))


@cases.each
def test_chunks_of_single_steps_agree_to_rounding(row, getkey):
    stream = row.traced()
    state = begin = cases.begun(stream, getkey())
    parts = []
    for _ in range(STEPS):
        experience, state = cases.rolled(stream, state, 1)
        parts.append(experience)
    whole, end = cases.rolled(stream, begin, STEPS)
    assert_experience_close(jax.tree.map(lambda *p: jnp.concatenate(p), *parts), whole)
    assert_state_close(state, end)


@cases.each
def test_an_empty_rollout_changes_nothing(row, getkey):
    stream = row.traced()
    begin = cases.begun(stream, getkey())
    experience, end = cases.rolled(stream, begin, 0)
    one, _ = cases.rolled(stream, begin, 1)
    assert_same_bits(cases.key_data(end), cases.key_data(begin))
    assert_same_bits(experience, jax.tree.map(lambda leaf: leaf[:0], one))


@pytest.mark.slow
@cases.each
def test_lanes_of_a_vmap_are_runs_of_their_own(row, getkey):
    stream = row.traced()
    keys = jr.split(getkey(), 3)
    begins = jax.vmap(cases.begun, in_axes=(None, 0))(stream, keys)
    chunks = jax.jit(
        lambda stream, states, length: jax.vmap(lambda s: stream.rollout(s, length))(states),
        static_argnums=2,
    )
    whole, ends = chunks(stream, begins, STEPS)
    for index in range(3):
        experience, end = cases.rolled(stream, cases.begun(stream, keys[index]), STEPS)
        assert_experience_close(lane(whole, index), experience)
        assert_state_close(lane(ends, index), end)
    first, between = chunks(stream, begins, STEPS // 2)
    second, after = chunks(stream, between, STEPS // 2)
    joined = jax.tree.map(lambda a, b: jnp.concatenate([a, b], 1), first, second)
    assert_same_bits(joined, whole)
    assert_same_bits(cases.key_data(after), cases.key_data(ends))


@cases.each
def test_64_bit_mode_changes_nothing(row):
    key = jr.key(5)
    begin = cases.begun(row.traced(), key)
    expected = cases.rolled(row.traced(), begin, STEPS)
    with jax.enable_x64(True):
        stream = row.build()
        wide = cases.begun(stream, key)
        assert_same_bits(cases.key_data(wide), cases.key_data(begin))
        experience, end = jax.jit(lambda s, b: s.rollout(b, STEPS))(stream, wide)
        once, after = jax.jit(lambda s, b: s.step(b))(stream, wide)
    assert layout_of((experience, end)) == layout_of(expected)
    assert layout(once)[1] == layout(jax.tree.map(lambda leaf: leaf[0], experience))[1]
    assert layout_of(after) == layout_of(begin)
    assert_experience_close(experience, expected[0])
    assert_state_close(end, expected[1])


@cases.each
def test_a_step_outside_of_compiled_code_is_the_same(row, getkey):
    key = getkey()
    stream = row.build()
    experience, after = stream.step(stream.init(key))
    expected, end = cases.stepped_once(row.traced(), cases.begun(row.traced(), key))
    assert_experience_close(experience, expected)
    assert_state_close(after, end)


@cases.each
def test_the_number_of_a_step_does_not_matter(row, getkey):
    stream = row.traced()
    begin = cases.begun(stream, getkey())
    by_number = jax.jit(lambda stream, state, idx: stream.step(state, idx))
    at_zero = by_number(stream, begin, jnp.int32(0))
    later = by_number(stream, begin, jnp.int32(12345))
    assert_same_bits(cases.key_data(later), cases.key_data(at_zero))


@pytest.mark.parametrize("num_steps", [-1, 2.0, True, 2**31, None])
@cases.each
def test_a_bad_number_of_steps_is_named(row, num_steps, getkey):
    stream = row.build()
    state = stream.init(getkey())
    with pytest.raises((TypeError, ValueError), match=r"`num_steps` must be an integer >= 0"):
        stream.rollout(state, num_steps)


@pytest.mark.parametrize("row", cases.SYNTHETIC, ids=str)
def test_only_a_typed_key_begins(row):
    for key in (jr.PRNGKey(0)[:1], jr.PRNGKey(0).astype(int), 0, jr.split(jr.key(0))):
        with pytest.raises(TypeError, match=r"`key` must be a typed key"):
            row.build().init(key)


@pytest.mark.parametrize("impl", ["rbg", "unsafe_rbg"])
def test_other_generators_serve_too(impl):
    stream = cases.SYNTHETIC[0].traced()
    begin = cases.begun(stream, jr.key(0, impl=impl))
    experience, end = cases.rolled(stream, begin, 10)
    expected, expected_end = cases.stepped(stream, begin, 10)
    # These generators draw otherwise under vmap; only the chain of keys is the same.
    assert_same_bits(jr.key_data(end.key), jr.key_data(expected_end.key))
    assert np.all(np.isfinite(experience.observation)) and np.all(np.isfinite(expected.target))


def test_every_public_stream_has_a_row():
    rows = {row.kind for row in cases.ALL}
    public = {
        value.__name__
        for value in (getattr(af, name) for name in dir(af))
        if isinstance(value, type) and issubclass(value, af.AbstractStream)
    }
    assert {name for name in public if not name.startswith("Abstract")} == rows


def test_old_names_are_the_new_classes():
    for name in ("RandomWalk", "AbruptChange", "Cyclic", "PeriodicChange"):
        assert getattr(af, f"{name}Target") is getattr(af, f"{name}Stream")

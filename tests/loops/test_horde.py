"""Hordes on recorded transitions, alone and in batches."""

import jax
import jax.random as jr
import numpy as np
import pytest

import alberta_framework as af
from tests.horde import cases, runs
from tests.horde.cases import CHUNK, DEMONS, DIM
from tests.trees import assert_leaves_close, assert_same_bits, lane

ARGUMENTS = {
    "observation": "observations",
    "cumulants": "cumulants",
    "next_observation": "next_observations",
}


# Without a trunk, which loops do not see; sparse weights differ from key to key.
HORDE = cases.horde(hidden_sizes=(), optimizer=af.Autostep(0.05), bounder=None)


def experienced():
    state = HORDE.init(DIM, jr.key(3))
    return HORDE, runs.run(HORDE, state, **cases.transitions(seed=9))[0]


def columns(seed=1, steps=CHUNK):
    return {ARGUMENTS.get(k, k): v for k, v in cases.transitions(steps, seed).items()}


def timeless(state):
    return state.replace(birth_timestamp=0.0, uptime_s=0.0)


def test_a_loop_is_its_updates():
    horde, state = experienced()
    last, results = runs.run(horde, state, **cases.transitions(seed=1))
    result = af.run_horde_learning_loop(horde, state, **columns())
    assert_leaves_close(timeless(result.state), timeless(last), relative=2e-6, absolute=1e-7)
    for name in ("per_demon_metrics", "td_errors"):
        np.testing.assert_allclose(
            getattr(result, name), getattr(results, name), rtol=1e-5, atol=1e-6
        )
    assert result.state.step_count == state.step_count + CHUNK


def test_a_loop_without_options_is_the_plain_updates():
    horde, state = experienced()
    given = columns()
    plain = {name: given[name] for name in ARGUMENTS.values()}
    result = af.run_horde_learning_loop(horde, state, **plain)
    updates = {name: plain[column] for name, column in ARGUMENTS.items()}
    last, _ = runs.run(horde, state, **updates)
    assert_leaves_close(timeless(result.state), timeless(last), relative=2e-6, absolute=1e-7)
    other = af.run_horde_learning_loop(horde, state, **given).state
    assert np.any(other.head_params.weights != result.state.head_params.weights)


def test_ends_may_be_told_for_each_demon():
    horde, state = experienced()
    given = columns()
    each = given | {"terminated": np.tile(given["terminated"][:, None], DEMONS)}
    ours = af.run_horde_learning_loop(horde, state, **each).state
    expected = af.run_horde_learning_loop(horde, state, **given).state
    assert_leaves_close(timeless(ours), timeless(expected), relative=2e-6, absolute=1e-7)


def test_signals_may_serve_all_demons():
    horde = runs.linear(runs.demon(index=0), runs.demon(index=1))
    given = columns()
    plain = {k: given[k] for k in ("observations", "next_observations")}
    state = horde.init(DIM, jr.key(0))
    result = af.run_horde_learning_loop(
        horde, state, cumulants=None, signals=given["signals"], **plain
    )
    expected = af.run_horde_learning_loop(horde, state, cumulants=given["signals"], **plain)
    np.testing.assert_array_equal(result.td_errors, expected.td_errors)
    assert not np.any(np.isnan(result.td_errors))


def test_each_lane_of_a_batch_is_the_single_loop():
    horde, given, keys = HORDE, columns(), jr.split(jr.key(4), 3)
    batch = af.run_horde_learning_loop_batched(horde, keys=keys, **given)
    assert batch.td_errors.shape == (3, CHUNK, DEMONS)
    np.testing.assert_array_equal(batch.states.step_count, [CHUNK] * 3)
    for i, key in enumerate(keys):
        single = af.run_horde_learning_loop(horde, horde.init(DIM, key), **given)
        ours, expected = (timeless(s) for s in (lane(batch.states, i), single.state))
        assert_leaves_close(ours, expected, relative=1e-5, absolute=1e-6)
        for name in ("per_demon_metrics", "td_errors"):
            np.testing.assert_allclose(
                getattr(batch, name)[i], getattr(single, name), rtol=1e-5, atol=1e-5
            )
    weights = np.asarray(batch.states.head_params.weights)
    assert np.any(weights[0] != weights[1])
    uptimes = batch.states.uptime_s
    assert uptimes[0] > 0 and np.all(uptimes == uptimes[0])


def test_the_size_of_chunks_does_not_matter():
    horde, state = experienced()
    whole = af.run_horde_learning_loop(horde, state, **columns())
    chunked = af.run_horde_learning_loop(horde, state, **columns(), chunk_size=5)
    assert_same_bits(timeless(chunked.state), timeless(whole.state))
    np.testing.assert_array_equal(chunked.td_errors, whole.td_errors)


def test_every_nth_row_may_be_recorded():
    horde, state = experienced()
    whole = af.run_horde_learning_loop(horde, state, **columns())
    some = af.run_horde_learning_loop(horde, state, **columns(), record_every=5)
    # Another recorder is another program, which may contract a product and a sum elsewhere.
    np.testing.assert_allclose(
        some.per_demon_metrics, whole.per_demon_metrics[::5], rtol=1e-6, atol=1e-7
    )
    assert_leaves_close(timeless(some.state), timeless(whole.state), relative=1e-6, absolute=1e-7)


def test_a_batch_on_shared_rows_may_record_every_nth_too():
    keys = jr.split(jr.key(0), 2)
    whole = af.run_horde_learning_loop_batched(HORDE, **columns(), keys=keys)
    some = af.run_horde_learning_loop_batched(HORDE, **columns(), keys=keys, record_every=5)
    # As above: another recorder is another program.
    np.testing.assert_allclose(
        some.per_demon_metrics, whole.per_demon_metrics[:, ::5], rtol=1e-6, atol=1e-7
    )


def test_a_rejected_step_costs_the_loop_one_count():
    horde, state = experienced()
    given = columns()
    given["observations"][4] = np.nan
    result = af.run_horde_learning_loop(horde, state, **given)
    assert result.state.rejected_count == 1
    assert result.state.step_count == state.step_count + CHUNK - 1
    assert np.all(np.isnan(result.td_errors[4]))
    kept = {name: np.delete(column, 4, axis=0) for name, column in given.items()}
    expected = af.run_horde_learning_loop(horde, state, **kept).state
    ours = timeless(result.state).replace(rejected_count=0)
    assert_leaves_close(ours, timeless(expected), relative=2e-6, absolute=1e-7)


def test_an_empty_loop_changes_nothing():
    horde, state = experienced()
    empty = {name: column[:0] for name, column in columns().items()}
    result = af.run_horde_learning_loop(horde, state, **empty)
    assert_same_bits(timeless(result.state), timeless(state))
    assert result.td_errors.shape == (0, DEMONS)
    assert result.per_demon_metrics.shape == (0, DEMONS, 3)


def test_a_loop_adds_its_time_to_the_uptime():
    horde, state = experienced()
    begun = state.replace(uptime_s=2e6)
    result = af.run_horde_learning_loop(horde, begun, **columns())
    assert 0 < result.state.uptime_s - 2e6 < 60
    assert result.state.birth_timestamp == begun.birth_timestamp


@pytest.mark.parametrize("name", ["observations", "cumulants", "signals", "terminated", "gammas"])
def test_columns_of_unequal_length_are_refused_by_name(name):
    horde, state = experienced()
    given = columns()
    given[name] = given[name][:-1]
    with pytest.raises((TypeError, ValueError), match=name):
        af.run_horde_learning_loop(horde, state, **given)


def test_a_demon_step_is_a_unit_of_experience():
    """`learn` is `update` on the fields of the step."""
    horde, state = experienced()
    now = cases.first(cases.transitions(seed=1))
    step = af.DemonStep(
        now["observation"],
        now["cumulants"],
        now["next_observation"],
        now["signals"],
        now["terminated"],
        now["gammas"],
    )
    step = jax.tree.map(np.asarray, step)
    learned, _ = horde.learn(state, step)
    assert_same_bits(learned, horde.update(state, **now).state)

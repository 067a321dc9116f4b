"""The checkpoint of a run under way: what it gives back, and of which run."""

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

from alberta_framework.checkpoints.unfinished import (
    UnfinishedRun,
    as_arrays,
    from_arrays,
    holds_save,
)

pytest.importorskip("orbax.checkpoint")

DONE = {
    "names no file can have: /\0": np.arange(6, dtype=np.float64).reshape(2, 3),
    "list": [{"a": np.array([True, False])}, {}, [], 3, 0.1, "text", None],
    "array": {"array": np.full((), 7, np.int64)},
    "empty": np.zeros((3, 0), np.float32),
    "not numbers": np.array([np.nan, np.inf, -np.inf], np.float32),
}


def assert_same(found, expected):
    assert type(found) is type(expected)
    if isinstance(expected, dict):
        assert list(found) == list(expected)
        for name, part in expected.items():
            assert_same(found[name], part)
    elif isinstance(expected, list):
        assert len(found) == len(expected)
        for pair in zip(found, expected, strict=True):
            assert_same(*pair)
    elif isinstance(expected, np.ndarray):
        assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
        np.testing.assert_array_equal(found, expected)
    else:
        assert found == expected


def test_what_was_saved_comes_back(tmp_path):
    assert not holds_save(tmp_path)
    first = UnfinishedRun("run", tmp_path, "mark", 60.0)
    assert first.load() is None and not first.due
    first.save(1, {"a": 1})
    first.save(2, DONE)
    assert holds_save(tmp_path)
    assert_same(UnfinishedRun("run", tmp_path, "mark", 60.0).load(), DONE)


def test_of_two_saves_the_last_is_kept(tmp_path):
    run = UnfinishedRun("run", tmp_path, "mark", 0.0)
    for steps in (1, 2, 2):
        run.save(steps, {"steps": steps})
    assert run.due and UnfinishedRun("run", tmp_path, "mark", 0.0).load() == {"steps": 2}
    assert len([path for path in (tmp_path / "process-0").iterdir() if path.is_dir()]) == 1


def test_a_kill_while_an_old_save_is_removed_leaves_nothing(tmp_path, caplog):
    UnfinishedRun("run", tmp_path, "mark", 0.0).save(999, {"steps": 999})
    folder = tmp_path / "process-0"
    (folder / "998").mkdir()
    (folder / "998" / "arrays").mkdir()
    run = UnfinishedRun("run", tmp_path, "mark", 0.0)
    assert run.load() == {"steps": 999}
    run.save(1000, {"steps": 1000})
    assert [path.name for path in folder.iterdir()] == ["1000"]
    # Old releases of Orbax warn of other things.
    assert not [one for one in caplog.records if "998" in one.getMessage()]


def test_a_save_of_another_run_is_refused(tmp_path):
    UnfinishedRun("run", tmp_path, "mark", 0.0).save(1, {})
    other = UnfinishedRun("run", tmp_path, "another", 0.0, "axes")
    with pytest.raises(ValueError, match=r"is of another run \(other axes\)"):
        other.load()


def test_seconds_are_not_negative(tmp_path):
    with pytest.raises(ValueError, match="`checkpoint_every_s` must be at least 0, got -1"):
        UnfinishedRun("run", tmp_path, "mark", -1.0)


def test_a_state_comes_back_with_its_keys():
    state = {"key": jr.split(jr.key(3), 2), "weights": jnp.arange(4.0), "count": jnp.uint32(7)}
    like = jax.tree.map(jnp.zeros_like, {k: v for k, v in state.items() if k != "key"})
    found = from_arrays(as_arrays(state), like | {"key": jr.split(jr.key(0), 2)})
    np.testing.assert_array_equal(jr.key_data(found["key"]), jr.key_data(state["key"]))
    np.testing.assert_array_equal(found["weights"], state["weights"])
    assert int(found["count"]) == 7 and found["count"].dtype == jnp.uint32

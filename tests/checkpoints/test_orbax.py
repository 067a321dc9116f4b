"""The Orbax backend behind the same functions."""

import subprocess
import sys

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from alberta_framework.checkpoints import (
    CheckpointError,
    checkpoint_exists,
    list_checkpoints,
    load_agent,
    load_checkpoint,
    load_checkpoint_metadata,
    save_agent,
    save_checkpoint,
    verify_checkpoint,
)

from . import learners
from .states import assert_same_state, filled

pytest.importorskip("orbax.checkpoint")


def save(state, path, *arguments, **options):
    return save_checkpoint(state, path, *arguments, backend="orbax", **options)


def numbered(n):
    return {"whole": jnp.full(4, n), "part": [np.full(2, n, np.float32)]}


def number_at(path):
    return int(load_checkpoint(numbered(0), path)[0]["whole"][0])


@pytest.mark.parametrize(("learner", "arguments"), learners.FULL)
def test_agent_comes_back(tmp_path, learner, arguments):
    shapes = learners.shapes(learner, arguments)
    state, path = filled(shapes), tmp_path / "agent"
    assert save_agent(learner, state, path, {"n": 1}, backend="orbax") is None
    assert path.is_dir()
    assert checkpoint_exists(path) is True
    assert verify_checkpoint(path) is None
    again, loaded, metadata = load_agent(path)
    assert_same_state(loaded, state)
    assert eqx.tree_equal(again, learner)
    assert metadata == load_checkpoint_metadata(path) == {"n": 1}
    assert_same_state(load_checkpoint(shapes, path)[0], state)


def test_odd_leaves_come_back(tmp_path):
    state = {
        "b": jnp.arange(4, dtype=jnp.bfloat16),
        "f8": jnp.arange(4, dtype=jnp.float8_e4m3fn),
        "i4": jnp.arange(-4, 4, dtype=jnp.int4),
        "keys": jax.random.split(jax.random.key(1), 3),
        "rbg": jax.random.key(1, impl="rbg"),
        "numpy": np.arange(3.0),
        "none": None,
        "scalar": jnp.float32(0.1),
        "numbers": (True, -(2**62), 0.1, 1 + 2j),
    }
    save(state, tmp_path / "odd")
    assert_same_state(load_checkpoint(state, tmp_path / "odd")[0], state)


@pytest.mark.parametrize("state", [{"x": jnp.zeros((0, 2)), "y": jnp.ones(2)}, {"x": None}, {}])
def test_empty_arrays_and_states_come_back(tmp_path, state):
    save(state, tmp_path / "empty")
    assert_same_state(load_checkpoint(state, tmp_path / "empty")[0], state)


def test_the_newest_is_loaded_and_as_many_kept_as_asked(tmp_path):
    path = tmp_path / "run"
    for n in range(4):
        save(numbered(n), path, {"n": n}, keep=2)
    assert number_at(path) == 3
    assert load_checkpoint_metadata(path) == {"n": 3}
    assert len(list_checkpoints(path)) == 2


def test_a_relative_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save(numbered(1), "sub/run")
    assert number_at("sub/run") == 1


def test_not_blocking(tmp_path):
    path = tmp_path / "run"
    state = numbered(1)
    future = save(state, path, {"n": 1}, blocking=False)
    state["part"][0][...] = 7
    assert future.result(timeout=120) is None
    loaded, metadata = load_checkpoint(numbered(0), path)
    assert_same_state(loaded, numbered(1))
    assert metadata == {"n": 1}
    save(numbered(2), path)
    assert number_at(path) == 2


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ({"whole": jnp.zeros(4), "part": [np.zeros(2, np.float32)]}, ("float32[4]", "int32[4]")),
        ({"whole": jnp.zeros(5, int), "part": [np.zeros(2, np.float32)]}, ("int32[5]",)),
        ({"whole": jnp.zeros(4, int)}, ("['part'][0]",)),
        ({"whole": jnp.zeros(4, int), "part": [jnp.zeros(2)]}, ("numpy",)),
    ],
    ids=["dtype", "shape", "tree", "kind"],
)
def test_another_structure_is_refused_and_nothing_cast(tmp_path, template, words):
    save(numbered(1), tmp_path / "run")
    with pytest.raises(CheckpointError, match="structure mismatch") as caught:
        load_checkpoint(template, tmp_path / "run")
    assert str(caught.value).startswith(str(tmp_path / "run"))
    assert all(word in str(caught.value) for word in words)


def test_one_backend_does_not_overwrite_the_other(tmp_path):
    save(numbered(1), tmp_path / "run")
    with pytest.raises((ValueError, OSError), match="run"):
        save_checkpoint(numbered(2), tmp_path / "run")
    assert number_at(tmp_path / "run") == 1
    save_checkpoint(numbered(1), tmp_path / "x.ckpt")
    with pytest.raises((ValueError, OSError), match=r"x\.ckpt"):
        save(numbered(2), tmp_path / "x.ckpt")
    assert number_at(tmp_path / "x.ckpt") == 1


def test_a_foreign_folder_is_left_alone(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "diary").write_text("mine")
    with pytest.raises((ValueError, OSError), match="mine"):
        save(numbered(1), tmp_path / "mine")
    assert [one.name for one in (tmp_path / "mine").iterdir()] == ["diary"]


def test_what_cannot_be_saved_leaves_nothing_behind(tmp_path):
    for state, metadata in (({"x": "text"}, None), (numbered(1), {"x": object()})):
        with pytest.raises(TypeError):
            save(state, tmp_path / "run", metadata)
    assert list(tmp_path.iterdir()) == []


def test_the_placement_of_the_template_is_taken(tmp_path):
    mesh = jax.make_mesh((1,), ("lanes",), axis_types=(jax.sharding.AxisType.Auto,))
    placed = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec("lanes"))
    state = {"x": jax.device_put(jnp.arange(4.0), placed)}
    save(state, tmp_path / "run")
    loaded, _ = load_checkpoint(state, tmp_path / "run")
    np.testing.assert_array_equal(loaded["x"], np.arange(4.0))
    assert loaded["x"].sharding == placed


SHARDED = """
import jax, jax.numpy as jnp, numpy as np
from jax.sharding import AxisType, NamedSharding, PartitionSpec
from alberta_framework.checkpoints import load_checkpoint, save_checkpoint
mesh = jax.make_mesh((2,), ("lanes",), axis_types=(AxisType.Auto,))
halves = NamedSharding(mesh, PartitionSpec("lanes"))
both = NamedSharding(mesh, PartitionSpec())
keys = jax.random.split(jax.random.key(0), 2)
state = {"x": jax.device_put(jnp.arange(8.0), halves), "y": jax.device_put(jnp.ones(3), both)}
for backend in ("orbax", "file"):
    save_checkpoint(state, backend, backend=backend)
    loaded, _ = load_checkpoint(state, backend)
    for name in state:
        np.testing.assert_array_equal(loaded[name], state[name])
    if backend == "orbax":
        assert loaded["x"].sharding == halves, loaded["x"].sharding
        assert loaded["y"].sharding == both
        other = {"x": jax.ShapeDtypeStruct((8,), jnp.float32, sharding=both), "y": state["y"]}
        moved = load_checkpoint(other, backend)[0]["x"]
        assert moved.sharding == both
        np.testing.assert_array_equal(moved, np.arange(8.0))
print("done")
"""


def test_arrays_over_two_devices(tmp_path, monkeypatch):
    monkeypatch.setenv("XLA_FLAGS", "--xla_force_host_platform_device_count=2")
    monkeypatch.setenv("JAX_PLATFORMS", "cpu")
    command = [sys.executable, "-c", SHARDED]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout == "done\n"

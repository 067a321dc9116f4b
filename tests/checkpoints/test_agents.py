"""`save_agent` and `load_agent`: the learner from its configuration, its state, the metadata."""

import json
import subprocess
import sys

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import alberta_framework as af
from alberta_framework.checkpoints import (
    load_agent,
    load_checkpoint,
    load_checkpoint_metadata,
    save_agent,
    save_checkpoint,
)
from tests.learners import cases

from .forging import forged, taken_apart
from .states import assert_same_state


class MeanState(af.AbstractLearnerState):
    mean: jax.Array
    key: jax.Array
    life: af.Lifecycle

    @property
    def feature_dim(self):
        return self.mean.shape[0]


class MeanOfFeaturesLearner(af.AbstractLearner[MeanState, af.TimeStep]):
    """A learner from outside the library: a running mean of its features."""

    rate: float = 0.5
    start: float = 0.0

    def init(self, feature_dim, key):
        return MeanState(jnp.full(feature_dim, self.start, jnp.float32), key, af.Lifecycle.begin())

    def learn(self, state, experience):
        mean = state.mean + self.rate * (experience.observation - state.mean)
        return state.replace(mean=mean), jnp.mean(mean)


class PlainState(af.AbstractState):
    total: jax.Array

    @property
    def feature_dim(self):
        return self.total.shape[0]


class PlainLearner(af.AbstractLearner[PlainState, af.TimeStep]):
    """A learner with what a loop asks for and no more: no key, no life in its state."""

    def init(self, feature_dim):
        return PlainState(jnp.zeros(feature_dim))

    def learn(self, state, experience):
        return state, None


@pytest.mark.parametrize("backend", ["file", "orbax"])
def test_a_learner_of_ones_own_comes_back(tmp_path, backend):
    learner, path = MeanOfFeaturesLearner(0.25, start=-1), tmp_path / "own"
    state = learner.init(4, jax.random.key(9))
    save_agent(learner, state, path, {"owner": "me"}, backend=backend)
    again, loaded, metadata = load_agent(path)
    assert type(again) is MeanOfFeaturesLearner
    assert eqx.tree_equal(again, learner)
    assert_same_state(loaded, state)
    assert metadata == {"owner": "me"}


def test_a_learner_without_a_key_and_a_life_comes_back(tmp_path):
    learner, path = PlainLearner(), tmp_path / "own.ckpt"
    state = learner.init(2)
    save_agent(learner, state, path)
    assert_same_state(load_agent(path)[1], state)


def test_numbers_of_any_kind_in_the_learner_come_back(tmp_path):
    learner = af.LinearLearner(af.IDBD(jnp.float32(0.1), np.float64(0.2)))
    save_agent(learner, learner.init(2), tmp_path / "agent.ckpt")
    optimizer = load_agent(tmp_path / "agent.ckpt")[0].optimizer
    assert optimizer.initial_step_size == float(np.float32(0.1))
    assert optimizer.meta_step_size == 0.2


def test_save_agent_is_save_checkpoint_with_a_learner(tmp_path):
    learner = cases.FULL.build()
    state = learner.init(cases.DIM)
    save_checkpoint(state, tmp_path / "a.ckpt", {"n": 1}, learner=learner)
    _, loaded, metadata = load_agent(tmp_path / "a.ckpt")
    assert_same_state(loaded, state)
    assert metadata == {"n": 1}
    save_agent(learner, state, tmp_path / "b.ckpt", keep=2)
    save_agent(learner, state, tmp_path / "b.ckpt", keep=2)
    assert (tmp_path / "b.ckpt.1").exists()
    future = save_agent(learner, state, tmp_path / "c.ckpt", blocking=False)
    assert future.result() is None
    # The state of an agent is a checkpoint as any other.
    assert_same_state(load_checkpoint(state, tmp_path / "c.ckpt")[0], state)


def test_configuration_in_the_header_is_the_learners(tmp_path):
    learner = cases.FULL.build()
    save_agent(learner, learner.init(cases.DIM), tmp_path / "a.ckpt")
    _, header, _ = taken_apart((tmp_path / "a.ckpt").read_bytes())
    assert header["learner"] == learner.to_config()
    assert header["init"] == {"feature_dim": cases.DIM, "batch_shape": []}


def test_load_agent_of_a_bare_state_says_what_is_missing(tmp_path):
    path = tmp_path / "bare.ckpt"
    save_checkpoint({"x": np.zeros(2)}, path)
    with pytest.raises(ValueError, match="learner") as caught:
        load_agent(path)
    assert str(caught.value).startswith(str(path))
    _, header, _ = taken_apart(path.read_bytes())
    assert header["learner"] is None
    assert header["init"] is None


@pytest.mark.parametrize(
    "thing", [3, "LMS", {"type": "LMS"}, object()], ids=["int", "str", "dict", "object"]
)
def test_what_has_no_configuration_is_no_learner(tmp_path, thing):
    with pytest.raises((TypeError, ValueError), match="learner"):
        save_agent(thing, {"x": np.zeros(2)}, tmp_path / "a.ckpt")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "config",
    [
        {"type": "NoSuchLearner"},
        {"type": "os.system"},
        {"type": "../LinearLearner"},
        {"type": "LMS"},
        {"type": "LinearLearner", "optimizer": {"type": "LMS", "step_size": -1.0}},
        {"type": "LinearLearner", "no_such_key": 1},
        {"type": "MLPLearner"},
        {"type": 3},
        {"type": ["LinearLearner"]},
        {},
        [],
        "LinearLearner",
        0,
    ],
    ids=json.dumps,
)
def test_configuration_that_builds_no_learner_is_refused(tmp_path, config):
    learner, path = af.LinearLearner(), tmp_path / "agent.ckpt"
    save_agent(learner, learner.init(2), path)
    _, header, payload = taken_apart(path.read_bytes())
    path.write_bytes(forged(header | {"learner": config}, payload))
    with pytest.raises(ValueError) as caught:
        load_agent(path)
    assert str(caught.value).startswith(str(path))


@pytest.mark.parametrize(
    "init",
    [
        None,
        {"feature_dim": 3, "batch_shape": []},
        {"feature_dim": 2, "batch_shape": [4]},
        {"feature_dim": -1, "batch_shape": []},
        {"feature_dim": 2**62, "batch_shape": []},
        {"feature_dim": 2, "batch_shape": [2**62]},
        {"feature_dim": 2, "batch_shape": [-1]},
        {"feature_dim": 10**400, "batch_shape": []},
        {"feature_dim": 2},
        {"batch_shape": []},
        {"feature_dim": True, "batch_shape": []},
        {"feature_dim": 2, "batch_shape": 1},
        {"feature_dim": 2, "batch_shape": ["1"]},
        {"feature_dim": 2, "batch_shape": [1] * 5000},
        [],
        "2",
    ],
    ids=lambda init: json.dumps(init)[:40],
)
def test_sizes_that_do_not_fit_the_state_are_refused(tmp_path, init):
    learner, path = af.LinearLearner(), tmp_path / "agent.ckpt"
    save_agent(learner, learner.init(2), path)
    _, header, payload = taken_apart(path.read_bytes())
    path.write_bytes(forged(header | {"init": init}, payload))
    with pytest.raises(ValueError) as caught:
        load_agent(path)
    assert str(caught.value).startswith(str(path))


def test_a_learner_whose_class_is_not_defined_is_named(tmp_path):
    learner = MeanOfFeaturesLearner()
    save_agent(learner, learner.init(2, jax.random.key(0)), tmp_path / "own.ckpt", {"n": 3})
    program = (
        "import sys\n"
        "from alberta_framework.checkpoints import load_agent, load_checkpoint_metadata\n"
        "assert load_checkpoint_metadata(sys.argv[1]) == {'n': 3}\n"
        "try:\n    load_agent(sys.argv[1])\nexcept ValueError as error:\n    print(error)\n"
        "assert 'tests' not in sys.modules\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "own.ckpt")]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert told.startswith(str(tmp_path / "own.ckpt"))
    assert "MeanOfFeaturesLearner" in told


def test_metadata_need_no_learner_class(tmp_path):
    path = tmp_path / "agent.ckpt"
    learner = af.LinearLearner()
    save_agent(learner, learner.init(2), path, {"n": 3})
    _, header, payload = taken_apart(path.read_bytes())
    path.write_bytes(forged(header | {"learner": {"type": "NoSuchLearner"}}, payload))
    assert load_checkpoint_metadata(path) == {"n": 3}
    assert load_checkpoint(learner.init(2), path)[1] == {"n": 3}

"""Inputs added and dropped: what was learned of the others stays, leaf for leaf."""

import hashlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import alberta_framework as af
from alberta_framework.learners import initial_state
from tests.laws.test_contract import SMALL

from .learners import DIM, WITH_HEADS, assert_kept, assert_same_life, learned, numbers, saved

# Their states are of tiles, of pairs of an action and an input, of inputs with actions behind them,
# or of an environment.
REFUSED = {"HordeWithFeatures", "WithFeatures", "Life"}
REFUSED |= {"LinearSarsa", "TrueOnlineSarsa", "SwiftSarsa", "AVG"}
# It learns nothing, so nothing in its state counts inputs.
NOTHING_TO_KEEP = {"UniformAgent"}
ROWS = {name: learner for name, learner in SMALL.items() if name not in REFUSED | NOTHING_TO_KEEP}
OPTIMIZERS = [af.LMS(), af.IDBD(), af.Autostep(), af.FADE(), af.ObGD(gamma=0.9, lamda=0.8)]
ROWS |= {repr(rule): af.LinearLearner(rule, af.WelfordNormalizer()) for rule in OPTIMIZERS}
ROWS |= {name: WITH_HEADS[name] for name in ("horde-traces", "linear-horde", "off-policy-horde")}
ROWS["tdidbd"] = af.TDLinearLearner(af.AutoTDIDBD(trace_decay=0.5))
ROWS["plastic"] = af.MLPLearner((3,), af.LMS(0.1), plasticity=af.ContinualBackprop())


@pytest.mark.parametrize("name", ROWS)
def test_every_learner_keeps_what_it_learned_of_the_others(name, tmp_path):
    learner = ROWS[name]
    path, state = saved(tmp_path, learner)
    before = hashlib.sha256(path.read_bytes()).digest()
    found = af.migrate(path, tmp_path / "new.ckpt", add_inputs=["3", "4", "5"], drop_inputs=["1"])
    assert hashlib.sha256(path.read_bytes()).digest() == before
    assert_same_life(af.load_agent(path)[1], state)
    again, migrated, _ = af.load_agent(tmp_path / "new.ckpt")
    assert again.to_config() == learner.to_config()
    fresh = initial_state(learner, DIM + 2, jax.random.key(0))
    assert_kept(state, migrated, fresh, [0, 2, 3], DIM, DIM + 2)
    assert found.inputs == DIM + 2 and set(found.kept) >= set(numbers(state)) - {".life.words"}
    assert (found.new_parts, found.dropped_parts, found.settings) == ((), (), {})


@pytest.mark.parametrize("name", sorted(REFUSED - {"Life"}))
def test_a_state_whose_numbers_are_of_several_inputs_is_refused(name, tmp_path):
    path, _ = saved(tmp_path, SMALL[name], initial_state(SMALL[name], DIM, jax.random.key(0)))
    with pytest.raises(ValueError, match=r"with one more|another number of inputs"):
        af.migrate(path, tmp_path / "new.ckpt", add_inputs=["4"])
    assert not (tmp_path / "new.ckpt").exists()


def test_what_grows_by_several_numbers_for_each_input_is_named(tmp_path):
    horde = SMALL["HordeWithFeatures"]
    path, _ = saved(tmp_path, horde, initial_state(horde, DIM, jax.random.key(0)))
    with pytest.raises(ValueError, match=r"\.horde_state\.weights is float32\[1, \d+\] with 4 in"):
        af.migrate(path, tmp_path / "new.ckpt", drop_inputs=["0"])


class LeastSquaresState(af.AbstractState):
    weights: jax.Array
    covariance: jax.Array

    @property
    def feature_dim(self):
        return self.weights.shape[-1]


class LeastSquaresOfATest(af.AbstractLearner[LeastSquaresState, af.TimeStep]):
    """A learner of a user's own, with a number for each pair of inputs."""

    def init(self, feature_dim, key=None):
        return LeastSquaresState(jnp.zeros(feature_dim), 9.0 * jnp.eye(feature_dim))

    def learn(self, state, experience):
        return state, {}


def test_a_learner_of_ones_own_needs_to_say_nothing(tmp_path):
    learner = LeastSquaresOfATest()
    path, state = saved(tmp_path, learner)
    af.migrate(path, tmp_path / "new.ckpt", add_inputs=["3", "4"], drop_inputs=["0"])
    migrated = af.load_agent(tmp_path / "new.ckpt")[1]
    assert_kept(state, migrated, learner.init(DIM + 1), [1, 2, 3], DIM, DIM + 1)
    np.testing.assert_array_equal(migrated.covariance[3:], 9.0 * np.eye(DIM + 1)[3:])


@pytest.mark.parametrize("hidden", [(DIM + 1, DIM)])
def test_layers_as_wide_as_the_inputs_are_not_taken_for_them(hidden, tmp_path):
    learner = af.MLPLearner(hidden, af.Autostep(), sparsity=0.5)
    path, state = saved(tmp_path, learner)
    af.migrate(path, tmp_path / "new.ckpt", add_inputs=["4"])
    migrated = af.load_agent(tmp_path / "new.ckpt")[1]
    sizes = [weights.shape for weights in migrated.params.weights]
    assert sizes[0] == (hidden[0], DIM + 1)
    assert sizes[1:] == [weights.shape for weights in state.params.weights[1:]]


def test_one_input_among_heads_and_units_of_one(tmp_path):
    """Every size is 1."""
    learner = af.MultiHeadMLPLearner(1, (1,), af.IDBD(), sparsity=0.0)
    path, state = saved(tmp_path, learner, learned(learner, 1))
    af.migrate(path, tmp_path / "new.ckpt", add_inputs=["1"])
    _, migrated, _ = af.load_agent(tmp_path / "new.ckpt")
    assert_kept(state, migrated, initial_state(learner, 2, jax.random.key(0)), [0], 1, 2)
    assert migrated.head_params.weights.shape == (1, 1, 1)


def test_the_key_draws_the_weights_of_new_inputs_alone(tmp_path):
    learner = af.MLPLearner((3,), af.LMS(0.1), sparsity=0.0)
    path, state = saved(tmp_path, learner)
    weights = []
    for seed in (0, 1):
        to = tmp_path / f"{seed}.ckpt"
        af.migrate(path, to, add_inputs=["4", "5"], key=jax.random.key(seed))
        weights.append(np.asarray(af.load_agent(to)[1].params.weights[0]))
    old = np.asarray(state.params.weights[0])
    assert all(np.array_equal(each[:, :DIM], old) for each in weights)
    assert np.all(weights[0][:, DIM:] != weights[1][:, DIM:])
    # Those of `init`, uniform within the root of 1 / 6.
    assert np.abs(weights[0][:, DIM:]).max() <= 6**-0.5 and np.all(weights[0][:, DIM:] != 0.0)


def test_what_is_migrated_learns_on(tmp_path):
    """Old inputs and a new one: the new one is learned, and the old ones need not be again."""
    learner = af.LinearLearner(af.LMS(0.05))
    rng = np.random.default_rng(0)
    x = np.float32(rng.normal(size=(3000, 3)))
    y = x @ np.float32([1.0, -2.0, 3.0])
    state, _ = af.run_learning_loop(
        learner, af.ArrayStream(x[:, :2], y[:, None]), 3000, jax.random.key(0)
    )
    path, _ = saved(tmp_path, learner, state)
    af.migrate(path, tmp_path / "new.ckpt", add_inputs=["2"])
    _, migrated, _ = af.load_agent(tmp_path / "new.ckpt")
    assert migrated.step_count == 3000 and migrated.birth_timestamp == state.birth_timestamp
    stream = af.ArrayStream(x, y[:, None])
    after, metrics = af.run_learning_loop(
        learner, stream, 3000, jax.random.key(0), learner_state=migrated
    )
    assert np.mean(metrics[-500:, 0]) < 1e-6 < 1.0 < np.mean(metrics[:20, 0])
    assert after.step_count == 6000

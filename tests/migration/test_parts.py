"""A learner in service gets other parts, and loses none that it was not to lose."""

import jax
import numpy as np
import pytest

import alberta_framework as af

from .learners import DIM, assert_same_life, learned, numbers, saved


def network(**parts):
    parts = {"optimizer": af.LMS(0.1), "sparsity": 0.5} | parts
    return af.MLPLearner((3,), **parts)


def test_a_part_that_is_added_begins_and_all_else_goes_on(tmp_path):
    path, state = saved(tmp_path, network())
    watched = network(plasticity=af.ContinualBackprop())
    found = af.migrate(path, tmp_path / "new.ckpt", learner=watched)
    made, migrated, _ = af.load_agent(tmp_path / "new.ckpt")
    assert made.to_config() == watched.to_config()
    assert (found.new_parts, found.dropped_parts) == ((".plasticity_state",), ())
    assert list(found.settings) == ["plasticity"]
    assert_same_life(migrated.replace(plasticity_state=None), state)
    fresh = watched.init(DIM, jax.random.key(0)).plasticity_state
    assert_same_life(migrated.plasticity_state, fresh)
    x = np.ones(DIM, np.float32)
    np.testing.assert_array_equal(made.predict(migrated, x), network().predict(state, x))


def test_a_part_that_has_no_place_is_named_and_goes_when_asked(tmp_path):
    path, state = saved(tmp_path, af.LinearLearner(af.IDBD(), af.EMANormalizer()))
    other, to = af.LinearLearner(af.Autostep(), af.EMANormalizer()), tmp_path / "new.ckpt"
    with pytest.raises(ValueError, match="no place for optimizer_state of the checkpoint; name it"):
        af.migrate(path, to, learner=other)
    with pytest.raises(ValueError, match="'normalizer_state'; what would go is optimizer_state"):
        af.migrate(path, to, learner=other, drop_parts=["optimizer_state", "normalizer_state"])
    assert not to.exists()
    found = af.migrate(path, to, learner=other, drop_parts=["optimizer_state"])
    assert found.new_parts == found.dropped_parts == (".optimizer_state",)
    _, migrated, _ = af.load_agent(to)
    fresh = other.init(DIM).optimizer_state
    # Autostep's traces have the name and shape that those of IDBD had, and another meaning.
    assert_same_life(migrated, state.replace(optimizer_state=fresh))


def test_a_part_is_dropped_with_inputs_added(tmp_path):
    path, state = saved(tmp_path, af.LinearLearner(af.IDBD(), af.EMANormalizer()))
    found = af.migrate(
        path,
        tmp_path / "new.ckpt",
        learner=af.LinearLearner(af.IDBD()),
        add_inputs=["4"],
        drop_parts=["normalizer_state"],
    )
    migrated = af.load_agent(tmp_path / "new.ckpt")[1]
    assert found.dropped_parts == (".normalizer_state",) and migrated.normalizer_state is None
    np.testing.assert_array_equal(migrated.weights, [*state.weights, 0.0])


def test_numbers_of_the_learner_change_and_are_told(tmp_path):
    path, state = saved(tmp_path, network())
    found = af.migrate(path, tmp_path / "new.ckpt", learner=network(optimizer=af.LMS(0.02)))
    assert found.settings == {"optimizer.step_size": (0.1, 0.02)}
    assert_same_life(af.load_agent(tmp_path / "new.ckpt")[1], state)


@pytest.mark.parametrize(
    ("learner", "text"),
    [
        (af.MLPLearner((5,), af.LMS(0.1)), r"params\.weights\[0\] must be float32\[3, 4\]"),
        (af.LinearLearner(), "a MLPLearnerState; it has a LearnerState"),
        (af.MultiHeadMLPLearner(2, (3,), af.LMS(0.1)), "must have 1 heads"),
        (3, "`learner` must be a learner or an agent, got 3"),
    ],
    ids=["sizes", "another", "heads", "none"],
)
def test_what_is_another_learner_is_refused(learner, text, tmp_path):
    path, _ = saved(tmp_path, network())
    with pytest.raises((TypeError, ValueError), match=text):
        af.migrate(path, tmp_path / "new.ckpt", learner=learner)
    assert not (tmp_path / "new.ckpt").exists()


def test_an_agent_gets_a_part_and_an_input(tmp_path):
    def agent(**parts):
        return af.StreamQ(2, af.StreamMLP((3,), 2, sparsity=0.0), **parts)

    path, state = saved(tmp_path, agent())
    found = af.migrate(
        path,
        tmp_path / "new.ckpt",
        learner=agent(plasticity=af.PlasticityMonitor()),
        add_inputs=["4"],
    )
    assert found.dropped_parts == () and len(found.new_parts) == 1 and found.heads == 0
    migrated = numbers(af.load_agent(tmp_path / "new.ckpt")[1])
    assert learned(agent()) is not None
    for path, leaf in numbers(state).items():
        there = migrated[path]
        assert there[tuple(slice(size) for size in leaf.shape)].tobytes() == leaf.tobytes(), path

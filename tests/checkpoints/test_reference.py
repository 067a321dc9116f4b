"""States that the reference implementation saved go on in ours."""

import json
import pathlib

import jax
import numpy as np
import pytest

import alberta_framework as af

pytest.importorskip("orbax.checkpoint")
FOLDER = pathlib.Path(__file__).parents[1] / "golden" / "reference_checkpoints"
EXPECTED = json.loads((FOLDER / "expected.json").read_text())
X = np.float32([1.0, 2.0, 3.0])

LEARNERS = {
    "multi_head": (
        af.MultiHeadMLPLearner(
            2,
            (4,),
            af.Autostep(),
            bounder=af.ObGDBounding(),
            normalizer=af.EMANormalizer(predict_with="current"),
        ),
        (jax.random.key(1),),
        np.float32([0.5, -0.5]),
    ),
    "linear": (af.LinearLearner(af.IDBD(), af.WelfordNormalizer()), (), np.float32(0.5)),
}


def predicted_there(learner, state):
    """The reference's `predict` of a linear learner passes over the normalizer."""
    if isinstance(learner, af.LinearLearner):
        return np.asarray([state.weights @ X + state.bias])
    return learner.predict(state, X)


@pytest.mark.parametrize("name", LEARNERS)
def test_an_imported_state_predicts_and_learns_as_it_did_there(name):
    learner, key, target = LEARNERS[name]
    template = learner.init(3, *key)
    state, metadata = af.import_reference_checkpoint(FOLDER / name, template)
    assert metadata == {"epoch": {"multi_head": 3, "linear": 1}[name]}
    there = EXPECTED[name]
    np.testing.assert_allclose(predicted_there(learner, state), there["predict"], rtol=1e-5)
    after = learner.update(state, X, target).state
    np.testing.assert_allclose(predicted_there(learner, after), there["after"], rtol=1e-5)
    assert state.step_count == 5
    assert state.rejected_count == 0
    # float32 seconds since 1970 are 128 seconds apart.
    assert state.birth_timestamp > 1.7e9
    assert jax.tree.structure(state) == jax.tree.structure(template)


def test_the_metadata_is_read_without_a_template():
    assert af.load_checkpoint_metadata(FOLDER / "linear") == {"epoch": 1}


def test_what_does_not_fit_is_named():
    learner = af.LinearLearner(af.Autostep(), af.WelfordNormalizer())
    with pytest.raises(af.CheckpointError, match=r"linear: lacks .*optimizer_state\.step_sizes"):
        af.import_reference_checkpoint(FOLDER / "linear", learner.init(3))
    learner = af.LinearLearner(af.IDBD(), af.WelfordNormalizer())
    with pytest.raises(af.CheckpointError, match=r"at \.weights: expected \(4,\), found \(3,\)"):
        af.import_reference_checkpoint(FOLDER / "linear", learner.init(4))
    with pytest.raises(af.CheckpointError, match="not a checkpoint of the reference"):
        af.import_reference_checkpoint(FOLDER, learner.init(3))

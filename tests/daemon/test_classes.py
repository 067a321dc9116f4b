"""A daemon around a learner of classes: a probability for each class out, the number of one in."""

import numpy as np
import pytest

import alberta_framework as af
from alberta_framework.daemon import Daemon, EventProcessor

from .daemons import same_but_for_clocks
from .test_events import ask

NAMES = {"head_names": ["calm", "odd", "bad"]}
X = [0.5, -1.0]


def daemon(**options):
    return Daemon(af.SoftmaxLinearLearner(3, af.LMS(0.1), af.EMANormalizer()), 2, **options)


def test_events_are_the_updates_of_the_learner():
    ours, processor = daemon(), EventProcessor(other := daemon(**NAMES))
    assert (ours.n_heads, ours.n_targets, ours.target_names) == (3, 1, None)
    learner, state = ours.learner, ours.state
    for t, label in enumerate([0, 2, 2, 1, 0]):
        x = np.float32([t, -t])
        result = learner.update(state, x, label)
        found = ours.step(x, label)
        state = result.state
        np.testing.assert_array_equal(found.predictions, result.predictions)
        told = ask(processor, {"observation": x.tolist(), "targets": [label]})
        assert told["predictions"] == dict(
            zip(NAMES["head_names"], result.predictions.tolist(), strict=True)
        )
    same_but_for_clocks(ours.state, state)
    same_but_for_clocks(other.state, state)


@pytest.mark.parametrize("label", [3, -1, 0.5])
def test_what_is_no_class_is_rejected_and_told(label):
    ours = daemon()
    found = ask(EventProcessor(ours), {"observation": X, "targets": [label]})
    assert found["rejected"] is True and ours.state.rejected_count == 1


@pytest.mark.parametrize("targets", [None, [None]])
def test_no_label_is_predicted_only(targets):
    ours = daemon()
    event = {"observation": X, "targets": targets}
    assert ask(EventProcessor(ours), event)["rejected"] is False and ours.steps == 0
    assert ours.step(X, np.nan).rejected is False and ours.steps == 0


@pytest.mark.parametrize("targets", [[0, 1, 0], {"calm": 1}, [], 1])
def test_targets_that_are_not_one_number_are_refused(targets):
    ours = daemon(**NAMES)
    assert "targets: " in ask(EventProcessor(ours), {"observation": X, "targets": targets})["error"]
    if targets != 1:
        with pytest.raises(TypeError, match="`targets` must be 1 numbers"):
            ours.step(X, targets)
    assert ours.steps == 0


def test_a_late_label_is_learned_once():
    ours, at_once = daemon(**NAMES), daemon(**NAMES)
    processor = EventProcessor(ours)
    ask(processor, {"id": 7, "observation": X})
    assert ask(processor, {"id": 7, "targets": [1]})["step"] == 1
    again = ask(processor, {"id": 7, "targets": [1]})
    assert "targets.0: event 7 has learned it already" in again["error"]
    at_once.step(X, 1)
    same_but_for_clocks(ours.state, at_once.state)


def test_its_life_goes_on_from_a_checkpoint_and_its_report_names_the_classes(tmp_path):
    with daemon(checkpoint=tmp_path / "agent.ckpt", **NAMES) as ours:
        ours.step(X, 2)
    with daemon(checkpoint=tmp_path / "agent.ckpt") as resumed:
        assert resumed.head_names == NAMES["head_names"] and resumed.steps == 1
        assert list(resumed.report()["relevance"]["per_head"]) == NAMES["head_names"]


def test_heads_with_a_softmax_take_a_probability_for_each_class():
    learner = af.MultiHeadMLPLearner(3, (4,), af.LMS(0.1), loss="softmax", sparsity=0.5)
    ours = Daemon(learner, 2, **NAMES)
    processor = EventProcessor(ours)
    found = ask(processor, {"observation": X, "targets": {"odd": 1, "calm": 0, "bad": 0}})
    assert found["rejected"] is False and sum(found["predictions"].values()) == pytest.approx(1)
    assert ask(processor, {"observation": X, "targets": {"odd": 2}})["rejected"] is True

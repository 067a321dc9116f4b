"""A second learner that learns beside the one that answers."""

import numpy as np
import pytest

import alberta_framework as af
from alberta_framework.checkpoints import CheckpointError
from alberta_framework.daemon import Daemon, shadow_of

from . import agents
from .daemons import same_but_for_clocks, small, small_events


def saved(path, learner, dim=2, **options):
    with Daemon(learner, dim, checkpoint=path, **options) as other:
        for row in small_events(10):
            other.step(row[0][:dim], row[1])
    return other


def test_it_learns_the_same_events_and_touches_neither(tmp_path):
    path, rows = tmp_path / "other.ckpt", small_events(40, seed=5)
    other = saved(path, af.LinearLearner(af.LMS(0.05)))
    octets = path.read_bytes()
    ours, alone = small(head_names=["y"]), small()
    shadow = shadow_of(ours, path)
    ours.be_shadowed(shadow)
    for observation, target in rows:
        found = ours.step(observation, target)
        np.testing.assert_array_equal(
            found.predictions, alone.step(observation, target).predictions
        )
        ours.step(observation)
        other.step(observation, target)
    same_but_for_clocks(ours.state, alone.state)
    same_but_for_clocks(shadow.state, other.state)
    assert path.read_bytes() == octets
    report = ours.report()["shadow"]
    assert (report["learner"], report["steps"]) == ("LinearLearner", 50)
    assert report["losses"]["heads"]["0"]["latest"]["events"] == 40
    ours.be_shadowed(None)
    assert ours.report()["shadow"] is None


def test_another_is_refused_by_name(tmp_path):
    ours = small()
    other = tmp_path / "other.ckpt"
    saved(other, af.LinearLearner(), dim=1)
    with pytest.raises(CheckpointError, match="feature_dim is 1, not 2"):
        shadow_of(ours, other)
    transitions = tmp_path / "td.ckpt"
    saved(transitions, af.TDLinearLearner(), gamma=0.9)
    with pytest.raises(CheckpointError, match="learns_transitions"):
        shadow_of(ours, transitions)
    with pytest.raises(TypeError, match="only one can act"):
        shadow_of(agents.kept("Lever"), other)
    with pytest.raises(FileNotFoundError):
        shadow_of(ours, tmp_path / "missing.ckpt")

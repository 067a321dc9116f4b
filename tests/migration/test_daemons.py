"""A daemon goes on from what was migrated."""

import jax
import numpy as np
import pytest

import alberta_framework as af
from alberta_framework.daemon import Daemon, EventProcessor

from .learners import SPEC

EVENTS = np.float32(np.random.default_rng(0).normal(size=(40, 2)))
NAMES = {"feature_names": ["a", "b"]}
MANY = af.MultiHeadMLPLearner(2, (), af.LMS(0.1), normalizer=af.EMANormalizer(), sparsity=0.0)


def lived(path, learner, targets, **options):
    """Its checkpoint, and its report."""
    with Daemon(learner, 2, checkpoint=path, **NAMES | options) as daemon:
        for x in EVENTS:
            daemon.step(x, targets(x))
        return daemon.report(), daemon.last_observation


def test_losses_and_counts_of_the_heads_that_are_kept_go_on(tmp_path):
    path, to = tmp_path / "old.ckpt", tmp_path / "new.ckpt"
    before, _ = lived(path, MANY, lambda x: [x[0], x[1]], head_names=["p", "q"])
    af.migrate(path, to, add_inputs=["c"], add_heads=["r"], drop_heads=["p"])
    made, _, _ = af.load_agent(to)
    with Daemon(made, 3, checkpoint=to, feature_names=["a", "b", "c"], keep=2) as daemon:
        assert daemon.resumed and daemon.steps == 40 and daemon.head_names == ["q", "r"]
        losses = daemon.report()["losses"]["heads"]
        assert losses["q"]["all"] == before["losses"]["heads"]["q"]["all"]
        assert losses["r"]["all"]["events"] == 0
        daemon.step([1.0, 2.0, 3.0], [1.0, 2.0])
        daemon.step([1.0, 2.0, 3.0], [1.0, 2.0])
        assert daemon.report()["losses"]["heads"]["r"]["all"]["events"] == 1
        assert daemon.steps == daemon.state.step_count == 42
    told = af.load_checkpoint_metadata(to)
    assert told["migrated_from"]["name"] == "old.ckpt" and told["daemon"]["steps"] == 42
    # The old one goes on as if nothing had been.
    with Daemon(MANY, 2, checkpoint=path, **NAMES) as daemon:
        assert daemon.head_names == ["p", "q"] and daemon.steps == 40


def test_frequencies_of_classes_go_on(tmp_path):
    path, to = tmp_path / "old.ckpt", tmp_path / "new.ckpt"
    names = {"head_names": ["calm", "odd", "bad"]}
    lived(path, af.SoftmaxLinearLearner(3, af.LMS(0.1)), lambda x: int(x[0] > 0) * 2, **names)
    counts = af.load_checkpoint_metadata(path)["daemon"]["losses"]["frequencies"]
    assert counts[1] == 0 < counts[0]
    af.migrate(path, to, add_heads=["mad"], drop_heads=["odd"])
    losses = af.load_checkpoint_metadata(to)["daemon"]["losses"]
    assert losses["frequencies"] == [counts[0], counts[2], 0.0] and len(losses["loss"]) == 1
    with Daemon(af.SoftmaxLinearLearner(3, af.LMS(0.1)), 2, checkpoint=to) as daemon:
        daemon.step([1.0, 2.0], 2)
        assert daemon.report()["losses"]["heads"]["0"]["all"]["events"] == 41


@pytest.mark.parametrize("kind", ["td", "horde"])
def test_the_last_observation_is_0_in_new_inputs(kind, tmp_path):
    path, to = tmp_path / "old.ckpt", tmp_path / "new.ckpt"
    learner, options, n = {
        "td": (af.TDLinearLearner(af.TDIDBD(trace_decay=0.5)), {"gamma": 0.9}, 1),
        "horde": (af.LinearHorde(SPEC, 0.1), {}, 3),
    }[kind]
    _, last = lived(path, learner, lambda x: np.full(n, x[0]), **options)
    af.migrate(path, to, add_inputs=["c"], drop_inputs=["a"])
    with Daemon(learner, 2, checkpoint=to, **options) as daemon:
        assert daemon.feature_names == ["b", "c"]
        np.testing.assert_array_equal(daemon.last_observation, [last[1], 0.0])
        assert not daemon.step([1.0, 2.0], np.ones(n)).rejected and daemon.steps == 41


def test_an_agent_goes_on_in_its_episode(tmp_path):
    path, to = tmp_path / "old.ckpt", tmp_path / "new.ckpt"
    agent = af.StreamQ(2, af.StreamMLP((3,), 2, sparsity=0.0))
    with Daemon(agent, 2, checkpoint=path, key=jax.random.key(1), **NAMES) as daemon:
        daemon.act([0.5, 1.0])
        for x in EVENTS[:5]:
            daemon.act(x, 1.0)
        before = daemon.report()["episodes"]
    af.migrate(path, to, add_inputs=["c"])
    with Daemon(agent, 3, checkpoint=to) as daemon:
        assert daemon.feature_names == ["a", "b", "c"] and daemon.steps == 6
        assert daemon.report()["episodes"] == before
        assert daemon.act([0.5, 1.0, 2.0], 1.0).began is False


def test_what_else_a_checkpoint_tells_outlives_its_daemon(tmp_path):
    """Whoever saved it first may have said more of it."""
    learner, path = af.LinearLearner(), tmp_path / "old.ckpt"
    af.save_agent(learner, learner.init(2), path, {"site": "north"})
    for _ in range(2):
        with Daemon(learner, 2, checkpoint=path) as daemon:
            daemon.step([1.0, 2.0], 1.0)
    told = af.load_checkpoint_metadata(path)
    assert told["site"] == "north" and told["daemon"]["steps"] == 2
    daemon.save_to(tmp_path / "copy.ckpt")
    assert af.load_checkpoint_metadata(tmp_path / "copy.ckpt")["site"] == "north"


def test_labels_that_come_after_it_find_their_events(tmp_path):
    """With 0 in the new inputs, also where there are as many inputs as before."""
    path, to = tmp_path / "old.ckpt", tmp_path / "new.ckpt"
    with Daemon(MANY, 2, checkpoint=path, head_names=["p", "q"], **NAMES) as daemon:
        client = EventProcessor(daemon, client="c")
        client.process('{"id": 1, "observation": {"a": 3, "b": 5}}', 1)
        client.process('{"id": 2, "observation": {"a": 4, "b": 6}}', 2)
        client.process('{"id": 2, "targets": {"q": 1.0}}', 3)
    af.migrate(path, to, add_inputs=["c"], drop_inputs=["a"], add_heads=["r"], drop_heads=["p"])
    names = {"feature_names": ["b", "c"], "head_names": ["q", "r"]}
    made = Daemon(MANY, 2, checkpoint=to, **names)
    other = Daemon(MANY, 2, checkpoint=to, resume=True, frozen=True, **names)
    client = EventProcessor(made, client="c")
    expected = other.predict([5.0, 0.0])
    found = client.process('{"id": 1, "targets": {"q": 2.0, "r": 1.0}}', 1)["predictions"]
    np.testing.assert_array_equal([found["q"], found["r"]], expected)
    assert "learned it already" in client.process('{"id": 2, "targets": {"q": 1.0}}', 2)["error"]
    assert client.process('{"id": 2, "targets": {"r": 1.0}}', 3)["rejected"] is False
    made.close()

"""A learner whose weights have run away is told of, and can begin again from sound numbers."""

import logging

import jax
import numpy as np
import pytest

import alberta_framework as af
from alberta_framework.checkpoints import load_checkpoint_metadata
from alberta_framework.daemon import Daemon
from tests.compilations import count_compilations

from .daemons import LEARNERS, same_but_for_clocks

AFTER = 5
# Stable for features below 0.8, and for no larger ones.
STEP_SIZE = 3.0


def bare(**options):
    return Daemon(af.LinearLearner(af.LMS(STEP_SIZE)), 1, divergence_after=AFTER, **options)


def calm(ours, count=20, seed=0):
    for x in np.float32(np.random.default_rng(seed).uniform(-0.5, 0.5, (count, 1))):
        assert not ours.step(x, 2.0 * x).rejected


def run_away(ours, size=30.0, most=400):
    """Large features until the daemon notices; how many events there were."""
    before = ours.report()["divergence"]["diverged"]
    for number in range(1, most):
        ours.step([size], [1.0])
        if ours._divergence.diverged > before:
            return number
    raise AssertionError("it did not run away")


def told(ours):
    return ours.report()["divergence"]


def test_by_default_it_is_told_once(caplog):
    ours = bare()
    calm(ours)
    with caplog.at_level(logging.WARNING):
        run_away(ours)
        for _ in range(3 * AFTER):
            assert ours.step([30.0], [1.0]).rejected
    assert len(caplog.records) == 1
    said = caplog.records[0].getMessage()
    assert "LinearLearner has diverged" in said and f"{ours.steps - 3 * AFTER:,}" in said
    found = told(ours)
    assert (found["diverged"], found["restored"], found["reset"]) == (1, 0, 0)
    assert found["rejected_in_a_row"] == ours.state.rejected_in_a_row == 4 * AFTER


def test_the_newest_checkpoint_from_before_is_restored(tmp_path, caplog):
    ours = bare(checkpoint=tmp_path / "agent.ckpt", keep=3, on_divergence="restore")
    calm(ours)
    ours.save()
    sound = ours.state
    calm(ours, 1, seed=1)
    for _ in range(500):
        # Until the first that is rejected.
        if ours.step([30.0], [1.0]).rejected:
            break
    ours.save()  # of a state that has run away
    last = ours.state
    with caplog.at_level(logging.WARNING), count_compilations() as seen:
        run_away(ours)
    assert len(seen) == 0 and len(caplog.records) == 1
    assert "restored the checkpoint of event 20" in caplog.records[0].getMessage()
    after = ours.state
    np.testing.assert_array_equal(after.weights, sound.weights)
    assert after.step_count == last.step_count
    assert after.rejected_count == last.rejected_count + AFTER - 1
    assert (after.rejected_in_a_row, after.birth_timestamp) == (0, last.birth_timestamp)
    assert ours.steps == after.step_count + after.rejected_count
    assert told(ours) | {"last_at_step": 0} == {
        "on_divergence": "restore",
        "rejected_in_a_row": 0,
        "diverged": 1,
        "restored": 1,
        "reset": 0,
        "last_at_step": 0,
    }
    calm(ours)


def test_one_that_runs_away_again_gets_an_older_one_and_then_begins_anew(tmp_path):
    ours = bare(checkpoint=tmp_path / "agent.ckpt", keep=3, on_divergence="restore")
    for seed in range(2):
        calm(ours, seed=seed)
        ours.save()
    ways = []
    for _ in range(4):
        run_away(ours)
        ways.append((told(ours)["restored"], told(ours)["reset"], float(ours.state.weights[0])))
    restored, reset, weights = zip(*ways, strict=True)
    assert (restored, reset) == ((1, 2, 2, 2), (0, 0, 1, 2))
    assert weights[0] != weights[1] and weights[2] == weights[3] == 0.0
    # Once it has learned for a while, what is kept by then serves again.
    calm(ours, 10 * AFTER)
    ours.save()
    run_away(ours)
    assert told(ours)["restored"] == 3


def test_a_reset_keeps_statistics_and_counts():
    learner = af.MLPLearner((4,), af.LMS(STEP_SIZE), normalizer=af.EMANormalizer(), sparsity=0.0)
    ours = Daemon(learner, 2, on_divergence="reset", divergence_after=AFTER, key=jax.random.key(3))
    begun = ours.state
    rng = np.random.default_rng(0)
    for _ in range(2000):
        ours.step(rng.normal(size=2) + 3.0, [1e30 * rng.normal()])
        if ours._divergence.diverged:
            break
    assert told(ours)["reset"] == 1
    after = ours.state
    assert np.all(np.abs(np.asarray(after.normalizer_state.mean) - 3.0) < 2.0)
    assert after.step_count + after.rejected_count == ours.steps > AFTER
    ours_first = np.asarray(jax.tree.leaves(after.params.weights)[0])
    first = np.asarray(jax.tree.leaves(begun.params.weights)[0])
    assert not np.array_equal(ours_first, first)  # drawn anew
    assert np.abs(ours_first).max() <= 2.0


BAD = {
    "an observation": ([np.nan], [1.0]),
    "an infinite observation": ([np.inf], [1.0]),
    "a target": ([1.0], [np.inf]),
}


@pytest.mark.parametrize("row", BAD)
def test_bad_numbers_are_no_divergence_and_no_end_of_one(row):
    ours = bare(on_divergence="reset")
    calm(ours)
    for _ in range(3 * AFTER):
        assert ours.step(*BAD[row]).rejected
    assert told(ours)["rejected_in_a_row"] == 0
    for _ in range(500):
        if ours.step([30.0], [1.0]).rejected:
            break
    ours.step(*BAD[row])
    assert told(ours)["rejected_in_a_row"] == 1
    assert told(ours)["diverged"] == 0


def test_a_target_that_the_learner_does_not_allow_is_no_divergence():
    classes = Daemon(af.SoftmaxLinearLearner(3), 2, on_divergence="reset", divergence_after=2)
    heads = Daemon(
        af.MultiHeadMLPLearner(2, (), loss="logistic"), 2, on_divergence="reset", divergence_after=2
    )
    for ours, targets in ((classes, [7.0]), (heads, [0.5, 1.5])):
        for _ in range(5):
            assert ours.step([1.0, 2.0], targets).rejected
        assert told(ours)["diverged"] == told(ours)["rejected_in_a_row"] == 0


def test_a_restart_within_the_trouble_goes_on_counting(tmp_path):
    path = tmp_path / "agent.ckpt"

    def made():
        return bare(checkpoint=path, keep=2, on_divergence="restore")

    with made() as first:
        calm(first)
        first.save()
        sound = first.state
        for _ in range(500):
            if first.step([30.0], [1.0]).rejected:
                break
        first.step([30.0], [1.0])
    assert load_checkpoint_metadata(path)["daemon"]["divergence"]["rejected_in_a_row"] == 2
    second = made()
    assert run_away(second) == AFTER - 2
    np.testing.assert_array_equal(second.state.weights, sound.weights)
    assert told(second)["restored"] == 1


def test_what_falls_due_within_the_trouble_is_not_saved_over_what_is_sound(tmp_path):
    path = tmp_path / "agent.ckpt"
    ours = bare(checkpoint=path, checkpoint_every=1, on_divergence="restore")
    calm(ours)
    run_away(ours)
    assert told(ours)["restored"] == 1  # of one file that is kept
    ours.save()
    assert np.isfinite(ours.predict([0.1])).all()


def test_a_learner_of_transitions_cuts_its_traces(tmp_path):
    learner = af.TDLinearLearner(af.TDIDBD(0.5, 0.0, 0.9))
    ours = Daemon(
        learner,
        2,
        gamma=0.9,
        checkpoint=tmp_path / "agent.ckpt",
        on_divergence="restore",
        divergence_after=AFTER,
    )
    rng = np.random.default_rng(0)
    for x in rng.uniform(-0.1, 0.1, (10, 2)):
        ours.step(x, [1.0])
    ours.save()
    sound = ours.state
    for x in rng.uniform(-30.0, 30.0, (500, 2)):
        ours.step(x, [1.0])
        if ours._divergence.diverged:
            break
    assert told(ours)["restored"] == 1
    expected = learner.reset_traces(sound)
    kept = {"step_count", "rejected_count", "rejected_in_a_row"}
    now = ours.state
    same_but_for_clocks(
        now.replace(**dict.fromkeys(kept, 0)), expected.replace(**dict.fromkeys(kept, 0))
    )
    np.testing.assert_array_equal(ours.last_observation, np.float32(x))


@pytest.mark.parametrize("way", ["restore", "reset"])
def test_an_agent_begins_an_episode(way, tmp_path):
    path = tmp_path / "agent.ckpt"
    agent = af.LinearSarsa(2, step_size=30.0, gamma=0.5)
    ours = Daemon(agent, 1, checkpoint=path, on_divergence=way, divergence_after=AFTER)
    ours.act([0.01])
    ours.act([0.01], 1.0)
    ours.save()
    sound, episodes = ours.state, ours.report()["episodes"]
    for _ in range(500):
        found = ours.act([5.0], 1.0)
        if ours._divergence.diverged:
            break
    assert found.rejected and told(ours)[{"restore": "restored"}.get(way, way)] == 1
    assert not np.array_equal(ours.state.weights, np.full_like(sound.weights, np.inf))
    if way == "restore":
        np.testing.assert_array_equal(ours.state.weights, sound.weights)
    again = ours.act([0.01], 1.0)
    assert again.began and not again.rejected
    assert ours.report()["episodes"]["begun"] == episodes["begun"] + 1


@pytest.mark.parametrize("name", ["mlp", "horde"])
def test_all_that_a_recovery_needs_is_compiled_at_the_start(name, tmp_path):
    learner, length, arguments = LEARNERS[name]
    path = tmp_path / "agent.ckpt"
    ours = Daemon(
        learner, length, checkpoint=path, on_divergence="restore", divergence_after=1, **arguments
    )
    ours.save()
    before = ours._moments.now
    for way in ("restored", "reset"):
        with count_compilations() as seen:
            ours._moments.now = before._replace(steps=1, in_a_row=1)
            ours._recover_if_due()
        assert len(seen) == 0 and told(ours)[way] == 1
        path.write_bytes(b"")


WRONG = {"on_divergence": ["never", None, 1], "divergence_after": [0, 1.5, True]}


@pytest.mark.parametrize("argument", WRONG)
def test_a_wrong_argument_is_named(argument):
    for value in WRONG[argument]:
        with pytest.raises((TypeError, ValueError), match=f"`{argument}`"):
            Daemon(af.LinearLearner(), 1, **{argument: value})

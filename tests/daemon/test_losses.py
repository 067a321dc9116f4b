"""The losses in a report, beside the same reckoned event by event."""

import math

import numpy as np
import pytest

import alberta_framework as af
from alberta_framework.daemon import Daemon
from alberta_framework.daemon.losses import Losses

from .daemons import small, small_events

WINDOW = 1_000


def by_hand(rows):
    """Pairs of losses of one head: of predictions, and of the mean of the labels before."""
    seen, pairs = [], []
    for prediction, target in rows:
        if math.isnan(target):
            pairs.append(None)
            continue
        if seen:
            mean = math.fsum(seen) / len(seen)
            pairs.append(((target - prediction) ** 2, (target - mean) ** 2))
        else:
            pairs.append(None)
        seen.append(target)
    return pairs


def same(found, pairs):
    pairs = [pair for pair in pairs if pair is not None]
    assert found["events"] == len(pairs)
    if not pairs:
        assert found["loss"] is found["loss_of_mean"] is found["skill"] is None
        return
    loss, of_mean = (sum(part) / len(pairs) for part in zip(*pairs, strict=True))
    np.testing.assert_allclose(found["loss"], loss, rtol=1e-9)
    np.testing.assert_allclose(found["loss_of_mean"], of_mean, rtol=1e-6)
    np.testing.assert_allclose(found["skill"], 1.0 - loss / of_mean, atol=1e-6)


@pytest.mark.parametrize("count", [0, 1, 2, 999, 1000, 1001, 2500])
def test_they_are_those_of_each_event(count):
    rng = np.random.default_rng(count)
    losses = Losses(2, classes=False)
    rows = np.float32(rng.normal(size=(count, 2, 2)) + np.array([0.0, 1e4]))  # labels far from 0
    rows[rng.random((count, 2)) < 0.2, 1] = np.nan
    for number, row in enumerate(rows):
        losses.add(row[:, 0], row[:, 1])
        if number == 700:
            losses.to_dict(None)  # asking changes nothing
    found = losses.to_dict(["a", "b"])["heads"]
    assert list(found) == ["a", "b"]
    for head, name in enumerate(found):
        pairs = by_hand([(float(p), float(t)) for p, t in rows[:, head]])
        same(found[name]["all"], pairs)
        same(found[name]["latest"], pairs[-WINDOW:])


def test_of_classes_they_are_log_losses():
    rng = np.random.default_rng(0)
    losses, seen, ours, base = Losses(3, classes=True), np.ones(3), [], []
    for _ in range(1500):
        predicted = np.float32(rng.dirichlet(np.ones(3)))
        label = int(rng.choice(3, p=[0.7, 0.2, 0.1]))
        losses.add(predicted, np.float32([label]))
        ours.append(-math.log(max(float(predicted[label]), 1e-7)))
        base.append(-math.log(seen[label] / seen.sum()))
        seen[label] += 1
    found = losses.to_dict(["x", "y", "z"])
    assert found["kind"] == "log loss"
    whole = found["heads"]["0"]["all"]
    np.testing.assert_allclose(
        [whole["loss"], whole["loss_of_mean"]], [np.mean(ours), np.mean(base)]
    )


def test_a_daemon_reports_what_it_answered_and_goes_on_after_a_restart(tmp_path):
    path, rows = tmp_path / "agent.ckpt", small_events(60)
    answers = []
    for part in (rows[:25], rows[25:]):
        with small(checkpoint=path, head_names=["y"]) as ours:
            for observation, target in part:
                answers.append((ours.step(observation, target).predictions.item(), target.item()))
            ours.step(observation * np.nan, target)  # rejected, and in no loss
            ours.step(observation)
            found = ours.report()
    pairs = by_hand(answers)
    same(found["losses"]["heads"]["y"]["all"], pairs)
    assert found["losses"]["heads"]["y"]["latest"]["events"] == 35
    assert found["losses"]["heads"]["y"]["latest"]["skill"] > 0.3
    assert found["rejected_events"] == 2 and found["share_rejected"] == 2 / 62


def test_what_predicts_no_target_has_none_and_what_is_wide_keeps_fewer():
    td = Daemon(af.TDLinearLearner(), 2, gamma=0.9)
    td.step([1.0, 2.0], [1.0])
    assert td.report()["losses"] is None
    wide = Losses(1 << 15, classes=False)
    assert wide.window == 32
    wide.add(np.zeros(1 << 15), np.zeros(1 << 15))

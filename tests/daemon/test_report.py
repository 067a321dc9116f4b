"""A report is JSON at every moment, and tells what happened."""

import json

import numpy as np
import pytest

from .daemons import LEARNERS, daemon, events, small, small_events


def strict(report):
    """Through JSON and back; NaN and infinity are no JSON."""
    return json.loads(json.dumps(report, allow_nan=False))


@pytest.mark.parametrize("name", LEARNERS)
def test_a_report_is_json_at_every_moment(name):
    ours = daemon(name)
    first = strict(ours.report())
    assert (first["step_count"], first["rejected_count"]) == (0, 0)
    rows = events(name, 12)
    for observation, targets, ended in rows:
        ours.step(observation, targets, ended)
    ours.step(rows[0][0] * np.nan, rows[0][1])
    ours.step(rows[0][0], rows[0][1] * np.inf)
    before = ours.state
    found = strict(ours.report())
    assert first.keys() == found.keys()
    assert found["learner"] == type(LEARNERS[name][0]).__name__
    assert found["steps"] == ours.steps == 14
    assert found["step_count"] == before.step_count
    assert found["rejected_count"] == before.rejected_count
    assert 0 <= found["uptime_s"] <= found["age_s"] + 1e-3
    latency = found["latency"]
    assert 0 < latency["median_us"] <= latency["p90_us"] <= latency["p99_us"] <= latency["max_us"]


@pytest.mark.parametrize("name", LEARNERS)
def test_reporting_changes_nothing(name):
    ours, other = daemon(name), daemon(name)
    for number, (observation, targets, ended) in enumerate(events(name, 10)):
        if number in (0, 5):
            ours.report()
        found = ours.step(observation, targets, ended)
        expected = other.step(observation, targets, ended)
        np.testing.assert_array_equal(found.predictions, expected.predictions)


def test_names_appear_in_the_relevance():
    learner_daemon = daemon(
        "multi-head", feature_names=list("abcde"), head_names=["login", "attack", "class"]
    )
    relevance = strict(learner_daemon.report())["relevance"]
    assert list(relevance["per_head"]) == ["login", "attack", "class"]
    weights = relevance["per_head"]["attack"]["weight_relevance"]
    assert list(weights) == list("abcde")


def test_the_relevance_of_a_linear_learner_follows_its_weights():
    ours = small(feature_names=["large", "nothing"])
    rng = np.random.default_rng(0)
    for _ in range(300):
        x = np.float32(rng.normal(size=2))
        ours.step(x, 5 * x[:1])
    text = json.dumps(ours.report()["relevance"])
    found = json.loads(text)
    weights = found.get("weight_relevance", found)
    assert weights["large"] > 10 * weights["nothing"] >= 0


def test_latencies_count_the_steps():
    ours = small()
    counts = [ours.report()["latency"]["count"]]
    for observation, target in small_events(7):
        ours.step(observation, target)
    counts.append(ours.report()["latency"]["count"])
    assert counts == [0, 7]
    for observation, _ in small_events(3):
        ours.step(observation)
    ours.step([np.nan, 1.0])
    found = ours.report(brief=True)
    assert found["latency"]["count"] == 7
    assert found["predict_latency"]["count"] == found["events_without_label"] == 4
    assert found["events_without_label_rejected"] == 1
    assert "relevance" not in found
    assert ours.report()["checkpoint"]["path"] is None
    assert ours.report()["checkpoint"]["failed_saves"] == 0

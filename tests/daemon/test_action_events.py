"""Lines of JSON for an agent: observations and rewards in, actions out."""

import json
import re

import numpy as np
import pytest

from alberta_framework.daemon import ActionEventSchema, EventProcessor

from .agents import DIM, daemon, events, same_life
from .test_events import ask, strict

NAMES = list("abcd")


@pytest.fixture(scope="module")
def ours():
    return daemon("StreamQ", feature_names=NAMES)


def line_of(row):
    observation, reward, terminated, truncated = row
    event = {"observation": [float(x) for x in observation]}
    if reward is not None:
        event |= {"reward": reward, "terminated": terminated, "truncated": truncated}
    return event


@pytest.mark.parametrize("name", ["StreamQ", "AVG", "Lever"])
def test_lines_are_the_events_they_describe(name):
    processor, other = EventProcessor(daemon(name)), daemon(name)
    for number, row in enumerate(events(25), 1):
        found = ask(processor, line_of(row) | {"id": f"e{number}"}, number)
        expected = other.act(*row)
        action = expected.action
        metrics = {key: np.asarray(value).tolist() for key, value in expected.metrics.items()}
        assert found == {
            "id": f"e{number}",
            "step": number,
            "action": action if isinstance(action, int) else action.tolist(),
            "rejected": False,
            "began": row[1] is None,
            "metrics": metrics,
        }
        assert "error" not in found
    same_life(processor.daemon.state, other.state)


def test_names_lists_and_nulls_mean_what_they_say(ours):
    processor = EventProcessor(ours)
    named = {"d": 4, "c": 3.0, "b": 2, "a": 1}
    for first in ({"observation": [1, 2, 3, 4]}, {"observation": named, "reward": None}):
        assert ask(processor, first)["began"]
        assert not ask(processor, {"observation": named, "reward": 1})["began"]
    last = {"observation": named, "reward": -0.5, "truncated": True}
    assert not ask(processor, last)["began"]
    assert ask(processor, {"observation": named, "reward": 1})["began"]


def test_to_ask_what_it_would_do(ours):
    processor, before, steps = EventProcessor(ours), ours.state, ours.steps
    found = ask(processor, {"id": 3, "observation": [1, 2, 3, 4], "learn": False})
    assert found.keys() == {"id", "step", "action", "rejected", "began", "metrics"}
    assert (found["step"], found["rejected"], found["began"]) == (steps, False, False)
    assert found["action"] == ours.act([1, 2, 3, 4], learn=False).action
    same_life(ours.state, before)


@pytest.mark.parametrize("token", ["NaN", "Infinity", "-1e400", "1e39"])
def test_what_is_no_number_is_rejected_in_strict_json(ours, token):
    processor = EventProcessor(ours)
    ask(processor, {"observation": [1, 2, 3, 4]})
    for line, field in (
        (f'{{"observation": [1, {token}, 3, 4], "reward": 1}}', "observation.b"),
        (f'{{"observation": [1, 2, 3, 4], "reward": {token}}}', "reward"),
        (f'{{"observation": [1, 2, 3, {token}]}}', "observation.d"),
        (f'{{"observation": [1, 2, 3, {token}], "learn": false}}', "observation.d"),
    ):
        found = strict(processor.answer(line, 1))
        assert found["rejected"] and found["action"] in (0, 1), line
        assert found["reason"] == f"{field}: is no finite number of float32"
        assert all(value is None for value in found["metrics"].values())


# Lines that are no events of an agent with the features a to d, and the field at fault.
BAD_LINES = {
    "no JSON": ("hello", "line"),
    "nothing": ("{}", "observation"),
    "a reward alone": ('{"reward": 1}', "observation"),
    "null observation": ('{"observation": null, "reward": 1}', "observation"),
    "a short list": ('{"observation": [1], "reward": 1}', "observation"),
    "null in a list": ('{"observation": [1, 2, 3, null]}', r"observation\.d|observation\.3"),
    "a missing name": ('{"observation": {"a": 1}}', r"observation\.b"),
    "targets": ('{"observation": [1, 2, 3, 4], "targets": [1]}', "targets"),
    "a reward as text": ('{"observation": [1, 2, 3, 4], "reward": "1"}', "reward"),
    "a reward as flag": ('{"observation": [1, 2, 3, 4], "reward": true}', "reward"),
    "a reward as list": ('{"observation": [1, 2, 3, 4], "reward": [1]}', "reward"),
    "a long reward": ('{"observation": [1, 2, 3, 4], "reward": 16777217}', "reward"),
    "an end as number": (
        '{"observation": [1, 2, 3, 4], "reward": 1, "terminated": 1}',
        "terminated",
    ),
    "a cut as null": (
        '{"observation": [1, 2, 3, 4], "reward": 1, "truncated": null}',
        "truncated",
    ),
    "an end of nothing": ('{"observation": [1, 2, 3, 4], "terminated": true}', "reward"),
    "a cut of nothing": ('{"observation": [1, 2, 3, 4], "truncated": true}', "reward"),
    "learn as text": ('{"observation": [1, 2, 3, 4], "learn": "no"}', "learn"),
    "a reward to ask with": (
        '{"observation": [1, 2, 3, 4], "reward": 1, "learn": false}',
        "reward",
    ),
    "an id that is no number": ('{"id": NaN, "observation": [1, 2, 3, 4]}', "id"),
}


@pytest.mark.parametrize("row", BAD_LINES)
def test_a_bad_line_names_the_field_and_changes_nothing(row, ours):
    line, field = BAD_LINES[row]
    processor, before, report = EventProcessor(ours), ours.state, ours.report()["episodes"]
    steps = ours.steps
    found = strict(processor.answer(line, 42))
    assert found.keys() == {"id", "line", "error"} and found["line"] == 42
    assert re.match(rf"'?({field})'?:", found["error"]), found["error"]
    assert ours.steps == steps and ours.report()["episodes"] == report
    same_life(ours.state, before)


def test_an_id_comes_back_with_what_is_wrong(ours):
    processor = EventProcessor(ours)
    assert ask(processor, {"id": [1, "a"], "observation": [1]})["id"] == [1, "a"]
    assert ask(processor, {"id": [1, "a"], "observation": [1, 2, 3, 4]})["id"] == [1, "a"]


def test_a_schema_can_be_used_alone():
    schema = ActionEventSchema(DIM, NAMES)
    event = schema.parsed(json.dumps({"observation": dict.fromkeys("abcd", 2), "reward": 3}))
    assert (event.reward, event.terminated, event.truncated, event.learn) == (
        3.0,
        False,
        False,
        True,
    )
    np.testing.assert_array_equal(event.observation, np.full(DIM, 2.0))

"""A bad line is answered with what is wrong with it, and changes nothing."""

import re

import pytest

from alberta_framework.daemon import EventProcessor

from .bad_lines import BAD_LINES
from .daemons import same_but_for_clocks, small
from .test_events import ask, strict

LONGEST_ERROR = 400  # an error quotes a line, and is not as long as it


@pytest.fixture(scope="module")
def ours():
    return small(feature_names=["a", "b"], head_names=["y"])


@pytest.mark.parametrize("row", BAD_LINES)
def test_a_bad_line_names_the_field(row, ours):
    line, field = BAD_LINES[row]
    processor = EventProcessor(ours)
    ask(processor, {"id": 5, "observation": [1, 2], "targets": [1]})
    before, steps = ours.state, ours.steps
    found = strict(processor.answer(line, 42))
    assert found.keys() == {"id", "line", "error"} and found["line"] == 42
    assert re.search(rf"(?<!\w)({field})(?!\w)", found["error"]), found["error"]
    assert len(found["error"]) < LONGEST_ERROR and "Traceback" not in found["error"]
    assert ours.steps == steps
    same_but_for_clocks(ours.state, before)
    assert ask(processor, {"observation": [1, 2], "targets": [1]})["step"] == steps + 1


TWICE = {
    "at the front": ('{"id": 7, "observation": [1, 2], "observation": [1, 2]}', 7),
    "at the end": ('{"targets": [1], "targets": [1], "id": "x"}', "x"),
    "of a field": ('{"observation": {"id": 3, "a": 1, "a": 2}, "id": 4}', 4),
    "of a field alone": ('{"observation": {"id": 3, "a": 1, "a": 2}}', None),
    "none": ('{"observation": [1, 2], "observation": [1, 2]}', None),
    "no number": ('{"id": NaN, "targets": [1], "targets": [1]}', None),
    "no text": ('{"id": 7, "targets": ["\ud800"], "targets": [1]}', None),
}


@pytest.mark.parametrize("where", TWICE)
@pytest.mark.parametrize("as_bytes", [True, False])
def test_a_line_with_a_field_twice_is_answered_with_its_id(where, as_bytes, ours):
    line, event_id = TWICE[where]
    given = line.encode("utf-8", "surrogatepass") if as_bytes else line
    found = strict(EventProcessor(ours).answer(given, 1))
    assert found["id"] == event_id
    if not (as_bytes and where == "no text"):
        assert "stands twice" in found["error"]


def test_a_bad_line_is_not_remembered(ours):
    """A label for an observation that was refused finds none."""
    processor = EventProcessor(ours)
    assert "error" in ask(processor, {"id": "bad", "observation": [1, 2], "targets": ["x"]})
    assert "error" in ask(processor, {"id": "bad", "targets": [1]})


def test_without_names_an_object_is_told_to_be_a_list():
    processor = EventProcessor(small())
    found = ask(processor, {"observation": {"a": 1, "b": 2}}, 3)
    assert "observation" in found["error"] and found["line"] == 3


@pytest.mark.parametrize("size", [10_000, 3_000_000])
def test_long_lines_are_answered(size, ours):
    processor, steps = EventProcessor(ours), ours.steps
    for line in ("x" * size, '{"id": "' + "x" * size + '"}', "[" + "1," * size + "1]"):
        found = strict(processor.answer(line, 1))
        assert len(found["error"]) < LONGEST_ERROR
    assert ours.steps == steps

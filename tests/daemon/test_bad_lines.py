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

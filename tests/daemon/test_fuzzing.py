"""Arbitrary lines: always one line of strict JSON, never an exception, no change on an error."""

import json

import hypothesis.strategies as st
import numpy as np
from hypothesis import example, given, settings

from alberta_framework.daemon import EventProcessor
from tests.trees import once_more_rejected

from .daemons import same_but_for_clocks, small
from .test_events import strict

EXAMPLES = 150
PROCESSOR = None

numbers = st.one_of(
    st.integers(), st.floats(), st.floats(width=32), st.integers(-(2**80), 2**80), st.booleans()
)
scalars = st.one_of(st.none(), numbers, st.text(max_size=8))
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=4), inner, max_size=4)
    ),
    max_leaves=12,
)
rows = st.one_of(
    st.lists(numbers, min_size=2, max_size=2),
    st.fixed_dictionaries({"a": numbers, "b": numbers}),
    st.dictionaries(st.sampled_from(["a", "b", "y", "z"]), scalars, max_size=3),
    st.lists(scalars, max_size=3),
    values,
)
events = st.fixed_dictionaries(
    {},
    optional={
        "id": st.one_of(st.integers(0, 3), values),
        "observation": rows,
        "targets": rows,
        "terminated": st.one_of(st.booleans(), values),
        "other": values,
    },
)
tokens = st.lists(
    st.sampled_from(
        [
            *'{}[],:"0123456789.-+eE \t\\',
            *('"observation"', '"targets"', '"id"', '"terminated"', '"a"', '"y"'),
            *("true", "false", "null", "NaN", "Infinity", "-Infinity", "1e400", "\\ud800", "\x00"),
        ]
    ),
    max_size=30,
).map("".join)


def processor():
    """One for all examples: what a line leaves behind meets the lines after it."""
    global PROCESSOR
    if PROCESSOR is None:
        daemon = small(feature_names=["a", "b"], head_names=["y"])
        PROCESSOR = daemon, EventProcessor(daemon, label_window=5)
    return PROCESSOR


def check(line):
    daemon, ours = processor()
    before, steps = daemon.state, daemon.steps
    found = strict(ours.answer(line, 3))
    after = daemon.state
    learned = after.step_count - before.step_count
    rejected = after.rejected_count - before.rejected_count
    if "error" in found:
        assert found.keys() == {"id", "line", "error"} and found["line"] == 3
        assert type(found["error"]) is str and found["error"]
        assert (daemon.steps, learned, rejected) == (steps, 0, 0)
        same_but_for_clocks(after, before)
    else:
        reason = {"reason"} if found["rejected"] else set()
        assert found.keys() == {"id", "step", "predictions", "rejected"} | reason
        assert found["step"] == daemon.steps == steps + learned + rejected
        # An event that is only predicted counts nowhere; it is rejected if it cannot be predicted.
        unsound = None in found["predictions"].values()
        assert found["rejected"] is (rejected == 1 or (not learned and unsound))
        if not learned:
            same_but_for_clocks(after, once_more_rejected(before) if rejected else before)
    assert all(np.all(np.isfinite(leaf)) for leaf in (after.weights, after.bias))


@settings(max_examples=EXAMPLES)
@given(st.text())
@example("\ud800")
@example("\x00")
@example("\ufeff{}")
def test_any_text(line):
    check(line)


@settings(max_examples=EXAMPLES)
@given(st.binary())
@example(b"\xef\xbb\xbf{}")
def test_any_bytes(line):
    check(line)


@settings(max_examples=EXAMPLES)
@given(values)
def test_any_json(value):
    check(json.dumps(value))


@settings(max_examples=3 * EXAMPLES)
@given(events, st.booleans())
@example({"observation": [0, 1.8446743523953738e19]}, False)
@example({"observation": [0, 1e300]}, False)
@example({"observation": {"a": 1e300, "b": 0}, "targets": {"y": None}}, False)
@example({"observation": [0, 1e300], "targets": {"y": 1.0}}, False)
def test_almost_events(event, ascii_only):
    line = json.dumps(event, ensure_ascii=ascii_only)
    check(line)
    check(line.encode("utf-8", "surrogatepass"))


@settings(max_examples=EXAMPLES)
@given(tokens)
def test_tokens_of_events(line):
    check(line)


@settings(max_examples=EXAMPLES)
@given(st.data())
def test_events_with_a_byte_changed(data):
    event = {"id": 1, "observation": {"a": 0.5, "b": -3e2}, "targets": {"y": 1}, "terminated": True}
    line = bytearray(json.dumps(event).encode())
    at = data.draw(st.integers(0, len(line) - 1))
    line[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    check(bytes(line))

"""Files of events are read row by row, and what is wrong with one is told of that one."""

import csv
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alberta_framework.fitting.event_file import EventFile
from alberta_framework.fitting.field_kinds import Seen, kind_of

CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=12)
MISSING = ("", "NA", "n/a", "NaN", "null", "None", "?", "-", " ")


def rows(path):
    return list(EventFile(path).rows())


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=6), st.sampled_from(",;\t|"))
def test_a_table_is_read_as_it_was_written(tmp_path_factory, cells, delimiter):
    path = tmp_path_factory.mktemp("table") / "table.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter=delimiter, quoting=csv.QUOTE_ALL)
        # Enough of a table for the delimiter to be found in.
        writer.writerows([["a", "b"], *[("1", "2")] * 3, *cells])
    found = rows(path)[3:]
    missing = {text.lower() for text in MISSING}
    expected = [
        {
            name: None if cell.strip().lower() in missing else cell.strip()
            for name, cell in zip("ab", pair, strict=True)
        }
        for pair in cells
    ]
    assert [row.event for row in found] == expected


def test_lines_of_json_keep_the_kinds_of_their_values(tmp_path):
    path = tmp_path / "events.jsonl"
    events = [{"a": 1, "b": True}, {"a": None, "c": "x"}, {"a": 2.5}]
    path.write_text("\n\n".join(map(json.dumps, events)) + "\n[1]\n{broken\n")
    found = rows(path)
    assert [row.event for row in found] == [*events, None, None]
    assert [row.line for row in found] == [1, 3, 5, 6, 7]
    assert found[3].problem == "is no JSON object" and "is no JSON:" in found[4].problem


@pytest.mark.parametrize("cell", MISSING)
def test_cells_that_are_missing(cell, tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(f"a,b\n{cell},1\n")
    assert rows(path)[0].event == {"a": None, "b": "1"}


def test_a_row_of_another_length_is_told_and_the_next_one_is_read(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("\ufeffa,b\n1,2\n1,2,3\n\n4,5\n", encoding="utf-8")
    first, wrong, last = rows(path)
    assert (first.event, last.event) == ({"a": "1", "b": "2"}, {"a": "4", "b": "5"})
    assert wrong.event is None and wrong.problem == "has 3 cells, and the header 2"
    assert (wrong.line, last.line) == (3, 5)


@pytest.mark.parametrize(("text", "told"), [("", "has no header"), ("a,a\n1,2\n", "'a' is there")])
def test_a_header_that_is_none(text, told, tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(text)
    with pytest.raises(ValueError, match=told):
        EventFile(path)


KINDS = {
    "NumberField": (["1", "2.5", "-3e4"], {}),
    "BooleanField": (["true", "False", "TRUE"], {}),
    "TimestampField": (["2024-01-01", "2024-01-01 12:30", "2024-01-02T00:00:00+02:00"], {}),
    "CategoryField": (["red", "1", "blue"], {}),
}


@pytest.mark.parametrize("kind", KINDS)
def test_kinds_of_fields(kind):
    values, told = KINDS[kind]
    seen = Seen()
    for value in values:
        seen.add(value)
    for rows, missing in ((3, False), (4, True)):
        found = kind_of("x", seen, rows, **told).field
        assert (type(found).__name__, found.name, found.missing) == (kind, "x", missing)


def test_numbers_may_be_categories_or_times():
    seen = Seen()
    for value in (7, 9, 7):
        seen.add(value)
    category = kind_of("x", seen, 3, category=True).field
    assert type(category).__name__ == "CategoryField" and category.capacity == 2
    assert type(kind_of("x", seen, 3, time=True).field).__name__ == "TimestampField"


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ([None, None], "never there"),
        ([[1], [2]], "lists or objects"),
        ([f"id {i}" for i in range(200)], "hardly ever the same"),
    ],
)
def test_fields_from_which_nothing_is_learned(values, why):
    seen = Seen()
    for value in values:
        seen.add(value)
    kind = kind_of("x", seen, len(values))
    assert kind.field is None and why in kind.why


def test_many_categories_share_hashed_inputs():
    seen = Seen()
    for i in range(400):
        seen.add(f"city {i % 40}")
    field = kind_of("x", seen, 400).field
    assert (field.capacity, field.hashed) == (32, 8)

"""Files of events are read row by row, and what is wrong with one is told of that one."""

import csv
import json
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alberta_framework.fitting.event_file import EventFile
from alberta_framework.fitting.field_kinds import Seen, kind_of, kinds_of

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
    seen = written(*values)
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


ROW = "1,2,3"


@pytest.mark.parametrize("stray", ['x,"5 inch,3', '"5 inch,2,3', '1,2,"5 inch', 'x,"5" inch,3'])
@pytest.mark.parametrize("times", [1, 2])
def test_a_quote_that_is_not_closed_takes_no_other_row_away(stray, times, tmp_path):
    path = tmp_path / "a.csv"
    between = [ROW] * 30
    path.write_text("\n".join(["a,b,c", *between, *[stray, *between] * times]) + "\n")
    found = rows(path)
    assert len([row for row in found if row.event is not None]) == 30 * (times + 1)
    wrong = [row for row in found if row.event is None]
    assert [row.line for row in wrong] == [32 + 31 * i for i in range(times)]
    assert [row.line for row in found] == list(range(2, len(found) + 2))


def test_a_quoted_cell_may_go_over_lines(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b'a,b\r\n1,"two\r\nlines"\r\n2,"a ""quoted"" one"\r\n')
    first, second = rows(path)
    assert first.event == {"a": "1", "b": "two\nlines"} and first.line == 2
    assert second.event == {"a": "2", "b": 'a "quoted" one'} and second.line == 4


def test_line_ends_of_any_kind(tmp_path):
    for ends in ("\n", "\r\n", "\r"):
        path = tmp_path / "a.csv"
        path.write_bytes(ends.join(["a,b", "1,2", "3,4"]).encode())
        assert [row.event for row in rows(path)] == [{"a": "1", "b": "2"}, {"a": "3", "b": "4"}]


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16"])
@pytest.mark.parametrize("name", ["a.csv", "a.jsonl"])
def test_a_file_of_another_encoding_is_refused(name, encoding, tmp_path):
    path = tmp_path / name
    path.write_text('größe,b\n1,2\n{"größe": 1}\n', encoding=encoding)
    with pytest.raises(ValueError, match="is no text of UTF-8"):
        rows(path)


def test_one_that_is_only_later_of_another_encoding_too(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b"a,b\n" + b"1,2\n" * 40_000 + "ö,1\n".encode("latin-1"))
    with pytest.raises(ValueError, match="is no text of UTF-8"):
        rows(path)


def test_a_pipe_is_refused(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with pytest.raises(ValueError, match="can be read twice"):
        EventFile(path)


def written(*values):
    seen = Seen(written=True)
    for value in values:
        seen.add(value)
    return seen


def test_one_mistake_among_numbers_leaves_them_numbers():
    seen = written(*map(str, range(50)), "error")
    kind = kind_of("x", seen, 51)
    assert type(kind.field).__name__ == "NumberField"
    assert kind.cell("7") == 7.0 and kind.cell("error") == "error"


def test_texts_of_a_table_are_the_values_that_an_event_would_have():
    category = kind_of("zip", written("80331", "01067", "80331", "x"), 4, category=True)
    assert [category.cell(text) for text in ("80331", "01067", "-3", "+3", "x")] == [
        80331,
        "01067",
        -3,
        "+3",
        "x",
    ]
    truth = kind_of("ok", written("true", "False"), 2)
    assert truth.cell("False") is False


def test_texts_of_json_are_texts():
    seen = Seen()
    for value in ("0.1", "0.2", "0.1"):
        seen.add(value)
    assert type(kind_of("x", seen, 3).field).__name__ == "CategoryField"


def test_integers_that_float32_cannot_hold_are_rounded():
    for value, rounded in ((2**24, False), (2**24 + 1, True), (16777217.0, False)):
        seen = Seen()
        seen.add(value)
        assert kind_of("x", seen, 1).field.rounded is rounded
    assert kind_of("x", written("1700000001"), 1).field.rounded


def test_a_column_with_the_name_of_another_ones_input():
    kinds = kinds_of({"a": written("1", None), "a.missing": written("0", "1")}, 2, (), ())
    assert [kind.field.missing for kind in kinds] == [False, False]

"""Time series in CSV files: what is read, and what is refused by its line."""

import numpy as np
import pytest

import alberta_framework as af


def written(path, text):
    path.write_text(text, "utf-8")
    return path


@pytest.mark.parametrize(
    ("header", "cells"),
    [
        ("time,a,b", ("0", "1.5", "4")),
        ("a,Timestamp,b", ("100", "101.5", "104")),
        ("a,date,b", ("2024-01-01", "2024-01-01T00:00:01.5", "2024-01-01T00:00:04Z")),
        ("hours,a,b", ("7", "8.5", "11")),  # the first column, where none is called a time
    ],
)
def test_a_time_column_and_signals(tmp_path, header, cells):
    names = header.split(",")
    place = 0 if names[0] in ("time", "hours") else 1
    lines = [header]
    for k, cell in enumerate(cells):
        others = [str(k), "" if k == 1 else f"{-k - 1}.25"]
        lines.append(",".join([*others[:place], cell, *others[place:]]))
    record = af.load_series(written(tmp_path / "x.csv", "\ufeff" + "\n".join(lines) + "\n\n"))
    assert record.names == ("a", "b")
    np.testing.assert_allclose(record.times, [0, 1.5, 4])
    np.testing.assert_array_equal(record.values, np.float32([[0, -1.25], [1, np.nan], [2, -3.25]]))
    assert record.dt == 2.0


def test_another_column_may_be_the_time(tmp_path):
    path = written(tmp_path / "x.csv", "time,clock\n5,0\n3,1\n")
    record = af.load_series(path, "clock")
    assert record.names == ("time",) and record.dt == 1.0
    with pytest.raises(ValueError, match="no column is called 'when'"):
        af.load_series(path, "when")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "holds no header"),
        ("time\n1\n2\n", "at least one signal"),
        ("time,a,a\n1,1,1\n2,1,1\n", "each once"),
        ("time,a\n1,2\n", "at least two rows, got 1"),
        ("time,a\n1,2\n2,x\n", "line 3: column 'a' must hold numbers, got 'x'"),
        ("time,a\n1,2\n2,inf\n", "line 3: column 'a' must be finite, got 'inf'"),
        ("time,a\n1,2\n2,1,1\n", "line 3: must have 2 cells, got 3"),
        ("time,a\n1,2\n1,2\n", "line 3: 'time' must grow"),
        (
            "time,a\nmonday,2\n1,2\n",
            "line 2: the time 'time' must be a number of seconds or a date",
        ),
        ("time,a\nnan,2\n1,2\n", "line 2: the time 'time' must be finite"),
        ("time,a\n1,\n2,\n", "column 'a' is empty"),
    ],
)
def test_what_is_no_series_is_refused_by_its_line(tmp_path, text, message):
    with pytest.raises(ValueError, match=message):
        af.load_series(written(tmp_path / "x.csv", text))

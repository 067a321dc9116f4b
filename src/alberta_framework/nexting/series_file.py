"""A time series in a file of comma-separated values."""

import csv
import datetime
import math
import os
from pathlib import Path

import numpy as np

from .system_stream import SignalRecord

_TIME_NAMES = ("time", "timestamp", "date", "datetime", "t", "seconds")


def load_series(path: str | os.PathLike, time_column: str | None = None) -> SignalRecord:
    """The columns of a CSV file with a header as signals; empty cells are missing, NaN.

    **Arguments:** `time_column`: by default the one called time, timestamp, date, datetime, t or
    seconds, in letters of any case, else the first. It holds numbers, in seconds, or dates as
    ISO 8601 writes them, and grows from row to row. All other columns hold numbers.

    **Raises:** `ValueError` naming line and column of what is none of these; `OSError` if the file
    cannot be read.
    """
    where = os.fspath(path)
    with Path(path).open(newline="", encoding="utf-8-sig") as file:
        try:
            header, *rows = csv.reader(file)
        except ValueError:
            raise ValueError(f"{where}: holds no header.") from None
        except csv.Error as error:
            raise ValueError(f"{where}: {error}.") from error
    names = [name.strip() for name in header]
    if len(set(names)) < len(names) or "" in names or len(names) < 2:
        raise ValueError(
            f"{where}: the header must name a time and at least one signal, each once, got {names}."
        )
    place = _time_place(where, names, time_column)
    lines = [(line, row) for line, row in enumerate(rows, 2) if row]
    if len(lines) < 2:
        raise ValueError(f"{where}: must hold at least two rows, got {len(lines)}.")
    times, values = np.empty(len(lines)), np.empty((len(lines), len(names) - 1), np.float32)
    for k, (line, row) in enumerate(lines):
        if len(row) != len(names):
            raise ValueError(f"{where}, line {line}: must have {len(names)} cells, got {len(row)}.")
        times[k] = _seconds(where, line, names[place], row[place])
        if k and not times[k] > times[k - 1]:
            raise ValueError(f"{where}, line {line}: {names[place]!r} must grow from row to row.")
        cells = [
            (name, cell)
            for i, (name, cell) in enumerate(zip(names, row, strict=True))
            if i != place
        ]
        values[k] = [_number(where, line, name, cell) for name, cell in cells]
    signals = tuple(name for i, name in enumerate(names) if i != place)
    empty = [name for i, name in enumerate(signals) if np.isnan(values[:, i]).all()]
    if empty:
        raise ValueError(f"{where}: column {empty[0]!r} is empty.")
    return SignalRecord(signals, times - times[0], values)


def _time_place(where: str, names: list[str], time_column: str | None) -> int:
    if time_column is not None:
        if time_column not in names:
            raise ValueError(f"{where}: no column is called {time_column!r}; there are {names}.")
        return names.index(time_column)
    lower = [name.lower() for name in names]
    return next((lower.index(name) for name in _TIME_NAMES if name in lower), 0)


def _seconds(where: str, line: int, name: str, cell: str) -> float:
    try:
        seconds = float(cell)
    except ValueError:
        try:
            date = datetime.datetime.fromisoformat(cell.strip())
        except ValueError:
            raise ValueError(
                f"{where}, line {line}: the time {name!r} must be a number of seconds or a date of "
                f"ISO 8601, got {cell!r}."
            ) from None
        if date.tzinfo is None:  # the distance between two is what counts
            date = date.replace(tzinfo=datetime.UTC)
        return date.timestamp()
    if not math.isfinite(seconds):
        raise ValueError(f"{where}, line {line}: the time {name!r} must be finite, got {cell!r}.")
    return seconds


def _number(where: str, line: int, name: str, cell: str) -> float:
    if not cell.strip():
        return math.nan
    try:
        number = float(cell)
    except ValueError:
        raise ValueError(
            f"{where}, line {line}: column {name!r} must hold numbers, got {cell!r}."
        ) from None
    if not abs(number) < 3.4e38 and not math.isnan(number):
        raise ValueError(f"{where}, line {line}: column {name!r} must be finite, got {cell!r}.")
    return number

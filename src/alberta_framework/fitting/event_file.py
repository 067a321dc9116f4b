"""Files of events: tables with a header, and lines of JSON."""

import csv
import io
import json
from collections import deque
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from .field_bounds import FieldBounds
from .values import as_number

_JSON = (".jsonl", ".ndjson", ".json")
_DELIMITERS = ",;\t|"
_SAMPLE = 1 << 16
# As tables write that a cell is missing.
_MISSING = frozenset(("", "na", "n/a", "#n/a", "nan", "null", "none", "?", "-", "."))


class FileRow(NamedTuple):
    """A row: its line, its fields by name, None for one that is missing; or, without fields, what
    is wrong with it."""

    line: int
    event: Mapping[str, Any] | None
    problem: str | None = None


class EventFile:
    """The rows of a file, in their order, read anew each time.

    A `.jsonl`, `.ndjson` or `.json` file holds an object in each line, whose values keep their
    kinds. Any other one is a table with a header, whose delimiter is found out; its cells are
    texts, and a quoted one may go over several lines. A row that cannot be read is told as such,
    and the next one follows: of a quote that is never closed the first line is such a row.

    **Arguments:** `path`; `bounds`: of fields by name; a number that lies outside is missing.

    **Raises:** `OSError` for a file that cannot be read; `ValueError` for one that is no UTF-8, a
    pipe, a table without a header, or one whose names are not different.
    """

    def __init__(self, path: Path, bounds: Mapping[str, FieldBounds] | None = None):
        self.path, self.bounds = path, bounds or {}
        self.is_table = path.suffix.lower() not in _JSON
        if path.exists() and not path.is_file():
            raise ValueError(f"{path}: is no file, and one is needed that can be read twice")
        with self._opened() as file:
            sample = self._sample(file)
        if not self.is_table:
            return
        self._delimiter = _delimiter(sample)
        header = next(csv.reader(io.StringIO(sample), delimiter=self._delimiter), None)
        if not header or not any(name.strip() for name in header):
            raise ValueError(f"{path}: has no header, a first line with the names of its columns")
        self.header = [name.strip() for name in header]
        twice = next((name for name in self.header if self.header.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"{path}: the column {twice!r} is there twice")

    def rows(self) -> Iterator[FileRow]:
        """The rows; empty lines are none.

        **Raises:** `ValueError` where the file is no UTF-8.
        """
        with self._opened() as file:
            try:
                rows = self._of_table(file) if self.is_table else self._of_lines(file)
                yield from map(self._within_bounds, rows) if self.bounds else rows
            except UnicodeDecodeError as error:
                raise self._no_text() from error

    def _within_bounds(self, row: FileRow) -> FileRow:
        if row.event is None:
            return row
        missing = {}
        for name, bounds in self.bounds.items():
            value = row.event.get(name)
            typed = self.is_table or not isinstance(value, str)
            number = as_number(value) if typed else None
            if number is not None and not bounds.hold(number):
                missing[name] = None
        return row._replace(event={**row.event, **missing})

    def _opened(self) -> Any:
        # Any line ends: those within a quoted cell are none of a number's, a category's or a time's
        return self.path.open(encoding="utf-8-sig")

    def _sample(self, file: Any) -> str:
        try:
            return file.read(_SAMPLE)
        except UnicodeDecodeError as error:
            raise self._no_text() from error

    def _no_text(self) -> ValueError:
        return ValueError(f"{self.path}: is no text of UTF-8; write it anew as such")

    def _of_table(self, file: Any) -> Iterator[FileRow]:
        lines = _Lines(file)
        reader = self._reader(lines)
        next(reader, None)
        while True:
            lines.begin()
            problem = cells = None
            try:
                cells = next(reader, None)
                if cells is None:
                    return
                if cells and len(cells) != len(self.header):
                    problem = f"has {len(cells)} cells, and the header {len(self.header)}"
            except csv.Error as error:
                problem = f"cannot be read: {error}"
            first = lines.first
            if problem is not None:
                # What was taken for the rest of a quoted cell may be rows.
                if lines.retract():
                    problem += "; a quote may not be closed"
                    reader = self._reader(lines)
                yield FileRow(first, None, problem)
            elif cells:
                values = (None if _is_missing(cell) else cell.strip() for cell in cells)
                yield FileRow(first, dict(zip(self.header, values, strict=True)))

    def _reader(self, lines: Iterator[str]) -> Any:
        return csv.reader(lines, delimiter=self._delimiter, strict=True)

    def _of_lines(self, file: Any) -> Iterator[FileRow]:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            try:
                found = json.loads(line)
            except (ValueError, RecursionError) as error:
                yield FileRow(number, None, f"is no JSON: {error}")
                continue
            if isinstance(found, dict):
                yield FileRow(number, found)
            else:
                yield FileRow(number, None, "is no JSON object")


class _Lines:
    """The lines of a file, of which those of the row under way can be taken back but the first."""

    def __init__(self, file: Any):
        self._file, self._again = file, deque()
        self._taken: list[str] = []
        self._count, self.first = 0, 1

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else next(self._file)
        self._count += 1
        self._taken.append(line)
        return line

    def begin(self) -> None:
        """A row begins with the next line."""
        self._taken, self.first = [], self._count + 1

    def retract(self) -> bool:
        """Whether the row had more than one line; all but its first come again then."""
        rest = self._taken[1:]
        self._again.extendleft(reversed(rest))
        self._count -= len(rest)
        return bool(rest)


def _delimiter(sample: str) -> str:
    first = sample.splitlines()[0] if sample else ""
    try:
        return csv.Sniffer().sniff(sample, _DELIMITERS).delimiter
    except csv.Error:
        return max(_DELIMITERS, key=first.count)


def _is_missing(cell: str) -> bool:
    return len(cell) < 8 and cell.strip().lower() in _MISSING

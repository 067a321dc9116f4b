"""Files of events: tables with a header, and lines of JSON."""

import csv
import io
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

_JSON = (".jsonl", ".ndjson", ".json")
_DELIMITERS = ",;\t|"
_SAMPLE = 1 << 16
# As tables write that a cell is missing.
_MISSING = frozenset(("", "na", "n/a", "nan", "null", "none", "?", "-"))


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
    texts. A row that cannot be read is told as such, and the next one follows.

    **Raises:** `OSError` for a file that cannot be read; `ValueError` for a table without a header,
    or one whose names are not different.
    """

    def __init__(self, path: Path):
        self.path = path
        self.is_table = path.suffix.lower() not in _JSON
        with self._opened() as file:
            if not self.is_table:
                return
            sample = file.read(_SAMPLE)
            self._delimiter = _delimiter(sample)
            header = next(csv.reader(io.StringIO(sample), delimiter=self._delimiter), None)
        if not header or not any(name.strip() for name in header):
            raise ValueError(f"{path}: has no header, a first line with the names of its columns")
        self.header = [name.strip() for name in header]
        twice = next((name for name in self.header if self.header.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"{path}: the column {twice!r} is there twice")

    def rows(self) -> Iterator[FileRow]:
        """The rows; empty lines are none."""
        with self._opened() as file:
            yield from self._of_table(file) if self.is_table else self._of_lines(file)

    def _opened(self) -> Any:
        return self.path.open(encoding="utf-8-sig", errors="replace", newline="")

    def _of_table(self, file: Any) -> Iterator[FileRow]:
        reader = csv.reader(file, delimiter=self._delimiter)
        next(reader, None)
        columns = len(self.header)
        while True:
            try:
                cells = next(reader, None)
            except csv.Error as error:
                yield FileRow(reader.line_num, None, str(error))
                continue
            if cells is None:
                return
            if not cells:
                continue
            if len(cells) != columns:
                told = f"has {len(cells)} cells, and the header {columns}"
                yield FileRow(reader.line_num, None, told)
                continue
            values = (None if _is_missing(cell) else cell.strip() for cell in cells)
            yield FileRow(reader.line_num, dict(zip(self.header, values, strict=True)))

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


def _delimiter(sample: str) -> str:
    first = sample.splitlines()[0] if sample else ""
    try:
        return csv.Sniffer().sniff(sample, _DELIMITERS).delimiter
    except csv.Error:
        return max(_DELIMITERS, key=first.count)


def _is_missing(cell: str) -> bool:
    return len(cell) < 8 and cell.strip().lower() in _MISSING

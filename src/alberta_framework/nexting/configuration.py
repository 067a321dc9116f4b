"""Experiments of nexting as plain data."""

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..components.known import require_known
from .run import LiveSource, NextingExperiment, RecordSource, SignalSource
from .series_file import load_series
from .system_stream import SystemStream

_OF_SOURCE = {"system": ("interval",), "file": ("path", "time_column")}


def nexting_from_config(
    config: Mapping[str, Any], name: str = "nexting", data: Path | None = None
) -> NextingExperiment:
    """The experiment that `config` describes.

    Keys are the arguments of `NextingExperiment`, those of numbers but for `source` in the table
    `nexting`; there `source` is `"system"`, this machine, measured every `interval` seconds, or
    `"file"`, a CSV file (see `load_series`) at `path` with the column of time `time_column`. Of a
    file all rows are taken unless there are `num_rows`; this machine is measured for so many.

    **Arguments:** `name`: of one that has none; `data`: the path of the file, in place of `path`.

    **Raises:** `ValueError` naming what is wrong; `ImportError` where psutil is missing.
    """
    fields = [field.name for field in dataclasses.fields(NextingExperiment)]
    settings = config.get("nexting")
    if not isinstance(settings, Mapping):
        raise ValueError(f"nexting: must be a table of settings, got {settings!r}.")
    whole = {key: value for key, value in config.items() if key not in ("nexting", "run")}
    for key in whole:
        require_known(f"key {key!r}", key, ("nexting", "name", "title", "description", "num_rows"))
    kind = settings.get("source")
    if kind not in _OF_SOURCE:
        raise ValueError(f"nexting.source: must be one of {', '.join(_OF_SOURCE)}, got {kind!r}.")
    known = [key for key in fields if key not in ("name", "title", "description", "num_rows")]
    for key in settings:
        require_known(f"key 'nexting.{key}'", key, [*known, *_OF_SOURCE[kind]])
    source = _SOURCES[kind](settings, data)
    others = {key: value for key, value in settings.items() if key not in _OF_SOURCE[kind]}
    given: dict[str, Any] = {"name": name, "num_rows": source.length} | whole | others
    for key in ("scales", "memories"):
        if key in given:
            if not isinstance(given[key], list | tuple):
                raise ValueError(f"nexting.{key}: must be a list of numbers, got {given[key]!r}.")
            given[key] = tuple(given[key])
    if given["num_rows"] is None:
        raise ValueError("missing key 'num_rows': how many rows, for there is no end to them.")
    try:
        given["source"] = source
        experiment = NextingExperiment(**given)
    except TypeError as error:
        raise ValueError(f"nexting: {error}") from error
    return experiment.resized(experiment.num_rows)


def _system(settings: Mapping[str, Any], data: Path | None) -> SignalSource:
    if data is not None:
        raise ValueError(f"this machine is measured; leave {str(data)!r} out.")
    return LiveSource(SystemStream(settings.get("interval", 0.1)))


def _file(settings: Mapping[str, Any], data: Path | None) -> SignalSource:
    path = settings.get("path") if data is None else data
    if path is None:
        raise ValueError("name the CSV file, after the experiment.")
    try:
        return RecordSource(load_series(path, settings.get("time_column")))
    except OSError as error:
        raise ValueError(f"cannot read {str(path)!r}: {error.strerror}.") from error


_SOURCES: dict[str, Callable[[Mapping[str, Any], Path | None], SignalSource]] = {
    "system": _system,
    "file": _file,
}

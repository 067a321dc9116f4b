"""Files of results: tables as CSV, configurations as JSON."""

import csv
import importlib.metadata
import platform
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ..components.strict_json import strict_json

_PACKAGES = ("alberta_framework", "jax", "jaxlib", "equinox", "numpy")


def write_csv(path: Path, header: list[str], rows: Iterable[Iterable[Any]]) -> None:
    """A CSV file with a header."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def write_config(path: Path, config: dict[str, Any], run: dict[str, Any]) -> None:
    """A configuration as JSON; under `run` how it went and the versions of the packages."""
    versions = {name: importlib.metadata.version(name) for name in _PACKAGES}
    run = run | {"versions": {"python": platform.python_version()} | versions}
    text = strict_json(config | {"run": run}, indent=2, ensure_ascii=False)
    path.write_text(text + "\n", "utf-8")

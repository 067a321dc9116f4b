"""Packages of the `analysis` extra, imported when first used."""

import importlib
from typing import Any


def analysis_package(name: str) -> Any:
    """The module `name`; an `ImportError` that names the extra where it cannot be imported."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        package = name.partition(".")[0]
        raise ImportError(
            f"`{package}` cannot be imported. It comes with the analysis extra: "
            "pip install 'alberta_framework[analysis]'",
            name=package,
        ) from error

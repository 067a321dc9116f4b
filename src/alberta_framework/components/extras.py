"""Packages of extras, imported when first used."""

import importlib
from typing import Any


def analysis_package(name: str) -> Any:
    """The module `name` of the `analysis` extra."""
    return package_of("analysis", name)


def package_of(extra: str, name: str) -> Any:
    """The module `name`; an `ImportError` that names the extra where it cannot be imported."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        package = name.partition(".")[0]
        raise ImportError(
            f"`{package}` cannot be imported. It comes with the {extra} extra: "
            f"pip install 'alberta_framework[{extra}]'",
            name=package,
        ) from error

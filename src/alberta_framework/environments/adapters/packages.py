"""The packages whose environments are adapted, and how they are imported: when first used."""

import importlib
import sys
from typing import Any, NamedTuple


class Package(NamedTuple):
    """A package and the adapter of its environments.

    `name` is that by which pip knows it, `extra` our extra that installs it, `python` the oldest
    version of Python for which it does.
    """

    name: str
    extra: str
    adapter: str
    python: tuple[int, int] = (3, 11)

    @property
    def install(self) -> str:
        """How to get it, in words."""
        told = f"pip install 'alberta_framework[{self.extra}]'"
        if sys.version_info < self.python:
            told += f" (in Python {'.'.join(map(str, self.python))} or later)"
        return told


PACKAGES = {
    package.extra: package
    for package in (
        Package("gymnax", "gymnax", "GymnaxEnvironment"),
        Package("continual-foragax", "foragax", "ForagaxEnvironment"),
        Package("octax", "octax", "OctaxEnvironment"),
        Package("brax", "brax", "BraxEnvironment"),
        Package("craftax", "craftax", "CraftaxEnvironment"),
        Package("navix", "navix", "NavixEnvironment", (3, 12)),
        Package("playground", "playground", "PlaygroundEnvironment"),
    )
}


def imported(extra: str, module: str) -> Any:
    """The module of the package that comes with `extra`.

    **Raises:** `ImportError` that names the extra where it cannot be imported, and why.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ImportError(
            f"`{module}` cannot be imported ({error}). It comes with the {extra} extra: "
            f"{PACKAGES[extra].install}",
            name=module,
        ) from error


def too_old(extra: str, wanted: str) -> ImportError:
    """The error where the package is there, and of a version that cannot be adapted."""
    package = PACKAGES[extra]
    return ImportError(
        f"{package.adapter} needs {package.name} {wanted} or later. It comes with the {extra} "
        f"extra: {package.install}",
        name=package.name,
    )

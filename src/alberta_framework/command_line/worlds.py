"""`alberta list --environments`: which environments there are, and what they need."""

import importlib.metadata
import inspect

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from .. import environments
from ..environments import AbstractAdapter, AbstractEnvironment
from ..environments.adapters.packages import PACKAGES

_LEAST_WIDTH = 140
_HOST = 'any of Gymnasium, by id = "..."'


def print_environments() -> None:
    """Print names as the key `type` of a file has them, and what each needs.

    What is installed is read from the metadata of packages; none is imported.
    """
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("Environment", no_wrap=True)
    table.add_column("Needs", no_wrap=True)
    table.add_column("Here", no_wrap=True)
    table.add_column("How to get it")
    for name in _own():
        table.add_row(name, "", "yes", "")
    for package in PACKAGES.values():
        table.add_row(package.adapter, *_standing(package.name, package.install))
    table.add_row(_HOST, *_standing("gymnasium", "pip install 'alberta_framework[gymnasium]'"))
    # Commands are there to be copied whole, in a narrow terminal too.
    console = Console(markup=False)
    Console(markup=False, width=max(console.width, _LEAST_WIDTH)).print(table)


def _own() -> list[str]:
    """The environments that need no other package."""
    return [
        name
        for name, found in vars(environments).items()
        if inspect.isclass(found) and issubclass(found, AbstractEnvironment)
        if not issubclass(found, AbstractAdapter) and not name.startswith("Abstract")
    ]


def _standing(name: str, install: str) -> tuple[str, str, str]:
    """The package, its version if it is installed, and how to get it if it is not."""
    try:
        return name, importlib.metadata.version(name), ""
    except importlib.metadata.PackageNotFoundError:
        return name, "no", install

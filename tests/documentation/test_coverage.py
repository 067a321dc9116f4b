"""Every public class and function stands on a page of the API, and every entry exists."""

import importlib
import inspect
import re
from pathlib import Path

import alberta_framework as af

API = Path(__file__).parents[2] / "docs" / "api"
ENTRY = re.compile(r"^::: (\S+)$", re.MULTILINE)


def entries():
    return [entry for page in API.glob("*.md") for entry in ENTRY.findall(page.read_text())]


def test_every_public_name_has_an_entry():
    named = {entry.rpartition(".")[2] for entry in entries()}
    public = {
        found.__name__
        for found in (getattr(af, name) for name in dir(af) if not name.startswith("_"))
        if (inspect.isclass(found) or inspect.isfunction(found))
        and found.__module__.startswith("alberta_framework")
    }
    missing = sorted(name for name in public - named if not name.endswith("State"))
    assert not missing


def test_every_entry_exists():
    for entry in entries():
        module, _, name = entry.rpartition(".")
        assert hasattr(importlib.import_module(module), name), entry

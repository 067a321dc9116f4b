"""What `alberta_framework` offers: every public name, each from one room, and nothing else."""

import ast
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import alberta_framework as af

TREE = ast.parse(Path(af.__file__).read_text())


def told_to_type_checkers():
    """Name to room, as the block for type checkers has it."""
    (block,) = [
        node
        for node in TREE.body
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    ]
    return {alias.asname: node.module for node in block.body for alias in node.names}


def test_the_table_is_what_type_checkers_are_told():
    assert told_to_type_checkers() == af._ROOM_OF


def test_all_of_them_are_there_and_no_modules():
    names = dir(af)
    assert names == sorted(set(names)) == af.__all__
    assert not [name for name in names if name.startswith("_")]
    assert not [name for name in names if inspect.ismodule(getattr(af, name))]
    assert {"LinearLearner", "Optimizer", "interact", "sweep", "GymnasiumStream"} <= set(names)
    found = {}
    exec("from alberta_framework import *", found)
    assert set(names) <= set(found)


def test_a_name_loads_its_own_room_alone():
    code = (
        "import sys, alberta_framework as af; af.TileCoder; "
        "print(*sorted(m for m in sys.modules if m.count('.') == 1 and 'alberta' in m))"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    loaded = {module.rpartition(".")[2] for module in found.stdout.split()}
    assert "features" in loaded
    assert loaded.isdisjoint({"streams", "loops", "control", "comparisons", "daemon", "sweeps"})


def test_a_missing_name_loads_nothing():
    code = (
        "import sys, alberta_framework as af\n"
        "before = set(sys.modules)\n"
        "assert not hasattr(af, 'NoSuchLearner')\n"
        "print(*sorted(set(sys.modules) - before))"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    assert not found.stdout.strip()
    with pytest.raises(AttributeError, match="no attribute 'NoSuchLearner'"):
        af.NoSuchLearner  # noqa: B018

"""`alberta list --environments`: what there is, what is installed, and how to get the rest."""

import importlib.metadata
import inspect
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import alberta_framework as af
from alberta_framework.command_line.app import main
from alberta_framework.environments.adapters.packages import PACKAGES

HEAVY = ["gymnasium", "flax", "foragax", "mujoco", *PACKAGES]


@pytest.fixture
def versions(monkeypatch):
    """The versions that are told to be installed, and no others."""
    told = {}

    def version(name):
        if name not in told:
            raise importlib.metadata.PackageNotFoundError(name)
        return told[name]

    monkeypatch.setattr(importlib.metadata, "version", version)
    return told


def lines(capsys):
    assert main(["list", "--environments"]) == 0
    printed = capsys.readouterr().out.splitlines()
    return {line.split()[0]: line for line in printed if line.strip()}


def test_every_environment_of_the_library_is_there(capsys):
    classes = {name: found for name in af.__all__ if inspect.isclass(found := getattr(af, name))}
    environments = {n for n, cls in classes.items() if issubclass(cls, af.AbstractEnvironment)}
    names = {name for name in environments if not name.startswith("Abstract")}
    assert len(names) > 20 and names <= lines(capsys).keys()


@pytest.mark.parametrize("columns", ["40", "200"])
def test_what_is_not_installed_says_how_to_get_it(versions, columns, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", columns)
    told = lines(capsys)
    for extra, package in PACKAGES.items():
        assert f"pip install 'alberta_framework[{extra}]'" in told[package.adapter]
        assert package.name in told[package.adapter]
    assert "alberta_framework[gymnasium]" in told["any"]
    assert "pip" not in told["CartPole"]


@pytest.mark.parametrize("package", PACKAGES.values(), ids=str)
def test_what_is_installed_has_its_version(package, versions, capsys):
    versions[package.name] = "7.8.9"
    told = lines(capsys)
    assert "7.8.9" in told[package.adapter] and "pip" not in told[package.adapter]
    assert sum("7.8.9" in line for line in told.values()) == 1


def test_an_extra_that_wants_a_newer_python_says_so(versions, monkeypatch, capsys):
    monkeypatch.setattr(sys, "version_info", (3, 11, 7))
    told = lines(capsys)
    assert "Python 3.12 or later" in told["NavixEnvironment"]
    assert "Python" not in told["GymnaxEnvironment"]


def test_every_package_s_extra_is_one_of_the_project_s():
    file = Path(__file__).parents[2] / "pyproject.toml"
    extras = tomllib.loads(file.read_text())["project"]["optional-dependencies"]
    for extra, package in PACKAGES.items():
        names = [re.split(r"[<>=; ]", wanted)[0] for wanted in extras[extra]]
        assert package.name in names
        # No adapter may hold back Gymnasium or JAX for those who do not use it, nor ask for newer
        # ones than another adapter's package allows.
        assert not {"gymnasium", "jax", "jaxlib"} & set(names)


def test_nothing_heavy_is_imported():
    code = (
        "import sys; from alberta_framework.command_line.app import main; "
        "before = set(sys.modules); main(['list', '--environments']); "
        f"print([name for name in {HEAVY} if name in set(sys.modules) - before])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"

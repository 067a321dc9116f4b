"""The recipe for an agent in the library, carried out on a copy of it."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "guides" / "extending.md"
BLOCK = re.compile(r'^```(\w+) title="([^"]+)"\n(.*?)^```$', re.MULTILINE | re.DOTALL)


def added(text, change):
    """The text with the lines of `change` that begin with + after the one before them."""
    before, *lines = change.splitlines()
    place = text.splitlines().index(before[1:]) + 1
    assert all(line.startswith("+") for line in lines)
    found = text.splitlines()
    return "\n".join([*found[:place], *(line[1:] for line in lines), *found[place:]]) + "\n"


def test_an_agent_is_added_by_what_the_page_shows(tmp_path):
    kept = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=kept)
    shutil.copytree(ROOT / "docs" / "api", tmp_path / "docs" / "api")
    (tmp_path / "tests" / "control").mkdir(parents=True)
    blocks = BLOCK.findall(PAGE.read_text())
    assert len(blocks) == 6
    for kind, title, text in blocks:
        file = tmp_path / title
        file.write_text(added(file.read_text(), text) if kind == "diff" else text)
    laws = tmp_path / "tests" / "documentation"
    laws.mkdir()
    shutil.copy(ROOT / "tests" / "documentation" / "test_coverage.py", laws)
    found = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(tmp_path / "src")},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert found.returncode == 0, found.stdout + found.stderr
    assert "5 passed" in found.stdout

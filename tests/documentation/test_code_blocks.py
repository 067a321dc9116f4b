"""Every Python block of the README and the documentation runs, each page from top to bottom."""

import re
from pathlib import Path

import jax
import pytest

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PAGES = [
    page
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
    if BLOCK.search(page.read_text())
]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_code_of_the_page_runs(page, tmp_path, monkeypatch, own_components):
    monkeypatch.chdir(tmp_path)  # some blocks write files
    names = {}
    with jax.numpy_dtype_promotion("standard"):  # as a reader has it
        for block in BLOCK.findall(page.read_text()):
            exec(compile(block, str(page), "exec"), names)


def test_there_are_pages_with_code():
    assert {"README.md", "index.md"} <= {page.name for page in PAGES}

"""SIGKILL at any moment: the checkpoint loads, is one that was saved, and never an older one."""

import json
import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="kills forked processes")

RUNS = {"one file": (80, 1), "three files": (80, 3), "in the background": (40, 2, "background")}


@pytest.mark.parametrize("name", RUNS)
def test_a_killed_process_leaves_a_checkpoint_that_it_saved(tmp_path, name):
    kills, keep, *mode = RUNS[name]
    arguments = [str(tmp_path), str(kills), "0", str(keep), *mode]
    command = [sys.executable, "-m", "tests.checkpoints.kills", *arguments]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert ended.returncode == 0, ended.stderr
    lines = [json.loads(line) for line in ended.stdout.splitlines()]
    assert len(lines) == kills
    before = 0
    for line in lines:
        newest = line["found"][0]
        # What was reported as saved is there; more than that, at most what was on its way.
        assert before <= line["acknowledged"] <= newest
        assert newest <= line["acknowledged"] + (3 if mode else 1)
        assert len(line["found"]) <= keep + 1
        assert line["found"] == sorted(line["found"], reverse=True)
        before = newest
    # The kills met saves under way.
    assert lines[-1]["leftovers"] > 0
    assert before >= kills

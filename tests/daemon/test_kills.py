"""No kill at any moment costs more than the events since the last checkpoint."""

import itertools
import json
import os
import signal
import subprocess
import sys

import pytest


@pytest.mark.slow
@pytest.mark.parametrize("kind, kills", [("rows", 50), ("fields", 10)])
def test_kills_end_in_the_state_of_an_uninterrupted_run(kind, kills, tmp_path):
    """Whoever replays the events from `steps` of the checkpoint on gets the same bits."""
    environment = {
        "OPENBLAS_NUM_THREADS": "1",  # NumPy begins threads when imported otherwise
        "JAX_COMPILATION_CACHE_DIR": str(tmp_path / "compiled"),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
    }
    folder = tmp_path / "disk"
    folder.mkdir()
    ran = subprocess.run(
        [sys.executable, "-m", "tests.daemon.kills", str(folder), str(kills), kind],
        capture_output=True,
        text=True,
        env=os.environ | environment | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert ran.returncode == 0, ran.stderr
    found = json.loads(ran.stdout)
    assert found["codes"] == [-signal.SIGKILL] * kills + [0, 0], ran.stderr
    began = found["began"]
    assert all(before <= after for before, after in itertools.pairwise(began))
    assert len(set(began)) > kills // 2  # most lives came as far as a save
    # At most what a kill interrupted, and the files before it.
    assert {path.name.split(".tmp")[0] for path in folder.iterdir()} >= {"agent.ckpt"}

"""A nexting daemon survives kills: it goes on with the same predictions, bit for bit."""

import itertools
import json
import os
import signal
import subprocess
import sys

import pytest

from tests.nexting.kills import EVERY

KILLS = 10


@pytest.mark.slow
def test_ten_kills_change_no_prediction(tmp_path):
    environment = {
        "OPENBLAS_NUM_THREADS": "1",  # NumPy begins threads when imported otherwise
        "JAX_COMPILATION_CACHE_DIR": str(tmp_path / "compiled"),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
    }
    folder = tmp_path / "disk"
    folder.mkdir()
    ran = subprocess.run(
        [sys.executable, "-m", "tests.nexting.kills", str(folder), str(KILLS)],
        capture_output=True,
        text=True,
        env=os.environ | environment | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert ran.returncode == 0, ran.stderr
    found = json.loads(ran.stdout)
    assert found["codes"] == [-signal.SIGKILL] * KILLS + [0, 0], ran.stderr
    began = found["began"]
    assert began[0] == 0 and began[1] >= EVERY
    assert all(before < after for before, after in itertools.pairwise(began))

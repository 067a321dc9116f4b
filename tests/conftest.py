"""Settings shared by every test."""

import atexit
import gc
import os
import shutil
import tempfile
from pathlib import Path

import jax
import pytest
from hypothesis import settings

import alberta_framework as af

jax.config.update("jax_numpy_rank_promotion", "raise")
jax.config.update("jax_numpy_dtype_promotion", "strict")

if jax.default_backend() != "cpu":
    # A GPU multiplies float32 matrices with 10 bits of mantissa unless told otherwise; the numbers
    # that tests compare with were computed with all 24.
    jax.config.update("jax_default_matmul_precision", "highest")

# A first example compiles, on a machine of any speed: time decides nothing here.
settings.register_profile("suite", deadline=None, derandomize=True, database=None)
settings.load_profile("suite")

# Processes that tests start make errors of warnings too. Of two that compile one program at once
# one may read what the other has half written: it warns, and compiles for itself.
CACHE_BUSY = "ignore:Error {} persistent compilation cache entry:UserWarning"
os.environ.setdefault(
    "PYTHONWARNINGS", f"error,{CACHE_BUSY.format('reading')},{CACHE_BUSY.format('writing')}"
)

if "PYTEST_XDIST_WORKER" not in os.environ:
    # Equal programs are compiled once in a run: workers and the processes that tests start inherit
    # the folder.
    compiled = tempfile.mkdtemp(prefix="compiled-")
    atexit.register(shutil.rmtree, compiled, ignore_errors=True)
    for name, value in {
        "jax_compilation_cache_dir": compiled,
        "jax_persistent_cache_min_compile_time_secs": 0.0,
        "jax_persistent_cache_min_entry_size_bytes": -1,
    }.items():
        jax.config.update(name, value)
        os.environ[name.upper()] = str(value)

TESTS = Path(__file__).parent
# What meets other packages and the compiler, and enough of all the rest. Folders and files.
VERSIONS = (
    "bounders",
    "checkpoints",
    "command_line/test_daemon_socket.py",
    "command_line/test_inspect.py",
    "command_line/test_mistakes.py",
    "comparisons/streams/test_files.py",
    "control/test_golden.py",
    "control/test_learning.py",
    "control/test_selection.py",
    "daemon/test_action_events.py",
    "daemon/test_actions.py",
    "daemon/test_arguments.py",
    "daemon/test_compilation.py",
    "daemon/test_events.py",
    "daemon/test_report.py",
    "daemon/test_resuming.py",
    "daemon/test_saving.py",
    "daemon/test_transitions.py",
    "environments/adapters",
    "environments/test_as_gymnasium.py",
    "environments/test_classic.py",
    "environments/test_golden.py",
    "environments/test_learning.py",
    "environments/test_policies.py",
    "environments/test_streams.py",
    "environments/test_trajectories.py",
    "figures/test_plots.py",
    "horde/test_compilation.py",
    "horde/test_configs.py",
    "horde/test_golden.py",
    "horde/test_transitions.py",
    "horde/test_validation.py",
    "interaction/test_gymnasium.py",
    "laws",
    "learners/test_compilation.py",
    "learners/test_golden.py",
    "learners/test_golden_networks.py",
    "learners/test_lifetime.py",
    "learners/test_linear.py",
    "learners/test_network_configs.py",
    "learners/test_own_learner.py",
    "learners/test_td_linear.py",
    "linear_td/test_linear_horde.py",
    "lives/test_exact_weights.py",
    "loops/test_drive.py",
    "loops/test_golden.py",
    "loops/test_horde.py",
    "loops/test_lanes.py",
    "loops/test_sarsa.py",
    "nexting/test_with_features.py",
    "normalizers",
    "optimizers",
    "reports/test_export.py",
    "reports/test_tables.py",
    "statistics/test_multiple_comparisons.py",
    "statistics/test_significance.py",
    "step_rules/test_from_optax.py",
    "step_rules/test_oracles.py",
    "streams/test_golden.py",
    "sweeps/test_axes.py",
    "sweeps/test_programs.py",
    "sweeps/test_result.py",
)
MEMORY_MAPS = Path("/proc/self/maps")


def pytest_collection_modifyitems(items):
    """Mark the tests that run on all versions of Python and of dependencies."""
    chosen = tuple(str(TESTS / name) for name in VERSIONS)
    for missing in (path for path in chosen if not Path(path).exists()):
        raise pytest.UsageError(f"{missing} of `VERSIONS` in {__file__} is not there.")
    for item in items:
        if str(item.path).startswith(chosen) and item.get_closest_marker("slow") is None:
            item.add_marker(pytest.mark.versions)


@pytest.fixture(autouse=True, scope="module")
def few_memory_maps():
    """Drop compiled programs before they use up the memory maps of the process.

    Each holds several, Linux allows 65,530, and a process that needs one more is aborted.
    """
    yield
    if MEMORY_MAPS.exists() and MEMORY_MAPS.read_bytes().count(b"\n") > 15_000:
        jax.clear_caches()
        gc.collect()


@pytest.fixture
def own_components(monkeypatch):
    """Components that the test defines give their names back at its end."""
    for load in af.AbstractComponent._late_rooms:
        load()
    monkeypatch.setattr(af.AbstractComponent, "_registry", dict(af.AbstractComponent._registry))

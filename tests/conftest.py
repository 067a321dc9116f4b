"""Settings shared by every test."""

import gc
from pathlib import Path

import jax
import pytest
from hypothesis import settings

import alberta_framework as af

jax.config.update("jax_numpy_rank_promotion", "raise")
jax.config.update("jax_numpy_dtype_promotion", "strict")

# A first example compiles, on a machine of any speed: time decides nothing here.
settings.register_profile("suite", deadline=None, derandomize=True, database=None)
settings.load_profile("suite")

MEMORY_MAPS = Path("/proc/self/maps")


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

"""Settings and fixtures shared by every test."""

import zlib

import jax
import jax.random as jr
import pytest

jax.config.update("jax_numpy_rank_promotion", "raise")


@pytest.fixture
def getkey(request):
    """Fresh keys, the same in every run of one test."""
    key = jr.key(zlib.crc32(request.node.nodeid.encode()))
    count = iter(range(2**31))
    return lambda: jr.fold_in(key, next(count))

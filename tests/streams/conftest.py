"""Fixtures of the stream tests."""

import zlib

import jax.random as jr
import pytest


@pytest.fixture
def getkey(request):
    """Fresh keys, the same in every run of one test."""
    key = jr.key(zlib.crc32(request.node.nodeid.encode()))
    count = iter(range(2**31))
    return lambda: jr.fold_in(key, next(count))

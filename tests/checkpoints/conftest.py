"""Leaving behind the rights of a privileged user for a while."""

import contextlib
import os

import pytest

NOBODY = 65534


@pytest.fixture
def unprivileged(monkeypatch):
    """`with unprivileged(folder):` works in `folder` as a user without privileges."""

    @contextlib.contextmanager
    def dropped(folder):
        # Relative to here, since an unprivileged user may not walk the folders above.
        monkeypatch.chdir(folder)
        if os.geteuid() != 0:
            yield
            return
        try:
            os.seteuid(NOBODY)
        except OSError as refused:
            pytest.skip(f"cannot drop privileges: {refused}")
        try:
            yield
        finally:
            os.seteuid(0)

    return dropped

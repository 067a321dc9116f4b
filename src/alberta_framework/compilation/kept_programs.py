"""Compiled programs kept in a folder, for processes that start later."""

import os
import tempfile
from pathlib import Path

import jax
from jax.experimental.compilation_cache import compilation_cache


def keeps_programs() -> bool:
    """Whether this process keeps its programs already: the user has told JAX where."""
    return bool(jax.config.values["jax_compilation_cache_dir"])


def keep_programs(folder: str | os.PathLike) -> None:
    """Keep what this process compiles from now on in `folder`, and take from there what another one
    has compiled: JAX's persistent compilation cache, of every program however small.

    Programs are native code: the folder, which is made for its owner alone, has to be one to which
    nobody else can write. It can be removed at any time.

    **Raises:** `OSError` if it cannot be made or written to.
    """
    folder = Path(folder).absolute()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder):  # asked now: later it would be a warning a program
        pass
    jax.config.update("jax_compilation_cache_dir", str(folder))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
    # Whether there is a folder is looked up once, with the first program of a process.
    compilation_cache.reset_cache()

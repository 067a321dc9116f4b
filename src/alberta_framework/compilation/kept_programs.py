"""Compiled programs kept in a folder, for processes that start later."""

import contextlib
import hashlib
import importlib
import os
import platform
import tempfile
import zlib
from collections.abc import Callable
from pathlib import Path

import jax
import jaxlib.version
from jax.experimental.compilation_cache import compilation_cache

_CPU_INFO = Path("/proc/cpuinfo")
# What a program was compiled for, as Linux tells it on x86 and on Arm.
_OF_A_CPU = ("vendor_id", "cpu family", "model", "flags", "CPU ", "Features")
_ZSTANDARD = b"\x28\xb5\x2f\xfd"


def keeps_programs() -> bool:
    """Whether this process keeps its programs already: the user has told JAX where."""
    return bool(jax.config.values["jax_compilation_cache_dir"])


def keep_programs(folder: str | os.PathLike) -> None:
    """Keep what this process compiles from now on in `folder`, and take from there what another one
    has compiled: JAX's persistent compilation cache, of every program however small.

    Programs are native code: the folder, which is made for its owner alone, has to be one to which
    nobody else can write. It can be removed at any time. Each kind of processor and version of
    jaxlib has a folder of its own in it, since JAX would run here what another machine has compiled
    with instructions that this one lacks. What a crash or a full disk has left half written is
    removed, as JAX would neither use it nor write it again.

    **Raises:** `OSError` if it cannot be made or written to.
    """
    folder = Path(folder).absolute()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder = folder / machine()
    folder.mkdir(mode=0o700, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder):  # asked now: later it would be a warning a program
        pass
    remove_torn(folder)
    jax.config.update("jax_compilation_cache_dir", str(folder))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
    # Whether there is a folder is looked up once, with the first program of a process.
    compilation_cache.reset_cache()


def machine(cpu_info: Path = _CPU_INFO) -> str:
    """A name for what programs are compiled for: the processor, as `cpu_info` tells it, and
    jaxlib."""
    try:
        first = cpu_info.read_text().split("\n\n")[0].splitlines()
        told = sorted(line for line in first if line.startswith(_OF_A_CPU))
    except OSError:  # no Linux
        told = [platform.processor()]
    told += [platform.system(), platform.machine(), jaxlib.version.__version__]
    return hashlib.sha256("\n".join(told).encode()).hexdigest()[:16]


def remove_torn(folder: Path) -> None:
    """Remove the entries that are not whole.

    **Raises:** `OSError`.
    """
    for path in folder.glob("*-cache"):
        # Another process that starts may have removed it meanwhile.
        with contextlib.suppress(FileNotFoundError):
            if not _is_whole(path.read_bytes()):
                path.unlink()


def _is_whole(octets: bytes) -> bool:
    decompress = _zstandard() if octets.startswith(_ZSTANDARD) else zlib.decompress
    if decompress is None:
        return True  # What nobody here can read, JAX does not look for.
    try:
        decompress(octets)
    except Exception:  # zlib.error, or that of whichever package it is
        return False
    return True


def _zstandard() -> Callable[[bytes], bytes] | None:
    """What reads zstandard here, in the order in which JAX looks for it."""
    for name in ("compression.zstd", "zstandard"):
        try:
            return importlib.import_module(name).decompress
        except (ImportError, AttributeError):
            continue
    return None

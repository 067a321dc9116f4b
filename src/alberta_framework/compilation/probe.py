"""A small program in both forms: whether a version of jaxlib gives the same numbers in either.

The special forms rest on features of XLA that nobody promised. On a version that the tests have not
run with, the program is tried in a process of its own, since what a compiler does not know it may
abort on. What was found is kept in the user's cache, by version.
"""

import json
import os
import platform
import subprocess
import sys
from pathlib import Path

# Seconds, for a process that imports JAX and compiles four small programs.
_PATIENCE = 120
_CODE = f"from {__package__}.one_kernel import compare_forms; compare_forms()"


def fault_of(version: str) -> str | None:
    """What is wrong with the special forms on this version of jaxlib; None if nothing is."""
    path = _cache() / "compilation.json"
    key = f"jaxlib {version}, Python {platform.python_version()}, {platform.machine()}"
    try:
        known = json.loads(path.read_text())
        if key in known:
            return known[key]
    except (OSError, ValueError):
        known = {}
    found = _tried()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(f"{path.name}.{os.getpid()}")
        beside.write_text(json.dumps(known | {key: found}, indent=2))
        os.replace(beside, path)
    except OSError:
        pass  # A cache that cannot be written costs the next process the same few seconds.
    return found


def _tried() -> str | None:
    try:
        found = subprocess.run(
            [sys.executable, "-c", _CODE],
            env=os.environ | {"JAX_PLATFORMS": "cpu"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    if found.returncode == 0:
        return None
    lines = found.stderr.strip().splitlines()
    return f"exit code {found.returncode}: {lines[-1] if lines else 'no message'}"


def _cache() -> Path:
    folder = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(folder) / "alberta_framework"

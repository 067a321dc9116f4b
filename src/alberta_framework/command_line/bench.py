"""`alberta bench`: run the benchmarks of a checkout and print their tables."""

import difflib
import subprocess
import sys
from pathlib import Path

from .problems import Problem, UsageProblem

_FOLDER = Path(__file__).parents[3] / "benchmarks"


def bench(names: list[str], listed: bool = False, folder: Path = _FOLDER) -> int:
    """Run the benchmarks called `names`, all by default, each in a process of its own.

    **Returns:** the exit code: 0, or 1 if a benchmark failed.

    **Raises:** `Problem` where there is no folder of benchmarks, as in an installed package;
    `UsageProblem` for an unknown name.
    """
    scripts = _scripts(folder)
    for name in names:
        if name not in scripts:
            near = difflib.get_close_matches(name, scripts, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            known = ", ".join(scripts)
            raise UsageProblem(f"no benchmark is called {name!r}.{hint} Known: {known}.")
    if listed:
        print("\n".join(scripts))
        return 0
    failed = []
    for name in names or scripts:
        print(f"== {name}", flush=True)
        if subprocess.run([sys.executable, scripts[name]], check=False).returncode:
            failed.append(name)
        print(flush=True)
    if failed:
        print(f"alberta: failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def _scripts(folder: Path) -> dict[str, Path]:
    """The scripts that can be run, by name."""
    found = {
        path.stem: path
        for path in sorted(folder.glob("*.py"))
        if "__main__" in path.read_text(encoding="utf-8")
    }
    if not found:
        raise Problem(
            f"there are no benchmarks in {str(folder)!r}: they are not part of the installed "
            "package, but of a checkout of its repository (pip install -e)."
        )
    return found

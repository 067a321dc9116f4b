"""How long does `import alberta_framework` take, beside `import jax, equinox`?

Whole processes in turn, so that caches and other load hit both alike.
Run: python benchmarks/import_time.py
"""

import statistics
import subprocess
import sys
import time

from measure import machine, table

REPEATS = 11
STATEMENTS = {
    "import jax, equinox": "import jax, equinox",
    "import alberta_framework": "import alberta_framework",
}


def seconds(statement: str) -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", statement], check=True)
    return time.perf_counter() - start


def main() -> None:
    nothing = statistics.median(seconds("pass") for _ in range(REPEATS))
    times = {name: [] for name in STATEMENTS}
    for statement in STATEMENTS.values():
        seconds(statement)
    for _ in range(REPEATS):
        for name, statement in STATEMENTS.items():
            times[name].append(seconds(statement) - nothing)
    medians = {name: statistics.median(values) for name, values in times.items()}
    base = medians["import jax, equinox"]
    print(f"import, median of {REPEATS} processes, the interpreter's own start subtracted;")
    print(f"{machine()}\n")
    rows = [(name, f"{s:.3f}", f"{s / base:.2f}") for name, s in medians.items()]
    table(("what", "seconds", "ratio"), rows)


if __name__ == "__main__":
    main()

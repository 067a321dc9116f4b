"""Run all reproductions and write docs/reproductions.md from what they print.

Run: python examples/reproductions/build_page.py
"""

import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent
DOCS = HERE.parents[1] / "docs"
SCRIPTS = (
    "sutton1992.py",
    "mahmood2012.py",
    "kearney2019.py",
    "random_walk.py",
    "mountain_car.py",
    "scale_shift.py",
)
HEAD = """# Reproductions

Published results, run again. This page is written by `nox -s reproduce`, which runs every script
of `examples/reproductions`; no figure on it was typed by hand. Intervals are Student-t intervals of
95% over seeds; "band" is the agreement that was asked for before running.
"""


def main() -> None:
    pictures = DOCS / "images" / "reproductions"
    sections = [HEAD]
    for script in SCRIPTS:
        started = time.perf_counter()
        command = [sys.executable, str(HERE / script), "--pictures", str(pictures)]
        sections.append(
            subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
        )
        print(f"{script}: {time.perf_counter() - started:.0f} s", flush=True)
    (DOCS / "reproductions.md").write_text("\n".join(part.rstrip() + "\n" for part in sections))


if __name__ == "__main__":
    main()
